"""The rows that were selected, those that are missing, and the classes that were kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Selection:
    """Which rows of the files were compared, where only some were asked for.

    Attributes
    ----------
    first, last : int
        The first and the last row that was taken; for a sample, those of the rows that it was drawn
        from. Rows are counted from 0 along all axes of rows of the reference. The last one is None
        before a file was read to its end, where only that tells.
    of, of_candidate : int or None
        How many rows the reference and the candidate have; None where the file was not read to
        its end and does not say it.
    rows : str or None
        The slice that was asked for: "100:200".
    limit, sample, seed : int or None
        How many rows at most, how many of them drawn, and the seed of the draw.
    """

    first: int
    last: int | None
    of: int | None
    of_candidate: int | None
    rows: str | None = None
    limit: int | None = None
    sample: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Missing:
    """How many rows were not compared because their ids are on one side only.

    Attributes
    ----------
    only_reference, only_candidate : int
        The number of such rows of each side. Where rows were selected, only these are looked for,
        and ``only_candidate`` is 0.
    """

    only_reference: int
    only_candidate: int


@dataclass(frozen=True)
class Discarded:
    """What one side loses with the classes that are left out.

    Attributes
    ----------
    of : int
        How many classes the side has.
    mean, max : float or None
        The probability of the classes that are left out, on average and at most over the rows that
        count. A row's probability is 1 with all classes. None under sigmoid.
    """

    of: int
    mean: float | None
    max: float | None


@dataclass(frozen=True)
class ClassSelection:
    """Which classes were compared, where some were left out.

    Attributes
    ----------
    classes : str
        The classes for people: "0..999", or their number.
    options : tuple of str
        The options that asked for them.
    reference, candidate : Discarded
        What each side loses.
    """

    classes: str
    options: tuple[str, ...]
    reference: Discarded
    candidate: Discarded
