"""What a source is: logits at rest, handed out as blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import LogitsError

BLOCK_BYTES = 1 << 19
"""How much of one side a block holds, unless one row is larger, for work that makes arrays as large
as the block: a few of them fit a core's cache."""
STREAM_BYTES = 1 << 24
"""The most for work that goes over the block row by row."""
BFLOAT16 = np.dtype([("bfloat16", "<u2")])
"""The upper half of float32, which NumPy lacks: a type that arithmetic refuses and nobody mistakes
for integers."""

RawType = Literal["bfloat16"]
"""The types that a user can give to values that a file stores as two raw bytes each."""

_SUM_TOLERANCE = {"bfloat16": 5e-2, "float16": 1e-2, "float32": 1e-5, "float64": 1e-12}
"""The type of rounded probabilities -> how far from 1 a row of them may sum."""
_TEXT_TOLERANCE = 1e-5
"""The same for probabilities that were written with a few digits."""


@dataclass(frozen=True)
class Expected:
    """What an input should hold, in the words of errors; logits, unless somebody says otherwise.

    Parameters
    ----------
    what : str
        The input: "a mask", "labels".
    values : str
        Its values: "booleans".
    array : str
        An array of them.
    kinds : str
        NumPy's letters for the types that are read besides real numbers: "b", "U".
    """

    what: str = "logits"
    values: str = "real numbers"
    array: str = "an array of logits"
    kinds: str = ""


LOGITS = Expected()


@dataclass(frozen=True)
class Layout:
    """What the user says of an input; everything that is None is found in the file.

    Parameters
    ----------
    row_axes : int or None
        How many leading axes index rows; None for all but the last.
    id : str or None
        The row-id column of a table.
    columns : tuple of str or None
        The class columns of a table.
    key : str or None
        The array to take from a file that holds several under names.
    dtype : str or None
        "bfloat16" where the file says only that a value has two bytes.
    header : bool
        Whether the first line of a text file names the columns.
    delimiter : str or None
        What separates the cells of a text file; None for what its format says.
    format : str or None
        The name in the registry; None for what the file's content or suffix names.
    notes : tuple of str
        What was decided before the file was opened; the source's notes begin with it.
    expected : Expected
        What the input should hold.
    group : str or None
        The column of a table that holds the rows' groups; a table may lack it.
    side : {"reference", "candidate"} or None
        Which side of a comparison this is, for advice: some options are one side's own.
    alone : bool
        Whether the columns and the group column are all that is wanted of a table.
    """

    row_axes: int | None = None
    id: str | None = None
    columns: tuple[str, ...] | None = None
    key: str | None = None
    dtype: str | None = None
    header: bool = True
    delimiter: str | None = None
    format: str | None = None
    notes: tuple[str, ...] = ()
    expected: Expected = LOGITS
    group: str | None = None
    side: Literal["reference", "candidate"] | None = None
    alone: bool = False

    @property
    def booleans(self) -> bool:
        """Whether values may be true and false."""
        return "b" in self.expected.kinds

    @property
    def key_option(self) -> str:
        """How the user says the key."""
        if self.expected is not LOGITS:
            return "FILE:NAME"
        return "--candidate-key NAME" if self.side == "candidate" else "--key NAME"

    @property
    def format_option(self) -> str:
        """The option that says the format."""
        return "--input-format" if self.side is None else f"--{self.side}-format"


@dataclass(frozen=True)
class Shards:
    """How many files an input is made of, and the files beside them that are no part of it."""

    count: int
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """Consecutive rows: values (rows, classes) in the file's dtype, and their ids if any.

    ``groups`` holds the text of the layout's group column, None where a cell is empty.

    ``release``, where there is one, is to be called once the values were read, so that the pages of
    a mapped file need not stay in memory; they may be read again all the same. ``places`` are the
    rows' places in the file, counted from 0, where not all of its rows are handed out.
    """

    values: NDArray[Any]
    ids: NDArray[Any] | None = None
    release: Callable[[], None] | None = None
    places: NDArray[np.intp] | None = None
    groups: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> Block:
        ids = None if self.ids is None else self.ids[rows]
        places = None if self.places is None else self.places[rows]
        groups = None if self.groups is None else self.groups[rows]
        return Block(self.values[rows], ids, self.release, places, groups)


