"""What looks wrong about a single file, though it can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kldiv_cli.errors import InputError, UnclearError
from kldiv_cli.results.head import Side
from kldiv_cli.results.inspection import Guess, Rows
from kldiv_cli.tasks.kept.seen import OneNumber
from kldiv_cli.tasks.padding import rows_of


def remarks(
    file: Side, rows: Rows, guess: Guess, questions: Sequence[UnclearError], padding: OneNumber
) -> Iterator[str]:
    """Yield what other commands would ask or stop at, or compute though it means nothing.

    ``padding`` are rows of nothing but -100 or a mask value. Those of -inf are not told: they are
    skipped where both sides have them.
    """
    yield from map(remark, questions)
    firsts = [row for row in (rows.first_nan, rows.first_plus_inf) if row is not None]
    if firsts:
        count = rows.nan + rows.plus_inf
        yield (
            f"{file.path}: row {min(firsts)} holds NaN or +inf, and no distribution under softmax "
            f"({count} such {'row' if count == 1 else 'rows'} in all): --nan-policy omit of "
            "kldiv compare leaves them out"
        )
    if padding.rows > 1:
        yield (
            f"{file.path}: {rows_of(padding)}, as padding does: --ignore-constant-rows of kldiv "
            "compare leaves them out where both sides have them"
        )
    if guess.kind == "logits" and "int" in file.dtype:
        yield f"{file.path}: all numbers are integers: are these labels or token ids?"


def remark(error: InputError) -> str:
    """Return what other commands would stop at as a remark."""
    return f"{error.what}. {error.advice}"
