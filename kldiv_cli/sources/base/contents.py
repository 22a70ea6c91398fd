"""What a file holds, and what each part of it would be taken for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["class", "id", "group", "rows", "left out", "unclear"]


@dataclass(frozen=True)
class Held:
    """A column of a table, or an array of a file.

    Parameters
    ----------
    name : str
        What the file calls it.
    type : str
        The type of its values.
    shape : tuple of int or None
        The shape of an array; None for a column.
    role : str
        What it would be taken for: "rows" are whole rows.
    why : str
        Why it is left out, or what is unclear.
    arrays : int
        How many arrays of that shape have the name together.
    """

    name: str
    type: str
    shape: tuple[int, ...] | None
    role: Role
    why: str = ""
    arrays: int = 1


@dataclass
class Listing:
    """What openers tell of a file while they open it, also where they refuse it in the end.

    Parameters
    ----------
    format : str
        The name in the registry.
    held : sequence of Held
        The columns or arrays.
    is_open_question : bool
        Whether it takes an option to say what is meant.
    """

    format: str = ""
    held: Sequence[Held] = ()
    is_open_question: bool = False

    def tell(self, held: Sequence[Held], *, is_open_question: bool) -> None:
        """Note what the file holds."""
        self.held, self.is_open_question = held, is_open_question
