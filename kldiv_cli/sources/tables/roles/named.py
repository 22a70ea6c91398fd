"""What options say of columns: exact names first, then globs and inclusive ranges."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import translate
from glob import has_magic
from typing import NamedTuple

_MOST_PARTS = 8
"""The most commas that are looked for in the name of a column."""


class Named(NamedTuple):
    """The columns that words name.

    Parameters
    ----------
    columns : tuple of str
        All of them, in the order of the words.
    exact : frozenset of str
        Those that are named by their names, or as the ends of a range.
    unmatched : tuple of str
        The words that name nothing.
    """

    columns: tuple[str, ...]
    exact: frozenset[str]
    unmatched: tuple[str, ...]


def columns_named(
    texts: Iterable[str], names: Sequence[str], matched: Collection[str] | None = None
) -> Named:
    """Return which columns of a table are named.

    Parameters
    ----------
    texts : iterable of str
        Words with commas between them, each a name, a glob or a range ``A..B`` that includes both
        ends.
    names : sequence of str
        The table's columns.
    matched : collection of str, optional
        The columns that globs and ranges take; all by default.
    """
    places = {name: i for i, name in enumerate(names)}
    among = places if matched is None else frozenset(matched)
    found: list[str] = []
    exact: set[str] = set()
    unmatched: list[str] = []
    for word in words_in(texts, places):
        if word in places:
            exact.add(word)
            found.append(word)
            continue
        ends = _range(word, places)
        if ends is not None:
            exact |= {names[end] for end in ends}
            between = names[ends[0] : ends[1] + 1]
        elif has_magic(word):
            fits = re.compile(translate(word)).match
            between = [name for name in names if name in among and fits(name)]
        else:
            between = []
        new = [name for name in between if name in among or name in exact]
        if not new:
            unmatched.append(word)
        found += new
    return Named(tuple(dict.fromkeys(found)), frozenset(exact), tuple(unmatched))


def words_in(texts: Iterable[str], names: Collection[str]) -> Iterator[str]:
    """Yield the words of texts that commas separate, except in the names of columns."""
    for text in texts:
        parts = [text] if text in names else text.split(",")
        while parts:
            joined = (
                (end, ",".join(parts[:end])) for end in range(1, len(parts) + 1)[:_MOST_PARTS]
            )
            end, word = next((x for x in joined if x[1] in names), (1, parts[0]))
            yield word
            del parts[:end]


def _range(word: str, places: dict[str, int]) -> tuple[int, int] | None:
    """Return the places of the ends of ``A..B``; None for anything else."""
    at = word.find("..")
    while at >= 0:
        first, last = places.get(word[:at]), places.get(word[at + 2 :])
        if first is not None and last is not None and first <= last:
            return first, last
        at = word.find("..", at + 1)
    return None
