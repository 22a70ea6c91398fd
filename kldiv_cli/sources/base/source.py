"""What a source is: logits at rest, handed out as blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.sources.base.layout import Beside

if TYPE_CHECKING:
    from kldiv_cli.sources.base.columns import Columns

BLOCK_BYTES = 1 << 19
"""The size of one side of a block, for work that makes arrays of the block's size: a few of them
fit a core's cache. A row that is larger makes a larger block."""
STREAM_BYTES = 1 << 24
"""The size of a block at most, for work that goes over it row by row."""


@dataclass(frozen=True)
class Shards:
    """How many files make an input, and which files of their folder are no part of it."""

    count: int
    passed_over: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    """Folders that a glob cannot look into, and links in it that lead to themselves."""


@dataclass(frozen=True)
class Block:
    """Some rows of a source, one after another.

    Parameters
    ----------
    values : array, shape (rows, classes)
        The rows, in the file's type.
    ids : array, shape (rows,), or None
        The row ids, where the file has them.
    release : callable or None
        Lets the pages of a mapped file go. The caller calls it after reading the values, which can
        be read again all the same.
    places : array of int, shape (rows,), or None
        The rows' places in the file, counted from 0; None for a source that hands out all rows.
    groups : array of object, shape (rows,), or None
        The text of the layout's group column; None for an empty cell.
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

        Only the end tells of text, compressed or not, of an Arrow stream and of a piped Arrow file.
        Such a source is not cut into ranges of rows.
        """

    @property
    def class_shape(self) -> tuple[int, ...]:
        """The axes of one distribution, or of one set of labels."""

    @property
    def class_axes(self) -> tuple[int, ...] | None:
        """Which axes of an array index classes, of those in ``shape``; None for a table."""

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """One name per class, where the file has names."""

    @property
    def columns(self) -> Columns | None:
        """What a table's columns were taken for; None for an array."""

    @property
    def id_name(self) -> str | None:
        """The column of row ids; None for a source without ids."""

    @property
    def group_name(self) -> str | None:
        """The column that holds the rows' groups; None unless the layout names one of the file."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about format and columns, in sentences for the user."""

    @property
    def shards(self) -> Shards | None:
        """The number of files; None for one file and for an array."""

    @property
    def arrays(self) -> int | None:
        """The number of arrays that are joined; None for one array and for a table."""

    @property
    def beside(self) -> Beside | None:
        """What else the file holds of the same shape; None where nothing is known of any."""

    @property
    def rows_expected(self) -> int | None:
        """The number of rows, or a guess from the size of the file; for progress alone."""

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield the rows in order, at most ``rows`` at a time.

        ``classes`` is the order of the class columns; None is the file's.
        """

    def place_of(self, row: int) -> str | None:
        """Return where a row stands in the file, as "line 7"; None where its number says it."""


def length_of(row_shape: Sequence[int | None]) -> int | None:
    """Return the number of rows along these axes; None where the length of one is not known."""
    known = [length for length in row_shape if length is not None]
    return prod(known) if len(known) == len(row_shape) else None


def shown_shape(shape: Sequence[int | None]) -> str:
    """Write a shape for people; ``?`` is a length that only reading to the end tells."""
    return " x ".join("?" if length is None else str(length) for length in shape)


def stacked(
    first: Source, row_shape: Sequence[int | None]
) -> tuple[tuple[int | None, ...], tuple[int, ...] | None]:
    """Return the shape of arrays like the first, one after the other, and its axes of classes.

    Where single rows are stacked, theirs is a new first axis. Rows that lie along fewer axes
    together than in each array have their classes last.
    """
    rows, classes, axes = tuple(row_shape), first.class_shape, first.class_axes
    if not axes:
        return rows if axes == () else rows + classes, axes
    place = len(rows)
    if len(rows) == len(first.row_shape):
        place = axes[0] + len(rows) + len(classes) - len(first.shape)
    shape = rows[:place] + classes + rows[place:]
    return shape, tuple(range(place, place + len(classes)))


@runtime_checkable
class Indexed(Protocol):
    """A source that reads any rows without the others."""

    def at(self, places: NDArray[np.intp]) -> Block:
        """Return the rows at these places, ascending."""

    def blocks_at(self, places: range | NDArray[np.intp], rows: int) -> Iterator[Block]:
        """Yield the rows at these places, ascending, at most so many at a time."""


@runtime_checkable
class Begun(Protocol):
    """A source that reads its first rows with less effort than its blocks."""

    def beginning(self, rows: int) -> Generator[Block, None, None]:
        """Yield the rows in order, at most so many at a time, and fetch none ahead."""


def beginning(source: Source, rows: int) -> Generator[Block, None, None]:
    """Yield the rows of a source in order, to be closed after the first ones."""
    yield from source.beginning(rows) if isinstance(source, Begun) else source.blocks(rows)


@runtime_checkable
class Turnable(Protocol):
    """An array, whose classes may lie along any axis."""

    def turned(self, axis: int) -> Source | None:
        """Return the array with its classes along another axis; of several arrays, the first.

        It is None where the user says which axes index classes.
        """


@runtime_checkable
class Grouped(Protocol):
    """A source that reads any of its groups of rows without the other groups."""

    @property
    def groups(self) -> tuple[int, ...]:
        """How many rows each group has, in order."""

    def blocks_of(
        self, groups: Sequence[int], rows: int, classes: Sequence[str] | None = None
    ) -> Iterator[Block]:
        """Yield the rows of these groups; a block may go on from one of them to the next."""
