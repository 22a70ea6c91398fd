"""KL decoupled into a weighted mean square error and a cross-entropy: DKL, IKL, GKL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import nan
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.losses.base import (
    Outcome,
    Rows,
    Size,
    Softened,
    check_number,
    check_temperature,
    weighted,
)
from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.kinds import is_rounded_as_logits
from kldiv_cli.measures.distributions.written import Written, class_steps
from kldiv_cli.measures.types import Float64
from kldiv_cli.measures.weighted import spread_of

_NOTE = (
    "With ALPHA = BETA = T = T2 = 1, GAMMA = 1 and no class prior it has the gradients of KL "
    "(Theorem 1), never its value."
)


@dataclass(frozen=True)
class DKL(Softened):
    """beta * wMSE + alpha * CE: of KL's gradients where all parameters are 1, not of its value.

    wMSE = 1/4 sum_jk u_j u_k ((m_j - n_j) - (m_k - n_k))^2 of the logits as they are, without T^2;
    CE = -sum softmax(m/T) * log_softmax(n/T).

    Parameters
    ----------
    alpha, beta : float
        The weights of CE and of wMSE.
    temperature : float
        T, of CE and of class priors.
    weight_temperature : float, optional
        T2: the weights are u = softmax(m/T2). Given with ``class_prior``, it takes the place of T
        there, as in the authors' code.
    class_prior : bool
        The weights of a row are the mean of softmax(m/T) over the rows of its class instead.
    """

    default_weight_temperature: ClassVar[float] = 1.0
    alpha: float = 1.0
    beta: float = 1.0
    temperature: float = 1.0
    weight_temperature: float | None = None
    class_prior: bool = False

    def __post_init__(self) -> None:
        check_number("--alpha", self.alpha)
        check_number("--beta", self.beta)
        check_temperature("--temperature", self.temperature)
        check_temperature("--weight-temperature", self.t2)

    @property
    def t2(self) -> float:
        """The temperature of the weights; that of the class priors where it was left out."""
        if self.weight_temperature is not None:
            return self.weight_temperature
        return self.temperature if self.class_prior else self.default_weight_temperature

    @property
    def options(self) -> Mapping[str, Any]:
        """The values of the options, the temperature of the weights filled in."""
        return {**vars(self), "weight_temperature": self.t2}

    @property
    def needs_labels(self) -> bool:
        """The class of a row says which prior is its own."""
        return self.class_prior

    @property
    def needs_prior(self) -> bool:
        """The prior is the weight."""
        return self.class_prior

    def weights(self, rows: Rows) -> Float64:
        """Return softmax(m/T2)."""
        if self.t2 == self.temperature:
            return rows.pair.p
        return replace(rows, temperature=self.t2).pair.p

    @property
    def measures(self) -> tuple[str, ...]:
        """The cross-entropy, and the divergence that both parts replace."""
        return "cross-entropy", "kl"

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return both parts, and the divergence that they replace."""
        error, weight = self._errors(rows)
        return {
            "wmse": error,
            "weight": weight * weight,
            "cross_entropy": rows.measured("cross-entropy"),
            "kl": rows.measured("kl"),
        }

    @property
    def power(self) -> float:
        """To which the weights are taken."""
        return 1.0

    def _errors(self, rows: Rows) -> tuple[Float64, Float64]:
        """Return the weighted error of each row and the sum of its weights."""
        logits = not any(is_rounded_as_logits(kind, self.mode) for kind in rows.kinds)
        found = None
        if rows.prior is None and logits:
            found = spread_of(rows.reference, rows.candidate, self.t2, self.power)
        if found is None:
            return self._errors_by_numpy(rows)
        weight = found.weight
        error = 0.5 * weight * weight * found.variance
        unsettled = np.flatnonzero(found.unsettled)
        if unsettled.size:
            error[unsettled], weight[unsettled] = self._errors_by_numpy(rows[unsettled])
        return error, weight

    def _errors_by_numpy(self, rows: Rows) -> tuple[Float64, Float64]:
        u = self.weights(rows) if rows.prior is None else rows.prior
        return weighted_mse(*rows.written, u if self.power == 1 else u**self.power)

    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        """Divide both parts and add them."""
        divisor, words = self._divide(sums, size)
        parts = {
            "wmse": sums["wmse"] / divisor if divisor else nan,
            "cross_entropy": sums["cross_entropy"] / size.rows,
        }
        return Outcome(
            value=weighted((self.beta, parts["wmse"]), (self.alpha, parts["cross_entropy"])),
            components=parts,
            reduction=f"{self.beta:g}*wMSE + {self.alpha:g}*CE, {words}",
            denominator=size.rows,
            reference_name=self.at("KL(p||q)"),
            reference_value=sums["kl"] / size.rows,
            notes=(_NOTE,),
        )

    def _divide(self, sums: Mapping[str, float], size: Size) -> tuple[float, str]:  # noqa: ARG002
        return size.rows, f"both mean over rows: sum / {size.rows}"


