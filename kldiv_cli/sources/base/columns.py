"""What the columns of a table were taken for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Columns:
    """The roles of a table's columns.

    Parameters
    ----------
    ids : tuple of str
        The columns that together identify a row; empty where rows have no ids.
    classes : tuple of str
        The columns of the classes; empty where ``row`` is a column.
    row : str or None
        The list column whose cells are whole rows.
    notes : tuple of str
        What was decided, for the user.
    group : str or None
        The column of the rows' groups.
    integers : tuple of str
        The class columns whose type is an integer; in text those without a point or an exponent in
        the first lines.
    named : tuple of str or None
        The columns that the user calls classes by their names; None where nobody says which they
        are.
    lists : tuple of str
        The other columns of lists of numbers, where ``row`` is one.
    left_out : tuple of str
        The columns that are no classes: those that the user drops, and those that the file or
        their content says to be something else.
    unclear : str or None
        A first column of integers without a name: row ids or a class. It is neither here.
    unmatched : tuple of str
        What the user wants left out and the table lacks.
    """

    ids: tuple[str, ...]
    classes: tuple[str, ...]
    row: str | None
    notes: tuple[str, ...]
    group: str | None = None
    integers: tuple[str, ...] = ()
    named: tuple[str, ...] | None = None
    lists: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unclear: str | None = None
    unmatched: tuple[str, ...] = ()

    @property
    def id(self) -> str | None:
        """The columns of row ids, as ``--id`` names them."""
        return ",".join(self.ids) if self.ids else None

    @property
    def per_row(self) -> tuple[str, ...]:
        """The columns of ids and groups."""
        return self.ids if self.group is None else (*self.ids, self.group)
