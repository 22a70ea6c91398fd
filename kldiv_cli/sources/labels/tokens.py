"""The tokens that a logits file stores: what came next, and whether two files agree."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.sources.views.runs import Runs

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

    def of_rows(self, runs: Runs) -> Tokens:
        """Return the contexts of these rows, which are all rows of each."""
        each = self.ids.shape[1] - self.ids.shape[1] // 2 - 1
        chunks = runs.at(np.arange(0, len(runs), each)) // each
        return replace(self, ids=self.ids[chunks])


def tokens_of(source: Source) -> Tokens | None:
    """Return the tokens that a source stores; None for a source without tokens."""
    return None if source.tokens is None else Tokens(source.path, source.tokens)


def check_tokens(reference: Tokens, candidate: Tokens, choice: Choice) -> None:
    """Raise unless both sides were computed from the same tokens, context by context.

    One file may have more chunks than the other, where the chosen rows are the same in both.

    Raises
    ------
    InputError
        Naming the first difference.
    """
    ours, theirs = reference.ids, candidate.ids
    there, here = ours.shape, theirs.shape
    if there[1] != here[1]:
        raise InputError(
            f"{candidate.path}: expected contexts of {there[1]} tokens (n_ctx) as in "
            f"{reference.path}, found {here[1]}",
            _ADVICE,
        )
    chunks = min(there[0], here[0])
    different = ours[:chunks] != theirs[:chunks]
    if different.any():
        chunk, at = (int(i) for i in np.unravel_index(different.argmax(), different.shape))
        raise InputError(
            f"{candidate.path}: expected the same tokens as {reference.path}, found "
            f"{ours[chunk, at]} there and {theirs[chunk, at]} here in chunk {chunk}, position {at} "
            f"({int(different.sum())} of {different.size} differ)",
            _ADVICE,
        )
    if there[0] != here[0] and not choice.says_where_it_ends:
        rows = len((reference if there[0] < here[0] else candidate).targets)
        common = "chunk" if chunks == 1 else f"{chunks} chunks"
        option = f"--limit {rows}"
        if choice.rows is not None:
            start = choice.rows.start or 0
            option = f"--rows {start if 0 <= start < rows else 0}:{rows}"
        raise InputError(
            f"{candidate.path}: expected as many chunks as {reference.path}, found {there[0]} "
            f"there and {here[0]} here",
            f"Say {option} to compare rows of the first {common}, which both have.",
        )
