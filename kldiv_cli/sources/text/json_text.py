"""JSON lines as Python's json module reads them: the first of them, and a faulty one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain
from math import isinf
from typing import Any

from kldiv_cli.sources.stores.elsewhere import is_readable_again
from kldiv_cli.sources.stores.streams import open_stream
from kldiv_cli.sources.text.lines import LONGEST_LINE

_DIGITS = 300
"""How many digits are read: float64 holds no more, and Python refuses thousands."""
_LARGEST = 2**53
NUMBERS = {int, float, type(None)}


class FaultError(ValueError):
    """A line holds something else than it should."""


@dataclass(frozen=True)
class JsonText:
    """A file of JSON lines, and what it is compressed with."""

    path: str
    codec: str | None

    def values(self, lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
        """Yield the number of every line that is not empty, and what it holds."""
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _value(number, line)

    def line_of(self, row: int) -> int | None:
        """Return the line on which a row stands; None where it cannot be looked for."""
        if not is_readable_again(self.path):
            return None
        filled = (number for number, line in enumerate(self._lines(), 1) if line.strip())
        for index, number in enumerate(filled):
            if index == row:
                return number
        return None

    def first_fault(self, check: Callable[[Any], str | None]) -> str | None:
        """Return what is wrong with the first line that PyArrow cannot have read, if any is.

        ``check`` says what is wrong with a value.
        """
        if not is_readable_again(self.path):
            return None
        try:
            for number, value in self.values(self._lines()):
                fault = check(value)
                if fault is not None:
                    return f"line {number}: {fault}"
        except FaultError as error:
            return str(error)
        except OSError:  # of a damaged compressed file, which PyArrow has met too
            return None
        return None

    def _lines(self) -> Iterator[str]:
        file = open_stream(self.path, self.codec)
        with TextIOWrapper(
            file, encoding="utf-8-sig", errors="surrogateescape", newline="\n"
        ) as text:
            # One of gigabytes must not come to memory; PyArrow has not read it either.
            while (line := text.readline(LONGEST_LINE)) and len(line) < LONGEST_LINE:
                yield line


def is_number(value: Any) -> bool:
    """Tell whether a value is a number or null."""
    return type(value) in NUMBERS


def is_held(value: Any) -> bool:
    """Tell whether float64 holds a value that is a number or null: no integer beyond 2**53."""
    return type(value) is not int or abs(value) <= _LARGEST


def not_held(value: Any) -> str:
    """Say what is wrong with an integer beyond 2**53."""
    return f"expected an integer up to 2**53, found {named(value)}"


def list_fault(value: Any) -> str | None:
    """Return what is wrong with a value that should be a list of numbers."""
    if not isinstance(value, list):
        return f"expected a list, found {named(value)}"
    for index, entry in enumerate(value):
        if not is_number(entry):
            return f"entry {index}: expected a number, found {named(entry)}"
    return None


def named(value: Any) -> str:
    """Return what a value is called in JSON."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "an object"
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."


def first_value(read: bytes) -> tuple[Any, bool]:
    """Return the value with which a text begins, and whether nothing follows it.

    Raises
    ------
    FaultError
        It begins with no value in JSON.
    """
    try:
        text = read.decode("utf-8-sig")
        start = len(text) - len(text.lstrip())
        value, end = _DECODER.raw_decode(text, start)
    except UnicodeDecodeError as error:
        raise FaultError("expected text in UTF-8, found other bytes") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise FaultError(f"{where}: expected JSON, found something else ({error.msg})") from error
    except RecursionError as error:
        raise FaultError("expected numbers, found lists in lists") from error
    except ValueError as error:
        raise FaultError(str(error)) from error
    return value, not text[end:].strip()


def _value(number: int, line: str) -> Any:
    """Return the value of a line. Bytes that are no UTF-8 became lone surrogates in it."""
    try:
        line.encode()
    except UnicodeEncodeError as error:
        raise FaultError(
            f"line {number}, column {error.start + 1}: expected text in UTF-8, found other bytes"
        ) from error
    try:
        return json.loads(line, parse_float=_float, parse_int=_int, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        where = f"line {number}, column {error.colno}"
        raise FaultError(f"{where}: expected JSON, found something else ({error.msg})") from error
    except ValueError as error:
        raise FaultError(f"line {number}: {error}") from error
    except RecursionError as error:
        raise FaultError(f"line {number}: expected numbers, found lists in lists") from error


def _float(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise FaultError(f"expected numbers that float64 can hold, found {text[:40]}")
    return value


def _int(text: str) -> int:
    if len(text) > _DIGITS:
        _float(text)
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for text in chain.from_iterable(pairs):
        if type(text) is str and not text.isascii():
            check_text(text)
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise FaultError(f"expected every name once, found {twice!r} again")
    return found


def check_text(text: str) -> None:
    """Raise for half of a character, which JSON can escape and no file can hold.

    Raises
    ------
    FaultError
        The text has no UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise FaultError(
            f"expected text, found half of a character, {text[error.start]!r}, in {text!r}"
        ) from error


_DECODER = json.JSONDecoder(parse_float=_float, parse_int=_int, object_pairs_hook=_object)
