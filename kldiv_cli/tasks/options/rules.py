"""What a value from Python has to be: of the type that is meant, or an error that says which.

A number of NumPy is a number here, and 5.0 is no number of rows. Nothing here imports NumPy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from operator import index
from typing import Any, NamedTuple

from kldiv_cli.errors import UsageError

_LONGEST = 60


class Rule(NamedTuple):
    """What a value is to be, in words, and how to make it plain.

    ``plain`` raises a `TypeError`, `ValueError` or `OverflowError` for anything else.
    """

    expected: str
    plain: Callable[[Any], Any]
    named: bool = False
    """Whether text is the name of something, so that empty text is a mistake."""

    def check(self, name: str, value: object, example: str, shown: str) -> Any:
        """Return the value of an option made plain.

        Raises
        ------
        UsageError
            It is not of the type that is meant.
        """
        if self.named and isinstance(value, str) and not value:
            raise UsageError(
                f"{shown}: expected a name, found an empty one", "Give that of a file."
            )
        try:
            return self.plain(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise UsageError(
                f"{name}: expected {self.expected}, found {_shown(value)}",
                f"Say for example {name}={example}.",
            ) from error


def _shown(value: object) -> str:
    shape = getattr(value, "shape", None)
    if shape:
        return f"{type(value).__name__} of shape {shape}"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _whole(value: Any) -> int:
    if _is_flag(value):
        raise TypeError
    return index(value)


def _is_flag(value: Any) -> bool:
    """Tell whether a value is true or false, as NumPy has them too."""
    if isinstance(value, bool):
        return True
    return not getattr(value, "ndim", 1) and str(getattr(value, "dtype", "")) == "bool"


def _number(value: Any) -> float:
    # float() would take "5" and arrays of one number.
    if isinstance(value, (str, bytes, bytearray)) or getattr(value, "ndim", None):
        raise TypeError
    if _is_flag(value):
        raise TypeError
    return float(value)


def _flag(value: Any) -> bool:
    if not _is_flag(value):
        raise TypeError
    return bool(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return str.__str__(value)  # without what NumPy and enumerations make of it


def _ordered(value: Any) -> Iterable[Any]:
    """Return what comes one after the other, which text does in letters only."""
    if isinstance(value, (str, bytes, Mapping, Set)):
        raise TypeError
    found: Iterable[Any] = iter(value)
    return found


def _names(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, _ordered(value)))


def _columns(value: Any) -> tuple[str, ...]:
    return (_text(value),) if isinstance(value, str) else _names(value)


def _one_or_more(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_columns(value)))


def _of_each(value: Any) -> tuple[str | None, str | None]:
    """Return what is said of the reference and of the candidate, None where nothing is."""
    if isinstance(value, str):
        value = value, value
    reference, candidate = (None if x is None else _text(x) for x in _ordered(value))
    return reference, candidate


def _rows(value: Any) -> slice | str:
    if not isinstance(value, slice):
        return _text(value)
    start, stop = (None if end is None else _whole(end) for end in (value.start, value.stop))
    found: slice = slice(start, stop, value.step)
    return found


def _classes(value: Any) -> Any:
    if isinstance(value, slice):
        return _rows(value)
    if isinstance(value, (str, os.PathLike)):
        return value
    return [_text(one) if isinstance(one, str) else _whole(one) for one in _ordered(value)]


def _limits(value: Any) -> tuple[tuple[str, float], ...]:
    pairs = value.items() if isinstance(value, Mapping) else _ordered(value)
    return tuple((_text(stat), _number(above)) for stat, above in pairs)


def _input(value: Any) -> Any:
    """Return a path, or what NumPy may make an array of."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, os.PathLike):
        _text(os.fspath(value))
        return value
    if isinstance(value, (bytes, bytearray)):
        raise TypeError
    is_array = isinstance(value, (Sequence, int, float, complex))
    if not is_array and not hasattr(value, "__array__"):
        memoryview(value)
    return value


def _callable(value: Any) -> Any:
    if not callable(value):
        raise TypeError
    return value


SIDE = Rule("a path or an array", _input, named=True)
FILE = SIDE._replace(named=False)
BOOLEANS = Rule("a path or an array of booleans", _input, named=True)
INTEGERS = Rule("a path, a column or an array of integers", _input, named=True)
GROUPS = Rule("a word, a column, a path or an array", _input, named=True)
TEXT = Rule("text", _text)
WHOLE = Rule("an integer", _whole)
NUMBER = Rule("a number", _number)
FLAG = Rule("True or False", _flag)
NAMES = Rule("a list of names", _names)
COLUMNS = Rule("a name or a list of them", _columns)
MEASURES = Rule("a name or a list of them", _one_or_more)
OF_EACH = Rule("a name, or one for each side", _of_each)
ROWS = Rule("a slice, or A:B as text", _rows)
CLASSES = Rule("a slice, a path, or a list of names or indices", _classes)
LIMITS = Rule("pairs of a statistic and a number", _limits)
FUNCTION = Rule("a function", _callable)
OF_TYPE = {str: TEXT, float: NUMBER, bool: FLAG, int: WHOLE}
