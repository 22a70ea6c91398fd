"""What `inspect` returns and its reports read: what one file is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kldiv_cli.results.head import Result, Side


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
        As ``--input`` takes it; "labels" for labels or a mask, which it does not take; None where
        no row holds a distribution.
    mode : {"softmax", "sigmoid"} or None
        Where the numbers tell: whether a row is one distribution or every cell one of its own.
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
    """How many cells hold what, in all rows.

    ``span`` is that of the finite cells which are not mask-like, None where there are none.
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
    """What the rows hold, of which only the valid ones enter sums, argmax and entropy.

    Attributes
    ----------
    valid : int
        Rows that hold a distribution under softmax.
    nan, plus_inf, empty : int
        Rows that hold NaN; +inf but no NaN; nothing but -inf.
    first_nan, first_plus_inf, first_empty : int or None
        The first such row, counted from 0.
    """

    valid: int
    nan: int
    plus_inf: int
    empty: int
    first_nan: int | None
    first_plus_inf: int | None
    first_empty: int | None

    @property
    def total(self) -> int:
        """The number of rows."""
        return self.valid + self.nan + self.plus_inf + self.empty


@dataclass(frozen=True)
class Leaders:
    """Which classes are the argmax of some row, ties going to the first class.

    ``top`` are the most frequent ones, as (class, rows), of the ``distinct`` there are.
    """

    distinct: int
    top: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Entropy:
    """Shannon entropy of the rows' distributions, in nats.

    ``of`` is "softmax(row)", or "row" where the rows are probabilities as they are.
    """

    of: Literal["softmax(row)", "row"]
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Contexts:
    """What a logits file of llama.cpp holds beside its rows.

    Attributes
    ----------
    chunks, n_ctx : int
        How many contexts of how many tokens, of each of which the second half is scored.
    distinct : int
        How many token ids occur.
    first : tuple of int
        The first token ids.
    censored : int
        How many cells stand at their row's minimum, in which the file has no more of them.
    held : float
        How much of a row these hold at most.
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
        Of the valid rows, the range of sum(row) and of log(sum(exp(row))); None without such rows.
    leaders : Leaders
        The spread of argmax over the valid rows.
    entropy : Entropy or None
        Over the valid rows; None without such rows.
    contexts : Contexts or None
        Of a logits file of llama.cpp.
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
