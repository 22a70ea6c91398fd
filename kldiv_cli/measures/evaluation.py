"""Measures of a pair of blocks, by the C kernels where these have them and by NumPy otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli import measures
from kldiv_cli.measures import _native
from kldiv_cli.measures.base import Measure, checked
from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.forms import Form
from kldiv_cli.measures.rows.absence import with_masked
from kldiv_cli.measures.types import Float64, Mode, Status

Counts = NDArray[np.int64]
Kept = NDArray[np.bool_] | None


class Partitions(NamedTuple):
    """What a class's log p and log q take beside its logits; float64 arrays of shape (rows,).

    Rows that a kernel does not know of are NaN.

    Parameters
    ----------
    reference, candidate
        log sum exp(x - max x) of either side.
    step, shift
        log(q / p) of a class is ((t - s) - step) - shift.
    kl
        KL(p||q) in nats.
    """

    reference: Float64
    candidate: Float64
    step: Float64
    shift: Float64
    kl: Float64


_PARTITIONS = tuple(
    Form(name) for name in ("reference_partition", "candidate_partition", "step", "shift", "kl")
)


@dataclass(frozen=True)
class Evaluation:
    """What measures say of a pair of blocks.

    Parameters
    ----------
    values : dict of measure name to float64, shape (rows,)
        In nats; NaN where the row is not counted.
    status : integers, shape (rows,)
        One of `Status` per row.
    argmax : two integer arrays, shape (rows,)
        The class with the largest entry on each side; the first of several, the first NaN.
    same, of : integers, shape (rows,)
        How many decisions agree, of how many.
    mismatches : integers, shape (rows,), or None
        How many cells hold a mask value on one side only; None where it was not counted.
    constant : integers, shape (rows,), or None
        What `kldiv_cli.measures.rows.constant.constant_cells` says; None where nobody looked.
    partitions : Partitions or None
        The logarithms of the rows' sums, where they were asked for and there are kernels.
    """

    values: dict[str, Float64]
    status: NDArray[Any]
    argmax: tuple[Counts, Counts]
    same: Counts
    of: Counts
    mismatches: Counts | None = None
    constant: Counts | None = None
    partitions: Partitions | None = None

    def settled(self, status: NDArray[Any]) -> Evaluation:
        """Return this with the rows that count by now; the others have no values."""
        if status is self.status:
            return self
        counted = status == Status.COUNTED
        values = {name: np.where(counted, each, np.nan) for name, each in self.values.items()}
        return replace(self, values=values, status=status)


@dataclass(frozen=True)
class Evaluator:
    """Measures under a mode, ready for any number of blocks; threads may share it.

    Parameters
    ----------
    measures : sequence of Measure
        What to compute.
    mode : {"softmax", "sigmoid"}
        The link function.
    temperature : float
        Both sides' logits are divided by it.
    kinds : pair of {"logits", "probs", "log-probs"}
        What the numbers of each side are.
    smooth : float
        The weight of the uniform distribution that the candidate is mixed with.
    lenient : bool
        Whether a counted row without a value is NaN, and no AssertionError.
    with_partitions : bool
        Whether `Partitions` are wanted too, of logits under softmax at T = 1.
    """

    measures: Sequence[Measure]
    mode: Mode
    temperature: float = 1.0
    kinds: tuple[Kind, Kind] = ("logits", "logits")
    smooth: float = 0.0
    lenient: bool = False
    with_partitions: bool = False

    @property
    def way(self) -> _native.Way | None:
        """How kernels take such blocks; None if they cannot, or there are none."""
        if _native.load() is None:
            return None
        if self.kinds == ("probs", "probs") and self.mode == "softmax" and not self.smooth:
            return "probabilities" if self.temperature == 1 else None
        logits = ("logits",) if self.mode == "sigmoid" else ("logits", "log-probs")
        known = all(kind in logits for kind in self.kinds)
        if not (known and _native.takes(self.temperature)):
            return None
        if self.smooth:
            return "smoothed" if self.mode == "softmax" else None
        return self.mode

    @property
    def by_kernel(self) -> tuple[Measure, ...]:
        """The measures that C computes."""
        kernels, way = _native.load(), self.way
        if kernels is None or way is None:
            return ()
        return tuple(each for each in self.measures if kernels.cover(way, each.form))

    @property
    def _beside(self) -> tuple[Form, ...]:
        return _PARTITIONS if self.with_partitions and self.way == "softmax" else ()

    @property
    def by_kernel_alone(self) -> bool:
        """Whether C computes all of the measures, and there are some."""
        return bool(self.measures) and len(self.by_kernel) == len(self.measures)

    def evaluate(self, s: NDArray[Any], t: NDArray[Any], kept: Kept = None) -> Evaluation:
        """Compute the measures of two blocks.

        Parameters
        ----------
        s, t : array, shape (rows, classes), of any real dtype
            The reference's and the candidate's numbers.
        kept : bool array, shape (rows, classes) or (rows, 1), or None
            Which cells a mask keeps; None for all. The others have to be absent on both sides, as
            `kldiv_cli.measures.rows.absence.without` makes them.
        """
        kernels, way, ours = _native.load(), self.way, self.by_kernel
        by_cell = kept is not None and kept.shape[1] > 1
        nothing = not ours and not self._beside
        if kernels is None or way is None or nothing or (self.smooth and by_cell):
            found = self._by_numpy(self.measures, s, t, kept)
        else:
            found = self._by_kernel(kernels, way, s, t, kept)
            rest = [measure for measure in self.measures if measure not in ours]
            if rest:
                found.values.update(self._by_numpy(rest, s, t, kept).values)
        return found if kept is None else replace(found, status=with_masked(found.status, kept))

    def _by_numpy(
        self, asked: Sequence[Measure], s: NDArray[Any], t: NDArray[Any], kept: Kept
    ) -> Evaluation:
        pair = measures.prepare(
            self.mode,
            exact.real(s),
            exact.real(t),
            self.temperature,
            self.kinds,
            self.smooth,
            kept,
        )
        same, of = pair.agreement
        values = {measure.name: measure.rows(pair, lenient=self.lenient) for measure in asked}
        return Evaluation(values, pair.status, pair.argmax, same, of)

    def _by_kernel(
        self,
        kernels: _native.Kernels,
        way: _native.Way,
        s: NDArray[Any],
        t: NDArray[Any],
        kept: Kept,
    ) -> Evaluation:
        asked, logits = self.by_kernel, way == self.mode
        forms = [each.form for each in asked if each.form]
        beside = self._beside
        plan = kernels.plan(way, self.temperature, [*forms, *beside], self.smooth)
        values, counts = plan(_native.as_taken(s), _native.as_taken(t))
        by_name = {each.name: value for each, value in zip(asked, values, strict=False)}
        unsettled = np.flatnonzero(counts.unsettled)
        if unsettled.size:
            always = _native.ALWAYS if logits else ()
            rest = [each for each in asked if each.form and each.form.name not in always]
            by_value = way == "softmax"  # where a value is NaN that C does not tell
            if by_value:
                rest = [each for each in rest if np.isnan(by_name[each.name][unsettled]).any()]
            some = None if kept is None else kept[unsettled]
            anew = self._by_numpy(rest, s[unsettled], t[unsettled], some)
            for name, of_rows in anew.values.items():
                told = by_name[name][unsettled]
                by_name[name][unsettled] = np.where(by_value & ~np.isnan(told), told, of_rows)
        return Evaluation(
            values={
                name: checked(name, value, counts.status, lenient=self.lenient)
                for name, value in by_name.items()
            },
            status=counts.status,
            argmax=(counts.reference_argmax, counts.candidate_argmax),
            same=counts.same,
            of=counts.of,
            mismatches=counts.mismatches if "probs" not in self.kinds else None,
            constant=counts.constant,
            partitions=Partitions(*values[len(forms) :]) if beside else None,
        )
