"""A pair of blocks -> one value per row. The registry of measures.

A measure is one row of :data:`MEASURES`: name -> import path of its definition, one-line
description, the parameter it takes if any. Listings read the registry and import nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from kldiv_cli import Registry
from kldiv_cli.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kldiv_cli.measures.base import Measure
    from kldiv_cli.measures.distributions.kinds import Kind
    from kldiv_cli.measures.distributions.pair import Pair
    from kldiv_cli.measures.types import Mode


class Parameter(NamedTuple):
    """What a measure takes behind a colon: ``gjs:BETA``, such as ``gjs:0.1``."""

    name: str
    example: str


class Entry(NamedTuple):
    """A row of the registry."""

    home: str
    """The import path of a `Measure`; where there is a parameter, of a function
    (name as typed, parameter) -> `Measure`.
    """
    description: str
    parameter: Parameter | None = None


class Measures(Registry[Entry]):
    """The registry of measures, whose names may be typed with a parameter."""

    def usage(self, name: str) -> str:
        """Return how a measure is typed: ``gjs:BETA``."""
        parameter = self[name].parameter
        return name if parameter is None else f"{name}:{parameter.name}"

    def example(self, name: str) -> str:
        """Return a name with a parameter that serves as an example: ``gjs:0.1``."""
        parameter = None if ":" in name else self[name].parameter
        return name if parameter is None else f"{name}:{parameter.example}"


_HERE = "kldiv_cli.measures.definitions"
_LAMBDA = Parameter("LAMBDA", "0.1")
_LONGEST = 80
"""So many characters a parameter has at most: its text is the measure's name in all results."""
_ROWS = {
    "jeffreys": Entry(f"{_HERE}.jeffreys:MEASURE", "KL(p||q) + KL(q||p), no factor 1/2"),
    "kl": Entry(f"{_HERE}.kl:KL", "KL(p||q), of the reference from the candidate"),
    "reverse-kl": Entry(f"{_HERE}.kl:REVERSE_KL", "KL(q||p), the other direction"),
    "js": Entry(f"{_HERE}.mixtures:JS", "Jensen-Shannon divergence, not its square root"),
    "gjs": Entry(
        f"{_HERE}.mixtures:gjs",
        "BETA*KL(p||M) + (1-BETA)*KL(q||M), M = BETA*p + (1-BETA)*q",
        Parameter("BETA", "0.1"),
    ),
    "skew-kl": Entry(f"{_HERE}.mixtures:skew_kl", "KL(p || LAMBDA*p + (1-LAMBDA)*q)", _LAMBDA),
    "skew-reverse-kl": Entry(
        f"{_HERE}.mixtures:skew_reverse_kl", "KL(q || LAMBDA*q + (1-LAMBDA)*p)", _LAMBDA
    ),
    "tv": Entry(f"{_HERE}.distances:TV", "total variation distance"),
    "hellinger": Entry(f"{_HERE}.distances:HELLINGER", "squared Hellinger distance"),
    "renyi": Entry(
        f"{_HERE}.renyi:renyi",
        "Renyi divergence of order ALPHA, above 0; inf included",
        Parameter("ALPHA", "2"),
    ),
    "cross-entropy": Entry(f"{_HERE}.entropies:CROSS_ENTROPY", "H(p, q) = -sum p * log q"),
    "entropy": Entry(f"{_HERE}.entropies:ENTROPY", "H(p), of the reference"),
    "entropy-candidate": Entry(f"{_HERE}.entropies:ENTROPY_CANDIDATE", "H(q)"),
}


def _fits(row: Entry, found: object) -> bool:
    from kldiv_cli.measures.base import Measure  # noqa: PLC0415 - loads NumPy

    return isinstance(found, Measure) if row.parameter is None else callable(found)


MEASURES = Measures("measure", Entry, _ROWS, "kldiv_cli.measures", _fits)


def load(name: str) -> Measure:
    """Return the measure of a name as typed, such as ``kl`` or ``gjs:0.1``.

    Raises
    ------
    UsageError
        There is no such measure, its parameter is missing or superfluous, or out of its range.
    """
    kind, colon, value = name.partition(":")
    parameter = MEASURES[kind].parameter
    if (parameter is None) == bool(colon):
        raise UsageError(
            f"expected the measure {MEASURES.usage(kind)}, found {name!r}",
            f"'kldiv measures {kind}' explains it.",
        )
    found: Any = MEASURES.load(kind)
    if parameter is not None:
        found = found(name, _number(name, parameter.name, value))
    measure: Measure = found
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
        otherwise their logarithms are taken for logits, with as many digits as it takes.
    smooth : float
        The weight of the uniform distribution that the candidate is mixed with.
    kept : bool array, shape (rows, classes) or (rows, 1), optional
        Over which cells that distribution is uniform, where not over all. The others are to be
        absent on both sides, as `kldiv_cli.measures.rows.absence.without` makes them.
    """
    # Listings read this module, and go without NumPy.
    from kldiv_cli.measures.distributions import (  # noqa: PLC0415
        probabilities,
        sigmoid,
        softmax,
    )
    from kldiv_cli.measures.distributions.kinds import is_rounded_as_logits  # noqa: PLC0415

    pair: Pair
    if kinds == ("probs", "probs"):
        pair = probabilities.prepare(mode, s, t, temperature)
    elif any(is_rounded_as_logits(kind, mode) for kind in kinds):
        from kldiv_cli.measures.distributions import converted  # noqa: PLC0415 - few files need it

        pair = converted.prepare(mode, s, t, temperature, kinds)
    else:
        pair = (softmax if mode == "softmax" else sigmoid).prepare(s, t, temperature)
    return replace(pair, smooth=smooth, kept=kept) if smooth else pair


def _number(name: str, parameter: str, text: str) -> float:
    advice = f"'kldiv measures {name.partition(':')[0]}' explains it."
    if len(text) > _LONGEST:
        raise UsageError(
            f"{name}: expected at most {_LONGEST} characters as {parameter}, found {len(text)}",
            advice,
        )
    try:
        # float() would take " 0.1" and "1_0" as well.
        return float(text if text.strip() == text and "_" not in text else "")
    except ValueError:
        raise UsageError(
            f"{name}: expected a number as {parameter}, found {text!r}", advice
        ) from None
