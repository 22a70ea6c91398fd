"""What the result says of rows and classes that were left out because the user said so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Selection:
    """Which rows of the files were compared, where only some were asked for.

    Attributes
    ----------
    first, last : int
        The rows that were taken, or that the sample was drawn from: places in the reference,
        counted from 0 along all axes of rows.
    of, of_candidate : int or None
        How many rows the reference has, and the candidate; None where the file was not read to its
        end and does not say.
    rows : str or None
        The slice that was asked for: "100:200".
    limit, sample, seed : int or None
        How many rows at most, how many of them drawn, and the seed of the draw.
    """

    first: int
    last: int
    of: int | None
    of_candidate: int | None
    rows: str | None = None
    limit: int | None = None
    sample: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Missing:
    """How many rows were left out because their ids are on one side only.

    Of rows that were selected; ``only_candidate`` is 0 then, as nobody asked for other rows.
    """

    only_reference: int
    only_candidate: int


@dataclass(frozen=True)
class Discarded:
    """The classes of one side that were left out.

    ``of`` is how many classes the side has. ``mean`` and ``max``, over the rows that count, are of
    the probability that those left out hold, of the whole row's; None under sigmoid.
    """

    of: int
    mean: float | None
    max: float | None


@dataclass(frozen=True)
class ClassSelection:
    """Which classes were compared, where some were to be left out.

    ``classes`` says which, for people: "0..999", or how many; ``options`` the options that said so.
    """

    classes: str
    options: tuple[str, ...]
    reference: Discarded
    candidate: Discarded
