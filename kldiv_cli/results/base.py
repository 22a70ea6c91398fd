"""What every task returns: the head of the result, and its attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kldiv_cli.results.head import Head, MaskUse, Mode, NanPolicy, PairedBy, Side

if TYPE_CHECKING:
    from kldiv_cli.results.members import Members, PairedMembers
    from kldiv_cli.results.padding import ConstantRows, MaskBelow
    from kldiv_cli.results.selection import ClassSelection, Missing, Selection


@dataclass(frozen=True, kw_only=True)
class Result:
    """What every task returns.

    Attributes
    ----------
    head : Head
        What was compared. Its attributes are attributes of the result, too.
    """

    head: Head

    @property
    def class_shape(self) -> tuple[int, ...]:
        """The axes of one row."""
        return self.head.class_shape

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """One name per class, where a side has names."""
        return self.head.class_names

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The axes that index rows; (rows,) where some rows of the files were not compared."""
        return self.head.row_shape

    @property
    def selection(self) -> Selection | None:
        """Which rows were asked for; None for all."""
        return self.head.selection

    @property
    def warnings(self) -> tuple[str, ...]:
        """What looks wrong with the input though it can be computed."""
        return self.head.warnings


@dataclass(frozen=True, kw_only=True)
class PairResult(Result):
    """What a task returns that reads a reference and a candidate."""

    @property
    def reference(self) -> Side:
        """The reference: path, format, dtype, shape, row-id column."""
        return self.head.sides[0]

    @property
    def candidate(self) -> Side:
        """The candidate: path, format, dtype, shape, row-id column."""
        return self.head.sides[1]

    @property
    def mode(self) -> Mode:
        """The link function between logits and probabilities."""
        return self.head.mode

    @property
    def nan_policy(self) -> NanPolicy:
        """What was done with invalid rows."""
        return self.head.nan_policy

    @property
    def paired_by(self) -> PairedBy:
        """How rows found each other."""
        return self.head.paired_by

    @property
    def rows(self) -> int:
        """How many rows count."""
        return self.head.rows

    @property
    def skipped(self) -> int:
        """How many rows have nothing to compare."""
        return self.head.skipped

    @property
    def invalid(self) -> int:
        """How many rows hold no distribution."""
        return self.head.invalid

    @property
    def classes(self) -> int:
        """How many classes (softmax) or cells (sigmoid) one row has."""
        return self.head.classes

    @property
    def mask(self) -> MaskUse | None:
        """The mask, its meaning, and how many cells it leaves out in the rows that count."""
        return self.head.mask

    @property
    def masked(self) -> int:
        """How many rows have no cell that is kept."""
        return self.head.masked

    @property
    def mask_below(self) -> MaskBelow | None:
        """The cells that are masked because they lie low on both sides."""
        return self.head.mask_below

    @property
    def class_selection(self) -> ClassSelection | None:
        """Which classes were compared; None for all."""
        return self.head.class_selection

    @property
    def missing(self) -> Missing | None:
        """How many rows have an id, or a file, that only one side has; None where that fails."""
        return self.head.missing

    @property
    def paired_members(self) -> PairedMembers | None:
        """How the files, or arrays, were paired, where both sides consist of several."""
        return self.head.paired_members

    @property
    def members(self) -> Members | None:
        """The files, or arrays, of the reference, where there are several."""
        return self.head.members

    @property
    def constant_rows(self) -> ConstantRows | None:
        """Rows that hold one number on both sides."""
        return self.head.constant_rows
