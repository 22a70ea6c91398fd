"""The words that options know, as the registries have them; to read them loads no NumPy."""

from __future__ import annotations

GROUPS = ("argmax", "confidence", "position")


def formats() -> tuple[str, ...]:
    """Return the names of the formats that are read."""
    from kldiv_cli.sources.formats import FORMATS  # noqa: PLC0415 - few ask

    return tuple(FORMATS.known())


def suffixes() -> tuple[str, ...]:
    """Return the suffix of each format."""
    from kldiv_cli.sources.formats import FORMATS  # noqa: PLC0415 - few ask

    return tuple(row.suffixes[0] for row in FORMATS.known().values())


def measures() -> tuple[str, ...]:
    """Return how all measures are typed."""
    from kldiv_cli.measures import MEASURES  # noqa: PLC0415 - few ask

    return tuple(map(MEASURES.usage, MEASURES.known()))


def texts(result: str, holds: str | None = None) -> tuple[str, ...]:
    """Return the reports of a kind of result that standard output takes."""
    from kldiv_cli.reports import REPORTS  # noqa: PLC0415 - few ask

    rows = ((x, row) for x, row in REPORTS.known().items() if row.printed and getattr(row, result))
    return tuple(name for name, row in rows if holds in (None, row.holds))


def output_suffixes(holds: str) -> tuple[str, ...]:
    """Return the suffixes of files that a comparison is written to."""
    from kldiv_cli.reports import REPORTS  # noqa: PLC0415 - few ask

    rows = (row for row in REPORTS.known().values() if row.comparison and row.holds == holds)
    return tuple(row.suffix for row in rows if row.suffix)


def losses() -> tuple[str, ...]:
    """Return the names of all losses."""
    from kldiv_cli.losses import LOSSES  # noqa: PLC0415 - few ask

    return tuple(LOSSES.known())


def figures() -> tuple[str, ...]:
    """Return the names of the figures of a comparison, those of tokens last."""
    from kldiv_cli.results.figures import AGREEMENT, token_figures  # noqa: PLC0415 - loads NumPy
    from kldiv_cli.results.statistics import STATISTICS  # noqa: PLC0415 - loads NumPy

    return (*STATISTICS, *AGREEMENT, *token_figures())
