"""What a caller asks -> a loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Unpack

from kldiv_cli import losses
from kldiv_cli.errors import UsageError
from kldiv_cli.results.loss import LossResult
from kldiv_cli.sources.stores.reads import reading
from kldiv_cli.tasks.jobs.summing import Summing
from kldiv_cli.tasks.opening.kinds import insisted, own_kinds
from kldiv_cli.tasks.opening.masking import check_of_rows, masked, without_low_cells
from kldiv_cli.tasks.opening.questions.asking import ask
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.opening.sides import (
    Input,
    begin,
    choice_of,
    layout_of,
    open_labels,
    open_pairing,
    open_side,
    threads_of,
)
from kldiv_cli.tasks.options import Loss, checks
from kldiv_cli.tasks.options.signature import documented
from kldiv_cli.tasks.options.typed import LossOptions
from kldiv_cli.tasks.reading import noted


@documented(Loss, LossOptions)
def loss(
    name: str, reference: Input, candidate: Input, **options: Unpack[LossOptions]
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
        Logits: a file in a format of `kldiv_cli.sources.formats`, or an array with at least one
        axis, of shape (*rows, *classes). Any real dtype; computed in float64.
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
    Rows of nothing but -inf on both sides, and under softmax of one number of at most -1e4, are
    left out of sums and denominators. Elsewhere -inf gives what the framework prints: NaN in torch
    where both sides have it, +inf in torch and mxnet where only the candidate has it, a finite
    number in keras.

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
    asked = Loss(name=name, reference=reference, candidate=candidate, **options)
    with reading() as reads:
        found = opened(asked).run(threads_of(asked), asked.progress)
        return replace(found, head=noted(found.head, reads))


def opened(asked: Loss) -> Summing:
    """Open everything that a loss reads.

    Raises
    ------
    UsageError
        There is no such loss, or options cannot be together.
    InputError
        A file cannot be read, or the two sides do not correspond.
    """
    begin(asked)
    labels = asked.labels
    chosen = losses.load(asked.name, asked.own)
    losses.check_labels(asked.name, chosen, labels is not None)
    checks.normalize(chosen.mode, asked.kind, normalize=asked.normalize)
    layout = layout_of(asked)
    choice = choice_of(asked)
    whole = chosen.whole_samples and (asked.row_axes, asked.class_axis) == (None, None)
    if whole and len(open_side(asked.reference, layout).shape) > 1:
        layout = replace(layout, row_axes=1)
    pairing = open_pairing(asked, layout)
    ask(Opened.of(asked, pairing, chosen.mode))
    pairing = masked(pairing, asked.mask, asked.mask_means, by_place=asked.by_place)
    if labels is not None and pairing.classes is not None:
        raise UsageError(
            "--labels name classes of the whole file, and --classes and --truncate-classes leave "
            "some of them out",
            "Leave one of the two out.",
        )
    kinds = own_kinds(pairing, asked.kind, chosen.mode)
    pairing = without_low_cells(pairing, asked.mask_below, kinds)
    if chosen.needs_prior:
        check_of_rows(pairing)
    truth = open_labels(asked, pairing, layout)
    return Summing(
        name=asked.name,
        loss=chosen,
        pairing=pairing,
        labels=truth,
        nan_policy=asked.nan_policy,
        kinds=kinds,
        normalize=asked.normalize,
        choice=choice,
        insisted=insisted(asked.kind),
        ignore_constant_rows=asked.ignore_constant_rows,
    )
