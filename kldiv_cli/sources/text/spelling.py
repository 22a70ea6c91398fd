"""How the cells of delimited text are spelled: numbers, nothing, true and false."""

from __future__ import annotations

import re
from math import isinf

TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
MISSING = frozenset(
    (
        *("NA", "<NA>", "#NA", "#N/A", "#N/A N/A", "N/A", "n/a"),
        *("NULL", "null", "None", "-NaN", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND"),
    )
)
"""Spellings of a missing number beside NaN and nothing. R writes NA; pandas reads them all."""
# Nothing is given back once it is taken: a cell of a megabyte of digits would take hours.
_NUMBER = r"\s*+[-+]?(\d++(\.\d*+)?|\.\d++)(e[-+]?\d++)?\s*+"
_CELL = re.compile(_NUMBER + r"|\s*[-+]?(nan|inf|infinity)\s*|", re.IGNORECASE | re.ASCII)
_FINITE = re.compile(_NUMBER, re.IGNORECASE | re.ASCII)
_INTEGER = re.compile(r"\s*[-+]?\d+\s*", re.ASCII)
_LARGEST = 2**53
_DIGITS = len(str(_LARGEST))
_SWAPPED = str.maketrans(".,", ",.")
NOT_HELD_ADVICE = "If these are ids, name their column with --id; infinity is written inf."


def plain(text: str, decimal: str) -> str:
    """Return a cell with a point where its decimal mark stands; a point of it becomes a comma."""
    return text if decimal == "." else text.translate(_SWAPPED)


def are_numbers(cells: list[str]) -> bool:
    """Tell quickly; Python reads 1_000 and digits of any script as numbers and PyArrow does not."""
    try:
        list(map(float, cells))
    except ValueError:
        return False
    text = "".join(cells)
    return "_" not in text and text.isascii()


def are_held(cells: list[str]) -> bool:
    """Tell quickly whether float64 holds all of these; not if one is no number."""
    return are_numbers(cells) and not any(abs(float(cell)) >= _LARGEST for cell in cells)


def is_held(text: str) -> bool:
    """Tell whether float64 holds what a cell says: no integer beyond 2**53, and nothing so large.

    A number with a point or an exponent is rounded, as it always is.
    """
    if is_integer(text):
        digits = text.strip().lstrip("+-0")
        # Python makes no number of thousands of digits.
        return len(digits) <= _DIGITS and int(digits or 0) <= _LARGEST
    return not (is_finite_number(text) and isinf(float(text)))


def not_held(text: str) -> str:
    """Say what is wrong with a number that float64 does not hold."""
    expected = "an integer up to 2**53" if is_integer(text) else "a number that float64 can hold"
    return f"expected {expected}, found {short(text)}"


def is_integer(text: str) -> bool:
    """Tell whether a cell holds an integer without point and exponent."""
    return _INTEGER.fullmatch(text) is not None


def is_cell(text: str) -> bool:
    """Tell whether a cell holds a number or nothing."""
    return _CELL.fullmatch(text) is not None or text in MISSING


def has_missing(lines: memoryview | bytes) -> bool:
    """Tell whether lines may hold a missing number that is spelled."""
    held = bytes(lines)
    return any(word.encode() in held for word in MISSING)


def is_truth(text: str) -> bool:
    """Tell whether a cell says true or false."""
    return text in TRUE or text in FALSE


def is_finite_number(text: str) -> bool:
    """Tell whether a cell holds a number that is written in digits."""
    return _FINITE.fullmatch(text) is not None


def short(cell: str) -> str:
    """Quote a cell, or its beginning."""
    return repr(cell) if len(cell) <= 40 else f"{cell[:40]!r}..."
