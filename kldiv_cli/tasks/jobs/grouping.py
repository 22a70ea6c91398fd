"""What ``--group`` says -> the key of every row's group."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kldiv_cli.errors import UsageError
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.evaluation import Evaluation
from kldiv_cli.measures.rows.top import top_class, top_probability
from kldiv_cli.measures.types import Mode, Status
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.results.groups import By, Groups, grouped
from kldiv_cli.results.head import class_name
from kldiv_cli.results.summary import Summary
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.labels.groups import GROUPS, RowLabels, read_row_labels
from kldiv_cli.sources.labels.side_input import exists, keyed
from kldiv_cli.sources.views.selected import whole
from kldiv_cli.tasks.opening.axes import check_rows, one_each
from kldiv_cli.tasks.opening.beside import Beside
from kldiv_cli.tasks.opening.sides import file_row_shape, row_count
from kldiv_cli.tasks.options import Compare

_EDGES = (0.25, 0.5, 0.75, 0.95)
"""Bins of confidence end here, each with its upper edge."""
WORDS = ("argmax", "confidence", "position")
"""What rows can be grouped by without another column or file. A table's rows have no positions, so
there the last one may be a column."""


class Key(Protocol):
    """Finds the key of every row of a block; it pickles."""

    def __call__(self, block: BlockPair, found: Evaluation, /) -> NDArray[Any]:
        """Return the keys, shape (rows,)."""


@dataclass(frozen=True)
class Grouping:
    """What the groups are, and how the key of every row of a block is found."""

    by: By
    keys: Key

    def groups(self, summary: Summary) -> Groups:
        """Return the groups of all rows, each of which was given its key."""
        return grouped(summary, self.by)


@dataclass(frozen=True)
class OfColumn:
    """The text of the sources' group column."""

    def __call__(self, block: BlockPair, _: Evaluation) -> NDArray[Any]:
        """Return the keys of a block."""
        if block.groups is None:
            raise ValueError("a source that names a group column gave a block without groups")
        return block.groups


@dataclass(frozen=True)
class OfLabels:
    """Labels, one for each row of the reference."""

    values: NDArray[Any]

    def __call__(self, block: BlockPair, _: Evaluation) -> NDArray[Any]:
        """Return the keys of a block."""
        return self.values[block.rows]


@dataclass(frozen=True)
class OfTopClass:
    """The reference's top class."""

    kind: Kind
    mode: Mode

    def __call__(self, block: BlockPair, found: Evaluation) -> NDArray[Any]:
        """Return the keys of a block."""
        top: NDArray[Any] = found.argmax[0]
        rest = np.flatnonzero(found.status != Status.COUNTED)
        if len(rest):
            top = top.copy()
            top[rest] = top_class(block.reference[rest], self.kind, self.mode)
            top[found.status == Status.SKIPPED] = -1
        return top


@dataclass(frozen=True)
class OfConfidence:
    """In which bin the probability of the reference's top class lies."""

    kind: Kind
    temperature: float

    def __call__(self, block: BlockPair, found: Evaluation) -> NDArray[Any]:
        """Return the keys of a block."""
        p = top_probability(block.reference, self.kind, self.temperature)
        none = np.isnan(p) | (found.status == Status.SKIPPED)
        return np.where(none, -1, np.searchsorted(_EDGES, p))


@dataclass(frozen=True)
class OfPosition:
    """The index along the last axis of rows, which is so long."""

    length: int

    def __call__(self, block: BlockPair, _: Evaluation) -> NDArray[Any]:
        """Return the keys of a block."""
        return block.numbers % self.length


@dataclass(frozen=True)
class ClassName:
    """The name of a class."""

    names: tuple[str, ...] | None
    shape: tuple[int, ...]

    def __call__(self, key: int) -> str:
        """Return the name of a group."""
        return class_name(key, self.names, self.shape)


