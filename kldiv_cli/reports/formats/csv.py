"""CSV and TSV, one line per row at full precision; empty cells where it was skipped or masked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import IO, Any

from kldiv_cli.errors import printable
from kldiv_cli.reports.words.lines import Form, Words, lines
from kldiv_cli.reports.words.records import columns
from kldiv_cli.results.comparison import Comparison

_BEGINNINGS = frozenset("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20")
"""How formulas begin, after OWASP's page on CSV injection; the last four are the wide ``=+-@``."""
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS = Words("", "nan", "inf", "-inf")


def write(
    comparison: Comparison, stream: IO[str], delimiter: str = ",", safe: bool = False
) -> None:
    """Write a header line, then the records.

    A terminal gets text whose control characters are escaped. With ``safe`` a quote stands before
    text that a spreadsheet would take for a formula; text that is a number is none.
    """
    cells = _Cells(delimiter, safe, stream.isatty())
    names = list(columns(comparison))
    stream.write(delimiter.join(_Cells(delimiter)(names)) + "\n")
    pieces = ("", *[delimiter] * (len(names) - 1), "\n")
    stream.writelines(lines(comparison, Form(pieces, cells, _WORDS)))


@dataclass(frozen=True)
class _Cells:
    """Values -> the texts of their cells, in quotes where these need them."""

    delimiter: str
    safe: bool = False
    shown: bool = False

    def __call__(self, values: list[Any]) -> list[str]:
        texts = values if set(map(type, values)) == {str} else [*map(_text, values)]
        if self.safe and not _BEGINNINGS.isdisjoint(map(itemgetter(slice(1)), texts)):
            texts = [*map(_guarded, texts)]
        if self.shown:
            texts = [*map(printable, texts)]
        every = "".join(texts)
        if any(special in every for special in (self.delimiter, '"', "\r", "\n")):
            texts = [*map(self._quoted, texts)]
        return texts

    def _quoted(self, text: str) -> str:
        if any(special in text for special in (self.delimiter, '"', "\r", "\n")):
            return '"' + text.replace('"', '""') + '"'
        return text


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _guarded(text: str) -> str:
    is_formula = text[:1] in _BEGINNINGS and not _NUMBER.fullmatch(text)
    return f"'{text}" if is_formula else text


write_tsv = partial(write, delimiter="\t")
write_safe = partial(write, safe=True)
write_tsv_safe = partial(write, delimiter="\t", safe=True)
