"""What ``--classes`` and ``--truncate-classes`` say -> the classes that enter."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, UsageError, a_few
from kldiv_cli.pairing.kept import Columns, Kept, columns_of
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.labels import read_labels
from kldiv_cli.sources.piped import STDIN, no_side
from kldiv_cli.sources.rows import check_slice, is_slice, parse_slice, shown

Wanted = str | os.PathLike[str] | slice | Sequence[str] | Sequence[int] | NDArray[np.integer]
_MOST = 1 << 26
_ADVICE = (
    "Give a slice such as :1000, or a file with a class name or index per line, or an .npy file of "
    "indices."
)


@dataclass(frozen=True)
class Some:
    """Classes that the user names: a slice of places, places, or names; and what to call them."""

    where: str
    rows: slice | None = None
    words: tuple[str, ...] = ()

    def ends(self) -> bool:
        """Whether a slice says where it ends, so that it is the same of more classes."""
        if self.rows is None:
            return True
        start, stop = self.rows.start or 0, self.rows.stop
        return bool(stop is not None and stop >= 0 and start >= 0)


def read_classes(wanted: Wanted) -> Some:
    """Read which classes are wanted.

    Raises
    ------
    InputError
        The file cannot be read, or names no class, or one twice.
    UsageError
        It is no slice and no file.
    """
    if isinstance(wanted, slice):
        check_slice(wanted, "--classes")
        return Some("--classes", wanted)
    if isinstance(wanted, str) and is_slice(wanted):
        return read_classes(parse_slice(wanted, "--classes"))
    if isinstance(wanted, (str, os.PathLike)):
        where = os.fspath(wanted)
        if where == STDIN:
            raise no_side("--classes")
        if not Path(where).is_file():
            no_file = "is no file" if Path(where).exists() else "is neither: there is no such file"
            raise UsageError(
                f"--classes: expected A:B or a file, found {where!r}, which {no_file}", _ADVICE
            )
        words = _indices(where) if where.lower().endswith(".npy") else _lines(where)
    else:
        where, words = "classes", tuple(str(name) for name in wanted)
    twice = [name for name, count in Counter(words).items() if count > 1]
    if not words or twice:
        found = f"{a_few(twice)} more than once" if twice else "none"
        raise InputError(f"{where}: expected every class once, found {found}", _ADVICE)
    return Some(where, words=words)


def keep(left: Source, right: Source, some: Some | None, *, truncate: bool) -> Kept | None:
    """Return which classes of two sides enter; None for all of both.

    Raises
    ------
    InputError
        A class is on one side only and is not to be left out, or on none; or none is left.
    UsageError
        Rows have several axes of classes.
    """
    if some is None and not truncate:
        return None
    if len(left.class_shape) != 1 or len(right.class_shape) != 1:
        raise UsageError(
            "--classes and --truncate-classes are for rows with one axis of classes, found "
            f"{left.class_shape} and {right.class_shape}",
            "--mask chooses cells of several axes.",
        )
    options = (("--classes",) if some else ()) + (("--truncate-classes",) if truncate else ())
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
        (columns, columns), len(places), (ours, theirs), names, None, _words(columns), options
    )


def _by_name(left: Source, right: Source, some: Some | None, options: tuple[str, ...]) -> Kept:
    """Keep names in the reference's order; those on one side only only where that is asked for."""
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
        (columns, slice(0, len(names))),
        len(names),
        (len(ours), len(theirs)),
        names,
        order,
        _words(columns),
        options,
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
            f"{some.where}: expected {what}, as {left.path} has, found {a_few(strange)}", _ADVICE
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


def _indices(path: str) -> tuple[str, ...]:
    try:
        return tuple(map(str, read_labels(Path(path), None, Layout()).values))
    except InputError as error:
        raise InputError(error.what, _ADVICE) from error


def _lines(path: str) -> tuple[str, ...]:
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            text = file.read(_MOST)
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "what is no UTF-8 text"
        raise InputError(f"{path}: expected a class per line, found: {said}", _ADVICE) from error
    if len(text) == _MOST:
        raise InputError(f"{path}: expected a class per line, found more than 64 MB", _ADVICE)
    return tuple(line for line in text.split("\n") if line)
