"""What each of a file's arrays would be taken for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fnmatch import translate
from glob import has_magic
from math import prod
from typing import NamedTuple

from kldiv_cli.errors import InputError, typed
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.base.contents import Held, Role
from kldiv_cli.sources.base.readable import UnreadableError

_FLOATS = ("float16", "float32", "float64", "bfloat16", "numbers")
_MOST_SERIES = 64
"""So many globs are tried; each is matched with all names."""


class Kind(NamedTuple):
    """The type and the shape of an array, or of the first of several; errors list them."""

    dtype: str
    shape: tuple[int, ...]
    arrays: int = 1

    def __str__(self) -> str:
        return f"{f'{self.arrays} of ' if self.arrays > 1 else ''}{self.dtype} {self.shape}"

    @property
    def are_integers(self) -> bool:
        """Whether the values are integers."""
        return self.dtype.startswith(("int", "uint"))


def held(
    names: Collection[str],
    describe: Callable[[str], Kind],
    option: str,
    taken: Sequence[str] | None,
) -> list[Held]:
    """Return what each array would be taken for.

    Parameters
    ----------
    names : collection of str
        The arrays.
    describe : callable
        Name -> type and shape.
    option : str
        How the user says which array is meant, with NAME for its name.
    taken : sequence of str or None
        The arrays that are taken; None where the user has to say.
    """
    kinds = {name: described(describe, name) for name in names}
    globs = _series(kinds) if taken is None else {}
    rows = {kind.shape for kind in kinds.values() if kind is not None and not kind.are_integers}
    chosen = None if taken is None else frozenset(taken)

    def judged(name: str, kind: Kind) -> tuple[Role, str]:
        why = unread(kind)
        if why is not None:
            return "left out", why
        if chosen is not None and name in chosen:
            return "rows", ""
        if kind.are_integers and (kind.shape in rows or len(kind.shape) == 1):
            return _integers(kind, rows)
        if name in globs:
            glob, count = globs[name]
            return "unclear", f"{option.replace('NAME', typed(glob))} joins {count}"
        return "unclear" if chosen is None else "left out", f"{option} takes it"

    return list(_listed(kinds, judged))


def _integers(kind: Kind, rows: Collection[tuple[int, ...]]) -> tuple[Role, str]:
    if kind.shape in rows:
        return "unclear", "integers beside numbers of that shape, as ids of a top-K list"
    return "left out", "integers along one axis, as labels"


def _listed(
    kinds: Mapping[str, Kind | None], judged: Callable[[str, Kind], tuple[Role, str]]
) -> Iterator[Held]:
    for name, kind in kinds.items():
        if kind is None:
            yield Held(name, "unknown", None, "left out", "cannot be read")
        else:
            role, why = judged(name, kind)
            yield Held(name, kind.dtype, kind.shape, role, why, kind.arrays)


def unread(kind: Kind) -> str | None:
    """Return what an array holds that cannot be rows of numbers; None where it can."""
    if kind.dtype == "bool":
        return "true and false, as a mask"
    if not kind.are_integers and kind.dtype not in _FLOATS:
        return "no numbers that are read"
    if not prod(kind.shape):
        return "empty"
    return None if kind.shape else "a single number"


def tell_unread(kind: Kind, layout: Layout) -> None:
    """Note what a file's only array holds where it has no name and cannot be rows of numbers."""
    why = unread(kind)
    if layout.listing is not None and why is not None:
        alone = Held("", kind.dtype, kind.shape, "left out", why)
        layout.listing.tell([alone], is_open_question=True)


def tell_taken(kind: Kind, layout: Layout) -> None:
    """Note arrays without a name that are taken together."""
    if layout.listing is not None:
        alone = Held("", kind.dtype, kind.shape, "rows", arrays=kind.arrays)
        layout.listing.tell([alone], is_open_question=False)


def series(names: Collection[str], name: str, kinds: Mapping[str, Kind]) -> str | None:
    """Return a glob that matches an array and those that differ from it by numbers alone.

    There is None where these do not agree, as far as their kinds are known, or it matches others.
    """
    glob = re.sub(r"\d+", "*", name)
    alike = [other for other in names if re.sub(r"\d+", "*", other) == glob]
    return glob if _are_one(glob, alike, names, kinds) else None


def _are_one(
    glob: str, alike: Sequence[str], names: Collection[str], kinds: Mapping[str, Kind]
) -> bool:
    if len(alike) < 2 or any(map(has_magic, alike[:1])):
        return False
    agree = {(kinds[x].dtype, kinds[x].shape[1:]) for x in alike if x in kinds}
    fits = re.compile(translate(glob)).match
    return len(agree) == 1 and list(alike) == [other for other in names if fits(other)]


def _series(kinds: Mapping[str, Kind | None]) -> dict[str, tuple[str, int]]:
    """Return for arrays that could be one input the glob that matches them, and their number."""
    families: dict[str, list[str]] = defaultdict(list)
    for name in kinds:
        families[re.sub(r"\d+", "*", name)].append(name)
    known = {name: kind for name, kind in kinds.items() if kind is not None}
    several = [(glob, names) for glob, names in families.items() if len(names) > 1]
    return {
        name: (glob, len(names))
        for glob, names in several[:_MOST_SERIES]
        if _are_one(glob, names, kinds, known)
        for name in names
    }


def described(describe: Callable[[str], Kind], name: str) -> Kind | None:
    """Return type and shape of an array; None where it is damaged."""
    try:
        return describe(name)
    except UnreadableError:
        raise
    except InputError:  # of what is damaged and nobody asked for
        return None
