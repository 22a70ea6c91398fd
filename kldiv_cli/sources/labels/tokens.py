"""The tokens that a logits file stores: what came next, and whether two files agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Source

_ADVICE = "Write both from the same text, with the same tokenizer, -c and --chunks."


@dataclass(frozen=True)
class Tokens:
    """The ids of the tokens that a model was given, int32 of shape (chunks, n_ctx).

    ``path`` is the file's name in messages.
    """

    path: str
    ids: NDArray[np.int32]

    @property
    def targets(self) -> NDArray[np.intp]:
        """The id of the token that each row predicts, shape (rows,)."""
        first = self.ids.shape[1] // 2 + 1
        return self.ids[:, first:].reshape(-1).astype(np.intp)


def tokens_of(source: Source) -> Tokens | None:
    """Return the tokens that a source stores; None for a source without tokens."""
    return None if source.tokens is None else Tokens(source.path, source.tokens)


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
