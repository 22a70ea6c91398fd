"""CSV and TSV, one line per row at full precision; empty cells where it was skipped or masked."""

from __future__ import annotations

import csv
from functools import partial
from typing import IO

from kldiv_cli.reports.words.records import columns, records
from kldiv_cli.results.comparison import Comparison


def write(comparison: Comparison, stream: IO[str], delimiter: str = ",") -> None:
    """Write a header line, then the records."""
    writer = csv.writer(_Lines(stream), delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(columns(comparison))
    writer.writerows(records(comparison, skipped=""))


class _Lines:
    """Ends lines with a newline alone.

    csv.writer quotes an id that holds a carriage return only if carriage returns end its lines.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, line: str) -> int:
        return self._stream.write(line[:-2] + "\n")


write_tsv = partial(write, delimiter="\t")
