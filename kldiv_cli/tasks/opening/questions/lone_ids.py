"""Row ids that one side has alone, and whose order says that its rows were moved."""

from __future__ import annotations

from kldiv_cli.errors import UnclearError, first_few, typed
from kldiv_cli.tasks.opening.first_rows import first_rows
from kldiv_cli.tasks.opening.questions.opened import Opened


def moved_rows(opened: Opened) -> UnclearError | None:
    """Ask where rows are paired by position, and the ids of one side are numbers that fall.

    So are those of a table that pandas shuffled, beside one whose index stores no column. Of
    several files each may number its rows anew.
    """
    named = [source for source in opened.sources if source.id_name is not None]
    if len(opened.sources) != 2 or len(named) != 1 or named[0].shards is not None:
        return None
    (source,) = named
    (other,) = (side for side in opened.sources if side is not source)
    ids = first_rows(source).ids
    numbers = [] if ids is None else [int(id_) for id_ in ids.tolist() if _is_number(id_)]
    if ids is None or len(numbers) < len(ids) or numbers == sorted(numbers):
        return None
    name = source.id_name or ""
    return UnclearError(
        f"{source.path}: expected rows in the order of {other.path}, which has no row ids, found "
        f"{first_few([str(id_) for id_ in ids[:4].tolist()])} in {name!r}",
        f"--drop {typed(name)} pairs the rows by position; to pair them by id, write the ids to "
        f"{other.path} too.",
    )


def _is_number(id_: object) -> bool:
    """Tell an integer; text holds it in digits."""
    return isinstance(id_, int) or (isinstance(id_, str) and id_.isdecimal())
