"""kldiv: the diff of model outputs. Two sets of saved logits in, exact divergences out.

`compare`, `plan` and `loss` are the Python API. A room imports what stands below it, and all may
import `errors` (what goes wrong, in the user's words) and `memory` (what a process may take).

cli
    The command line: one file per command, and the options as Typer takes them.
tasks
    What a caller asks -> a result: the options, the files opened, the one pass over their blocks.
reports
    A result -> table, Markdown, JSON, CSV, Parquet. A registry.
pairing
    Two sources -> aligned pairs of blocks: rows by id or position, classes by name, masks.
losses
    What training frameworks compute from the same pair. A registry.
measures
    A pair of blocks -> one value per row. A registry; ``_native`` has the same kernels in C.
sources
    Files -> blocks of rows, one file per format. A registry.
results
    What a task returns, frozen, and what it is made of: statistics, groups, limits.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from importlib.metadata import EntryPoint

    from kldiv_cli.errors import UsageError
    from kldiv_cli.results.comparison import Comparison
    from kldiv_cli.results.loss import LossResult
    from kldiv_cli.results.plan import Plan
    from kldiv_cli.tasks.compare import compare
    from kldiv_cli.tasks.loss import loss
    from kldiv_cli.tasks.plan import plan

__all__ = ["Comparison", "LossResult", "Plan", "__version__", "compare", "loss", "plan"]
__version__ = "0.1.0"

_HOMES = {
    "compare": "kldiv_cli.tasks.compare:compare",
    "Comparison": "kldiv_cli.results.comparison:Comparison",
    "loss": "kldiv_cli.tasks.loss:loss",
    "LossResult": "kldiv_cli.results.loss:LossResult",
    "plan": "kldiv_cli.tasks.plan:plan",
    "Plan": "kldiv_cli.results.plan:Plan",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = imported(_HOMES[name])
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


def imported(path: str) -> Any:
    """Return the object of an import path, such as ``kldiv_cli.tasks.loss:loss``."""
    from importlib import import_module  # noqa: PLC0415 - `import kldiv_cli` stays free of imports

    module, attribute = path.split(":")
    return getattr(import_module(module), attribute)


class Row(Protocol):
    """What the rows of all registries have: one line, for listings."""

    @property
    def description(self) -> str: ...


T = TypeVar("T")
RowT = TypeVar("RowT", bound=Row)


class Registry(Generic[RowT]):
    """Names -> rows. A row says where its object is defined; to read a row imports nothing.

    A name is looked up among the rows given here and those of `register` first. For a name that is
    not there, and for a list of all rows, the entry points of other distributions are read, once in
    a process. Such an entry point is called like its row, and its object is the row.

    Parameters
    ----------
    what : str
        What a row describes, in errors: "measure".
    kind : type
        The class of the rows.
    rows : mapping of str to row
        kldiv's own, in the order in which they are listed.
    group : str, optional
        The group of the entry points: "kldiv_cli.measures". Without one there are none.
    fits : callable
        Tells of a row and an object whether the object may be what the row names; for the objects
        of other distributions.
    """

    every: ClassVar[list[Registry[Any]]] = []
    _points: ClassVar[list[EntryPoint] | None] = None
    """All entry points, of all registries; None until they are asked for."""

    def __init__(
        self,
        what: str,
        kind: type[RowT],
        rows: Mapping[str, RowT],
        group: str | None = None,
        fits: Callable[[RowT, object], bool] = lambda _, found: callable(found),
    ) -> None:
        self._what = what
        self._kind = kind
        self._rows = dict(rows)
        self._group = group
        self._fits = fits
        Registry.every.append(self)

    def __contains__(self, name: object) -> bool:
        return name in self._rows or name in self._others()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def get(self, name: str) -> RowT:
        """Return the row of a name.

        Raises
        ------
        UsageError
            There is no such row, or another distribution's cannot be loaded.
        """
        if name in self._rows:
            return self._rows[name]
        if name in self._others():
            return self._load_other(name, lambda point: self._checked(point.load()))
        raise self._unknown(name, self.names())

    __getitem__ = get

    def load(self, name: str, offer: str = "home") -> Any:
        """Return the object whose import path is in a field of a row.

        Raises
        ------
        UsageError
            There is no such row, it does not offer that, or another distribution's cannot be
            loaded.
        """
        row = self.get(name)
        path = getattr(row, offer)
        if path is None:
            raise self._unknown(name, self.names(offer))
        if name in self._rows:
            return imported(path)
        return self._load_other(name, lambda _: self._fitting(row, imported(path)))

    def register(self, name: str, row: RowT) -> None:
        """Add a row, or put it in the place of the one that has its name."""
        self._rows[name] = self._checked(row)

    @staticmethod
    def look() -> bool:
        """Read the entry points of other distributions; False where that was done before."""
        if Registry._points is not None:
            return False
        Registry._points = list(_entry_points())
        return True

    def known(self) -> dict[str, RowT]:
        """Return the rows by their names; other distributions' only if these were looked for."""
        return dict(self._rows) if Registry._points is None else self.rows()

    def rows(self) -> dict[str, RowT]:
        """Return all rows by their names: other distributions' last, without those that break."""
        return self._all()[0]

    def broken(self) -> list[UsageError]:
        """Return why rows of other distributions are not among `rows`."""
        return self._all()[1]

    def names(self, offer: str = "description") -> tuple[str, ...]:
        """Return the names of all rows in which a field is neither None nor empty nor False."""
        return tuple(name for name, row in self.rows().items() if getattr(row, offer))

    def first(self, fits: Callable[[RowT], object], *, others: bool = True) -> str | None:
        """Return the name of the first row that fits; other distributions are asked last, if so."""
        own = next((name for name, row in self._rows.items() if fits(row)), None)
        if own is not None or not others:
            return own
        return next((name for name, row in self.rows().items() if fits(row)), None)

    def usage(self, name: str) -> str:
        """Return how a name is typed."""
        return name

    def _others(self) -> Mapping[str, EntryPoint]:
        """Return the entry points of other distributions by the names that they add."""
        if self._group is None:
            return {}
        Registry.look()
        found: dict[str, EntryPoint] = {}
        for point in Registry._points or ():
            if point.group == self._group and point.name not in self._rows:
                found.setdefault(point.name, point)
        return found

    def _load_other(self, name: str, load: Callable[[EntryPoint], T]) -> T:
        """Load what belongs to another distribution, which is named where that fails."""
        from kldiv_cli.errors import UsageError  # noqa: PLC0415 - as above

        point = self._others()[name]
        whose = "another distribution" if point.dist is None else point.dist.name
        try:
            return load(point)
        except (Exception, SystemExit) as error:
            raise UsageError(
                f"{self._what} {name!r}: expected {whose} to define it, found "
                f"{type(error).__name__}: {error}",
                f"Mend, update or uninstall {whose}.",
            ) from error

    def _checked(self, row: object) -> RowT:
        if not isinstance(row, self._kind):
            raise TypeError(f"{self._what}: expected a row of {self._kind.__name__}, found {row!r}")
        return row

    def _fitting(self, row: RowT, found: object) -> object:
        if not self._fits(row, found):
            raise TypeError(f"what the row names is {found!r}")
        return found

    def _all(self) -> tuple[dict[str, RowT], list[UsageError]]:
        from kldiv_cli.errors import UsageError  # noqa: PLC0415 - as above

        rows, broken = dict(self._rows), []
        for name in self._others():
            try:
                rows[name] = self.get(name)
            except UsageError as error:
                broken.append(error)
        return rows, broken

    def _unknown(self, name: str, known: tuple[str, ...]) -> UsageError:
        from kldiv_cli.errors import UsageError  # noqa: PLC0415 - as above

        advice = f"Known: {', '.join(map(self.usage, known))}."
        for error in self.broken():
            advice += f" Not known: {error.what}."
        return UsageError(f"no {self._what} is called {name!r}", advice)


def _entry_points() -> Iterator[EntryPoint]:
    """Yield the entry points of all distributions, in the order of sys.path, if some are ours."""
    if not _may_be_extended():
        return
    from importlib.metadata import distributions  # noqa: PLC0415 - it takes 15 ms

    for distribution in distributions():
        try:
            yield from distribution.entry_points
        except (TypeError, ValueError):
            continue  # a list of entry points without "=" or of other bytes than UTF-8


def _may_be_extended() -> bool:
    """Tell whether a distribution may have entry points of ours; where it is no folder, it may."""
    import os  # noqa: PLC0415 - it is loaded before anything of ours

    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_distributions")]
    if any(getattr(finder, "__module__", "") != "_frozen_importlib_external" for finder in finders):
        return True
    for folder in dict.fromkeys(sys.path):
        try:
            with os.scandir(folder or ".") as entries:
                found = [x.path for x in entries if x.name.endswith((".dist-info", ".egg-info"))]
        except NotADirectoryError:
            return True
        except OSError:
            continue
        if any(b"[kldiv_cli." in _content(f"{path}/entry_points.txt") for path in found):
            return True
    return False


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib takes 5 ms
            return file.read()
    except OSError:
        return b""
