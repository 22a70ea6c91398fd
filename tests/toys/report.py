"""A report of any result: its number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.inspection import Inspection, Unreadable
from kldiv_cli.results.loss import LossResult
from kldiv_cli.results.verification import Verification


def write(result: Comparison | LossResult | Verification, stream: IO[str]) -> None:
    stream.write(f"{result.rows} toy rows\n")


def write_all(found: Sequence[Inspection | Unreadable], stream: IO[str]) -> None:
    stream.write(f"{len(found)} toy files\n")
