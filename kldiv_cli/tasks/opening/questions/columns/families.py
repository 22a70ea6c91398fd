"""Families of columns: names with one stem and different numbers, or different endings."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

_LEAST = 2
"""The members of a family at least."""
_COVERED = 2 / 3
"""The share of the columns that families cover at least."""

Cut = Callable[[str], tuple[str, str] | None]
"""A name -> its stem and what is left of it; None where it has no stem."""


class Family(NamedTuple):
    """Columns whose names have one stem.

    Parameters
    ----------
    stem : str
        What they have in common.
    members : dict
        What is left of a name -> the name.
    """

    stem: str
    members: dict[str, str]

    @property
    def names(self) -> list[str]:
        """The columns."""
        return list(self.members.values())


@lru_cache(maxsize=2)
def numbered(names: tuple[str, ...]) -> Family | None:
    """Return the family of numbered names that most columns belong to; None without one."""
    families = _families(names, _before_number)
    largest = max(families, key=lambda family: len(family.members), default=None)
    if largest is None or len(largest.members) < max(_LEAST + 1, _COVERED * len(names)):
        return None
    return largest


@lru_cache(maxsize=2)
def alike(names: tuple[str, ...]) -> list[list[Family]]:
    """Return families with the same members that cover the columns, by each way to cut names.

    There are none where one family covers them.
    """
    if numbered(names) is not None:
        return []
    every: list[list[Family]] = []
    for cut in (_before_number, _before_first, _behind_last):
        families: dict[frozenset[str], list[Family]] = defaultdict(list)
        for family in _families(names, cut):
            families[frozenset(family.members)].append(family)
        for members, found in families.items():
            if len(found) > 1 and len(members) * len(found) >= _COVERED * len(names):
                every.append(found)
    return every


def _families(names: Sequence[str], cut: Cut) -> list[Family]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        parts = cut(name)
        if parts is not None:
            found[parts[0]][parts[1]] = name
    return [Family(stem, members) for stem, members in found.items() if len(members) >= _LEAST]


_NUMBER = re.compile(r"(.*\D|)(\d{1,18})(\D*)", re.ASCII | re.DOTALL)


def _before_number(name: str) -> tuple[str, str] | None:
    """Cut at the last number; ``0``, ``1``, ... have an empty stem."""
    found = _NUMBER.fullmatch(name)
    return None if found is None else (found[1] + found[3], str(int(found[2])))


_FIRST = re.compile(r"([^_.:/ -]+)[_.:/ -]+(.+)", re.DOTALL)
_LAST = re.compile(r"(.+?)[_.:/ -]+([^_.:/ -]+)", re.DOTALL)


def _before_first(name: str) -> tuple[str, str]:
    """Cut behind the first word; a name of one word has an empty stem."""
    found = _FIRST.fullmatch(name)
    return ("", name) if found is None else (found[1], found[2])


def _behind_last(name: str) -> tuple[str, str]:
    found = _LAST.fullmatch(name)
    return ("", name) if found is None else (found[2], found[1])
