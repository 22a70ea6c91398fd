"""Paths and arrays -> a pairing; and what is wrong with a row of it, in the user's words."""

from __future__ import annotations

import os
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from kldiv_cli.errors import UsageError
from kldiv_cli.pairing import Pairing
from kldiv_cli.pairing.classes import Some, keep
from kldiv_cli.pairing.selection import select
from kldiv_cli.sources.arrays.array import ArraySource, as_array
from kldiv_cli.sources.arrays.mapped import told_type
from kldiv_cli.sources.base import Composed, Layout, Source
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.stores.pipes import are_one_pipe, forget_pipes
from kldiv_cli.sources.stores.stdin import STDIN
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.sources.views.selected import count_rows, whole
from kldiv_cli.tasks.executors.threads import available_threads
from kldiv_cli.tasks.opening.axes import check_names, check_rows, one_each
from kldiv_cli.tasks.opening.fitting import check_pair
from kldiv_cli.tasks.opening.questions.columns import no_classes
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.options import Asked, Compare, Inspect, Loss, Verify, checks

if TYPE_CHECKING:
    from kldiv_cli.pairing.members import Aligned
    from kldiv_cli.sources.labels.classes import Labels

Input = str | os.PathLike[str] | ArrayLike


def begin(asked: Asked) -> None:
    """Let go of the named pipes of the last task: somebody may have written into them anew."""
    for name in ("file", "reference", "candidate", "labels", "mask", "group", "classes"):
        forget_pipes(getattr(asked, name, None))


def layout_of(asked: Asked) -> Layout:
    """Return how a file lies, of two the reference, as far as that is said.

    Raises
    ------
    UsageError
        Two options say which axes index classes.
    """
    checks.axes(asked.row_axes, asked.class_axis)
    group = asked.group if isinstance(asked, Compare) else None
    return Layout(
        row_axes=asked.row_axes,
        class_axis=asked.class_axis,
        id=asked.id_column or (),
        columns=asked.columns,
        drop=asked.drop or (),
        taken=() if isinstance(asked, Inspect) else _taken(asked),
        key=asked.key,
        dtype=asked.dtype,
        header=asked.header,
        delimiter=asked.delimiter,
        decimal=asked.decimal,
        format=asked.input_format if isinstance(asked, Inspect) else asked.reference_format,
        group=group if isinstance(group, str) else None,
    )


def _taken(asked: Compare | Loss | Verify) -> tuple[str, ...]:
    """Return the columns that options take which name one: labels, or ``FILE:KEY`` of a side."""
    given = [getattr(asked, name, None) for name in ("labels", "mask", "group")]
    if not any(isinstance(one, (str, os.PathLike)) for one in given):
        return ()
    from kldiv_cli.sources.labels.classes import is_column  # noqa: PLC0415 - few name any
    from kldiv_cli.sources.labels.side_input import keyed  # noqa: PLC0415

    sides = [
        side for side in (asked.reference, asked.candidate) if isinstance(side, (str, os.PathLike))
    ]
    named = [given[0]] if isinstance(given[0], str) and is_column(given[0]) else []
    keys = [
        within.key
        for within in filter(None, map(keyed, given))
        if any(_is_same(within.file, side) for side in sides)
    ]
    return (*named, *keys)


def _is_same(one: str, other: str | os.PathLike[str]) -> bool:
    try:
        return Path(one).samefile(other)
    except (OSError, ValueError):  # of a name that is no file's
        return False


def choice_of(asked: Asked) -> Choice:
    """Return which rows are wanted.

    Raises
    ------
    UsageError
        A number is out of its range, or a seed is said and no sample.
    """
    return Choice.of(asked.rows, asked.limit, asked.sample, asked.seed)


def threads_of(asked: Asked) -> int:
    """Return how many threads compute: where nobody says, one for each core."""
    return available_threads() if asked.threads is None else asked.threads


def open_side(side: Input, layout: Layout) -> Source:
    """Open a file, or take an array as it is.

    Raises
    ------
    InputError
        The file cannot be read, or the array is none.
    UsageError
        A format is named for an array.
    """
    if isinstance(side, (str, os.PathLike)):
        return open_source(side, layout)
    if layout.format is not None:
        raise UsageError(
            f"format {layout.format!r} is for a file, and the input is an array", "Leave it out."
        )
    name = "array" if layout.side is None else f"{layout.side} array"
    array = as_array(side, name)
    dtype = told_type(array.dtype, layout, name)
    return ArraySource(array if dtype == array.dtype else array.view(dtype), layout, name)


def open_pairing(asked: Compare | Loss | Verify, layout: Layout) -> Pairing:
    """Open both sides and choose rows and classes; ``layout`` is the reference's.

    Raises
    ------
    InputError
        A file cannot be read, has not the rows that are wanted, or the two sides do not correspond.
    UnclearError
        A column may be no class.
    UsageError
        An option is for neither side: an id or columns without a table, a key without arrays under
        names, a delimiter or no header without delimited text, a type without raw bytes.
    """
    reference, candidate = asked.reference, asked.candidate
    choice = choice_of(asked)
    _check_apart(reference, candidate)
    layout, other = of_each(asked, layout)
    left, right = open_side(reference, layout), open_side(candidate, other)
    left, right = (
        _with_ids_of(right, left, reference, layout),
        _with_ids_of(left, right, candidate, other),
    )
    check_pair(left, right, layout, asked.candidate_key)
    some = _some(asked)
    mode = "softmax" if isinstance(asked, Loss) else asked.mode
    question = no_classes(Opened(asked, (left, right), mode, classes=some))
    if question is not None:
        raise question
    check_names(left, right)
    kept = keep(left, right, some, truncate=asked.truncate_classes)
    left, right, members = _aligned(asked, left, right, choice)
    if left.tokens is not None and right.tokens is not None:
        _check_tokens(left, right, choice, members)
    return select(left, right, choice, asked.on_missing, kept, members)


