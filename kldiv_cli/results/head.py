"""What was compared: the head of every result."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from kldiv_cli.results.members import Members, PairedMembers
    from kldiv_cli.results.padding import ConstantRows, MaskBelow
    from kldiv_cli.results.selection import ClassSelection, Missing, Selection

Mode = Literal["softmax", "sigmoid"]
NanPolicy = Literal["raise", "omit", "propagate"]
PairedBy = Literal["position", "id"]
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class File:
    """A file that was read.

    Attributes
    ----------
    path, format, dtype : str
        Its name, its format, and the type of its numbers.
    shape : tuple of int or None
        The first length is None where the file was not read to its end and does not say it.
    notes : tuple of str
        What was decided about its format and columns.
    shards : int or None
        How many files the input consists of; None for a single file.
    passed_over : tuple of str
        The files of its directory that do not belong to it.
    arrays : int or None
        How many arrays of the file, or of all files, are joined; None where each holds one.
    """

    path: str
    format: str
    dtype: str
    shape: Shape
    notes: tuple[str, ...] = ()
    shards: int | None = None
    passed_over: tuple[str, ...] = ()
    arrays: int | None = None


@dataclass(frozen=True)
class ClassColumns:
    """The columns of a table that are its classes.

    Attributes
    ----------
    count : int
        How many there are.
    first, last : str
        The first and the last of them in the file.
    """

    count: int
    first: str
    last: str


@dataclass(frozen=True, kw_only=True)
class Side(File):
    """An input of a task: the reference or the candidate, or the file that `inspect` reads.

    Attributes
    ----------
    kind : {"logits", "probs", "log-probs"}
        What its numbers were taken for.
    id : str or None
        The column of its row ids.
    class_columns : ClassColumns or None
        The columns of its classes; None for an array, and where a column holds whole rows.
    left_out : tuple of str
        The columns that are no classes: those that the user drops, and those that the file or
        their content says to be something else.
    sum_error : float or None
        How far from 1 a row of probabilities summed at most, before rows were divided by their
        sums; None where no sums were taken.
    censored : bool
        Whether the format leaves out the least likely classes of a row.
    class_axes : tuple of int or None
        Which axes of ``shape`` index classes; none where every number is a row. None for a table
        and for a format that says it itself.
    """

    kind: Literal["logits", "probs", "log-probs"] = "logits"
    id: str | None = None
    class_columns: ClassColumns | None = None
    left_out: tuple[str, ...] = ()
    sum_error: float | None = None
    censored: bool = False
    class_axes: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class MaskFile(File):
    """The mask.

    Attributes
    ----------
    means : {"keep", "drop"}
        Whether its true cells enter or are left out.
    """

    means: Literal["keep", "drop"]


@dataclass(frozen=True, kw_only=True)
class MaskUse(MaskFile):
    """The mask, and how much it left out.

    Attributes
    ----------
    cells, of : int
        In the rows that count it left out ``cells`` of ``of`` cells.
    """

    cells: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What is compared, as far as it is known before rows are read.

    Attributes
    ----------
    sides : tuple of Side
        The reference and the candidate; `inspect` has a single one.
    mode : {"softmax", "sigmoid"}
        The link function between logits and probabilities.
    nan_policy : {"raise", "omit", "propagate"}
        What is done with invalid rows.
    paired_by : {"position", "id"}
        How rows find each other.
    class_shape : tuple of int
        The axes of one row.
    class_names : tuple of str or None
        One name per class, where a side has names.
    class_selection : ClassSelection or None
        Which classes are compared; None for all. Classes without names are called by their
        indices, and these need not begin at 0.
    selection : Selection or None
        Which rows are asked for; None for all.
    missing : Missing or None
        How many rows have an id that only one side has, or stand in a file that only one side has;
        None where that is an error.
    paired_members : PairedMembers or None
        How the files, or arrays, are paired, where both sides consist of several and ids do not
        pair the rows.
    """

    sides: tuple[Side, ...]
    mode: Mode
    nan_policy: NanPolicy
    paired_by: PairedBy
    class_shape: tuple[int, ...]
    class_names: tuple[str, ...] | None = None
    class_selection: ClassSelection | None = None
    selection: Selection | None = None
    missing: Missing | None = None
    paired_members: PairedMembers | None = None

    @property
    def classes(self) -> int:
        """How many classes (softmax) or cells (sigmoid) one row has."""
        return prod(self.class_shape)


@dataclass(frozen=True, kw_only=True)
class Head(Taken):
    """What was compared, and how many rows of it count.

    Attributes
    ----------
    rows : int
        How many rows count.
    skipped : int
        How many rows have nothing to compare: every cell is -inf on both sides, or under softmax
        one number of at most -1e4. Rows of any one number are among them where these are left out.
    invalid : int
        How many rows hold no distribution: they have NaN, under softmax also +inf, or nothing but
        -inf on one side. Under "omit" they do not count; under "propagate" they count as NaN.
    row_shape : tuple of int
        The axes that index rows; (rows,) where some rows of the files were not compared.
    file_row_shape : tuple of int or None
        The axes that index rows in the reference; row numbers unravel into these. None where that
        is ``row_shape``.
    warnings : tuple of str
        What looks wrong with the input though it can be computed.
    mask : MaskUse or None
        The mask, its meaning, and how many cells it leaves out in the rows that count.
    mask_below : MaskBelow or None
        The cells that are masked because they lie low on both sides.
    masked : int
        How many rows have no cell that is kept.
    members : Members or None
        The files, or arrays, of the reference, where there are several.
    constant_rows : ConstantRows or None
        Rows that hold one number on both sides; None of fewer than two that are not left out.
    """

    rows: int
    skipped: int
    invalid: int
    row_shape: tuple[int, ...]
    file_row_shape: Shape | None = None
    warnings: tuple[str, ...] = ()
    mask: MaskUse | None = None
    mask_below: MaskBelow | None = None
    masked: int = 0
    members: Members | None = None
    constant_rows: ConstantRows | None = None

    @property
    def masked_cells(self) -> int | None:
        """How many cells are masked in the rows that count; None where nothing masks any."""
        uses = [use for use in (self.mask, self.mask_below) if use is not None]
        return sum(use.cells for use in uses) if uses else None


def class_name(index: int, names: tuple[str, ...] | None, shape: tuple[int, ...]) -> str:
    """Return the name of a class; without names its index, along every axis of a row."""
    if names is not None:
        return names[index]
    return ",".join(str(int(i)) for i in np.unravel_index(index, shape))
