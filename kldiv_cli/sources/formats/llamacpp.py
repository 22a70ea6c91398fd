"""Logits files of llama.cpp (``llama-perplexity --kl-divergence-base FILE``), mapped.

A row holds one 16-bit number q per class, and how to read them: log p = scale * q + minimum, two
float32. So log p is known to half a scale, 1.2e-4 nats. The writer keeps the 16 nats below the
row's largest logit (ik_llama.cpp: 24 nats); what lies lower is censored: it becomes q = 0, and only
"at the minimum or below" is known of it.

References
----------
.. [1] llama.cpp, tools/perplexity/perplexity.cpp, ``log_softmax`` and ``kl_divergence``,
       https://github.com/ggml-org/llama.cpp
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import log
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.arrays.mapped import map_file
from kldiv_cli.sources.arrays.steps import Steps
from kldiv_cli.sources.base import Block, Layout
from kldiv_cli.sources.bounds import Window

MAGIC = b"_logits_"
WINDOW = Window(width=16.0, slack=1e-3, rounding=2e-4)
"""The slack is the rounding of a float32 logit of 1e4 less 16, which is off by 5e-4. The rounding
is half a step of the 24-nat window, 1.83e-4, and that of the minimum."""

_HEADER = struct.Struct("<8s3i")
_LARGEST = 65535
_ROW_HEADER = 4
"""In words of 16 bits: the two float32 before the classes."""
_CENSORED = "classes at a row's minimum lie there or below; counted as there"
_ADVICE = "Write it again with llama-perplexity --kl-divergence-base FILE."


@dataclass(frozen=True)
class LlamaCppSource:
    """The log-probabilities of a logits file, chunk by chunk.

    Parameters
    ----------
    path : str
        What messages and results call it.
    words : uint16 array, shape (rows, 4 + classes, or one more of padding)
        The rows as stored.
    tokens : int32 array, shape (chunks, n_ctx)
        The ids of the tokens that the model was given.
    classes : int
        The size of the vocabulary.
    flat : bool
        Whether the rows are shown along one axis instead of (chunks, rows of a chunk).
    release : callable or None
        Told after each block from which row to which the file was read.
    notes : tuple of str
        What is told of the file.

    Notes
    -----
    Blocks are `Steps`: scale * q + minimum in float64, exact but for its last digit; llama.cpp
    computes it in float32. Nothing is divided by its sum. A row whose scale or minimum is NaN, as a
    model that gave NaN leaves it, is NaN.
    """

    path: str
    words: NDArray[np.uint16]
    tokens: NDArray[np.int32]
    classes: int
    flat: bool = False
    release: Callable[[int, int], None] | None = None
    notes: tuple[str, ...] = (_CENSORED,)

    format = "llamacpp"
    dtype = "float64"
    has_keys = is_table = is_delimited = False
    bounds = WINDOW
    class_names = columns = id_name = class_axes = shards = arrays = group_name = beside = None

    @property
    def kind(self) -> Literal["log-probs"]:
        """Log-probabilities, whatever the user says."""
        return "log-probs"

    @property
    def sum_tolerance(self) -> float:
        """How far from 1 the probabilities of a row may sum."""
        return WINDOW.sum_tolerance(self.classes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Chunks, rows of a chunk, classes."""
        return (*self.row_shape, self.classes)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Chunks and rows of a chunk, or all rows along one axis."""
        rows, chunks = len(self.words), len(self.tokens)
        return (rows,) if self.flat else (chunks, rows // chunks)

    @property
    def class_shape(self) -> tuple[int]:
        """The one axis of classes."""
        return (self.classes,)

    @property
    def length(self) -> int:
        """The number of rows."""
        return len(self.words)

    @property
    def rows_expected(self) -> int:
        """The number of rows."""
        return self.length

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield log-probabilities, float64, a row of a chunk after the other.

        Raises
        ------
        InputError
            A row's scale and minimum are those of no distribution.
        """
        if classes is not None:
            raise ValueError("a llama.cpp logits file has no class names")
        return self.blocks_at(range(len(self.words)), rows)

    def blocks_at(self, places: range | NDArray[np.intp], rows: int) -> Iterator[Block]:
        """Yield the rows at these places; see `blocks`."""
        for start in range(0, len(places), rows):
            yield self.at(places[start : start + rows])

    def at(self, places: range | NDArray[np.intp]) -> Block:
        """Return the rows from one place to another, or those at single places; see `blocks`."""
        rows = np.asarray(places)
        # NumPy would copy the rows of a range, as it does single ones.
        together = slice(places.start, places.stop) if isinstance(places, range) else places
        words = self.words[together]
        headers = np.ascontiguousarray(words[:, :_ROW_HEADER]).view("<f4")
        with np.errstate(invalid="ignore"):  # a signalling NaN
            scale, least = headers.astype(np.float64).T
        self._check(rows, scale, least)
        counts = words[:, _ROW_HEADER : _ROW_HEADER + self.classes]
        release = None
        if self.release is not None:
            release = partial(self.release, int(rows[0]), int(rows[-1]) + 1)
        return Block(Steps.of(counts, scale, least), release=release)

    def place_of(self, row: int) -> None:
        """Return None: the file has no lines."""

    def _check(self, rows: NDArray[np.intp], scale: NDArray[Any], least: NDArray[Any]) -> None:
        """Raise where a row's largest log-probability is above 0, or below that of equal ones."""
        with np.errstate(invalid="ignore"):
            largest = scale * _LARGEST + least
            lowest = -log(self.classes)
            wrong = (scale < 0) | (largest > WINDOW.slack) | (largest < lowest - WINDOW.slack)
        if wrong.any():
            row = int(wrong.argmax())
            raise LogitsError(
                f"{self.path}: row {rows[row]}: expected a scale of 0 or more and a largest "
                f"log-probability from {lowest:.6g} to 0, found scale {scale[row]:g} and "
                f"{largest[row]:g}",
                f"The file is damaged. {_ADVICE}",
            )


