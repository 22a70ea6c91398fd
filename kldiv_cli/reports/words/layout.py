"""A comparison -> the parts of its summary for people, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Iterator

from kldiv_cli.reports.words import facts, groups, language, statistics
from kldiv_cli.reports.words.parts import Grid, Lines
from kldiv_cli.results.comparison import Comparison


def parts(comparison: Comparison, columns: int | None = None) -> Iterator[Lines | Grid]:
    """Yield what was compared and how, the statistics, and the most divergent rows.

    Language models have figures of their own, which come first; the others then take less room.
    ``columns`` is the width of a terminal, to which the names of files are folded.
    """
    yield Lines("", tuple(facts.head(comparison, columns)))
    if comparison.language is None:
        yield from statistics.grids(comparison)
    else:
        yield from language.parts(comparison, comparison.language)
        yield statistics.beside_tokens(comparison)
    yield from groups.grids(comparison)
    top = statistics.most_divergent(comparison)
    if top is not None:
        yield top
