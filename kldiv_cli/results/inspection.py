"""What `inspect` returns and its reports read: what one file is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kldiv_cli.results.base import Result
from kldiv_cli.results.head import Side


@dataclass(frozen=True)
class Span:
    """The smallest and the largest of some numbers."""

    low: float
    high: float


@dataclass(frozen=True)
class Guess:
    """What the numbers look like.

    Attributes
    ----------
    kind : {"logits", "probs", "log-probs", "labels"} or None
        A value of ``--input``, or "labels" for labels or a mask. None where no row holds a
        distribution.
    mode : {"softmax", "sigmoid"} or None
        Whether a row is one distribution or every cell is one; None where the numbers do not tell.
    options : str
        What to say to the other commands; empty where their defaults fit.
    why : str
        What was seen.
    """

    kind: Literal["logits", "probs", "log-probs", "labels"] | None
    mode: Literal["softmax", "sigmoid"] | None
    options: str
    why: str


@dataclass(frozen=True)
class Cells:
    """How many cells of all rows hold what.

    Attributes
    ----------
    finite, minus_inf, plus_inf, nan : int
        Numbers of cells.
    span : Span or None
        The range of the finite cells without those that are mask-like; None without such cells.
    """

    finite: int
    minus_inf: int
    plus_inf: int
    nan: int
    span: Span | None

    @property
    def total(self) -> int:
        """The number of cells."""
        return self.finite + self.minus_inf + self.plus_inf + self.nan


@dataclass(frozen=True)
class MaskLike:
    """Finite cells at or below ``at_most``, as masks are written: -1e4, -1e9, a type's minimum.

    Attributes
    ----------
    at_most : float
        The largest value that is taken for a mask.
    cells : int
        How many cells.
    span : Span or None
        Their smallest and largest value, None where there are no such cells.
    values : tuple of (value, cells)
        How often each value stands there, the most frequent first.
    complete : bool
        Whether ``values`` lists all of them; there are too many to be masks where it does not.
    """

    at_most: float
    cells: int
    span: Span | None
    values: tuple[tuple[float, int], ...]
    complete: bool


@dataclass(frozen=True)
class Rows:
    """What the rows hold. Only valid rows enter sums, argmax and entropy.

    Attributes
    ----------
    valid : int
        Rows that hold a distribution under softmax.
    nan, plus_inf, empty : int
        Rows with NaN, rows with +inf but without NaN, and rows of -inf alone.
    first_nan, first_plus_inf, first_empty : int or None
        The first such row, counted from 0.
    constant : int
        How many rows have 3 cells and more, and one finite number in all of them.
    constant_value : float or None
        Their number; None where they have several, or where there are none.
    """

    valid: int
    nan: int
    plus_inf: int
    empty: int
    first_nan: int | None
    first_plus_inf: int | None
    first_empty: int | None
    constant: int = 0
    constant_value: float | None = None

    @property
    def total(self) -> int:
        """The number of rows."""
        return self.valid + self.nan + self.plus_inf + self.empty


@dataclass(frozen=True)
class Leaders:
    """Which classes are the argmax of some row; ties go to the first class.

    Attributes
    ----------
    distinct : int
        How many such classes there are.
    top : tuple of (class, rows)
        The most frequent of them.
    """

    distinct: int
    top: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Entropy:
    """Shannon entropy of the rows' distributions, in nats.

    Attributes
    ----------
    of : {"softmax(row)", "row"}
        The distribution: "row" where the rows are probabilities.
    mean, low, high : float
        Its entropy on average, and the smallest and the largest one.
    """

    of: Literal["softmax(row)", "row"]
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Holding:
    """A column of a table, or an array of a file, and what it would be taken for.

    Attributes
    ----------
    name : str
        What the file calls it.
    type : str
        The type of its values.
    shape : tuple of int or None
        The shape of an array; None for a column.
    role : {"class", "id", "group", "rows", "left out", "unclear"}
        What it would be taken for. What holds whole rows is "rows".
    why : str
        Why it is left out, or what is unclear.
    arrays : int
        How many arrays of that shape have the name together.
    """

    name: str
    type: str
    shape: tuple[int, ...] | None
    role: Literal["class", "id", "group", "rows", "left out", "unclear"]
    why: str = ""
    arrays: int = 1


@dataclass(frozen=True)
class Contexts:
    """What a logits file of llama.cpp holds beside its rows.

    Attributes
    ----------
    chunks, n_ctx : int
        The file has ``chunks`` contexts of ``n_ctx`` tokens. The second half of each is scored.
    distinct : int
        How many token ids occur.
    first : tuple of int
        The first token ids.
    censored : int
        How many cells hold their row's minimum, and so a bound of their probability alone.
    held : float
        The probability that these cells have together in one row, at most.
    """

    chunks: int
    n_ctx: int
    distinct: int
    first: tuple[int, ...]
    censored: int
    held: float


@dataclass(frozen=True, kw_only=True)
class Inspection(Result):
    """What one file is, from all of its rows or from those that were selected.

    Attributes
    ----------
    head : Head
        The file and the rows that were read; its ``class_shape``, ``class_names``, ``row_shape``,
        ``selection`` and ``warnings`` are attributes of the result, too. Rows that hold a
        distribution count there.
    ids : tuple
        The first rows' ids, where the file has ids.
    guess : Guess
        Logits, probabilities or log-probabilities, and why.
    cells : Cells
        Finite, infinite and NaN cells, and the range of the finite ones.
    mask_like : MaskLike
        Finite cells that look like masks.
    rows : Rows
        How many rows hold a distribution.
    sums, log_sums : Span or None
        The range of sum(row) and of log(sum(exp(row))) over the valid rows; None without these.
    leaders : Leaders
        The spread of argmax over the valid rows.
    entropy : Entropy or None
        Over the valid rows; None without such rows.
    contexts : Contexts or None
        Of a logits file of llama.cpp.
    holds : tuple of Holding
        The columns of a table, or the arrays of a file that has names for them.
    is_read : bool
        Whether the rows were read. They are not where other commands would stop at the file, as
        an option has to say what is meant: then only ``holds`` and ``warnings`` tell of it.
    """

    ids: tuple[str | int, ...]
    guess: Guess
    cells: Cells
    mask_like: MaskLike
    rows: Rows
    sums: Span | None
    log_sums: Span | None
    leaders: Leaders
    entropy: Entropy | None
    contexts: Contexts | None = None
    holds: tuple[Holding, ...] = ()
    is_read: bool = True

    @property
    def file(self) -> Side:
        """The file: path, format, dtype, shape, row-id column, notes on format and columns."""
        return self.head.sides[0]


@dataclass(frozen=True)
class Unreadable:
    """A file of several that could not be inspected: what is wrong, and what to do about it."""

    path: str
    what: str
    advice: str
