"""The columns of a side that may be classes, laid beside those of the other side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.exact import widen
from kldiv_cli.sources.base import Source
from kldiv_cli.tasks.opening.first_rows import FirstRows, first_rows, read_both
from kldiv_cli.tasks.opening.kinds import NOT_SAID
from kldiv_cli.tasks.opening.questions.columns.signs import Signs
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.options import Compare, Loss

Rows = NDArray[np.float64]


def signs_of(opened: Opened, place: int) -> Signs | None:
    """Return the signs that a table's columns show; None where no row can be read.

    Classes that do not enter are left out.
    """
    source = opened.sources[place]
    if len(opened.sources) > 1:
        read_both(*opened.sources)
    columns, read = source.columns, first_rows(source)
    if columns is None or not len(read):
        return None
    wanted = _wanted(opened, place)
    places = [i for i, name in enumerate(columns.classes) if wanted is None or name in wanted]
    names = tuple(columns.classes[i] for i in places)
    if len(names) < 2:
        return None
    other = None
    if len(opened.sources) > 1:
        theirs = opened.sources[1 - place]
        other = _laid_beside(source, read, theirs, first_rows(theirs))
    asked = opened.asked
    told = (asked.kind if isinstance(asked, Compare | Loss) else None) or NOT_SAID
    return Signs(
        names=names,
        rows=widen(read.values)[:, places],
        integers=frozenset(columns.integers),
        other=None if other is None else other[:, places],
        kind=told[place] or "logits",
        sums=opened.mode == "softmax",
        sides=len(opened.sources),
    )


def _wanted(opened: Opened, place: int) -> frozenset[str] | None:
    """Return the names of the classes that may enter; None for all."""
    source = opened.sources[place]
    wanted: frozenset[str] | None = None
    if source.class_names is None:
        return None
    if opened.classes is not None and set(opened.classes.words) <= set(source.class_names):
        wanted = frozenset(opened.classes.words) or None
    if len(opened.sources) == 2 and getattr(opened.asked, "truncate_classes", False):
        theirs = opened.sources[1 - place].class_names
        if theirs is not None:
            wanted = frozenset(theirs) if wanted is None else wanted & frozenset(theirs)
    return wanted


def _laid_beside(source: Source, ours: FirstRows, other: Source, theirs: FirstRows) -> Rows | None:
    """Return the other side's numbers in the places of ours; NaN where it has none."""
    if ours.values.ndim != theirs.values.ndim or not len(theirs):
        return None
    rows = _rows_in_both(ours, theirs)
    names = source.class_names
    if names is not None and other.class_names is not None:
        known = {name: i for i, name in enumerate(other.class_names)}
        columns = np.array([known.get(name, -1) for name in names])
    else:
        columns = np.arange(ours.values.shape[1])
        columns[theirs.values.shape[1] :] = -1
    found = np.full(ours.values.shape, np.nan)
    mine, their = rows
    has = columns >= 0
    found[np.ix_(mine, has)] = widen(theirs.values[np.ix_(their, columns[has])])
    return found


def _rows_in_both(ours: FirstRows, theirs: FirstRows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places of rows that are paired: by id where both have ids."""
    if ours.ids is None or theirs.ids is None:
        both = np.arange(min(len(ours), len(theirs)))
        return both, both
    known = {str(name): i for i, name in enumerate(theirs.ids.tolist())}
    places = np.array([known.get(str(name), -1) for name in ours.ids.tolist()], dtype=np.intp)
    mine = np.flatnonzero(places >= 0)
    return mine, places[mine]
