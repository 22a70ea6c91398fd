"""What ``--mask`` says -> a mask that fits a pairing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from math import prod
from typing import TYPE_CHECKING

from kldiv_cli.errors import InputError, UsageError, a_few
from kldiv_cli.pairing import Pairing
from kldiv_cli.pairing.masks.axes import Lengths, align, align_around
from kldiv_cli.pairing.masks.mask import Mask, Means
from kldiv_cli.sources.base import Expected, Layout, Source
from kldiv_cli.sources.formats.opening import files_in
from kldiv_cli.sources.labels.side_input import SideInput
from kldiv_cli.sources.views.selected import whole
from kldiv_cli.tasks.opening.axes import check_rows
from kldiv_cli.tasks.opening.beside import Beside

if TYPE_CHECKING:
    from kldiv_cli.tasks.opening.sides import Input

MASK = SideInput(
    "--mask",
    "mask",
    Expected("a mask", "booleans", "an array", kinds="b"),
    "A mask is one array, or a table with columns, of true and false or of 0 and 1 (JSON lines "
    "hold 0 and 1 only): one per row or one per cell.",
)


def open_mask(mask: Input, means: Means, pairing: Pairing, *, by_place: bool) -> Mask:
    """Open a mask for a pairing.

    Files, or arrays, of a mask are taken in the order of the reference's, by name, unless
    ``by_place`` says that names say nothing.

    Raises
    ------
    InputError
        It cannot be read, or its axes are not those of the inputs.
    UsageError
        It is of cells, and some classes are left out already.
    """
    row_shape = pairing.row_shape
    if pairing.leaves_rows_out:
        row_shape = whole(pairing.reference).row_shape
    source, lengths = _fitted(mask, row_shape, whole(pairing.reference))
    source = Beside("the mask", whole(pairing.reference), by_place)(source)
    rows, classes = lengths[: len(row_shape)], lengths[len(row_shape) :]
    cells = tuple(length or 1 for length in classes)
    if pairing.classes is not None and prod(cells) > 1:
        raise UsageError(
            "--mask says which cells enter, and --classes and --truncate-classes which classes",
            "Leave one of the two out, or mask whole rows.",
        )
    names = _names(source, pairing) if prod(source.class_shape) > 1 else None
    return Mask(source, means, rows, cells, row_shape, pairing.class_shape, names)


def _class_axis(source: Source) -> int | None:
    """Return the one axis that indexes classes; None where these are the last axes."""
    axes = source.class_axes
    return axes[0] if axes and axes[-1] != len(source.shape) - 1 else None


def _fitted(mask: Input, row_shape: Lengths, inputs: Source) -> tuple[Source, Lengths]:
    """Open a mask with the axes of rows that the inputs have; return its lengths along theirs.

    Of several files of one axis each file is a row, or each number where that does not fit.
    """
    try:
        return _opened(mask, Layout(), row_shape, inputs)
    except InputError:
        if isinstance(mask, (str, os.PathLike)) and files_in(os.fspath(mask)) is not None:
            with suppress(InputError):
                return _opened(mask, Layout(row_axes=1), row_shape, inputs)
        raise


def _opened(
    mask: Input, layout: Layout, row_shape: Lengths, inputs: Source
) -> tuple[Source, Lengths]:
    source, axis, class_shape = MASK.open(mask, layout), _class_axis(inputs), inputs.class_shape
    if axis is not None and source.class_axes is not None:
        lengths, along = align_around(source.path, source.shape, inputs.shape, axis)
        return source if along is None else MASK.open(mask, Layout(class_axis=along)), lengths
    try:
        lengths = align(source.path, source.shape, row_shape, class_shape)
    except InputError:
        check_rows(inputs, source.path, source.shape, "cells", source.shape.__eq__)
        raise
    axes, ones = len(source.shape), len(lengths) - len(source.shape)
    leading = lengths == (*source.shape, *[1] * ones)
    own = min(axes, len(row_shape)) if leading else max(0, axes - len(class_shape))
    if own not in (axes, len(source.row_shape)):
        source = MASK.open(mask, Layout(row_axes=own))
    return source, lengths


def _names(source: Source, pairing: Pairing) -> Sequence[str] | None:
    """Return the order of the columns of a mask with a column per class; None for any other."""
    ours, theirs = pairing.class_names, source.class_names
    if ours is None or theirs is None:
        return None
    strange = [name for name in theirs if name not in ours]
    if strange:
        raise InputError(
            f"{source.path}: expected the class names of {pairing.reference.path}, found "
            f"{a_few(strange)}",
            "A mask with a column per class names them as the inputs do.",
        )
    return ours
