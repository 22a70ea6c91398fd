"""The loop for losses: pairing -> loss."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from math import isnan, prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kldiv_cli import losses
from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.loss_result import LossResult
from kldiv_cli.losses.base import Accumulator, Loss, Outcome, Rows, Size
from kldiv_cli.losses.priors import ClassPriors
from kldiv_cli.masking import described, hidden, without_rows
from kldiv_cli.measures.absence import with_masked
from kldiv_cli.measures.base import Status
from kldiv_cli.measures.exact import widen
from kldiv_cli.measures.kinds import Kind, to_logits
from kldiv_cli.opening import (
    Own,
    describe,
    invalid_row,
    nothing_counts,
    open_labels,
    open_pairing,
    own_kinds,
    without_labels,
)
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.pairing.mask import Means
from kldiv_cli.request import NanPolicy, check_kinds, check_normalize
from kldiv_cli.sources.base import Layout, RawType
from kldiv_cli.sources.labels import Labels
from kldiv_cli.watch import Watch, watched


def loss(
    name: str,
    reference: str | os.PathLike[str] | ArrayLike,
    candidate: str | os.PathLike[str] | ArrayLike,
    *,
    labels: str | os.PathLike[str] | ArrayLike | None = None,
    row_axes: int | None = None,
    nan_policy: NanPolicy = "raise",
    id_column: str | None = None,
    columns: Sequence[str] | None = None,
    key: str | None = None,
    candidate_key: str | None = None,
    reference_format: str | None = None,
    candidate_format: str | None = None,
    header: bool = True,
    delimiter: str | None = None,
    dtype: RawType | None = None,
    kind: Kind | tuple[Kind, Kind] = "logits",
    normalize: bool = False,
    mask: str | os.PathLike[str] | ArrayLike | None = None,
    mask_means: Means = "keep",
    progress: Callable[[int, int | None], None] | None = None,
    **options: Any,
) -> LossResult:
    """Compute what training code computes from two sets of logits.

    The result holds the number that a framework prints or a paper defines, and beside it the exact
    divergence that it stands for. p is the distribution of the reference (teacher, label, clean
    output), q that of the candidate (student, prediction, perturbed output).

    Parameters
    ----------
    name : str
        "torch", "mxnet", "keras", "r-drop", "vat", "globalpointer", "kd", "dkd", "gjsd",
        "distillm", "dkl", "ikl" or "gkl"; `kldiv_cli.losses.LOSSES` has their formulas.
    reference, candidate : path or array_like
        Logits: a file in a format of `kldiv_cli.sources.FORMATS`, or an array with at least one
        axis, of shape (*rows, *classes). Any real dtype; computed in float64.
    labels : path, str or array_like of int, optional
        The true class per row, for dkd and class priors: an .npy file, the name of a column of the
        reference table, or an array.
    row_axes : int, optional
        How many leading axes index rows; by default all but the last, and for globalpointer one: a
        row is a sample there.
    nan_policy : {"raise", "omit", "propagate"}
        What an invalid row does: raise an error that names it, stay out of sums and denominators,
        or make the result NaN.
    id_column, columns : optional
        The row-id column and the class columns of tables.
    key, candidate_key : str, optional
        Which array of a file that holds several, and the candidate's where it is another.
    reference_format, candidate_format : str, optional
        What a file is, as `kldiv_cli.sources.FORMATS` names it, where its content and suffix do not
        tell.
    header, delimiter, dtype : optional
        How text is laid out, and what raw bytes are; those of `kldiv_cli.compare`.
    kind : {"logits", "probs", "log-probs"} or a pair of them
        What the numbers are, of both sides or of each; their logarithms are taken for logits.
    normalize : bool
        Take rows of probabilities however far from 1 they sum.
    mask, mask_means : optional
        Which rows enter, as in `kldiv_cli.compare`; the others leave sums and denominators. A mask
        of cells is refused: every framework treats these in its own way.
    progress : callable, optional
        Called after each block with the rows done and the number expected, if known.
    **options
        Those of the loss, such as ``reduction="batchmean"``; see its class in `kldiv_cli.losses`.

    Returns
    -------
    LossResult
        Value, components, reduction and denominator; the true divergence and the factor.

    Raises
    ------
    UsageError
        There is no such loss, or it does not take an option or its value.
    InputError
        A file cannot be read, the two sides do not correspond, a row is invalid under "raise", no
        row is left to count, or a label is missing, out of range or of a class without rows.

    Notes
    -----
    Rows of nothing but -inf on both sides are left out of sums and denominators. Elsewhere -inf
    gives what the framework prints: NaN in torch where both sides have it, +inf in torch and mxnet
    where only the candidate has it, a finite number in keras.

    References
    ----------
    .. [1] PyTorch, torch.nn.functional.kl_div,
       https://pytorch.org/docs/stable/generated/torch.nn.functional.kl_div.html
    .. [2] The papers that `kldiv_cli.losses.LOSSES` names.

    Examples
    --------
    >>> from kldiv_cli import loss
    >>> result = loss("torch", [[2.0, 1.0, 0.0, -1.0]], [[1.5, 1.2, -0.3, 0.4]])
    >>> f"{result.value:.12f} = {result.factor} * {result.reference_value:.12f}"
    '0.030419045721 = 0.25 * 0.121676182884'
    """
    chosen = losses.load(name, options)
    losses.check_labels(name, chosen, labels is not None)
    if nan_policy not in {"raise", "omit", "propagate"}:
        raise UsageError(
            f"no nan policy is called {nan_policy!r}", "Known: raise, omit, propagate."
        )
    kinds = (kind, kind) if isinstance(kind, str) else (kind[0], kind[1])
    check_kinds(kinds)
    check_normalize(chosen.mode, kinds, normalize=normalize)
    classes = None if columns is None else tuple(columns)
    layout = Layout(row_axes, id_column, classes, key, dtype, header, delimiter, reference_format)
    own = Own(candidate_key, candidate_format)
    layout = without_labels(layout, reference, labels)
    pairing = open_pairing(reference, candidate, layout, own)
    if chosen.whole_samples and row_axes is None and len(pairing.reference.shape) > 1:
        pairing = open_pairing(reference, candidate, replace(layout, row_axes=1), own)
    pairing = without_rows(pairing, mask, mask_means)
    kinds = own_kinds(pairing, kinds, chosen.mode)
    truth = None if labels is None else open_labels(labels, pairing, reference, layout)
    job = _Job(chosen, pairing, truth, nan_policy, kinds, normalize)
    return job.run(name, progress)


@dataclass(frozen=True)
class _Job:
    """One loss over one pairing."""

    loss: Loss
    pairing: Pairing
    labels: Labels | None
    nan_policy: NanPolicy
    kinds: tuple[Kind, Kind]
    normalize: bool

    def run(self, name: str, progress: Callable[[int, int | None], None] | None) -> LossResult:
        watch = Watch(self.pairing, self.loss.mode, self.kinds, self.normalize)
        priors = self._priors() if self.loss.needs_prior else None
        sums = Accumulator(self.loss)
        statuses = [np.empty(0, np.uint8)]
        done = 0
        for rows, status in self._rows(watch):
            if priors is not None and rows.labels is not None:
                rows = replace(rows, prior=priors.of(rows.labels))  # noqa: PLW2901
            sums.add(rows)
            statuses.append(status)
            done += len(status)
            if progress is not None:
                progress(done, self.pairing.rows_expected)
        watch.check()
        return self._result(name, sums, np.concatenate(statuses), watch)

    def _rows(self, watch: Watch | None = None) -> Iterator[tuple[Rows, NDArray[np.uint8]]]:
        """Yield the rows of each block that count, and the status of all."""
        for whole in self.pairing.blocks():
            block = hidden(whole, self.kinds)
            m, n = (
                widen(to_logits(x, kind, self.loss.mode))
                for x, kind in zip((block.reference, block.candidate), self.kinds, strict=True)
            )
            pair = self.loss.prepare(m, n)
            status = with_masked(pair.status, block.kept)
            self._refuse(block, status)
            keep = status == Status.COUNTED
            if watch is not None:
                watch.look(block, keep, whole)
            labels = None
            if self.labels is not None:
                labels = self.labels.of(block.numbers[keep], m.shape[1])
            if not keep.all():
                m, n = m[keep], n[keep]
                pair = self.loss.prepare(m, n)
            yield Rows(m, n, pair, labels), status
            block.release()

    def _refuse(self, block: BlockPair, status: NDArray[np.uint8]) -> None:
        invalid = status == Status.INVALID
        if self.nan_policy == "raise" and invalid.any():
            row = int(invalid.argmax())
            raise invalid_row(self.loss.mode, block, row, self.pairing, self.kinds)

    def _priors(self) -> ClassPriors:
        """Average the distributions of every class, in a pass of its own."""
        priors = ClassPriors(prod(self.pairing.class_shape))
        for rows, _ in self._rows():
            if rows.labels is not None:
                priors.add(self.loss.weights(rows), rows.labels)
        missing = priors.missing
        if len(missing):
            first, names = int(missing[0]), self.pairing.class_names
            more = f" ({len(missing)} such classes in all)" if len(missing) > 1 else ""
            raise InputError(
                f"{self.labels.path if self.labels else ''}: expected rows of every class, found "
                f"none of class {first if names is None else repr(names[first])}{more}",
                "A class prior is the mean over the rows of its class: give rows of all classes, "
                "or leave --class-prior out.",
            )
        return priors

    def _result(
        self, name: str, sums: Accumulator, status: NDArray[np.uint8], watch: Watch
    ) -> LossResult:
        skipped = int((status == Status.SKIPPED).sum())
        invalid = int((status == Status.INVALID).sum())
        left_out = int((status == Status.MASKED).sum())
        counted = status == Status.COUNTED
        if self.nan_policy == "propagate":
            counted |= status == Status.INVALID
        if not counted.any():
            raise nothing_counts(self.pairing, skipped, invalid, left_out)
        reference, candidate = (
            watched(describe(source, len(status)), side)
            for source, side in zip(
                (self.pairing.reference, self.pairing.candidate), watch.sides, strict=True
            )
        )
        size = Size(
            rows=int(counted.sum()),
            classes=prod(self.pairing.class_shape),
            batch=_batch(
                tuple(length or len(status) for length in reference.shape),
                len(self.pairing.class_shape),
                counted,
            ),
        )
        outcome = sums.result(size, invalid=self.nan_policy == "propagate" and invalid > 0)
        return LossResult(
            loss=name,
            formula=losses.LOSSES[name].formula,
            options={losses.word(option): value for option, value in vars(self.loss).items()},
            reference=reference,
            candidate=candidate,
            rows=size.rows,
            skipped=skipped,
            invalid=invalid,
            classes=size.classes,
            paired_by=self.pairing.by,
            warnings=watch.warnings(),
            mask=described(self.pairing, len(status), 0, size.rows * size.classes),
            masked=left_out,
            **_told(outcome),
        )


def _told(outcome: Outcome) -> dict[str, Any]:
    told = {field.name: getattr(outcome, field.name) for field in fields(outcome)}
    factor = None if isnan(outcome.value) else outcome.factor
    return {**told, "components": outcome.components or {}, "factor": factor}


def _batch(shape: tuple[int, ...], class_axes: int, counted: NDArray[np.bool_]) -> int:
    """Return the length of the first axis, without entries of which no row counts."""
    if len(shape) == class_axes:
        return shape[0]
    return int(counted.reshape(shape[0], -1).any(axis=1).sum())
