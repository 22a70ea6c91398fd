"""The words that options know, as the registries have them; to read them loads no NumPy."""

from __future__ import annotations

GROUPS = ("argmax", "confidence", "position")


def formats() -> tuple[str, ...]:
    """Return the names of all formats that are read."""
    from kldiv_cli.sources.formats import FORMATS  # noqa: PLC0415 - few ask

    return tuple(FORMATS)


def suffixes() -> tuple[str, ...]:
    """Return the suffix of each format."""
    from kldiv_cli.sources.formats import FORMATS  # noqa: PLC0415 - few ask

    return tuple(FORMATS[name].suffixes[0] for name in FORMATS)


def measures() -> tuple[str, ...]:
    """Return how all measures are typed."""
    from kldiv_cli.measures import MEASURES, usage  # noqa: PLC0415 - few ask

    return tuple(map(usage, MEASURES))


def texts(holds: str | None = None) -> tuple[str, ...]:
    """Return the reports of a comparison that standard output takes, of all or of rows alone."""
    from kldiv_cli.reports import REPORTS  # noqa: PLC0415 - few ask

    rows = REPORTS.items()
    return tuple(name for name, row in rows if row.kind == "text" and holds in (None, row.holds))


def output_suffixes(holds: str) -> tuple[str, ...]:
    """Return the suffixes of files that a comparison is written to."""
    from kldiv_cli.reports import REPORTS  # noqa: PLC0415 - few ask

    return tuple(row.suffix for row in REPORTS.values() if row.suffix and row.holds == holds)


def losses() -> tuple[str, ...]:
    """Return the names of all losses."""
    from kldiv_cli.losses import LOSSES  # noqa: PLC0415 - few ask

    return tuple(LOSSES)


def figures() -> tuple[str, ...]:
    """Return the names of the figures of a comparison, those of tokens last."""
    from kldiv_cli.results.limits import AGREEMENT, token_figures  # noqa: PLC0415 - loads NumPy
    from kldiv_cli.results.statistics import STATISTICS  # noqa: PLC0415 - loads NumPy

    return (*STATISTICS, *AGREEMENT, *token_figures())
