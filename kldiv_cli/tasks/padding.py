"""What is said of rows that hold one number on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kldiv_cli.tasks.kept.seen import Constants, OneNumber

if TYPE_CHECKING:
    from kldiv_cli.results.padding import ConstantRows


def constant_rows(found: Constants, *, ignored: bool) -> ConstantRows | None:
    """Return what the result says of rows of one number; None of one such row that counts."""
    if not ignored and found.every.rows < 2:
        return None
    from kldiv_cli.results.padding import ConstantRows  # noqa: PLC0415 - few files hold such rows

    return ConstantRows(found.every.rows, found.every.number, found.skipped.rows, ignored)


def warnings_of(found: Constants, paths: tuple[str, str]) -> Iterator[str]:
    """Yield what is wrong with rows of padding, where nobody said that these are left out."""
    where = "on both sides, as padding does"
    if found.padding.rows > 1:
        yield (
            f"{paths[0]} and {paths[1]}: {rows_of(found.padding)} {where}, and count: "
            "--ignore-constant-rows leaves them out"
        )
    if found.skipped.rows > 1:
        yield (
            f"{paths[0]} and {paths[1]}: {rows_of(found.skipped)} {where}, and are skipped: say "
            "--ignore-constant-rows if they are padding"
        )


def rows_of(padding: OneNumber) -> str:
    """Say how many rows hold -100 or a mask value."""
    what = "-100 or a mask value" if padding.number is None else f"{padding.number:g}"
    return f"{padding.rows} rows hold {what} alone"
