"""Some rows of two sources, paired."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kldiv_cli.pairing.matching import different
from kldiv_cli.pairing.pairing import Pairing
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.sources.views.selected import Selected, count_rows

if TYPE_CHECKING:
    from kldiv_cli.pairing.by_id import OnMissing
    from kldiv_cli.pairing.classes import Kept


def select(
    left: Source,
    right: Source,
    choice: Choice | None,
    on_missing: OnMissing,
    classes: Kept | None,
) -> Pairing:
    """Pair the rows that are wanted: by id where both sides have ids, by position elsewhere.

    Files that are paired by position may differ in length only where the choice says at which row
    it ends. Neither file is read further then.

    Raises
    ------
    InputError
        A side lacks some of these rows, or the two sides do not correspond.
    """
    if not choice:
        return Pairing(left, right, on_missing=on_missing, classes=classes)
    by_id = left.id_name is not None and right.id_name is not None
    ends = choice.says_where_it_ends
    if not by_id and (not ends or left.row_shape[1:] != right.row_shape[1:]):
        Pairing(left, right, classes=classes)  # which raises where the shapes are known to differ
    reference, theirs = selected(left, choice), right.length
    chosen, total = reference.chosen, reference.total
    if by_id:
        return Pairing(reference, right, part=True, on_missing=on_missing, classes=classes)
    if not ends:
        if theirs is None and choice.needs_count:
            theirs = count_rows(right)
        if total is not None and theirs is not None and total != theirs:
            raise different(left, right, "rows", total, theirs)
        if theirs is None:
            chosen = replace(chosen, stop=None)
    return Pairing(
        reference, Selected(right, chosen, theirs), on_missing=on_missing, classes=classes
    )


def selected(source: Source, choice: Choice) -> Selected:
    """Return the rows of one source that are wanted.

    Raises
    ------
    InputError
        The source lacks some of these rows.
    """
    total = source.length
    if total is None and choice.needs_count:
        total = count_rows(source)
    return Selected(source, choice.resolve(source.path, total), total)
