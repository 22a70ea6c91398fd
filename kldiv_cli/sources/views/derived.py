"""Sources made of another source."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.sources.base import Beside, Bounds, Shards, Source, length_of

if TYPE_CHECKING:
    from kldiv_cli.sources.base.columns import Columns


class Derived(ABC):
    """A source made of another source.

    It answers with the other source's properties unless a subclass overrides them.
    """

    @property
    @abstractmethod
    def origin(self) -> Source:
        """The other source."""

    @property
    def path(self) -> str:
        """The path as the user wrote it."""
        return self.origin.path

    @property
    def format(self) -> str:
        """The name in the registry."""
        return self.origin.format

    @property
    def has_keys(self) -> bool:
        """Whether the format stores arrays under names."""
        return self.origin.has_keys

    @property
    def is_table(self) -> bool:
        """Whether the format has columns."""
        return self.origin.is_table

    @property
    def is_delimited(self) -> bool:
        """Whether the format is text with delimiters between cells."""
        return self.origin.is_delimited

    @property
    def kind(self) -> Literal["log-probs"] | None:
        """What the numbers are by the format itself."""
        return self.origin.kind

    @property
    def sum_tolerance(self) -> float:
        """How far from 1 the probabilities of a row may sum."""
        return self.origin.sum_tolerance

    @property
    def bounds(self) -> Bounds | None:
        """What is known of censored classes."""
        return self.origin.bounds

    @property
    def tokens(self) -> NDArray[np.int32] | None:
        """The token ids that the whole of it stores."""
        return self.origin.tokens

    @property
    def dtype(self) -> str:
        """NumPy's name of the type of the values."""
        return self.origin.dtype

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape as stored."""
        return self.origin.shape

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        """The axes that index rows."""
        return self.origin.row_shape

    @property
    def length(self) -> int | None:
        """The number of rows; None where only reading to the end tells."""
        return length_of(self.row_shape)

    @property
    def class_shape(self) -> tuple[int, ...]:
        """The axes of one row."""
        return self.origin.class_shape

    @property
    def class_axes(self) -> tuple[int, ...] | None:
        """The axes of an array that index classes."""
        return self.origin.class_axes

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes."""
        return self.origin.class_names

    @property
    def columns(self) -> Columns | None:
        """What a table's columns were taken for."""
        return self.origin.columns

    @property
    def id_name(self) -> str | None:
        """The column that identifies rows."""
        return self.origin.id_name

    @property
    def group_name(self) -> str | None:
        """The column of the rows' groups."""
        return self.origin.group_name

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about format and columns."""
        return self.origin.notes

    @property
    def shards(self) -> Shards | None:
        """The files that it is made of."""
        return self.origin.shards

    @property
    def arrays(self) -> int | None:
        """How many arrays are joined."""
        return self.origin.arrays

    @property
    def beside(self) -> Beside | None:
        """What else the file holds of the same shape."""
        return self.origin.beside

    @property
    def rows_expected(self) -> int | None:
        """The number of rows, or a guess."""
        return self.origin.rows_expected

    def place_of(self, row: int) -> str | None:
        """Return where a row of the other source stands in the file."""
        return self.origin.place_of(row)
