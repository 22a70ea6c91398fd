"""A pair of blocks -> one value per row. The registry of measures.

A measure is one row of :data:`MEASURES`: name -> import path of its definition, the parameter it
takes if any, one-line description. Listings read the registry and import nothing.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from kldiv_cli.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kldiv_cli.measures.base import Measure
    from kldiv_cli.measures.distributions.kinds import Kind
    from kldiv_cli.measures.distributions.pair import Pair
    from kldiv_cli.measures.types import Mode


class Entry(NamedTuple):
    """A row of the registry.

    ``definition`` is the import path of a `Measure`, or, where there is a parameter, of a function
    (name as typed, parameter) -> `Measure`.
    """

    definition: str
    parameter: str | None
    description: str


_HERE = "kldiv_cli.measures.definitions"
_PAIRS = "kldiv_cli.measures.distributions"
MEASURES = {
    "jeffreys": Entry(f"{_HERE}.jeffreys:MEASURE", None, "KL(p||q) + KL(q||p), no factor 1/2"),
    "kl": Entry(f"{_HERE}.kl:KL", None, "KL(p||q), of the reference from the candidate"),
    "reverse-kl": Entry(f"{_HERE}.kl:REVERSE_KL", None, "KL(q||p), the other direction"),
    "js": Entry(f"{_HERE}.mixtures:JS", None, "Jensen-Shannon divergence"),
    "gjs": Entry(
        f"{_HERE}.mixtures:gjs",
        "BETA",
        "BETA*KL(p||M) + (1-BETA)*KL(q||M), M = BETA*p + (1-BETA)*q",
    ),
    "skew-kl": Entry(f"{_HERE}.mixtures:skew_kl", "LAMBDA", "KL(p || LAMBDA*p + (1-LAMBDA)*q)"),
    "skew-reverse-kl": Entry(
        f"{_HERE}.mixtures:skew_reverse_kl", "LAMBDA", "KL(q || LAMBDA*q + (1-LAMBDA)*p)"
    ),
    "tv": Entry(f"{_HERE}.distances:TV", None, "total variation distance"),
    "hellinger": Entry(f"{_HERE}.distances:HELLINGER", None, "squared Hellinger distance"),
    "renyi": Entry(
        f"{_HERE}.renyi:renyi",
        "ALPHA",
        "Renyi divergence of order ALPHA, above 0; inf included",
    ),
    "cross-entropy": Entry(f"{_HERE}.entropies:CROSS_ENTROPY", None, "H(p, q) = -sum p * log q"),
    "entropy": Entry(f"{_HERE}.entropies:ENTROPY", None, "H(p), of the reference"),
    "entropy-candidate": Entry(f"{_HERE}.entropies:ENTROPY_CANDIDATE", None, "H(q)"),
}


def usage(name: str) -> str:
    """Return how the measure of a registry row is typed: ``gjs:BETA``."""
    parameter = MEASURES[name].parameter
    return name if parameter is None else f"{name}:{parameter}"


def load(name: str) -> Measure:
    """Return the measure of a name as typed, such as ``kl`` or ``gjs:0.1``.

    Raises
    ------
    UsageError
        There is no such measure, its parameter is missing or superfluous, or out of its range.
    """
    kind, colon, value = name.partition(":")
    if kind not in MEASURES:
        raise UsageError(
            f"no measure is called {kind!r}", f"Known: {', '.join(map(usage, MEASURES))}."
        )
    entry = MEASURES[kind]
    if (entry.parameter is None) == bool(colon):
        raise UsageError(
            f"expected the measure {usage(kind)}, found {name!r}",
            f"'kldiv measures {kind}' explains it.",
        )
    module, attribute = entry.definition.split(":")
    found: Any = getattr(import_module(module), attribute)
    if entry.parameter is None:
        measure: Measure = found
    else:
        measure = found(name, _number(name, entry.parameter, value))
    return measure


def prepare(
    mode: Mode,
    s: NDArray[Any],
    t: NDArray[Any],
    temperature: float = 1.0,
    kinds: tuple[Kind, Kind] = ("logits", "logits"),
    smooth: float = 0.0,
    kept: NDArray[Any] | None = None,
) -> Pair:
    """Compute once what the measures of a mode share.

    Parameters
    ----------
    mode : {"softmax", "sigmoid"}
        The link function.
    s, t : array, shape (rows, classes)
        The reference's and the candidate's numbers; any real dtype, widened to float64.
    temperature : float
        Both sides' logits are divided by it first.
    kinds : pair of {"logits", "probs", "log-probs"}
        What the numbers of each side are. Two sides of probabilities are compared as they are;
        otherwise their logarithms are taken for logits.
    smooth : float
        The weight of the uniform distribution that the candidate is mixed with.
    kept : bool array, shape (rows, classes) or (rows, 1), optional
        Over which cells that distribution is uniform, where not over all. The others are to be
        absent on both sides, as `kldiv_cli.measures.rows.absence.without` makes them.
    """
    if kinds == ("probs", "probs"):
        pair = import_module(f"{_PAIRS}.probabilities").prepare(mode, s, t, temperature)
    else:
        to_logits = import_module(f"{_PAIRS}.kinds").to_logits
        s, t = (to_logits(x, kind, mode) for x, kind in zip((s, t), kinds, strict=True))
        pair = import_module(f"{_PAIRS}.{mode}").prepare(s, t, temperature)
    found: Pair = replace(pair, smooth=smooth, kept=kept) if smooth else pair
    return found


def _number(name: str, parameter: str, text: str) -> float:
    try:
        # float() would take " 0.1" and "1_0" as well.
        return float(text if text.strip() == text and "_" not in text else "")
    except ValueError:
        raise UsageError(
            f"{name}: expected a number as {parameter}, found {text!r}",
            f"'kldiv measures {name.partition(':')[0]}' explains it.",
        ) from None
