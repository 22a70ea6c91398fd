"""Names of figures -> their values in a comparison, and what is not known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kldiv_cli.errors import UsageError
from kldiv_cli.results.statistics import STATISTICS

if TYPE_CHECKING:
    from kldiv_cli.results.comparison import Agreement, Comparison
    from kldiv_cli.results.doubt import Doubt
    from kldiv_cli.results.language import LanguageResult

AGREEMENT = {"same-argmax": "softmax", "same-sign": "sigmoid"}
"""The share of decisions that agree, and the mode that makes such decisions."""
_PPL = ("candidate", "reference", "ratio", "ln-ratio", "difference", "correlation")
_OF_TOKENS = ("ppl", "ppl-known", "kld", "delta-p", "same-top")


@dataclass(frozen=True)
class Figure:
    """A figure and its unit. ``doubt`` is what is not known of it; None where it is exact."""

    value: float
    unit: str | None = None
    doubt: Doubt | None = None


def check(stat: str, measures: Sequence[str], mode: str) -> None:
    """Raise where a comparison by these measures has no figure of that name.

    Raises
    ------
    UsageError
        There is no such figure, its measure was not asked for, or the mode has none.
    """
    if stat in AGREEMENT:
        if AGREEMENT[stat] != mode:
            raise UsageError(
                f"{stat}: expected --mode {AGREEMENT[stat]}, found {mode}",
                f"Say {next(name for name in AGREEMENT if name != stat)}.",
            )
    elif _of_tokens(stat):
        if stat not in token_figures():
            first = stat.partition(":")[0]
            known = (name for name in token_figures() if name.partition(":")[0] == first)
            raise UsageError(f"no statistic is called {stat!r}", f"Known: {', '.join(known)}.")
    else:
        split_statistic(stat, measures)


def check_tokens(stats: Sequence[str], *, scored: bool) -> None:
    """Raise a `UsageError` for the figure of tokens where none are scored."""
    for stat in stats:
        if _of_tokens(stat) and not scored:
            raise _unscored(stat)


def figure(stat: str, comparison: Comparison) -> Figure:
    """Return a figure by its name.

    Raises
    ------
    UsageError
        It is of tokens, and none are scored.
    """
    if stat in AGREEMENT:
        return _share(comparison.agreement)
    if _of_tokens(stat):
        if comparison.language is None:
            raise _unscored(stat)
        return figure_of_tokens(stat, comparison.language)
    measure, name = split_statistic(stat, list(comparison.measures))
    found = comparison.measures[measure]
    doubt = None
    if name in found.ranges:
        from kldiv_cli.results.doubt import doubt_of_measure  # noqa: PLC0415 - few files hide anything

        doubt = doubt_of_measure(measure, name, comparison)
    return Figure(found[name], comparison.units[measure], doubt)


def _share(agreement: Agreement) -> Figure:
    doubt = None
    if agreement.undecided:
        from kldiv_cli.results.doubt import INVALID, Doubt  # noqa: PLC0415 - rows are seldom invalid

        doubt = Doubt(*agreement.range, INVALID, INVALID)
    return Figure(agreement.share, doubt=doubt)


def split_statistic(stat: str, measures: Sequence[str]) -> tuple[str, str]:
    """Return measure and statistic of ``kl:p99``, or of ``p99`` for the first measure.

    Raises
    ------
    UsageError
        There is no such statistic, or the measure was not asked for.
    """
    measure, colon, name = stat.rpartition(":")
    if name not in STATISTICS:
        raise UsageError(
            f"no statistic is called {name!r}",
            f"Known: {', '.join((*STATISTICS, *AGREEMENT))}; of tokens same-top, ppl:ratio, "
            "kld:mean, delta-p:rms and others.",
        )
    if not colon:
        return measures[0], name
    if measure not in measures:
        raise UsageError(
            f"{stat}: expected a measure that is computed ({', '.join(measures)}), found "
            f"{measure!r}",
            f"Ask for it with --measure {measure}.",
        )
    return measure, name


def token_figures() -> tuple[str, ...]:
    """Return the names of the figures of scored tokens."""
    from kldiv_cli.results.language import PERCENTILES  # noqa: PLC0415 - most have no tokens

    spread = ("mean", "sem", *PERCENTILES)
    return (
        *(f"ppl:{name}" for name in _PPL),
        *(f"ppl-known:{name}" for name in _PPL),
        *(f"kld:{name}" for name in spread),
        *(f"delta-p:{name}" for name in (*spread, "rms")),
        "same-top",
    )


def _of_tokens(stat: str) -> bool:
    return stat.partition(":")[0] in _OF_TOKENS


def _unscored(stat: str) -> UsageError:
    return UsageError(
        f"{stat}: expected tokens that are scored, found none",
        "Compare llama.cpp files or say --labels; all classes must enter, under softmax.",
    )


def figure_of_tokens(stat: str, result: LanguageResult) -> Figure:
    """Return a figure of scored tokens by its name."""
    from kldiv_cli.results.doubt import doubt_of_tokens  # noqa: PLC0415 - most have no tokens
    from kldiv_cli.results.ranges import distribution_figures, figures_of  # noqa: PLC0415 - most have no tokens

    kind, _, name = stat.partition(":")
    values = {
        "ppl": lambda: figures_of(result),
        "ppl-known": lambda: figures_of(result.known),
        "kld": lambda: distribution_figures(result.kld),
        "delta-p": lambda: distribution_figures(result.delta_p) | {"rms": result.rms_delta_p.value},
        "same-top": lambda: {"": result.same_top.value},
    }[kind]()
    return Figure(values[name], "nats" if kind == "kld" else None, doubt_of_tokens(stat, result))
