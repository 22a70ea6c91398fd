"""What `compare` returns and the reports read: the result of one comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.results.statistics import Statistics
from kldiv_cli.results.summary import TopRow

if TYPE_CHECKING:
    from kldiv_cli.results.groups import Groups
    from kldiv_cli.results.language import LanguageResult
from kldiv_cli.results.selection import ClassSelection, Missing, Selection

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """One of the two inputs: where it came from and what it holds.

    The first entry of ``shape`` is None where the file was not read to its end and does not say.
    ``sum_error`` is how far from 1 the probabilities of a row summed at most before they were
    divided by their sum; None where none were summed. ``shards`` is of how many files the input is
    made, None where it is one; ``passed_over`` names those in its directory that are no part of it.
    ``censored`` says that the format leaves out the least likely classes of a row.
    """

    path: str
    format: str
    dtype: str
    shape: tuple[int | None, ...]
    kind: Literal["logits", "probs", "log-probs"] = "logits"
    id: str | None = None
    sum_error: float | None = None
    notes: tuple[str, ...] = ()
    shards: int | None = None
    passed_over: tuple[str, ...] = ()
    censored: bool = False


@dataclass(frozen=True)
class MaskUse:
    """The mask of a comparison, and what it came to.

    ``means`` says whether its true cells enter or are left out. In the rows that count it leaves
    out ``cells`` of ``of``. ``shards``, ``passed_over`` and ``notes`` are as in `Side`. The first
    length is None where only part of a mask was read that does not say how long it is.
    """

    path: str
    format: str
    dtype: str
    shape: tuple[int | None, ...]
    means: Literal["keep", "drop"]
    cells: int
    of: int
    shards: int | None = None
    passed_over: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limit:
    """A figure that was not to be above a value, or not below one; the other is None.

    ``stat`` names it: ``p99`` of the first measure, ``kl:p99``, ``same-argmax``, ``ppl:ratio``.
    """

    stat: str
    above: float | None
    value: float
    unit: str | None
    below: float | None = None

    @property
    def exceeded(self) -> bool:
        """True above the limit, below a lower one, and for NaN."""
        if self.above is not None and self.value > self.above:
            return True
        return isnan(self.value) or (self.below is not None and self.value < self.below)


@dataclass(frozen=True)
class Agreement:
    """How many decisions agree: rows with the same argmax, or cells with the same sign."""

    kind: Literal["argmax", "sign"]
    same: int
    of: int

    @property
    def share(self) -> float:
        """From 0 to 1; NaN where there was nothing to decide."""
        return self.same / self.of if self.of else float("nan")


@dataclass(frozen=True)
class Comparison:
    """The divergences between two sets of logits, row by row and in total.

    Attributes
    ----------
    reference, candidate : Side
        The two inputs: path, format, dtype, shape, row-id column.
    mode : {"softmax", "sigmoid"}
        The link function between logits and probabilities.
    unit : {"nats", "bits"}
        The unit of every value and statistic.
    temperature : float
        Both sides' logits were divided by it first.
    smooth : float
        The weight of the uniform distribution that the candidate was mixed with.
    nan_policy : {"raise", "omit", "propagate"}
        What was done with invalid rows.
    rows, skipped, invalid : int
        How many rows the statistics count; how many were left out because every cell is -inf on
        both sides; how many hold no distribution (NaN; under softmax also +inf, or nothing but -inf
        on one side). Invalid rows are left out too under "omit"; under "propagate" they count, as
        NaN.
    classes : int
        How many classes (softmax) or cells (sigmoid) one row has.
    class_shape : tuple of int
        The axes of one row.
    class_names : tuple of str or None
        Their names, where a side has them.
    row_shape : tuple of int
        The axes that index rows; (rows,) where not all rows of the files were compared.
    paired_by : {"position", "id"}
        How rows found each other.
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
    mask : MaskUse or None
        The mask, what it means and how many cells it leaves out in the rows that count.
    masked : int
        How many rows the mask leaves out: those of which it keeps no cell.
    masked_rows : bool array, shape (rows,), or None
        Which rows these are.
    ids : array, shape (rows,), or None
        The rows' ids.
    agreement : Agreement
        Over the rows that count and are valid, the share of rows with the same argmax (softmax), or
        of cells with the same sign, logit > 0 or not (sigmoid; cells that are -inf on both sides,
        or masked, are left out). Ties in argmax go to the first class.
    top : tuple of TopRow
        The most divergent rows, largest first; all rows, in order, of an input with 20 or fewer.
    limits : tuple of Limit
        The limits that were asked for, and whether they hold.
    warnings : tuple of str
        What looks wrong with the input though it can be computed.
    language : LanguageResult or None
        Perplexity and its kin over the rows that count, in nats and at temperature 1, whatever
        ``unit``, ``temperature`` and ``smooth`` are; None where no labels or token ids are known.
    tokens : mapping of str to array, shape (rows,)
        Where they are, by name: ``label``, the class of every row's token, and ``log_p`` and
        ``log_q``, its log-probability in nats, NaN where the row does not count.
    groups : Groups or None
        The statistics per group, where groups were asked for.
    row_numbers : integer array, shape (rows,), or None
        The rows' places in the reference, counted from 0; None where all rows were compared.
    file_row_shape : tuple of int or None
        The axes that index rows in the reference, into which row numbers unravel; None where that
        is ``row_shape``.
    selection : Selection or None
        Which rows were asked for; None for all.
    class_selection : ClassSelection or None
        Which classes were compared; None for all. Their indices are their names, then, where they
        have none and do not begin at 0.
    missing : Missing or None
        How many rows have an id that is on one side only; None where that would be an error.

    Examples
    --------
    >>> import kldiv_cli
    >>> result = kldiv_cli.compare([[2.0, 1.0, 0.0, -1.0]], [[1.5, 1.2, -0.3, 0.4]])
    >>> f"{result.measures['jeffreys']['total']:.12f}"
    '0.284691230257'
    >>> result.agreement.share
    1.0
    """

    reference: Side
    candidate: Side
    mode: Literal["softmax", "sigmoid"]
    unit: Literal["nats", "bits"]
    temperature: float
    smooth: float
    nan_policy: Literal["raise", "omit", "propagate"]
    rows: int
    skipped: int
    invalid: int
    classes: int
    class_shape: tuple[int, ...]
    class_names: tuple[str, ...] | None
    row_shape: tuple[int, ...]
    paired_by: Literal["position", "id"]
    measures: Mapping[str, Statistics]
    definitions: Mapping[str, str]
    units: Mapping[str, str | None]
    values: Mapping[str, Float64]
    skipped_rows: NDArray[np.bool_]
    ids: NDArray[Any] | None
    agreement: Agreement
    top: tuple[TopRow, ...]
    limits: tuple[Limit, ...]
    warnings: tuple[str, ...]
    language: LanguageResult | None = None
    tokens: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    groups: Groups | None = None
    mask: MaskUse | None = None
    masked: int = 0
    masked_rows: NDArray[np.bool_] | None = None
    row_numbers: NDArray[np.intp] | None = None
    file_row_shape: tuple[int | None, ...] | None = None
    selection: Selection | None = None
    missing: Missing | None = None
    class_selection: ClassSelection | None = None

    @property
    def blank_rows(self) -> NDArray[np.bool_]:
        """Which rows have no value to show: those that were skipped or masked."""
        return (
            self.skipped_rows if self.masked_rows is None else self.skipped_rows | self.masked_rows
        )

    @property
    def numbered_shape(self) -> tuple[int, ...]:
        """The axes into which row numbers unravel; how long the first one is does not matter."""
        first, *rest = self.file_row_shape or self.row_shape
        return (first or 1 << 62, *(length or 1 for length in rest))

    @property
    def exceeded(self) -> bool:
        """Whether any limit was exceeded."""
        return any(limit.exceeded for limit in self.limits)


def class_name(index: int, names: tuple[str, ...] | None, shape: tuple[int, ...]) -> str:
    """Return the name of a class; without names its index, along every axis of a row."""
    if names is not None:
        return names[index]
    return ",".join(str(int(i)) for i in np.unravel_index(index, shape))
