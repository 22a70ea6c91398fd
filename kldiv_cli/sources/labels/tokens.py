"""The tokens that logits files of llama.cpp hold: of one file, or of several that are one input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.formats.llamacpp import LlamaCppSource
from kldiv_cli.sources.views.shards import ShardedSource

_ADVICE = "Write both from the same text, with the same tokenizer, -c and --chunks."


@dataclass(frozen=True)
class Tokens:
    """The ids of the tokens that a model was given; messages call what holds them ``path``.

    ``ids`` are int32 of shape (chunks, n_ctx).
    """

    path: str
    ids: NDArray[np.int32]

    @property
    def targets(self) -> NDArray[np.intp]:
        """The id of the token that came next, which each row predicts; shape (rows,)."""
        first = self.ids.shape[1] // 2 + 1
        return self.ids[:, first:].reshape(-1).astype(np.intp)


def tokens_of(source: Source) -> Tokens | None:
    """Return the tokens of a source, None for one that is no llama.cpp file.

    Those of several files follow each other as their rows do.

    Raises
    ------
    InputError
        A file cannot be opened, or has contexts of another length than the first one.
    """
    if isinstance(source, LlamaCppSource):
        return Tokens(source.path, source.tokens)
    if not isinstance(source, ShardedSource) or not isinstance(source.first, LlamaCppSource):
        return None
    found = [each.tokens for each in source.each() if isinstance(each, LlamaCppSource)]
    for name, ids in zip(source.files.names, found, strict=True):
        if ids.shape[1] != found[0].shape[1]:
            raise InputError(
                f"{name}: expected contexts of {found[0].shape[1]} tokens (n_ctx) as in "
                f"{source.first.path}, found {ids.shape[1]}",
                source.files.advice,
            )
    return Tokens(source.path, np.concatenate(found))


def check_tokens(reference: Tokens, candidate: Tokens) -> None:
    """Raise unless both sides were computed from the same tokens, context by context.

    Raises
    ------
    InputError
        Naming the first difference.
    """
    ours, theirs = reference.ids, candidate.ids
    expected = f"{candidate.path}: expected the same tokens as {reference.path}, found"
    if ours.shape != theirs.shape:
        shapes = (
            f"{chunks} chunks with n_ctx {n_ctx}" for chunks, n_ctx in (ours.shape, theirs.shape)
        )
        raise InputError("{} {} there and {} here".format(expected, *shapes), _ADVICE)
    different = ours != theirs
    if different.any():
        chunk, at = (int(i) for i in np.unravel_index(different.argmax(), ours.shape))
        raise InputError(
            f"{expected} {ours[chunk, at]} there and {theirs[chunk, at]} here in chunk {chunk}, "
            f"position {at} ({int(different.sum())} of {different.size} differ)",
            _ADVICE,
        )
