"""What a source that is made of another one says as that one does."""

from __future__ import annotations

from abc import ABC, abstractmethod

from kldiv_cli.sources.base import Shards, Source


class Derived(ABC):
    """A source made of another one, as which it speaks wherever it does not speak for itself."""

    @property
    @abstractmethod
    def origin(self) -> Source:
        """The other one."""

    @property
    def path(self) -> str:
        """The path as the user wrote it."""
        return self.origin.path

    @property
    def format(self) -> str:
        """The name in the registry."""
        return self.origin.format

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
    def class_shape(self) -> tuple[int, ...]:
        """The axes of one row."""
        return self.origin.class_shape

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes."""
        return self.origin.class_names

    @property
    def id_name(self) -> str | None:
        """The column that identifies rows."""
        return self.origin.id_name

    @property
    def group_name(self) -> str | None:
        """The column that says what group a row is in."""
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
    def rows_expected(self) -> int | None:
        """The number of rows, or a guess."""
        return self.origin.rows_expected

    def place_of(self, row: int) -> str | None:
        """Return where in the file a row stands, given its number there."""
        return self.origin.place_of(row)
