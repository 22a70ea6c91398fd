"""THE table of options. A row is declared once; command line, Python and checks are made from it.

The rows are the attributes of classes, which other classes join: one for each task, whose instances
are what the task is given, and one for each command, which knows what only the command line knows.
Nothing here imports NumPy or Typer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from kldiv_cli import Registry
from kldiv_cli.tasks.options import rules
from kldiv_cli.tasks.options.meaning import (
    Invalid,
    Kinds,
    Link,
    Sides,
    SidesOfLoss,
    Smooth,
    Truth,
)
from kldiv_cli.tasks.options.part import Chosen, Masks, Partners, SomeClasses
from kldiv_cli.tasks.options.reading import OfEachSide, OfOne, Tables, Text, Threads, Told
from kldiv_cli.tasks.options.result import Limits, Measured, Printed, Warned, Written, printed
from kldiv_cli.tasks.options.row import LOSS, Option, in_order, option

if TYPE_CHECKING:
    from kldiv_cli.losses import LossOption


class Compare(
    Sides, Link, Kinds, Smooth, Invalid, Truth, Masks, Chosen, Partners, SomeClasses, Measured,
    Limits, Tables, OfEachSide, Text, Threads, Told,
):  # fmt: skip
    """What a comparison is given."""

    task = "compare"


class Verify(
    Sides, Link, Invalid, Chosen, Masks, Partners, SomeClasses, Tables, OfEachSide, Text, Threads,
    Told,
):  # fmt: skip
    """What a verification is given."""

    task = "verify"


class Loss(
    SidesOfLoss, Truth, Kinds, Invalid, Chosen, Masks, Partners, SomeClasses, Tables, OfEachSide,
    Text, Threads, Told,
):  # fmt: skip
    """What a loss is given; ``own`` are the loss's own options that are said."""

    task = "loss"
    own: Mapping[str, Any]

    def __init__(self, **given: Any) -> None:
        super().__init__(**{name: value for name, value in given.items() if name in self.table})
        known = rows_of_losses()
        if not given.keys() <= {*self.table, *known} and Registry.look():
            known = rows_of_losses()
        vars(self)["own"] = {
            name: known[name].plain(name, value) if name in known else value
            for name, value in given.items()
            if name not in self.table
        }

    def keywords(self) -> dict[str, Any]:
        """Return those that Python takes, by name, the loss's own among them."""
        return super().keywords() | dict(self.own)


class Inspect(Chosen, Tables, OfOne, Text, Threads, Told):
    """What an inspection is given."""

    task = "inspect"
    alone = True
    file: Any = option(..., rules.FILE, "'a.npy'")


Asked = Compare | Loss | Verify | Inspect
"""What any of the tasks is asked, as far as it is about files."""


class CompareLine(Compare, Printed, Warned):
    """What ``kldiv compare`` is given."""


class VerifyLine(Verify, Warned):
    """What ``kldiv verify`` is given; without files it looks at the rows that are built in."""

    reference: Any = Verify.table["reference"]._replace(default=None)
    candidate: Any = Verify.table["candidate"]._replace(default=None)
    report: str = printed("verification", "For people, or at full precision for programs.")


class LossLine(Loss, Warned):
    """What ``kldiv loss`` is given; without a name it lists the losses."""

    name: Any = Loss.table["name"]._replace(default=None)
    reference: Any = Loss.table["reference"]._replace(default=None)
    candidate: Any = Loss.table["candidate"]._replace(default=None)
    report: str = printed("loss", "table: for people. json: for programs, at full precision.")

    @classmethod
    def line(cls) -> dict[str, Option]:
        """Return the rows of the command line, those of all losses among them."""
        return in_order(super().line() | rows_of_losses())

    @classmethod
    def of_line(cls, typed: Mapping[str, Any], said: Iterable[str] = ()) -> Self:
        """Return what was typed, as Python gives it."""
        found = super().of_line(typed, said)
        vars(found)["own"] = {name: vars(found).pop(name) for name in rows_of_losses()}
        return found


class InspectLine(Inspect, Written, Warned):
    """What ``kldiv inspect`` is given."""

    files: list[str] = option(
        ...,
        rules.NAMES,
        "['a.npy']",
        place="FILE...",
        several=True,
        keyword=False,
        side="one",
        help="Logits, in any format that is read.",
    )
    report: str = printed(
        "inspection", "For people, or at full precision for programs: an array of objects."
    )


def rows_of_losses() -> dict[str, Option]:
    """Return the options of all losses as rows of the table."""
    from kldiv_cli.losses import all_options  # noqa: PLC0415 - other tasks have none

    return {name: _row(row) for name, row in all_options().items()}


def _row(row: LossOption) -> Option:
    flag = f"{row.flag}/--no-{row.flag[2:]}" if row.negated else row.flag
    return Option(
        None,
        rules.OF_TYPE[row.type],
        row.example,
        flags=(flag,),
        metavar=row.metavar,
        typed=row.type,
        words=row.choices,
        panel=LOSS,
        help=row.help,
        shown=False,
    )


LINES = {"compare": CompareLine, "verify": VerifyLine, "loss": LossLine, "inspect": InspectLine}
"""What each command is given."""
