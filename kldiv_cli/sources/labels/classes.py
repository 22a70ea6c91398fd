"""The true class of every row: a file of integers, a column of the reference, or an array."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kldiv_cli.errors import InputError, LogitsError, UsageError
from kldiv_cli.sources.arrays.array import as_array
from kldiv_cli.sources.base import Expected, Layout
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.formats.recognition import suffix_of
from kldiv_cli.sources.labels.side_input import SideInput, keyed
from kldiv_cli.sources.stores.pipes import is_named_pipe

_BLOCK = 1 << 16
_NO_LABEL = "Leave rows without a label out: --mask FILE, true for every row that has one."
_ADVICE = "Labels are the rows' classes, counted from 0: one integer per row, in the rows' order."
_SAVE = "Save the labels with numpy.save and give that .npy file."
_OF_ROWS = Layout(row_axes=1)
"""Of files of one axis each number is a row, so they may differ in length."""
LABELS = SideInput("--labels", "labels", Expected("labels", "integers", "an array"), _ADVICE)


@dataclass(frozen=True)
class Labels:
    """One class per row. ``shape`` is the shape of the input, ``path`` its name in messages."""

    path: str
    values: NDArray[np.intp]
    shape: tuple[int, ...]

    def check(self, rows: int, row_shape: Sequence[int | None]) -> None:
        """Raise unless the labels have the number and the shape of the rows.

        ``row_shape`` holds the axes of the rows; None stands for a length that only reading to the
        end tells. Labels of one axis are in the rows' order. Axes of length 1 say nothing.
        """
        if len(self.values) != rows:
            raise InputError(
                f"{self.path}: expected {rows} labels, one per row, found {len(self.values)}",
                _ADVICE,
            )
        ours, theirs = ([n for n in x if n != 1] for x in (self.shape, row_shape))
        if len(ours) > 1 and ours != theirs:
            expected, found = (" x ".join(map(str, x)) for x in (row_shape, self.shape))
            raise InputError(
                f"{self.path}: expected {expected} labels, one per row, found {found}", _ADVICE
            )

    def of(
        self, rows: NDArray[np.intp], classes: int, kept: NDArray[np.bool_] | None = None
    ) -> NDArray[np.intp]:
        """Return the labels of the rows at these places, which count.

        ``kept`` tells which classes a mask keeps, shape (rows, classes); None keeps all of them.

        Raises
        ------
        InputError
            One of them is no class, or none that is kept.
        """
        labels = self.values[rows]
        wrong = (labels < 0) | (labels >= classes)
        if wrong.any():
            first = int(wrong.argmax())
            raise InputError(
                f"{self.path}: row {rows[first]}: expected a label from 0 to {classes - 1}, found "
                f"{labels[first]}",
                _NO_LABEL if labels[first] < 0 else _ADVICE,
            )
        if kept is not None:
            out = ~np.take_along_axis(kept, labels[:, None], axis=1)[:, 0]
            if out.any():
                first = int(out.argmax())
                raise InputError(
                    f"{self.path}: row {rows[first]}: expected a label that the mask keeps, found "
                    f"{labels[first]}, which it leaves out",
                    "Keep the class of its label in every row, or leave the row out as a whole.",
                )
        return labels


def is_column(labels: object) -> bool:
    """Tell whether labels are given as the name of the reference's column that holds them."""
    if not isinstance(labels, str) or is_named_pipe(labels) or keyed(labels) is not None:
        return False
    return suffix_of(labels) != ".npy"


def read_labels(
    labels: str | os.PathLike[str] | ArrayLike,
    reference: object,
    layout: Layout,
    what: SideInput = LABELS,
) -> Labels:
    """Read labels; a name without .npy is that of a column of the reference.

    ``FILE:KEY`` is an array under a name or a column of a table. ``layout`` is the reference's.

    Raises
    ------
    InputError
        The file cannot be read, the reference has no such column, or a label is no integer.
    UsageError
        The labels are standard input, or both a column of the reference and part of a file.
    """
    LABELS.refuse_stdin(labels)
    if isinstance(labels, str) and is_column(labels):
        return _of_column(labels, reference, layout)
    if not isinstance(labels, (str, os.PathLike)):
        values = as_array(labels, LABELS.name)
        return _integers(LABELS.name, values.ravel(), values.shape)
    source, within = what.open(labels, _OF_ROWS), keyed(labels)
    if within is not None:
        _check_no_column(os.fspath(labels), reference, layout)
    elif source.is_table or source.has_keys or source.kind is not None:
        raise InputError(
            f"{source.path}: expected labels in an .npy file, found {source.format}",
            "For labels in the reference table, give the name of their column.",
        )
    path = source.path if within is None else f"{source.path}: {within.key!r}"
    with LABELS.reading():
        values = np.concatenate([block.values for block in source.blocks(_BLOCK)])
    shape = tuple(n for n in source.shape if n is not None)
    return _integers(path, values.ravel(), values.shape if source.is_table else shape)


def _check_no_column(labels: str, reference: object, layout: Layout) -> None:
    """Raise where ``FILE:KEY`` is the name of a column of the reference too."""
    if not isinstance(reference, (str, os.PathLike)):
        return
    names = open_source(reference, layout).class_names
    if names is not None and labels in names:
        raise UsageError(
            f"--labels: {labels!r} is a column of {os.fspath(reference)} and a file",
            f"Say --labels ./{labels} for the file, or rename the column.",
        )


def _of_column(name: str, reference: object, layout: Layout) -> Labels:
    if isinstance(reference, (str, os.PathLike)):
        path = os.fspath(reference)
        alone = replace(
            layout,
            row_axes=None,
            id=(),
            columns=(name,),
            drop=(),
            taken=(),
            group=None,
            alone=True,
            expected=LABELS.expected,
        )
        try:
            source = open_source(path, alone)
        except InputError as error:
            raise _no_column(name, error) from error
        if source.class_names is not None:
            blocks = [block.values[:, 0] for block in source.blocks(_BLOCK, [name])]
            values = np.concatenate(blocks)
            return _integers(f"{source.path}: column {name!r}", values, values.shape)
        if source.is_table:
            raise InputError(
                f"{path}: expected a table whose columns have names, for that of the labels "
                f"{name!r}, found one without a header",
                _SAVE,
            )
    else:
        path = "reference array"
    raise _no_column(
        name,
        InputError(
            f"{path}: expected a table with the column of labels {name!r}, found an array",
            _SAVE,
        ),
    )


def _no_column(name: str, error: InputError) -> InputError:
    """Return the error of labels that no column holds; a file may have their name."""
    if not os.path.lexists(name):
        advice = "--labels names a column of the reference, or an .npy file."
        return InputError(error.what, advice if isinstance(error, LogitsError) else error.advice)
    return InputError(
        f"{name}: expected labels in an .npy file, or the name of a column of the reference, "
        "found another file",
        _SAVE,
    )


def _integers(path: str, values: NDArray[Any], shape: tuple[int, ...]) -> Labels:
    if values.dtype.kind in "iu":
        return Labels(path, values.astype(np.intp), shape)
    if values.dtype.kind != "f":
        raise InputError(f"{path}: expected integers, found {values.dtype.name}", _ADVICE)
    # A float past the integers is cast to any of them.
    wide = values.astype(np.float64)
    wrong = ~(np.abs(wide) < 2.0**53) | (wide != np.rint(wide))
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(f"{path}: row {row}: expected an integer, found {values[row]}", _ADVICE)
    return Labels(path, wide.astype(np.intp), shape)
