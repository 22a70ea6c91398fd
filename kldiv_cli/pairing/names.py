"""Which names of two lists mean the same: layer_3.npy and layer_3.npz, or fp32-3 and int8-3."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from kldiv_cli.sources.base import Member

Keys = Sequence[Hashable]
_WORDS = re.compile(r"\d+|[^\W\d_]+|[\W_]", re.ASCII)


@dataclass(frozen=True)
class Matched:
    """Which members of two lists have one name.

    Parameters
    ----------
    pairs : tuple of (int, int)
        Their places in both lists, in the order of the first list.
    alike : bool
        Whether whole names are equal, but for suffixes; elsewhere only what differs within a list.
    """

    pairs: tuple[tuple[int, int], ...]
    alike: bool


def match(ours: Sequence[Member], theirs: Sequence[Member]) -> Matched | None:
    """Return which members have one name; None where no two have.

    Names are compared as they stand, without suffixes, and by what differs within each list, as
    numbers and words of any case: ``fp32-00001-of-00002`` is ``int8-1-of-2``. The way that finds
    most pairs is taken, the first of equals.
    """
    most: Matched | None = None
    for left, right, alike in _keys(ours, theirs):
        places = {key: place for place, key in enumerate(right)}
        if len(set(left)) < len(left) or len(places) < len(right):
            continue
        pairs = tuple((i, places[key]) for i, key in enumerate(left) if key in places)
        if len(pairs) > (0 if most is None else len(most.pairs)):
            most = Matched(pairs, alike)
    return most


def _keys(ours: Sequence[Member], theirs: Sequence[Member]) -> Iterator[tuple[Keys, Keys, bool]]:
    yield [x.name for x in ours], [x.name for x in theirs], True
    stems = [x.stem for x in ours], [x.stem for x in theirs]
    yield *stems, True
    if min(map(len, stems)) > 1:
        yield _differing(stems[0]), _differing(stems[1]), False


def _differing(names: Sequence[str]) -> list[tuple[str | int, ...]]:
    """Return the words of each name without those with which all names begin or end."""
    split = [
        tuple(int(word) if word.isdigit() else word for word in _WORDS.findall(name.casefold()))
        for name in names
    ]
    first = _common(split)
    rest = [words[first:] for words in split]
    last = _common([words[::-1] for words in rest])
    return [words[: len(words) - last] for words in rest]


def _common(names: Sequence[tuple[str | int, ...]]) -> int:
    """Return with how many words all names begin."""
    return sum(1 for _ in takewhile(lambda words: len(set(words)) == 1, zip(*names, strict=False)))
