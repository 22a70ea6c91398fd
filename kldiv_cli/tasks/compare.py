"""What a caller asks -> a comparison."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

from kldiv_cli import measures
from kldiv_cli.measures.base import Measure
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.pairing import Pairing
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.sources.stores.reads import reading
from kldiv_cli.tasks.jobs.comparing import Comparing
from kldiv_cli.tasks.opening.kinds import own_kinds
from kldiv_cli.tasks.opening.masking import masked, scored, without_low_cells
from kldiv_cli.tasks.opening.questions.asking import ask
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.opening.sides import (
    Input,
    begin,
    choice_of,
    layout_of,
    open_labels,
    open_pairing,
    threads_of,
)
from kldiv_cli.tasks.options import Compare, checks
from kldiv_cli.tasks.options.signature import documented
from kldiv_cli.tasks.options.typed import CompareOptions
from kldiv_cli.tasks.reading import noted

if TYPE_CHECKING:
    from kldiv_cli.sources.labels.classes import Labels
    from kldiv_cli.tasks.jobs.grouping import Grouping
    from kldiv_cli.tasks.jobs.tokens import Scoring


@documented(Compare, CompareOptions)
def compare(reference: Input, candidate: Input, **options: Unpack[CompareOptions]) -> Comparison:
    """Measure how far the candidate's outputs are from the reference's, row by row.

    The measure, if none is named, is the Jeffreys divergence J = KL(p||q) + KL(q||p) of p, the
    reference's distribution, and q, the candidate's, with no factor 1/2. All of them are exact to
    2e-14 relative in float64; divergences are never negative, and 0 exactly on equal input.

    Parameters
    ----------
    reference, candidate : path or array_like
        Logits: a file in a format of `kldiv_cli.sources.formats`, or an array with at least one
        axis. Files are streamed, arrays are not copied.
    **options
        What is said of the files and of what comes out, each by its name.

    Returns
    -------
    Comparison
        Statistics, per-row values, agreement and the most divergent rows.

    Raises
    ------
    UsageError
        An option has no such value.
    InputError
        A file cannot be read, the two sides do not correspond, a row is invalid under "raise", or
        no row is left to count.

    References
    ----------
    .. [1] H. Jeffreys, An invariant form for the prior probability in estimation problems,
       Proc. R. Soc. Lond. A 186 (1946).
    .. [2] Su Jianlin, What should KL divergence look like under GlobalPointer?, 2022,
       spaces.ac.cn/archives/9039.

    Examples
    --------
    >>> from kldiv_cli import compare
    >>> result = compare([[2.0, 1.0, 0.0, -1.0]], [[1.5, 1.2, -0.3, 0.4]])
    >>> f"{result.measures['jeffreys']['mean']:.12f}"
    '0.284691230257'
    """
    return run(Compare(reference=reference, candidate=candidate, **options))


def run(asked: Compare, *, keep_rows: bool = True) -> Comparison:
    """Return the comparison that was asked for.

    Without ``keep_rows`` it has no values of single rows, and takes a byte of memory for each row
    beside those of the measures: 9 for one measure.

    Raises
    ------
    UsageError, InputError
        As `compare` does.
    """
    with reading() as reads:
        job = replace(opened(asked), keep_rows=keep_rows)
        found = job.finish(job.part(None, threads_of(asked), asked.progress))
        found = replace(found, head=noted(found.head, reads))
    if not (asked.limits or asked.lower_limits):
        return found
    from kldiv_cli.results.limits import judged  # noqa: PLC0415 - many comparisons have no limits

    limits = judged(found, asked.limits, asked.lower_limits, asked.when_unsure)
    return replace(found, limits=limits)


def opened(asked: Compare) -> Comparing:
    """Open everything that a comparison reads.

    Raises
    ------
    UsageError
        Options cannot be together.
    InputError
        A file cannot be read, or the two sides do not correspond.
    """
    begin(asked)
    checks.normalize(asked.mode, asked.kind, normalize=asked.normalize)
    found = _measures(asked)
    labels, layout = asked.labels, layout_of(asked)
    pairing = open_pairing(asked, layout)
    ask(Opened.of(asked, pairing, asked.mode))
    pairing = masked(pairing, asked.mask, asked.mask_means, by_place=asked.by_place)
    kinds = own_kinds(pairing, asked.kind, asked.mode)
    pairing = without_low_cells(pairing, asked.mask_below, kinds)
    truth = open_labels(asked, pairing, layout)
    tokens = scored(_scoring(pairing, asked, kinds, truth), pairing, labels is not None)
    _check_limits(asked, scored=tokens is not None)
    grouping = _grouping(pairing, asked, kinds[0])
    return Comparing(
        asked=asked,
        measures=found,
        pairing=pairing,
        kinds=kinds,
        choice=choice_of(asked),
        tokens=tokens,
        grouping=grouping,
    )


def _measures(asked: Compare) -> tuple[Measure, ...]:
    """Load the measures, which the figures of limits are to be of."""
    found = tuple(measures.load(name) for name in asked.measure)
    limits = asked.limits + asked.lower_limits
    if limits:
        from kldiv_cli.results.figures import check  # noqa: PLC0415 - many comparisons have no limits

        for stat, _ in limits:
            check(stat, [measure.name for measure in found], asked.mode)
    return found


def _check_limits(asked: Compare, *, scored: bool) -> None:
    """Raise a `UsageError` for limits on figures of tokens, where none are scored."""
    limits = asked.limits + asked.lower_limits
    if limits:
        from kldiv_cli.results.figures import check_tokens  # noqa: PLC0415 - many comparisons have no limits

        check_tokens([stat for stat, _ in limits], scored=scored)


def _scoring(
    pairing: Pairing, asked: Compare, kinds: tuple[Kind, Kind], labels: Labels | None
) -> Scoring | None:
    """Return how to score tokens; None where neither side stores tokens and nobody gives labels."""
    sides = pairing.reference, pairing.candidate
    if labels is None and all(side.tokens is None for side in sides):
        return None
    from kldiv_cli.tasks.jobs.tokens import scoring  # noqa: PLC0415 - most comparisons start without

    return scoring(pairing, asked.mode, kinds, labels, asked.smooth)


def _grouping(pairing: Pairing, asked: Compare, kind: Kind) -> Grouping | None:
    """Return how to group the rows, None where no groups are asked for."""
    if asked.group is None:
        return None
    from kldiv_cli.tasks.jobs.grouping import open_grouping  # noqa: PLC0415 - most comparisons start without

    return open_grouping(asked.group, pairing, asked, kind)
