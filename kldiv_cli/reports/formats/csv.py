"""CSV and TSV, one line per row at full precision; empty cells where it was skipped or masked."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from functools import partial
from typing import IO, Any

from kldiv_cli.errors import printable
from kldiv_cli.reports.words.records import columns, records
from kldiv_cli.results.comparison import Comparison

_FORMULA = re.compile(r"[=+\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]")
"""How formulas begin, after OWASP's page on CSV injection; the last four are the wide ``=+-@``."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def write(
    comparison: Comparison, stream: IO[str], delimiter: str = ",", safe: bool = False
) -> None:
    """Write a header line, then the records.

    A terminal gets text whose control characters are escaped. With ``safe`` a quote stands before
    text that a spreadsheet would take for a formula; text that is a number is none.
    """
    writer = csv.writer(_Lines(stream), delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(columns(comparison))
    rows = records(comparison, skipped="")
    for asked, change in ((safe, _guarded), (stream.isatty(), printable)):
        if asked:
            rows = map(partial(_each_text, change), rows)
    writer.writerows(rows)


def _each_text(change: Callable[[str], str], row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(change(cell) if isinstance(cell, str) else cell for cell in row)


def _guarded(text: str) -> str:
    is_formula = _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


class _Lines:
    """Ends lines with a newline alone.

    csv.writer quotes an id that holds a carriage return only if carriage returns end its lines.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, line: str) -> int:
        return self._stream.write(line[:-2] + "\n")


write_tsv = partial(write, delimiter="\t")
write_safe = partial(write, safe=True)
write_tsv_safe = partial(write, delimiter="\t", safe=True)
