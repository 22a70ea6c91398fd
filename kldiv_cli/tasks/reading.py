"""Files that were replaced while a task read them: its result says so."""

from __future__ import annotations

from dataclasses import replace

from kldiv_cli.results.head import Head
from kldiv_cli.sources.stores.reads import Reads


def noted(head: Head, reads: Reads) -> Head:
    """Return the head of a result, with a note of every file whose name leads elsewhere by now.

    One that is neither side itself, such as a file of a folder or a mask, is noted of the first.
    """
    paths = [side.path for side in head.sides]
    sides = list(head.sides)
    for path, done in reads.gone():
        is_side = path in paths
        # The files of a folder are opened again when it is their turn.
        of = "the file that was opened" if is_side else "the one file or the other"
        note = f"{path} was {done} while it was read: the result is of {of}"
        place = paths.index(path) if is_side else 0
        sides[place] = replace(sides[place], notes=(*sides[place].notes, note))
    return replace(head, sides=tuple(sides)) if sides != list(head.sides) else head
