"""A comparison -> the parts of its summary for people, in order."""

from __future__ import annotations

from collections.abc import Iterator

from kldiv_cli.reports.words import facts, groups, statistics
from kldiv_cli.reports.words.parts import Grid, Lines
from kldiv_cli.results.comparison import Comparison


def parts(comparison: Comparison, columns: int | None = None) -> Iterator[Lines | Grid]:
    """Yield what was compared and how, the statistics, and the most divergent rows.

    The figures of language models come first, and the others take less room below them. Names of
    files are folded to a terminal of this many ``columns``.
    """
    yield Lines("", tuple(facts.head(comparison, columns)))
    if comparison.language is None:
        yield from statistics.grids(comparison)
    else:
        from kldiv_cli.reports.words import language  # noqa: PLC0415 - most comparisons have none

        yield from language.parts(comparison, comparison.language)
        yield statistics.beside_tokens(comparison)
    yield from groups.grids(comparison)
    top = statistics.most_divergent(comparison)
    if top is not None:
        yield top
