"""What a caller asks -> a loss."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

from kldiv_cli import losses
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.pairing.masks.mask import Means
from kldiv_cli.pairing.masks.masked import check_of_rows
from kldiv_cli.results.loss import LossResult
from kldiv_cli.sources.base import Layout, RawType
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.tasks.arguments import checked
from kldiv_cli.tasks.masking import masked
from kldiv_cli.tasks.opening import (
    Own,
    open_labels,
    open_pairing,
    open_side,
    own_kinds,
    without_labels,
)
from kldiv_cli.tasks.request import NanPolicy, check_kinds, check_nan_policy, check_normalize
from kldiv_cli.tasks.summing import Summing


@checked
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
    rows: slice | str | None = None,
    limit: int | None = None,
    sample: int | None = None,
    seed: int | None = None,
    mask: str | os.PathLike[str] | ArrayLike | None = None,
    mask_means: Means | None = None,
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
    rows, limit, sample, seed : optional
        Only some rows, as in `kldiv_cli.compare`: the loss is that of files of these rows. The
        length of the first axis counts its entries that have any.
    mask, mask_means : optional
        Which rows or cells enter, as in `kldiv_cli.compare`: the loss is that of rows of only the
        cells that are kept. Rows that are left out, and cells where a loss divides by their number,
        leave the denominators.
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
    check_nan_policy(nan_policy)
    kinds = (kind, kind) if isinstance(kind, str) else (kind[0], kind[1])
    check_kinds(kinds)
    check_normalize(chosen.mode, kinds, normalize=normalize)
    classes = None if columns is None else tuple(columns)
    layout = Layout(row_axes, id_column, classes, key, dtype, header, delimiter, reference_format)
    own = Own(candidate_key, candidate_format)
    layout = without_labels(layout, reference, labels)
    choice = Choice.of(rows, limit, sample, seed)
    if chosen.whole_samples and row_axes is None and len(open_side(reference, layout).shape) > 1:
        layout = replace(layout, row_axes=1)
    pairing = open_pairing(reference, candidate, layout, own, choice)
    pairing = masked(pairing, mask, mask_means)
    if chosen.needs_prior:
        check_of_rows(pairing)
    kinds = own_kinds(pairing, kinds, chosen.mode)
    truth = None if labels is None else open_labels(labels, pairing, reference, layout)
    job = Summing(chosen, pairing, truth, nan_policy, kinds, normalize, choice)
    return job.run(name, progress)