def of_each(asked: Compare | Loss | Verify, layout: Layout) -> tuple[Layout, Layout]:
    """Return how each side lies, given how the reference does, as far as that is said."""
    key = layout.key if asked.candidate_key is None else asked.candidate_key
    return replace(layout, side="reference"), replace(
        layout, side="candidate", key=key, format=asked.candidate_format
    )


def _aligned(
    asked: Compare | Loss | Verify, left: Source, right: Source, choice: Choice
) -> tuple[Source, Source, Aligned | None]:
    """Return both sides, and how their files, or arrays, find each other."""
    several = isinstance(left, Composed) and isinstance(right, Composed)
    if not (several or asked.by_place):
        return left, right, None
    from kldiv_cli.pairing.members import align  # noqa: PLC0415 - few inputs are many files

    found = align(
        left,
        right,
        skip=asked.on_missing == "skip",
        by_place=asked.by_place,
        wanted=choice.end,
        beside=_of_rows(asked),
    )
    return found.reference, found.candidate, found.aligned


def _of_rows(asked: Compare | Loss | Verify) -> bool:
    """Tell whether anything is given for each row of the reference."""
    given = (getattr(asked, name, None) for name in ("mask", "labels", "group"))
    return any(one is not None for one in given)


def _with_ids_of(other: Source, source: Source, side: Input, layout: Layout) -> Source:
    """Return a table whose row ids are those of the other one, where it has none and may have."""
    ours, theirs = source.columns, other.columns
    if ours is None or theirs is None or ours.ids or not theirs.ids:
        return source
    if not {*theirs.ids} <= {*ours.integers, ours.unclear}.difference(ours.named or ()):
        return source
    return open_side(side, replace(layout, id_there=theirs.ids))


def _check_tokens(left: Source, right: Source, choice: Choice, members: Aligned | None) -> None:
    from kldiv_cli.sources.labels.tokens import Tokens, check_tokens, tokens_of  # noqa: PLC0415 - few store tokens

    ours, theirs = tokens_of(left), tokens_of(right)
    if ours is None or theirs is None:
        return
    if members is not None and members.runs is not None:
        ours, theirs = map(Tokens.of_rows, (ours, theirs), members.runs)
    check_tokens(ours, theirs, choice)


def _check_apart(*sides: Input) -> None:
    """Raise where both sides are one pipe, of which each would read a part."""
    names = [os.fspath(side) for side in sides if isinstance(side, (str, os.PathLike))]
    if len(names) == len(sides) and are_one_pipe(*names):
        what = "standard input" if STDIN in names else "a pipe"
        raise UsageError(
            f"{names[0]} stands for {what}, which can be one side only",
            "Save the other one to a file.",
        )


def _some(asked: Compare | Loss | Verify) -> Some | None:
    if asked.classes is None:
        return None
    from kldiv_cli.tasks.opening.class_names import read_classes  # noqa: PLC0415 - few name classes

    return read_classes(asked.classes)


def open_labels(asked: Compare | Loss, pairing: Pairing, layout: Layout) -> Labels | None:
    """Read the true class of every row; a name without .npy is that of a column of the reference.

    ``layout`` is the reference's. There is None to read where nobody gives labels.

    Raises
    ------
    InputError
        There is no label for every row, or the labels cannot be read.
    """
    if asked.labels is None:
        return None
    from kldiv_cli.sources.labels.classes import LABELS, read_labels  # noqa: PLC0415 - few have labels
    from kldiv_cli.tasks.opening.beside import Beside  # noqa: PLC0415

    beside = Beside("the labels", whole(pairing.reference), asked.by_place)
    found = read_labels(asked.labels, asked.reference, layout, replace(LABELS, arranged=beside))
    check_rows(pairing.reference, found.path, found.shape, "labels", one_each(found.shape))
    found.check(row_count(pairing), file_row_shape(pairing))
    return found


def file_row_shape(pairing: Pairing) -> tuple[int | None, ...]:
    """Return the axes that index rows in the files, also where only some rows are selected."""
    reference = whole(pairing.reference)
    return pairing.row_shape if reference is pairing.reference else reference.row_shape


def row_count(pairing: Pairing) -> int:
    """Return the number of rows, reading to the end of a file that does not say.

    Where some rows are selected, or may be left out for want of a partner, it is that of the whole
    reference, which the labels are of.
    """
    if pairing.by == "id" or whole(pairing.reference) is not pairing.reference:
        return count_rows(whole(pairing.reference))
    lengths = [length for length in pairing.row_shape if length is not None]
    if len(lengths) == len(pairing.row_shape):
        return prod(lengths)
    return sum(len(block.reference) for block in pairing.blocks())