def open_llamacpp(path: str, layout: Layout) -> LlamaCppSource:
    """Map a logits file of llama.cpp.

    Its rows have two axes, chunks and rows of a chunk; ``--row-axes 1`` shows them along one, for a
    partner that holds them so.

    Raises
    ------
    InputError
        The file does not begin as such files do, is shorter or longer than its header says, or
        holds token ids that are none.
    """
    if layout.row_axes not in (None, 1, 2):
        raise InputError(
            f"{path}: expected --row-axes 2 (chunks, rows) or 1 (all rows) for a llama.cpp logits "
            f"file, found {layout.row_axes}",
            "Leave it out.",
        )
    with Path(path).open("rb") as file:
        n_ctx, classes, chunks = _read_header(file, path)
        rows = chunks * (n_ctx - 1 - n_ctx // 2)
        words = _ROW_HEADER + 2 * ((classes + 1) // 2)
        offset = _HEADER.size + 4 * chunks * n_ctx
        promised, size = offset + 2 * rows * words, file.seek(0, 2)
        if size != promised:
            raise LogitsError(
                f"{path}: expected {promised} bytes for {chunks} chunks of {rows // chunks} rows "
                f"of {classes} classes (n_ctx {n_ctx}), found {size}",
                "The file is cut off: llama-perplexity does not notice a full disk. " + _ADVICE
                if size < promised
                else f"The file is not what its header says. {_ADVICE}",
            )
    memory = map_file(path, promised)
    tokens = np.frombuffer(memory.file, "<i4", chunks * n_ctx, _HEADER.size).reshape(chunks, n_ctx)
    _check_ids(tokens, classes, path)

    def release(start: int, stop: int) -> None:
        memory.release(offset + 2 * start * words, offset + 2 * stop * words)

    return LlamaCppSource(
        path=path,
        words=np.frombuffer(memory.file, "<u2", rows * words, offset).reshape(rows, words),
        tokens=tokens,
        classes=classes,
        flat=layout.row_axes == 1,
        release=release,
        notes=(*layout.notes, _CENSORED),
    )


def _read_header(file: IO[bytes], path: str) -> tuple[int, int, int]:
    """Return n_ctx, n_vocab and n_chunk."""
    header = file.read(_HEADER.size)
    if not header.startswith(MAGIC):
        raise LogitsError(
            f"{path}: expected a llama.cpp logits file, which begins with {MAGIC!r}, found "
            f"{header[: len(MAGIC)]!r}",
            _ADVICE,
        )
    if len(header) < _HEADER.size:
        raise LogitsError(
            f"{path}: expected a header of {_HEADER.size} bytes, found {len(header)}",
            f"The file is cut off. {_ADVICE}",
        )
    _, n_ctx, n_vocab, n_chunk = _HEADER.unpack(header)
    if n_ctx < 3 or n_vocab < 1 or n_chunk < 1:
        raise LogitsError(
            f"{path}: expected n_ctx of at least 3, n_vocab and n_chunk of at least 1, found "
            f"n_ctx {n_ctx}, n_vocab {n_vocab} and n_chunk {n_chunk}",
            _ADVICE,
        )
    return n_ctx, n_vocab, n_chunk


def _check_ids(tokens: NDArray[np.int32], classes: int, path: str) -> None:
    wrong = (tokens < 0) | (tokens >= classes)
    if wrong.any():
        chunk, at = (int(i) for i in np.unravel_index(wrong.argmax(), tokens.shape))
        raise LogitsError(
            f"{path}: expected token ids from 0 to {classes - 1}, found {tokens[chunk, at]} in "
            f"chunk {chunk}, position {at}",
            f"The file is damaged. {_ADVICE}",
        )
