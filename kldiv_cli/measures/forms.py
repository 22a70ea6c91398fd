"""How C computes a value of a row: a row of the table of measures says it by a `Form`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import cos, log, pi
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from kldiv_cli.measures.distributions.pair import Pair
    from kldiv_cli.measures.types import Float64

Terms = Callable[["Decimal"], "Decimal"]
Polynomial = tuple[float, ...]
_BOUNDS = 0.0625, log(2) / 2
_COUNTS = 6, 8, 10, 12, 14
_ERROR = 2e-16
_DIGITS = 50
_TINY = 1e-10
_LARGE = 100.0
"""A power so large leaves no polynomial good enough."""


@dataclass(frozen=True)
class Form:
    """A form by the name that the kernels give it, and what it takes.

    Parameters
    ----------
    name : str
        One of the forms of `kldiv_cli.measures._native`.
    parameters : tuple of float
        What the form takes: of a mixture M, the weights of KL(p||M) and KL(q||M), the shares of p
        and q in M, and a bound; of a Renyi divergence, the power of q, less than 1 of which the
        other distribution has the rest, the divisor, and whether p and q are swapped.
    """

    name: str
    parameters: tuple[float, ...] = ()

    @property
    def near(self) -> tuple[Polynomial, Polynomial]:
        """The polynomials in e = log(q / p) that times p * e**2 are the terms where e is small.

        One is for abs(e) up to 1/16, the other up to log(2) / 2; empty where none is good enough.
        """
        return _near(self.name, self.parameters)


@dataclass(frozen=True)
class InC:
    """A definition in NumPy, and the form by which C computes the same.

    A measure that is made of another by a definition of its own thereby has no form.
    """

    definition: Callable[[Pair], Float64]
    form: Form

    def __call__(self, pair: Pair) -> Float64:
        """Return what the definition says."""
        return self.definition(pair)


@cache
def _near(name: str, parameters: tuple[float, ...]) -> tuple[Polynomial, Polynomial]:
    if name not in _TERMS or any(abs(each) > _LARGE for each in parameters[:1]):
        return (), ()
    # Listings read this module, and go without it.
    from decimal import Context, localcontext  # noqa: PLC0415

    with localcontext(Context(prec=_DIGITS)):
        terms = _TERMS[name](*parameters)
        close, small = (_fitted(terms, bound) for bound in _BOUNDS)
    return close, small


def _mixture(of_p: float, of_q: float, share: float, other: float, _: float) -> Terms:
    from decimal import Decimal  # noqa: PLC0415

    weights, shares = (Decimal(of_p), Decimal(of_q)), (Decimal(other), Decimal(share))

    def terms(e: Decimal) -> Decimal:
        grown = e.exp()
        ours, theirs = shares[0] * (grown - 1), shares[1] * (1 / grown - 1)
        return weights[0] * _less_log1p(ours) + weights[1] * grown * _less_log1p(theirs)

    return terms


def _renyi(c: float, _: float, swapped: float) -> Terms:
    from decimal import Decimal  # noqa: PLC0415

    power = Decimal(c)

    def terms(e: Decimal) -> Decimal:
        if swapped:
            return e.exp() * (_phi(-power * e) - power * _phi(-e))
        return _phi(power * e) - power * _phi(e)

    return terms


def _less_log1p(x: Decimal) -> Decimal:
    """Return x - log(1 + x)."""
    if abs(x) < _TINY:
        return x * x * (1 - 2 * x / 3 + x * x / 2) / 2
    return x - (1 + x).ln()


def _phi(x: Decimal) -> Decimal:
    """Return exp(x) - 1 - x."""
    return x * x * (1 + x / 3 + x * x / 12) / 2 if abs(x) < _TINY else x.exp() - 1 - x


def _hellinger() -> Terms:
    def terms(e: Decimal) -> Decimal:
        grown = (e / 2).exp() - 1
        return grown * grown

    return terms


_TERMS: dict[str, Callable[..., Terms]] = {
    "mixture": _mixture,
    "hellinger": _hellinger,
    "renyi": _renyi,
}


def _fitted(terms: Terms, bound: float) -> Polynomial:
    """Return the shortest polynomial of terms over e**2 that is right between its nodes too."""
    for count in _COUNTS:
        nodes = _nodes(count, bound)
        found = _through(nodes, [terms(e) / (e * e) for e in nodes])
        between = _nodes(count + 1, bound, first=0)
        if all(_is_right(found, e, terms) for e in between):
            return tuple(map(float, found))
    return ()


def _is_right(coefficients: list[Decimal], e: Decimal, terms: Terms) -> bool:
    true = terms(e) / (e * e)
    return abs(_value(coefficients, e) - true) <= abs(true) * type(e)(_ERROR)


def _value(coefficients: list[Decimal], e: Decimal) -> Decimal:
    found = coefficients[-1]
    for each in coefficients[-2::-1]:
        found = found * e + each
    return found


def _nodes(count: int, bound: float, first: int = 1) -> list[Decimal]:
    """Return Chebyshev's nodes, or an end and what is between fewer; none of an even count is 0."""
    from decimal import Decimal  # noqa: PLC0415

    return [Decimal(bound * cos(pi * (2 * k + first) / (2 * count))) for k in range(count)]


def _through(nodes: list[Decimal], values: list[Decimal]) -> list[Decimal]:
    """Return the coefficients of the polynomial through points, by Newton's differences."""
    steps = list(values)
    for level in range(1, len(nodes)):
        for k in range(len(nodes) - 1, level - 1, -1):
            steps[k] = (steps[k] - steps[k - 1]) / (nodes[k] - nodes[k - level])
    found = [steps[-1]]
    for node, step in zip(nodes[-2::-1], steps[-2::-1], strict=True):
        shifted = [node * 0, *found]
        found = [a - node * b for a, b in zip(shifted, [*found, node * 0], strict=True)]
        found[0] += step
    return found
