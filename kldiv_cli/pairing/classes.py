"""What ``--classes`` and ``--truncate-classes`` say -> the classes that enter."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, UsageError, a_few
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.views.choice import shown

Wanted = str | os.PathLike[str] | slice | Sequence[str] | Sequence[int] | NDArray[np.integer]
ADVICE = (
    "Give a slice such as :1000, or a file with a class name or index per line, or an .npy file of "
    "indices."
)


@dataclass(frozen=True)
class Some:
    """The classes that the user asks for.

    Attributes
    ----------
    where : str
        The option or file that names them, for messages.
    rows : slice or None
        A slice of places.
    words : tuple of str
        Names or places, where there is no slice.
    """

    where: str
    rows: slice | None = None
    words: tuple[str, ...] = ()

    def ends(self) -> bool:
        """Whether the classes stay the same when there are more classes behind them."""
        if self.rows is None:
            return True
        start, stop = self.rows.start or 0, self.rows.stop
        return bool(stop is not None and stop >= 0 and start >= 0)


def keep(left: Source, right: Source, some: Some | None, *, truncate: bool) -> Kept | None:
    """Return which classes of two sides enter; None for all of both.

    Raises
    ------
    InputError
        A class is on one side only and may not be left out; a class is on neither side; or no
        class is left.
    UsageError
        Rows have several axes of classes.
    """
    if some is None and not truncate:
        return None
    options = (("--classes",) if some else ()) + (("--truncate-classes",) if truncate else ())
    if len(left.class_shape) != 1 or len(right.class_shape) != 1:
        raise UsageError(
            "--classes and --truncate-classes are for rows with one axis of classes, found "
            f"{left.class_shape} and {right.class_shape}",
            f"Leave {' and '.join(options)} out; --mask FILE chooses cells of several axes.",
        )
    if left.class_names is not None and right.class_names is not None:
        return _by_name(left, right, some, options)
    return _by_place(left, right, some, options)


def _by_place(left: Source, right: Source, some: Some | None, options: tuple[str, ...]) -> Kept:
    (ours,), (theirs,) = left.class_shape, right.class_shape
    both = min(ours, theirs)
    names = left.class_names or right.class_names
    if ours != theirs and "--truncate-classes" not in options and some and not some.ends():
        raise InputError(
            f"{right.path}: expected as many classes as {left.path}, found {ours} there and "
            f"{theirs} here",
            f"Say where --classes ends, or --truncate-classes to keep the first {both} of both.",
        )
    places = np.arange(both) if some is None else _places(some, left, names, both)
    if names is not None:
        names = tuple(names[i] for i in places)
    elif places[-1] != len(places) - 1:
        names = tuple(map(str, places))
    columns = columns_of(places)
    return Kept(
        columns=(columns, columns),
        count=len(places),
        of=(ours, theirs),
        names=names,
        order=None,
        words=_words(columns),
        options=options,
    )


def _by_name(left: Source, right: Source, some: Some | None, options: tuple[str, ...]) -> Kept:
    """Keep classes by name in the reference's order; truncation drops those on one side only."""
    ours, theirs = left.class_names or (), right.class_names or ()
    here = set(theirs)
    places = np.arange(len(ours)) if some is None else _places(some, left, ours, len(ours))
    missing = [ours[i] for i in places if ours[i] not in here]
    if missing and "--truncate-classes" not in options:
        raise InputError(
            f"{right.path}: expected the classes that --classes names, found {a_few(missing)} only "
            f"in {left.path}",
            "Leave them out of --classes, or say --truncate-classes to keep those in common.",
        )
    places = np.array([i for i in places if ours[i] in here], dtype=np.intp)
    if not len(places):
        raise InputError(
            f"{right.path}: expected class names of {left.path}, found none in common",
            "Compare outputs of the same model, or name the class columns with --columns.",
        )
    names = tuple(ours[i] for i in places)
    wanted = set(names)
    order = (*names, *(name for name in theirs if name not in wanted))
    columns = columns_of(places)
    return Kept(
        columns=(columns, slice(0, len(names))),
        count=len(names),
        of=(len(ours), len(theirs)),
        names=names,
        order=order,
        words=_words(columns),
        options=options,
    )


def _places(some: Some, left: Source, names: Sequence[str] | None, count: int) -> NDArray[np.intp]:
    """Return the places of the classes, ascending."""
    if some.rows is not None:
        start, stop, _ = some.rows.indices(count)
        ends = [abs(end) for end in (some.rows.start, some.rows.stop) if end is not None]
        if start >= stop or any(end > count for end in ends):
            raise InputError(
                f"{left.path}: expected classes {shown(some.rows)} (--classes), found {count} to "
                "choose from",
                "Classes are counted from 0, and the last number is not included.",
            )
        return np.arange(start, stop)
    known = {name: i for i, name in enumerate(names or ())}
    if all(word in known for word in some.words):
        return np.sort(np.array([known[word] for word in some.words], dtype=np.intp))
    strange = [word for word in some.words if not _is_place(word, count)]
    if strange:
        what = f"names of classes or indices below {count}" if known else f"indices below {count}"
        raise InputError(
            f"{some.where}: expected {what}, as {left.path} has, found {a_few(strange)}", ADVICE
        )
    if any(word in known for word in some.words):
        odd = [word for word in some.words if word not in known]
        raise InputError(
            f"{some.where}: expected names of classes, as {left.path} has, found {a_few(odd)}",
            "Give only names, or only indices none of which is a name too.",
        )
    places = np.unique(np.array([int(word) for word in some.words], dtype=np.intp))
    if len(places) < len(some.words):
        raise InputError(
            f"{some.where}: expected every class once, found {len(some.words) - len(places)} again "
            "in another spelling",
            "Write indices without leading zeros.",
        )
    return places


def _is_place(word: str, count: int) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 18 and int(word) < count


def _words(columns: Columns) -> str:
    if isinstance(columns, slice):
        return f"{columns.start}..{columns.stop - 1}"
    return str(len(columns))


Columns = slice | NDArray[np.intp]


@dataclass(frozen=True)
class Kept:
    """The classes that enter on both sides; the others are left out.

    Parameters
    ----------
    columns : pair of slice or integer array
        Their places in the rows of each side. The candidate's rows are read in ``order``.
    count : int
        Their number.
    of : pair of int
        How many classes each side has.
    names : tuple of str or None
        Their names. Classes without names are called by their indices, unless the first ones enter.
    order : tuple of str or None
        The order of the candidate's class columns when they are read; None for the file's.
    words : str
        The classes for people: "0..999", or their number.
    options : tuple of str
        The options that ask for them.
    """

    columns: tuple[Columns, Columns]
    count: int
    of: tuple[int, int]
    names: tuple[str, ...] | None
    order: tuple[str, ...] | None
    words: str
    options: tuple[str, ...]

    def cut(
        self, reference: NDArray[Any], candidate: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the rows of both sides without the classes that are left out."""
        return reference[:, self.columns[0]], candidate[:, self.columns[1]]

    def left_out(self, side: int) -> NDArray[np.bool_]:
        """Return which classes of a side are left out, in the order in which they are read."""
        found = np.ones(self.of[side], dtype=bool)
        found[self.columns[side]] = False
        return found


def columns_of(places: NDArray[np.intp]) -> Columns:
    """Return consecutive places as a slice, which makes a view; other places as they are."""
    if len(places) and (np.diff(places) == 1).all():
        return slice(int(places[0]), int(places[-1]) + 1)
    return places
