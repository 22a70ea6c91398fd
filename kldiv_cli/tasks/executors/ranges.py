"""A task as its paths and options alone: any process can walk over a range of its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from kldiv_cli.losses.priors import ClassPriors
from kldiv_cli.tasks import compare, inspect, loss, options, verify
from kldiv_cli.tasks.kept.part import Part

Name = Literal["compare", "loss", "verify", "inspect"]
_OPENED: Mapping[Name, Callable[..., Any]] = {
    "compare": lambda **given: compare.opened(options.Compare(**given)),
    "loss": lambda **given: loss.opened(options.Loss(**given)),
    "verify": lambda **given: verify.opened(options.Verify(**given)),
    "inspect": lambda **given: inspect.opened(options.Inspect(**given)),
}


@dataclass(frozen=True)
class Asked:
    """What a task is given: it pickles.

    Parameters
    ----------
    task : {"compare", "loss", "verify", "inspect"}
        Which task.
    options : mapping of str to object
        Its inputs, as paths, and its options, by the names that they have in Python.
    """

    task: Name
    options: Mapping[str, Any] = field(default_factory=dict)

    def opened(self) -> Any:
        """Open everything that the task reads: a job with ``part`` and ``finish``.

        Raises
        ------
        UsageError
            An option has no such value.
        InputError
            A file cannot be read.
        """
        return _OPENED[self.task](**self.options)


def part_of(asked: Asked, rows: range, averages: Part[ClassPriors] | None = None) -> Part[Any]:
    """Walk over the rows whose places in the reference lie in a range.

    ``averages`` are those of all rows, which a loss with class priors needs.

    Raises
    ------
    InputError
        A file cannot be read, or does not say how many rows it has.
    """
    job = asked.opened()
    if averages is not None:
        job = job.after(averages)
    found: Part[Any] = job.part(rows)
    return found


def averages_of(asked: Asked, rows: range) -> Part[ClassPriors]:
    """Do the same for the averages that a loss with class priors needs first."""
    found: Part[ClassPriors] = asked.opened().averages(rows)
    return found
