"""Perplexity and its kin, in words and as an object: shared by the table, the page and JSON."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from kldiv_cli.comparison import Comparison
from kldiv_cli.reports.sides import once
from kldiv_cli.reports.statistics import Grid, number

if TYPE_CHECKING:
    from kldiv_cli.language_result import Censored, Distribution, Estimate, LanguageResult

_WIDTH = 66
_LABELS = {"max": "max", "median": "median", "min": "min"}


def title(comparison: Comparison) -> str:
    """Return the line above the figures."""
    smooth = ", unsmoothed" if comparison.smooth else ""
    return f"for language models: a token, or label, per row, in nats, T = 1{smooth}"


def lines(result: LanguageResult) -> list[tuple[str, str]]:
    """Return the figures that stand alone, label by label."""
    reference, candidate = result.perplexity
    found = [
        ("tokens", f"{result.tokens} scored, one per row{_bounds(result)}"),
        ("PPL(q)", _estimate(candidate)),
        ("PPL(p)", _estimate(reference)),
        ("ln ratio", f"ln(PPL(q) / PPL(p)) = {_estimate(result.ln_ratio)}"),
        ("ratio", f"PPL(q) / PPL(p) = {_estimate(result.ratio)}"),
        ("difference", f"PPL(q) - PPL(p) = {_estimate(result.difference)}"),
        ("correlation", f"{number(100 * result.correlation)} % of ln PPL(q) and ln PPL(p)"),
        ("same top p", f"{_estimate(result.same_top, 100)} % of rows"),
        ("KLD", _sum(result)),
    ]
    for name, side in zip("pq", result.censored, strict=True):
        if side is not None:
            found.append(("censored", _censored(name, side)))
    if result.censored[1] is not None:
        found.append(("censored", _blind(result)))
    return once([(label, line) for label, text in found for line in wrap(text, _WIDTH)])


def grid(result: LanguageResult) -> Grid:
    """Return the divergence and the change of the token's probability over the rows."""
    rows = [
        ("mean", _estimate(result.kld.mean), _estimate(result.delta_p.mean, 100)),
        ("RMS", "-", _estimate(result.rms_delta_p, 100)),
    ]
    rows += [
        (
            _LABELS.get(name, f"{name[1:]} %"),
            number(result.kld.percentiles[name]),
            number(100 * result.delta_p.percentiles[name]),
        )
        for name in result.kld.percentiles
    ]
    header = ("over tokens", "KLD(p||q) (nats)", "delta p = q - p of the token (%)")
    return Grid("", header, tuple(rows), ())


def language_object(result: LanguageResult) -> dict[str, Any]:
    """Return the figures for programs; shares and probabilities lie between -1 and 1."""
    return {
        "tokens": result.tokens,
        "unit": "nats",
        "temperature": 1.0,
        "perplexity": {
            name: _estimate_object(ppl) | {"lower_bound": side is not None and side.targets > 0}
            for name, ppl, side in zip(
                ("reference", "candidate"), result.perplexity, result.censored, strict=True
            )
        },
        "ln_ratio": _estimate_object(result.ln_ratio),
        "ratio": _estimate_object(result.ratio),
        "difference": _estimate_object(result.difference),
        "correlation": result.correlation,
        "kld": {"floor": result.floor, **_distribution_object(result.kld)},
        "delta_p": _distribution_object(result.delta_p)
        | {"rms": result.rms_delta_p.value, "rms_error": result.rms_delta_p.error},
        "same_top": _estimate_object(result.same_top),
        "censored": {
            name: None if side is None else dict(vars(side))
            for name, side in zip(("reference", "candidate"), result.censored, strict=True)
        },
        "blind_max": result.blind_max,
        "blind_mean": result.blind_mean,
    }


def _estimate(found: Estimate, factor: float = 1.0) -> str:
    return f"{number(factor * found.value)} +- {number(factor * found.error)}"


def _bounds(result: LanguageResult) -> str:
    """Say what becomes of perplexity where a file holds a bound of the token's probability."""
    counts = [
        f"{side.targets} in {name}"
        for name, side in zip("pq", result.censored, strict=True)
        if side is not None and side.targets
    ]
    if not counts:
        return ""
    return (
        f"; censored: {', '.join(counts)}. There the file holds an upper bound of the "
        "probability: that PPL is a lower bound, and ratio, difference and correlation can be off "
        "either way"
    )


def _sum(result: LanguageResult) -> str:
    if result.floor is None:
        return "KL(p||q) = sum p * log(p / q) over all classes"
    return f"sum p * log(p / q) over classes with log p > {result.floor:g}, as in llama.cpp"


def _censored(name: str, side: Censored) -> str:
    held = f"{number(side.held_max)} of a row (mean {number(side.held_mean)})"
    return f"{name}: at most {held} in {side.cells} cells"


def _blind(result: LanguageResult) -> str:
    most, mean = number(result.blind_max), number(result.blind_mean)
    return f"q hides up to {most} of a row's p from KLD (mean {mean})"


def _estimate_object(found: Estimate) -> dict[str, Any]:
    return {"value": found.value, "error": found.error}


def _distribution_object(found: Distribution) -> dict[str, Any]:
    return {"mean": found.mean.value, "error": found.mean.error, **found.percentiles}
