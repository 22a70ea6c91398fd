"""Names of figures -> their values in a comparison, and whether limits on them hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kldiv_cli.errors import UsageError
from kldiv_cli.results.comparison import Comparison, Limit
from kldiv_cli.results.statistics import STATISTICS

if TYPE_CHECKING:
    from kldiv_cli.results.language import LanguageResult

Bounds = tuple[tuple[str, float], ...]

AGREEMENT = {"same-argmax": "softmax", "same-sign": "sigmoid"}
"""The share of decisions that agree, and the mode that makes such decisions."""
_PPL = ("candidate", "reference", "ratio", "ln-ratio", "difference", "correlation")
_OF_TOKENS = ("ppl", "kld", "delta-p", "same-top")


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


def figure(stat: str, comparison: Comparison) -> tuple[float, str | None]:
    """Return the value of a figure and its unit, None for one without.

    Raises
    ------
    UsageError
        It is of tokens, and none are scored.
    """
    if stat in AGREEMENT:
        return comparison.agreement.share, None
    if _of_tokens(stat):
        if comparison.language is None:
            raise _unscored(stat)
        return _values(comparison.language)[stat], "nats" if stat.startswith("kld:") else None
    measure, name = split_statistic(stat, list(comparison.measures))
    return comparison.measures[measure][name], comparison.units[measure]


def judged(comparison: Comparison, limits: Bounds, lower: Bounds) -> tuple[Limit, ...]:
    """Return the limits with the verdict on each, those from above first."""
    above = [(stat, bound, None) for stat, bound in limits]
    below = [(stat, None, bound) for stat, bound in lower]
    return tuple(
        Limit(stat, most, *figure(stat, comparison), least) for stat, most, least in above + below
    )


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


def _values(result: LanguageResult) -> dict[str, float]:
    reference, candidate = result.perplexity
    found = {
        "ppl:candidate": candidate.value,
        "ppl:reference": reference.value,
        "ppl:ratio": result.ratio.value,
        "ppl:ln-ratio": result.ln_ratio.value,
        "ppl:difference": result.difference.value,
        "ppl:correlation": result.correlation,
        "delta-p:rms": result.rms_delta_p.value,
        "same-top": result.same_top.value,
    }
    for name, spread in (("kld", result.kld), ("delta-p", result.delta_p)):
        found |= {f"{name}:mean": spread.mean.value, f"{name}:sem": spread.mean.error}
        found |= {f"{name}:{label}": value for label, value in spread.percentiles.items()}
    return found