@dataclass(frozen=True)
class IKL(DKL):
    """DKL whose error is differentiated by the candidate too: the same value, T2 = 100."""

    default_weight_temperature: ClassVar[float] = 100.0


@dataclass(frozen=True)
class GKL(DKL):
    """DKL with the weights to the power gamma, and their squared sums as the error's denominator.

    That is no mean of values per row, unless gamma is 1.

    Parameters
    ----------
    gamma : float
        0 or more; 0 weighs all classes alike.
    """

    gamma: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("--gamma", self.gamma, low=0.0)

    @property
    def power(self) -> float:
        """Gamma."""
        return self.gamma

    def _divide(self, sums: Mapping[str, float], size: Size) -> tuple[float, str]:
        weight = sums["weight"]
        words = f"wMSE: sum / {weight:.12g}, the squared weights; CE: sum / {size.rows} rows"
        return weight, words


def weighted_mse(m: Written, n: Written, u: Float64) -> tuple[Float64, Float64]:
    """Return 1/2 * U * sum u * (d - mean d)^2 per row, and U = sum u; d = m - n, of logits.

    It is 1/4 sum_jk u_j u_k (d_j - d_k)^2 in one pass over the classes. d is counted from its value
    at the heaviest class, and exactly: rows around 1000 that differ by 1e-12 keep their digits, as
    does a row where one class has nearly all the weight.

    A class that is -inf on both sides is left out. -inf in the candidate alone gives +inf where the
    class has weight; in the reference alone likewise, and 0 in the limit where it has none.
    """
    m_out, n_out = m.absent, n.absent
    out = m_out | n_out
    infinite = ((m_out ^ n_out) & (u > 0)).any(axis=1)
    if out.any():
        u = np.where(out, 0.0, u)
    d = _differences(m, n, out, u)
    weight = u.sum(axis=1)
    mean = (u * d).sum(axis=1) / weight
    error = 0.5 * weight * (u * (d - mean[:, None]) ** 2).sum(axis=1)
    return np.where(infinite, np.inf, error), weight


def _differences(m: Written, n: Written, out: NDArray[np.bool_], u: Float64) -> Float64:
    """Return the logits of m less those of n, all less that of the heaviest class."""
    heaviest = u.argmax(axis=1)
    if m.is_rounded or n.is_rounded:
        return class_steps(n, m, np.arange(len(u)), u, heaviest)[0]
    ours, theirs = m.values, n.values
    if out.any():
        ours, theirs = np.where(out, 0.0, ours), np.where(out, 0.0, theirs)
    d, d_low = exact.two_diff(ours, theirs)
    shift, shift_low = (np.take_along_axis(x, heaviest[:, None], axis=1) for x in (d, d_low))
    return (d - shift) + (d_low - shift_low)
