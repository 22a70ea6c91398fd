"""A label per row, which names the row's group: a file, lines of text, or an array."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import ArrayLike, NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.sources.arrays.array import as_array
from kldiv_cli.sources.base import Expected, Layout
from kldiv_cli.sources.formats.npy_header import read_header
from kldiv_cli.sources.labels.side_input import SideInput, keyed
from kldiv_cli.sources.stores.pipes import open_pipe
from kldiv_cli.sources.tables.words import Words, room_for

_ADVICE = (
    "Give one label per row, in the rows' order: a line each, without a header, or an .npy array."
)
_KINDS = "an .npy array of integers, bool or text"
GROUPS = SideInput(
    "--group", "labels", Expected("labels", "integers, bool or text", "an array", "bU"), _ADVICE
)
_BLOCK = 1 << 16
_PIECE = 1 << 24
_MOST = 1 << 28
"""How many bytes are read from a pipe, which may never end."""
_LARGEST = 1 << 30
"""How many bytes a file may have: it is held in memory, some of it twice."""


@dataclass(frozen=True)
class RowLabels:
    """Labels as text, None for an empty one. ``path`` is their name in messages."""

    path: str
    values: NDArray[Any]

    def over(self, row_shape: tuple[int, ...]) -> NDArray[Any]:
        """Return one label for every row, shape (rows,).

        Labels may lack the last axes of rows: a label of a text is that of all its positions.

        Raises
        ------
        InputError
            Their number is not that of the rows.
        """
        shape = self.values.shape
        if shape and shape == row_shape[: len(shape)]:
            full = self.values.reshape(shape + (1,) * (len(row_shape) - len(shape)))
            return np.broadcast_to(full, row_shape).ravel()
        if shape == (prod(row_shape),):
            return self.values
        expected, found = (" x ".join(map(str, x)) or "a single one" for x in (row_shape, shape))
        raise InputError(
            f"{self.path}: expected {expected} labels, one per row, found {found}", _ADVICE
        )


def read_row_labels(
    labels: str | os.PathLike[str] | ArrayLike, what: SideInput = GROUPS
) -> RowLabels:
    """Read labels: an .npy file, a text file of a label per line, `FILE:KEY`, or an array.

    Raises
    ------
    InputError
        The file cannot be read, or holds something else.
    """
    if not isinstance(labels, (str, os.PathLike)):
        return RowLabels("array", _as_text(as_array(labels, "labels"), "labels"))
    GROUPS.refuse_stdin(labels)
    if keyed(labels) is not None:
        return RowLabels(os.fspath(labels), text_of(labels, what))
    path = os.fspath(labels)
    try:
        content = _content(path)
    except OSError as error:
        raise InputError(
            f"{path}: expected a file of labels, found: {error.strerror or error}",
            "Check the path and its permissions.",
        ) from error
    if content.startswith(npy_format.MAGIC_PREFIX):
        return RowLabels(path, _as_text(_of_npy(path, content), path))
    return RowLabels(path, _of_lines(path, content))


def _content(path: str) -> bytes:
    """Read a file whole, or a pipe, which may be another input's too."""
    found = Path(path).stat()
    if stat.S_ISFIFO(found.st_mode):
        content = open_pipe(path).open().read(_MOST)
        if len(content) == _MOST:
            raise InputError(
                f"{path}: expected labels, found {_MOST >> 20} MB and no end of them",
                "Save the labels to a file, and name that.",
            )
        return content
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise InputError(
            f"{path}: expected a file of labels, found something that is neither a regular file "
            "nor a pipe",
            _ADVICE,
        )
    if found.st_size > _LARGEST:
        raise InputError(
            f"{path}: expected labels of at most {_LARGEST >> 20} MB, found "
            f"{found.st_size >> 20} MB",
            _ADVICE,
        )
    return Path(path).read_bytes()


def text_of(given: str | os.PathLike[str], what: SideInput) -> NDArray[Any]:
    """Read `FILE:KEY` as text, None where it is empty: an array, or a column of a table.

    Raises
    ------
    InputError
        The file cannot be read, or there is nothing of that name in it.
    """
    source = what.open(given, Layout(row_axes=1))
    with what.reading():
        if source.is_table:
            blocks = source.blocks(_BLOCK)
            return np.concatenate([block.groups for block in blocks if block.groups is not None])
        first = next(iter(source.blocks(1))).values
        if not _is_label(first.dtype):
            within = keyed(given)
            key = "" if within is None else f"{within.key!r}: "
            raise InputError(
                f"{source.path}: {key}expected {what.expected.values}, found {first.dtype}",
                what.advice,
            )
        # An array of text is as wide as its longest label.
        rows = max(1, min(_BLOCK, _PIECE // max(1, first.nbytes)))
        words = Words(source.path, room_for(source.path))
        parts = [
            words.held(_as_text(block.values, source.path).ravel()) for block in source.blocks(rows)
        ]
    return np.concatenate(parts).reshape([n for n in source.shape if n is not None])


def _of_npy(path: str, content: bytes) -> NDArray[Any]:
    header = read_header(BytesIO(content), path)
    _check_kind(header.dtype, path)
    found = len(content) - header.size
    if found != header.promised:
        raise InputError(
            f"{path}: expected {header.promised} bytes of {header.dtype} for shape "
            f"{header.shape}, found {found}",
            "Write it again with numpy.save(path, labels).",
        )
    return np.ndarray(header.shape, header.dtype, content, header.size, order=header.order)


def _of_lines(path: str, content: bytes) -> NDArray[Any]:
    if b"\0" in content:
        raise InputError(f"{path}: expected lines of text or {_KINDS}, found binary data", _ADVICE)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected lines of text in UTF-8 or {_KINDS}, found bytes that are neither",
            _ADVICE,
        ) from error
    lines = text.removesuffix("\n").split("\n") if text else []
    values = np.empty(len(lines), dtype=object)
    values[:] = [line.removesuffix("\r") or None for line in lines]
    return values


def _check_kind(dtype: np.dtype[Any], path: str) -> None:
    if not _is_label(dtype):
        raise InputError(f"{path}: expected {_KINDS}, found {dtype}", _ADVICE)


def _is_label(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "biuU" and dtype.itemsize > 0


def _as_text(values: NDArray[Any], path: str) -> NDArray[Any]:
    """Return objects, text or None."""
    if values.dtype == object:
        names = [None if label is None else str(label) for label in values.flat]
        found = np.empty(len(names), dtype=object)
        found[:] = names
    else:
        _check_kind(values.dtype, path)
        if values.dtype.kind == "U":
            try:
                found = values.ravel().astype(object)
            except (SystemError, ValueError) as error:  # of a character that there is not
                raise InputError(f"{path}: expected text, found none ({error})", _ADVICE) from error
        else:
            keys, codes = np.unique(values, return_inverse=True)
            found = np.array(list(map(str, keys.tolist())), dtype=object)[codes.ravel()]
    found[found == ""] = None
    return found.reshape(values.shape)
