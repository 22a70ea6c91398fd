"""Rows of which one side at least holds no logits: its logarithms, and what rounding takes of them.

Most rows need two float64 for a logarithm. Rows that nearly agree need three, and very few more.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact, sigmoid, softmax
from kldiv_cli.measures.distributions.kinds import Kind, logits_in_two
from kldiv_cli.measures.distributions.pair import NO_LOWS, Pair, without_uncounted
from kldiv_cli.measures.distributions.prepared import Prepared
from kldiv_cli.measures.distributions.probabilities import COLD, log_of_share
from kldiv_cli.measures.distributions.sigmoid import SigmoidPair, close_ratio
from kldiv_cli.measures.distributions.softmax import SoftmaxPair
from kldiv_cli.measures.distributions.written import Rows, Written, cell_steps, class_steps
from kldiv_cli.measures.types import Float64, Mode, Status

_CLOSE = 0.1
"""Rows whose mean square of log(q / p) is below it need more of both logarithms."""
_TILE = 1 << 14
"""So many numbers at a time stay in a processor's cache."""
_ANY = {"logits": 0.0, "probs": 0.5, "log-probs": -1.0}
"""What a cell of a row that does not count becomes."""


@dataclass(frozen=True)
class Conversion:
    """How the two blocks of a pair became logits.

    Parameters
    ----------
    sides : pair of Written
        What they were.
    temperature : float
        T as it was asked for.
    exactly : bool
        Whether logits over T are right to 1e-32.
    """

    sides: tuple[Written, Written]
    temperature: float
    exactly: bool

    @property
    def exchanged(self) -> Conversion:
        """The same for the two sides exchanged."""
        return replace(self, sides=self.sides[::-1])

    def softened(self, power: int) -> Conversion:
        """Return the same for the pair at T * 2**power."""
        return replace(self, temperature=float(np.ldexp(self.temperature, power)))

    def sharp(self, pair: Converted) -> Converted:
        """Return a pair of which this is the conversion with logits that are right to 1e-32."""
        if self.exactly:
            return pair
        s, t = self.sides
        again = prepare(
            s.mode, s.values, t.values, self.temperature, (s.kind, t.kind), exactly=True
        )
        return replace(again, status=pair.status, smooth=pair.smooth, kept=pair.kept)

    def improved(self, found: Prepared, status: NDArray[np.uint8]) -> Prepared:
        """Return a pair whose e = log(q / p) is exact in rows that nearly agree, too."""
        weights = np.maximum(found.reference.p, found.candidate.p)
        few = np.minimum(np.abs(found.e), 1.0) ** 2
        along = tuple(range(1, few.ndim))
        close = (weights * few).sum(axis=along) < _CLOSE * weights.sum(axis=along)
        rows = np.flatnonzero(close & (status == Status.COUNTED))
        if not len(rows):
            return found
        ratio = self._of_classes if found.e.ndim == 2 else self._of_cells
        e, step = found.e.copy(), max(1, _TILE // found.e.shape[-1])
        for some in np.split(rows, range(step, len(rows), step)):
            e[some] = ratio(some, found.reference.p[some], found.candidate.p[some], e[some])
        return replace(found, e=e)

    def _of_classes(self, rows: Rows, p: Float64, q: Float64, e: Float64) -> Float64:
        """Return e for the rows of classes whose rough e is given.

        The differences of the logits differ from it by a constant, which makes the sum of q 1. They
        are taken from that of a heavy class, for what weighs most needs most digits.
        """
        shift = np.minimum(p, q).argmax(axis=1)
        steps, known = class_steps(*self.sides, rows, np.maximum(p, q), shift)
        d = np.where(known, steps / self.temperature, e)
        far = d > 1
        grown = np.where(far, 0.0, p * np.expm1(np.minimum(d, 1.0)))
        risen = np.where(far, q * -np.expm1(-d), 0.0)
        below, above = (each.sum(axis=1, keepdims=True) for each in (grown, risen))
        return np.where(known, d - (np.log1p(below) - np.log1p(-above)), e)

    def _of_cells(self, rows: Rows, p: Float64, _: Float64, e: Float64) -> Float64:
        """Return e for the rows of cells whose rough e is given."""
        steps, known = cell_steps(*self.sides, rows, p[:, 0] * p[:, 1])
        d = steps / self.temperature
        near = known & (np.abs(d) < 1)
        return np.where(near[:, None], close_ratio(p, np.where(near, d, 0.0)), e)


@dataclass(frozen=True)
class Converted(Pair):
    """Two blocks that were not both logits, and what rounding took from these.

    ``lows`` has the shape of both blocks; (1,) and 0 of one of logits.
    """

    lows: tuple[Float64, Float64] = NO_LOWS
    conversion: Conversion = field(kw_only=True)

    @property
    def sharp(self) -> Converted:
        """The pair with logits over T that are right to 1e-32."""
        return self.conversion.sharp(self)

    def softened(self, power: int) -> Self:
        """Return the pair at T * 2**power."""
        return replace(super().softened(power), conversion=self.conversion.softened(power))

    def _exchanged(self) -> Self:
        return replace(
            super()._exchanged(), lows=self.lows[::-1], conversion=self.conversion.exchanged
        )


@dataclass(frozen=True)
class ConvertedSoftmax(Converted, SoftmaxPair):
    """The same under softmax."""

    def prepare(self) -> Prepared:
        """Return both sides as distributions over the classes."""
        return self.conversion.improved(super().prepare(), self.status)

    def below_largest(
        self, side: int, logits: Float64, largest: Float64
    ) -> tuple[Float64, Float64]:
        """Return the logits of a side less the largest of their row, in two float64."""
        written, scale = self.conversion.sides[side], self.temperature / self.conversion.temperature
        if not written.is_rounded:
            return super().below_largest(side, logits, largest)
        if self.conversion.exactly:
            low = self.lows[side]
            high, rest = exact.two_diff(logits, largest)
            return exact.two_sum(high, rest + (low - softmax.at(low, self.argmax[side])))
        p_max = np.take_along_axis(written.values, self.argmax[side][:, None], axis=1)
        present = np.where(written.values > 0, written.values, p_max)
        high, low = log_of_share(present, p_max, exactly=False)
        return high * scale, low * scale


@dataclass(frozen=True)
class ConvertedSigmoid(Converted, SigmoidPair):
    """The same under sigmoid."""

    @property
    def positive(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where the logits of either side are above 0."""
        reference, candidate = (side.positive for side in self.conversion.sides)
        return reference, candidate

    def prepare(self) -> Prepared:
        """Return both sides as distributions over the outcomes 1 and 0."""
        found = sigmoid.prepared(self.s, self.t, self.temperature, self.lows)
        return self.conversion.improved(found, self.status)


def prepare(
    mode: Mode,
    s: NDArray[Any],
    t: NDArray[Any],
    temperature: float,
    kinds: tuple[Kind, Kind],
    *,
    exactly: bool = False,
) -> Converted:
    """Check two blocks of which one at least holds no logits.

    Parameters
    ----------
    mode : {"softmax", "sigmoid"}
        The link function.
    s, t : array, shape (rows, classes), of any real dtype
        The reference's and the candidate's numbers; widened to float64.
    temperature : float
        T.
    kinds : pair of {"logits", "probs", "log-probs"}
        What the numbers of each side are.
    exactly : bool
        Whether logits over T have to be right to 1e-32.
    """
    exactly = exactly or temperature < COLD
    blocks = exact.widen(s), exact.widen(t)
    (s, s_low), (t, t_low) = (
        logits_in_two(x, kind, mode, exactly=exactly) for x, kind in zip(blocks, kinds, strict=True)
    )
    pair = (softmax if mode == "softmax" else sigmoid).prepare(s, t, temperature)
    argmax = blocks[0].argmax(axis=1), blocks[1].argmax(axis=1)
    reference, candidate = (
        Written(without_uncounted(x, pair.status, _ANY[kind]), kind, mode)
        for x, kind in zip(blocks, kinds, strict=True)
    )
    scale = pair.temperature / temperature
    common = {
        "temperature": pair.temperature,
        "status": pair.status,
        "argmax": argmax,
        "lows": (s_low * scale, t_low * scale),
        "conversion": Conversion((reference, candidate), temperature, exactly),
    }
    if isinstance(pair, SigmoidPair):
        return ConvertedSigmoid(pair.s, pair.t, masked=pair.masked, **common)
    return ConvertedSoftmax(pair.s, pair.t, **common)
