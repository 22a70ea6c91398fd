"""What `compare` returns and the reports read: the result of one comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.results.base import PairResult
from kldiv_cli.results.statistics import Statistics
from kldiv_cli.results.summary import TopRow

if TYPE_CHECKING:
    from kldiv_cli.results.groups import Groups
    from kldiv_cli.results.hidden import Hidden
    from kldiv_cli.results.language import LanguageResult
    from kldiv_cli.results.limits import Limit

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """How many decisions agree: rows with the same argmax, or cells with the same sign.

    ``padding`` cells decide nothing: -inf on both sides, or one number of at most -1e4.
    ``undecided`` are the decisions of invalid rows that count, which are in neither number.
    """

    kind: Literal["argmax", "sign"]
    same: int
    of: int
    padding: int = 0
    undecided: int = 0

    @property
    def share(self) -> float:
        """From 0 to 1; NaN where there was nothing to decide."""
        return self.same / self.of if self.of else float("nan")

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest share, whatever the invalid rows would decide."""
        every = self.of + self.undecided
        if not self.undecided:
            return self.share, self.share
        return self.same / every, (self.same + self.undecided) / every


@dataclass(frozen=True, kw_only=True)
class Comparison(PairResult):
    """The divergences between two sets of logits, row by row and in total.

    Attributes
    ----------
    head : Head
        What was compared, and how many rows count: ``comparison.rows``, ``comparison.reference``
        and the others are documented there.
    unit : {"nats", "bits"}
        The unit of every value and statistic.
    temperature : float
        Both sides' logits were divided by it first.
    smooth : float
        The weight of the uniform distribution that the candidate was mixed with.
    measures : mapping of str to Statistics
        By measure, the statistics over the rows that count:
        ``comparison.measures["jeffreys"]["mean"]``; ``max_row`` is the row's place in the file.
    definitions : mapping of str to str
        By measure, the formula that was computed.
    units : mapping of str to str or None
        By measure, the unit of its values; None for a distance without one.
    values : mapping of str to float64 array, shape (rows,)
        By measure, the value of every row in order, NaN where the row was skipped or masked or is
        invalid.
    skipped_rows : bool array, shape (rows,)
        Which rows were skipped.
    ids : array, shape (rows,), or None
        The rows' ids.
    agreement : Agreement
        The share of decisions that agree over the rows that count and are valid. Under softmax a
        row decides for its argmax; ties go to the first class. Under sigmoid a cell decides whether
        its logit is above 0; cells that are masked do not decide, nor
        those that are -inf, or one number of at most -1e4, on both sides.
    top : tuple of TopRow
        The most divergent rows, largest first; all rows, in order, of an input with 20 or fewer.
    limits : tuple of Limit
        The limits that were asked for, and whether they hold.
    language : LanguageResult or None
        Perplexity and the like over the rows that count. They are in nats and at temperature 1,
        whatever ``unit`` and ``temperature`` are; the candidate is smoothed as ``smooth`` says.
        None without labels or token ids.
    tokens : mapping of str to array, shape (rows,)
        ``label`` is the class of every row's token; ``log_p`` and ``log_q`` are its
        log-probabilities in nats, NaN where the row does not count. ``censored_p`` and
        ``censored_q`` tell which of these are bounds, for a side whose file censors classes. Empty
        without tokens.
    groups : Groups or None
        The statistics per group, where groups were asked for.
    masked_rows : bool array, shape (rows,), or None
        Which rows the mask leaves out as a whole.
    row_numbers : integer array, shape (rows,), or None
        The rows' places in the reference, counted from 0; None where all rows were compared.
    hidden : Hidden or None
        How much probability of a row is in classes that a file censors; None where both sides hold
        every class. ``comparison.measures["jeffreys"].ranges`` has what the statistics may be.

    Examples
    --------
    >>> import kldiv_cli
    >>> result = kldiv_cli.compare([[2.0, 1.0, 0.0, -1.0]], [[1.5, 1.2, -0.3, 0.4]])
    >>> f"{result.measures['jeffreys']['total']:.12f}"
    '0.284691230257'
    >>> result.agreement.share
    1.0
    >>> result.rows
    1
    """

    unit: Literal["nats", "bits"]
    temperature: float
    smooth: float
    measures: Mapping[str, Statistics]
    definitions: Mapping[str, str]
    units: Mapping[str, str | None]
    values: Mapping[str, Float64]
    skipped_rows: NDArray[np.bool_]
    ids: NDArray[Any] | None
    agreement: Agreement
    top: tuple[TopRow, ...]
    limits: tuple[Limit, ...] = ()
    language: LanguageResult | None = None
    tokens: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    groups: Groups | None = None
    masked_rows: NDArray[np.bool_] | None = None
    row_numbers: NDArray[np.intp] | None = None
    hidden: Hidden | None = None

    @property
    def file_row_shape(self) -> tuple[int | None, ...] | None:
        """The axes that index rows in the reference; None where that is ``row_shape``."""
        return self.head.file_row_shape

    @property
    def blank_rows(self) -> NDArray[np.bool_]:
        """Which rows have no value to show: those that were skipped or masked."""
        return (
            self.skipped_rows if self.masked_rows is None else self.skipped_rows | self.masked_rows
        )

    @property
    def numbered_shape(self) -> tuple[int, ...]:
        """The axes into which row numbers unravel; the first length only has to be large enough."""
        first, *rest = self.file_row_shape or self.row_shape
        return (first or 1 << 62, *(length or 1 for length in rest))

    @property
    def exceeded(self) -> bool:
        """Whether any limit fails: what one asks is not so, or is not proved."""
        return any(limit.exceeded for limit in self.limits)