class Bounds(Protocol):
    """How a format leaves out the least likely classes of a row, and bounds them from above."""

    def floors(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-probability that bounds the censored cells of each row, shape (rows,)."""


class Source(Protocol):
    """One side of a comparison, opened and checked as far as its header tells.

    A source answers every question about its format: other code never compares `format` with a
    name.
    """

    @property
    def path(self) -> str:
        """The path as the user wrote it; a description for an array in memory."""

    @property
    def format(self) -> str:
        """The name in the registry."""

    @property
    def has_keys(self) -> bool:
        """Whether the format stores arrays under names, so that a key chooses one."""

    @property
    def is_table(self) -> bool:
        """Whether the format has columns, so that an id and class columns can be chosen."""

    @property
    def is_delimited(self) -> bool:
        """Whether the format is text with delimiters between cells, and maybe a header line."""

    @property
    def kind(self) -> Literal["log-probs"] | None:
        """What the numbers are by the format itself; None where only the user can say."""

    @property
    def sum_tolerance(self) -> float:
        """How far from 1 the probabilities of a row may sum by the format's rounding alone."""

    @property
    def bounds(self) -> Bounds | None:
        """What is known of censored classes; None where the format stores every class."""

    @property
    def tokens(self) -> NDArray[np.int32] | None:
        """The token ids that a language model was given, shape (chunks, n_ctx), if stored."""

    @property
    def dtype(self) -> str:
        """NumPy's name of the type of the values."""

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape as stored; the first entry is None where only reading to the end tells."""

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        """The axes that index rows; (1,) for a 1-D array."""

    @property
    def length(self) -> int | None:
        """The number of rows; None where only reading to the end tells.

        That is so for text, for JSON lines, for an Arrow stream and for what is piped.
        """

    @property
    def class_shape(self) -> tuple[int, ...]:
        """The axes of one distribution, or of one set of labels."""

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """One name per class, where the file has names."""

    @property
    def id_name(self) -> str | None:
        """The column that identifies rows."""

    @property
    def group_name(self) -> str | None:
        """The column that holds the rows' groups; None unless the layout names one of the file."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about format and columns, to be told to the user."""

    @property
    def shards(self) -> Shards | None:
        """The files that it is made of; None for what is one file or array."""

    @property
    def rows_expected(self) -> int | None:
        """The number of rows, or a guess from the size of the file; for progress alone."""

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield the rows in order, at most so many at a time, the class columns in that order."""

    def place_of(self, row: int) -> str | None:
        """Return where in the file a row stands, as "line 7", if more than its number is to say."""


def length_of(row_shape: Sequence[int | None]) -> int | None:
    """Return the number of rows along these axes; None where the length of one is not known."""
    known = [length for length in row_shape if length is not None]
    return prod(known) if len(known) == len(row_shape) else None


def sum_tolerance(dtype: str, *, text: bool = False) -> float:
    """Return how far from 1 the probabilities of a row may sum by rounding alone.

    ``dtype`` is the type that they were rounded to; ``text`` says that they were written in digits.
    """
    return _TEXT_TOLERANCE if text else _SUM_TOLERANCE.get(dtype, 1e-12)


def shown_shape(shape: Sequence[int | None]) -> str:
    """Write a shape for people; ``?`` is a length that only reading to the end tells."""
    return " x ".join("?" if length is None else str(length) for length in shape)


@runtime_checkable
class Indexed(Protocol):
    """A source that can hand out any rows without reading the others."""

    def at(self, places: NDArray[np.intp]) -> Block:
        """Return the rows at these places, ascending."""

    def blocks_at(self, places: range | NDArray[np.intp], rows: int) -> Iterator[Block]:
        """Yield the rows at these places, ascending, at most so many at a time."""


@runtime_checkable
class Grouped(Protocol):
    """A source whose rows lie in groups that can be read one without the other."""

    @property
    def groups(self) -> tuple[int, ...]:
        """How many rows each group has, in order."""

    def blocks_of(
        self, groups: Sequence[int], rows: int, classes: Sequence[str] | None = None
    ) -> Iterator[Block]:
        """Yield the rows of these groups; a block may go on from one of them to the next."""


def check_type(dtype: np.dtype[Any], path: str, expected: Expected = LOGITS) -> None:
    """Raise unless values of the type are expected, or real numbers that float64 can hold."""
    if dtype.kind in expected.kinds:
        return
    if dtype.kind in "iu" or (dtype.kind == "f" and dtype.itemsize <= 8) or dtype == BFLOAT16:
        return
    what = {
        "O": "objects, which only unpickling could read",
        "c": f"{dtype} (complex numbers)",
        "U": f"{dtype.str} (text)",
        "S": f"{dtype.str} (bytes)",
        "b": "bool",
    }.get(dtype.kind, str(dtype))
    advice = "Save the logits as float32 or float64: numpy.save(path, logits.astype('float32'))."
    if dtype.str == "|V2" and dtype.names is None:
        what = "|V2 (two raw bytes per value: bfloat16 as ml_dtypes saves it)"
        advice = "Say --dtype bfloat16 if that is what they are."
    raise LogitsError(f"{path}: expected {expected.values}, found {what}", advice)


def check_exact_integers(values: NDArray[Any], path: str, expected: Expected = LOGITS) -> None:
    """Raise where a 64-bit integer is too large for float64 to hold exactly."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8:
        return
    if (values > 2**53).any() or (values < -(2**53)).any():
        raise LogitsError(
            f"{path}: expected {expected.what}, found integers beyond 2**53, which float64 cannot "
            "hold",
            "Is this a column of ids? For a table, name it with --id.",
        )
