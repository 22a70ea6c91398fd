"""Tables with a text in each row, whose cell of the list column holds all rows of that text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.base.columns import Columns
from kldiv_cli.sources.tables.cells import Batches, no_rows
from kldiv_cli.sources.tables.kinds import dtype_of, lists_in
from kldiv_cli.sources.tables.words import repeated

_ONE_LIST = "Write one list of rows for each text, and one logit per class in each row."


class Rows(NamedTuple):
    """The rows of some texts: the columns of the text, repeated, with the text and the place."""

    batch: pa.RecordBatch
    texts: pa.Array
    places: pa.Array


@dataclass(frozen=True)
class Texts:
    """How texts become rows.

    Parameters
    ----------
    path : str
        The file, for messages.
    columns : Columns
        The roles of its columns.
    rows : int
        How many rows the first text has that has any.
    width : int
        How many classes there are.
    dtype : str
        NumPy's name of the type of the numbers.
    are_named : bool
        Whether rows have ids.
    """

    path: str
    columns: Columns
    rows: int
    width: int
    dtype: str
    are_named: bool = True

    @property
    def id_name(self) -> str | None:
        """What ids consist of."""
        return f"{self.columns.id or 'text'},position" if self.are_named else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided, for the user."""
        text = self.columns.id or "its number"
        return (*self.columns.notes, f"each text is several rows, called {text},position")

    def ids(self, rows: Rows) -> list[pa.Array]:
        """Return the columns that together identify a row."""
        if not self.are_named:
            return []
        own = [rows.batch.column(name) for name in self.columns.ids]
        return [*(own or [rows.texts]), rows.places]

    def largest(self, column: pa.Array) -> NDArray[np.float64]:
        """Return the largest number of each text, as a column."""
        if column.null_count:
            return np.zeros((len(column), 1))  # `unnest` tells which
        parents, rows = unnested(self.path, column)
        flat = rows.flatten().to_numpy(zero_copy_only=False)
        found = np.zeros(len(column))
        owners = parents[pc.list_parent_indices(rows).to_numpy(zero_copy_only=False)]
        np.fmax.at(found, owners, np.abs(flat))
        return found[:, np.newaxis]

    def unnest(self, batch: pa.RecordBatch, start: int) -> Rows:
        """Return the rows of texts, of which the file has so many before these.

        Raises
        ------
        InputError
            A text has no list, another number of classes, or more axes.
        """
        names = _Names(start, [batch.column(name) for name in self.columns.ids])
        column = batch.column(self.columns.row)
        parents, rows = unnested(self.path, column, names)
        lengths = pc.list_value_length(rows).fill_null(-1).to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero(lengths != self.width)
        if len(wrong):
            place, found = parents[wrong[0]], int(lengths[wrong[0]])
            raise LogitsError(
                f"{self.path}: {names.of(place)}: expected lists of {self.width} entries as in the "
                f"first row, found {'none' if found < 0 else found}",
                _ONE_LIST,
            )
        texts = pa.array(parents)
        ours = [repeated(batch.column(name), texts) for name in self.columns.per_row]
        place = np.arange(len(parents)) - np.searchsorted(parents, parents, side="left")
        whole = pa.RecordBatch.from_arrays(
            [*ours, rows], names=[*self.columns.per_row, self.columns.row]
        )
        return Rows(whole, pa.array(parents + start), pa.array(place))


def first_text(
    path: str, schema: pa.Schema, columns: Columns, batches: Batches, *, named: bool
) -> Texts:
    """Return how a table's texts become rows, by the first that has any.

    ``named`` says whether the rows have ids.
    """
    name = columns.row or ""
    kind = schema.field(name).type
    while lists_in(kind):
        kind = kind.value_type
    dtype = dtype_of(kind).name
    for batch in batches([name], 1):
        parents, rows = unnested(path, batch.column(0))
        if len(rows):
            width = pc.list_value_length(rows[:1]).fill_null(0)[0].as_py()
            return Texts(path, columns, int((parents == parents[0]).sum()), width, dtype, named)
    raise no_rows(path)


@dataclass(frozen=True)
class _Names:
    """What messages call the texts of a batch: by their ids, or else by their numbers."""

    start: int = 0
    ids: Sequence[pa.Array] = field(default_factory=tuple)

    def of(self, text: Any) -> str:
        place = int(text)
        if not self.ids:
            return f"text {self.start + place}"
        return f"text {','.join(str(column[place].as_py()) for column in self.ids)!r}"


def unnested(
    path: str, column: pa.Array, names: _Names | None = None
) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the text of each row, counted from 0, and the rows.

    Raises
    ------
    InputError
        A text has no list, or more axes.
    """
    names = names or _Names()
    if column.null_count:
        place = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0]
        raise InputError(
            f"{path}: {names.of(place)}: expected a list of rows, found none",
            "Drop this text on both sides, or give it an empty list.",
        )
    parents = pc.list_parent_indices(column).to_numpy(zero_copy_only=False).astype(np.int64)
    rows = column.flatten()
    if lists_in(rows.type) == 1:
        return parents, rows
    inner = pc.list_value_length(rows).fill_null(-1).to_numpy(zero_copy_only=False)
    outer = np.bincount(parents, minlength=len(column))[parents]
    wrong = np.flatnonzero((inner < 0) | ((inner != 1) & (outer != 1)))
    if len(wrong):
        place = parents[wrong[0]]
        raise LogitsError(
            f"{path}: {names.of(place)}: expected a list of rows, with one more axis of length 1 "
            f"at most, found {outer[wrong[0]]} lists of rows",
            _ONE_LIST,
        )
    flat = pc.list_parent_indices(rows).to_numpy(zero_copy_only=False)
    return parents[flat], rows.flatten()
