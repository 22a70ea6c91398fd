"""What the user says of an input, and what it should hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kldiv_cli.sources.base.contents import Listing

Decimal = Literal[".", ","]
"""What may stand before the fraction of a number."""
RawType = Literal["bfloat16"]
"""The types that a user can give to values that a file stores as two raw bytes each."""


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
class Beside:
    """What a file holds beside the array, or the column of lists, that is taken.

    Parameters
    ----------
    name : str
        That of what is taken.
    others : tuple of str
        The names of arrays of the same shape, or of other columns of lists.
    """

    name: str
    others: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the user says of an input; everything that is None is found in the file.

    Parameters
    ----------
    row_axes : int or None
        How many leading axes index rows; None for all but the last.
    class_axis : int or None
        The axis of an array that indexes classes, from 0, or negative from the last; None where
        ``row_axes`` says it.
    id : tuple of str
        The columns of a table that together identify a row.
    id_there : tuple of str
        The same of the other side; this one has them too.
    columns : tuple of str or None
        The class columns of a table: names, globs, ranges.
    drop : tuple of str
        The columns of a table that are neither, in the same words; it may lack some.
    taken : tuple of str
        The columns that other options take; a table may lack them.
    key : str or None
        The array to take from a file that holds several under names.
    dtype : str or None
        "bfloat16" where the file says only that a value has two bytes.
    header : bool
        Whether the first line of a text file names the columns.
    delimiter : str or None
        What separates the cells of a text file; None for what its format says.
    decimal : str or None
        What stands before the fraction of a number in a text file: a point where it is None.
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
    beside : Beside or None
        What else the file holds of the same shape, once the key was found in it.
    listing : Listing or None
        Where openers note all that the file holds; None where nobody wants to know.
    """

    row_axes: int | None = None
    class_axis: int | None = None
    id: tuple[str, ...] = ()
    id_there: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    key: str | None = None
    dtype: str | None = None
    header: bool = True
    delimiter: str | None = None
    decimal: Decimal | None = None
    format: str | None = None
    notes: tuple[str, ...] = ()
    expected: Expected = LOGITS
    group: str | None = None
    side: Literal["reference", "candidate"] | None = None
    alone: bool = False
    beside: Beside | None = None
    listing: Listing | None = None

    @property
    def names_columns(self) -> bool:
        """Whether the user says something of columns, which only tables have."""
        return bool(self.id or self.drop) or self.columns is not None

    @property
    def booleans(self) -> bool:
        """Whether values may be true and false."""
        return "b" in self.expected.kinds

    @property
    def is_of_text(self) -> bool:
        """Whether anything is said that is for delimited text alone."""
        return not self.header or (self.delimiter, self.decimal) != (None, None)

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
