"""Perplexity and the like, in words and as an object: for the table, the page and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kldiv_cli.reports.words.parts import Grid, Lines, number, once, packed
from kldiv_cli.results.comparison import Agreement, Comparison

if TYPE_CHECKING:
    from kldiv_cli.results.language import Censored, Distribution, Estimate, LanguageResult

_WIDTH = 65
_INTERVALS = ("25", "75"), ("10", "90"), ("5", "95"), ("1", "99"), ("0.1", "99.9")


def parts(comparison: Comparison, result: LanguageResult) -> tuple[Lines, Grid]:
    """Return the figures, the answer first, and how divergence and token probability spread."""
    smooth = ", unsmoothed" if comparison.smooth else ""
    what = f"{result.tokens} {'token, or label' if result.tokens == 1 else 'tokens, or labels'}"
    title = f"for language models: {what}, T = 1{smooth}, +- standard error"
    return Lines(title, tuple(lines(result, comparison.agreement))), grid(result)


def lines(result: LanguageResult, agreement: Agreement) -> list[tuple[str, str]]:
    """Return the figures that stand alone, label by label."""
    reference, candidate = (
        _estimate(found) + (" (a lower bound)" if side is not None and side.targets else "")
        for found, side in zip(result.perplexity, result.censored, strict=True)
    )
    ratio = _estimate(result.ratio), f"ln ratio {_estimate(result.ln_ratio)}"
    correlation = f"correlation of ln PPLs {number(100 * result.correlation)} %"
    change = (
        f"mean {_estimate(result.delta_p.mean, 100)} %",
        f"RMS {_estimate(result.rms_delta_p, 100)} %",
    )
    rows = f"{agreement.same} of {agreement.of}"
    over = "all classes" if result.floor is None else f"classes with log p > {result.floor:g}"
    found = [
        ("PPL(q)", [candidate]),
        ("PPL(p)", [reference]),
        ("PPL(q)/PPL(p)", packed(ratio, _WIDTH)),
        ("PPL(q)-PPL(p)", packed((_estimate(result.difference), correlation), _WIDTH)),
        ("same top p", [f"{_estimate(result.same_top, 100)} % of rows ({rows})"]),
        ("mean KLD", packed((f"{_estimate(result.kld.mean)} nats", f"over {over}"), _WIDTH)),
        ("delta p", packed(change, _WIDTH)),
        ("censored", _censored(result)),
    ]
    return once([(label, line) for label, part in found for line in part])


def grid(result: LanguageResult) -> Grid:
    """Return the percentiles over the rows, as ever wider ranges."""
    kld, change = result.kld.percentiles, result.delta_p.percentiles
    rows = [("median", number(kld["median"]), number(100 * change["median"]))]
    ranges = [(f"{a} to {b} %", f"p{a}", f"p{b}") for a, b in _INTERVALS]
    rows += [
        (label, _range(kld[low], kld[high]), _range(100 * change[low], 100 * change[high]))
        for label, low, high in (*ranges, ("min to max", "min", "max"))
    ]
    header = ("percentiles", "KLD(p||q) (nats)", "delta p = q - p of the token (%)")
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


def _range(low: float, high: float) -> str:
    return f"{number(low)} to {number(high)}"


def _censored(result: LanguageResult) -> list[str]:
    """Say what is censored, and what becomes of the figures."""
    sides = [(x, side) for x, side in zip("pq", result.censored, strict=True) if side is not None]
    found = [line for x, side in sides for line in packed(_held(x, side), _WIDTH)]
    if any(side.targets for _, side in sides):
        found.append("ratio, difference and correlation can be off either way")
    if result.blind_max > 0:
        found.append(f"KLD lacks what q hides of p, at most {number(result.blind_max)} of a row")
    return found


def _held(name: str, side: Censored) -> tuple[str, ...]:
    tokens = f"{name}: {side.targets} token{'' if side.targets == 1 else 's'}"
    return tokens, f"{side.cells} cells", f"in them at most {number(side.held_max)} of a row"


def _estimate_object(found: Estimate) -> dict[str, Any]:
    return {"value": found.value, "error": found.error}


def _distribution_object(found: Distribution) -> dict[str, Any]:
    return {"mean": found.mean.value, "error": found.mean.error, **found.percentiles}