def open_grouping(
    group: str | os.PathLike[str] | ArrayLike, pairing: Pairing, asked: Compare, kind: Kind
) -> Grouping:
    """Return how to group the rows of a pairing: by a word, a column, a file or an array.

    ``kind`` is what the reference's numbers are. The column is the one that the layout of the two
    sides names; the reference's comes first.

    Raises
    ------
    InputError
        The file cannot be read, or has not one label per row.
    UsageError
        There is no such grouping, or not of these rows, or more than one.
    """
    sides = pairing.reference, pairing.candidate
    columns = [side for side in sides if side.group_name is not None]
    if isinstance(group, str):
        if columns:
            return _by_column(group, columns[0])
        if group == "argmax":
            return _by_argmax(pairing, asked, kind)
        if group == "confidence":
            return _by_confidence(asked, kind)
        if group == "position":
            return _by_position(pairing)
        GROUPS.refuse_stdin(group)
        if not _is_file(group):
            raise UsageError(
                f"--group: expected {', '.join(WORDS)}, a column or a file, found {group!r}, which "
                "neither input has as a column",
                "A file holds one label per row: a line of text each, or an .npy array.",
            )
    beside = Beside("the labels", whole(pairing.reference), asked.by_place)
    return _by_labels(read_row_labels(group, replace(GROUPS, arranged=beside)), pairing)


def _by_column(name: str, side: Source) -> Grouping:
    if name in ("argmax", "confidence"):
        raise UsageError(
            f"--group: {name!r} is a column of {side.path} and a grouping of its own",
            "Rename the column.",
        )
    if _is_file(name):
        raise UsageError(
            f"--group: {name!r} is a column of {side.path} and a file",
            f"Say --group ./{name} for the file, or rename the column.",
        )

    return Grouping(By(f"column {name!r} of {side.path}", str), OfColumn())


def _is_file(name: str) -> bool:
    """Tell whether a name is that of a file, or of an array or a column in one."""
    return exists(name) or keyed(name) is not None


def _by_labels(labels: RowLabels, pairing: Pairing) -> Grouping:
    given = labels.values.shape
    one = one_each(given)

    def fits(rows: tuple[int | None, ...]) -> bool:
        return one(rows) or rows[: len(given)] == given

    check_rows(pairing.reference, labels.path, given, "labels", fits)
    shape = (row_count(pairing) if n is None else n for n in file_row_shape(pairing))
    return Grouping(By(f"labels: {labels.path}", str), OfLabels(labels.over(tuple(shape))))


def _by_argmax(pairing: Pairing, asked: Compare, kind: Kind) -> Grouping:
    what = "argmax p, the reference's top class"
    if asked.mode == "sigmoid":
        what = "argmax p, the reference's top cell"
    name = ClassName(pairing.class_names, pairing.class_shape)
    return Grouping(By(what, name), OfTopClass(kind, asked.mode))


def _by_confidence(asked: Compare, kind: Kind) -> Grouping:
    if asked.mode == "sigmoid":
        raise UsageError(
            "--group confidence is the probability of the top class, and under sigmoid every cell "
            "is a distribution of its own",
            "Leave it out, or say --mode softmax.",
        )
    by = By("confidence, max p of the reference", _bin, in_order=True, known=len(_EDGES) + 1)
    return Grouping(by, OfConfidence(kind, asked.temperature))


def _bin(key: int) -> str:
    """Return the name of a bin of confidence."""
    ends = [f"{edge:g}" for edge in (0, *_EDGES, 1)]
    return f"({ends[key]}, {ends[key + 1]}]"


def _by_position(pairing: Pairing) -> Grouping:
    shape = file_row_shape(pairing)
    *_, last = shape
    if len(shape) < 2 or last is None:
        raise UsageError(
            "--group position is the index along the last axis of rows, and these rows have one "
            "axis",
            "It is for arrays such as (text, position, class); --row-axes says which are rows.",
        )
    axis, classes = len(shape) - 1, whole(pairing.reference).class_axes
    if classes and classes[0] <= axis:
        axis += len(classes)
    by = By(f"position, the index along axis {axis}", str, in_order=True)
    return Grouping(by, OfPosition(last))
