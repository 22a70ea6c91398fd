"""Perplexity and the like, in words and as an object: for the table, the page and JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from kldiv_cli.reports.words.objects import ranges_object
from kldiv_cli.reports.words.parts import Grid, Lines, number, once, packed
from kldiv_cli.results.comparison import Agreement, Comparison
from kldiv_cli.results.figures import figure_of_tokens
from kldiv_cli.results.ranges import HIDDEN_NATS

if TYPE_CHECKING:
    from kldiv_cli.results.language import (
        Censored,
        Distribution,
        Estimate,
        LanguageResult,
        Perplexities,
    )

_WIDTH = 65
_INTERVALS = ("25", "75"), ("10", "90"), ("5", "95"), ("1", "99"), ("0.1", "99.9")


def parts(comparison: Comparison, result: LanguageResult) -> tuple[Lines, Grid]:
    """Return the figures, the answer first, and how divergence and token probability spread."""
    smooth = ", q smoothed" if comparison.smooth else ""
    what = f"{result.tokens} {'token, or label' if result.tokens == 1 else 'tokens, or labels'}"
    title = f"for language models: {what}, T = 1{smooth}, +- standard error"
    return Lines(title, tuple(lines(result, comparison.agreement))), grid(result)


def lines(result: LanguageResult, agreement: Agreement) -> list[tuple[str, str]]:
    """Return the figures that stand alone, label by label."""
    rows = f"{agreement.same} of {agreement.of}"
    over = "over all classes" if result.floor is None else f"where log p > {result.floor:g}"
    mean = f"{_estimate(result.kld.mean)} nats{_state('kld:mean', result)}"
    change = (
        f"mean {_estimate(result.delta_p.mean, 100)} %{_state('delta-p:mean', result)}",
        f"RMS {_estimate(result.rms_delta_p, 100)} %{_state('delta-p:rms', result)}",
    )
    found = [
        *_perplexities(result),
        ("known to both", _known(result)),
        ("same top p", [f"{_estimate(result.same_top, 100)} % of rows ({rows})"]),
        ("mean KLD", packed((mean, over), _WIDTH)),
        ("delta p", packed(change, _WIDTH)),
        ("censored", _censored(result)),
    ]
    return once([(label, line) for label, part in found for line in part])


def _perplexities(result: LanguageResult) -> list[tuple[str, Iterable[str]]]:
    """Return the figures over all tokens; those that are not exact are called so."""
    (reference, candidate), correlation = result.perplexity, number(100 * result.correlation)
    ratio = (
        f"{_estimate(result.ratio)}{_state('ppl:ratio', result)}",
        f"ln ratio {_estimate(result.ln_ratio)}{_state('ppl:ln-ratio', result)}",
    )
    difference = (
        f"{_estimate(result.difference)}{_state('ppl:difference', result)}",
        f"correlation of ln PPLs {correlation} %{_state('ppl:correlation', result)}",
    )
    return [
        ("PPL(q)", [f"{_estimate(candidate)}{_state('ppl:candidate', result)}"]),
        ("PPL(p)", [f"{_estimate(reference)}{_state('ppl:reference', result)}"]),
        ("PPL(q)/PPL(p)", packed(ratio, _WIDTH)),
        ("PPL(q)-PPL(p)", packed(difference, _WIDTH)),
    ]


def _known(result: LanguageResult) -> Iterable[str]:
    """Return the figures over the tokens that no file censors, where a file censors some."""
    known = result.known
    if known.tokens == result.tokens:
        return []
    if not known.tokens:
        return ["no token"]
    reference, candidate = map(_estimate, known.perplexity)
    figures = (
        f"{known.tokens} token{'' if known.tokens == 1 else 's'}: PPL(q) {candidate}",
        f"PPL(p) {reference}",
        f"ratio {_estimate(known.ratio)}",
        f"ln ratio {_estimate(known.ln_ratio)}",
    )
    return packed(figures, _WIDTH)


def _state(stat: str, result: LanguageResult) -> str:
    """Say whether a figure is a bound; empty for one that is exact."""
    figure = figure_of_tokens(stat, result)
    return "" if figure.doubt is None else f" ({figure.doubt.state(figure.value)})"


def grid(result: LanguageResult) -> Grid:
    """Return the percentiles over the rows, as ever wider ranges."""
    kld, change = result.kld.percentiles, result.delta_p.percentiles
    rows = [("median", number(kld["median"]), number(100 * change["median"]))]
    ranges = [(f"{a} to {b} %", f"p{a}", f"p{b}") for a, b in _INTERVALS]
    rows += [
        (label, _range(kld[low], kld[high]), _range(100 * change[low], 100 * change[high]))
        for label, low, high in (*ranges, ("min to max", "min", "max"))
    ]
    least = any(name.startswith("kld:") for name in result.ranges)
    header = (
        "percentiles",
        f"KLD(p||q) (nats){', at least' if least else ''}",
        "delta p = q - p of the token (%)",
    )
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
        "known": _known_object(result.known),
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
        "ranges": ranges_object(result.ranges),
    }


def _known_object(known: Perplexities) -> dict[str, Any]:
    reference, candidate = map(_estimate_object, known.perplexity)
    return {
        "tokens": known.tokens,
        "perplexity": {"reference": reference, "candidate": candidate},
        "ln_ratio": _estimate_object(known.ln_ratio),
        "ratio": _estimate_object(known.ratio),
        "difference": _estimate_object(known.difference),
        "correlation": known.correlation,
    }


def _estimate(found: Estimate, factor: float = 1.0) -> str:
    return f"{number(factor * found.value)} +- {number(factor * found.error)}"


def _range(low: float, high: float) -> str:
    return f"{number(low)} to {number(high)}"


def _censored(result: LanguageResult) -> list[str]:
    """Say what is censored, and what becomes of the figures."""
    sides = [(x, side) for x, side in zip("pq", result.censored, strict=True) if side is not None]
    found = [line for x, side in sides for line in packed(_held(x, side), _WIDTH)]
    changes = _off("delta-p", result)
    if changes:
        found.append(f"figures of delta p are off by up to {100 * changes:.3g} %")
    if result.blind_max > 0:
        lost = f"{HIDDEN_NATS * result.blind_mean:.3g} nats of its mean"
        found.append(f"KLD lacks up to {result.blind_max:.3g} of a row of p, {lost}")
    return found


def _off(kind: str, result: LanguageResult) -> float:
    """Return how far the figures of a kind may be from the true ones."""
    names = [name for name in result.ranges if name.startswith(f"{kind}:")]
    figures = [figure_of_tokens(name, result).value for name in names]
    ends = [result.ranges[name] for name in names]
    return max((max(x - a, b - x) for x, (a, b) in zip(figures, ends, strict=True)), default=0.0)


def _held(name: str, side: Censored) -> tuple[str, ...]:
    tokens = f"{name}: {side.targets} token{'' if side.targets == 1 else 's'}"
    return tokens, f"{side.cells} cells", f"in them at most {number(side.held_max)} of a row"


def _estimate_object(found: Estimate) -> dict[str, Any]:
    return {"value": found.value, "error": found.error}


def _distribution_object(found: Distribution) -> dict[str, Any]:
    return {"mean": found.mean.value, "error": found.mean.error, **found.percentiles}
