"""What Python callers hand over: of the type that is meant, or an error that says which that is.

A number of NumPy is a number here, and 5.0 is no number of rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import wraps
from operator import index
from typing import Any, ParamSpec, TypeVar

import numpy as np

from kldiv_cli.errors import UsageError
from kldiv_cli.losses import all_options

P = ParamSpec("P")
R = TypeVar("R")
_LONGEST = 60


@dataclass(frozen=True)
class Rule:
    """What an argument is to be, an example of it as Python writes it, and how to make it plain.

    ``plain`` raises a `TypeError`, `ValueError` or `OverflowError` for anything else.
    """

    expected: str
    example: str
    plain: Callable[[Any], Any]


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Check the arguments of a function by their names, before it is called with them.

    None is for those whose default it is, and for options that the function only hands on.

    Raises
    ------
    UsageError
        From the function: an argument is not of the type that is meant.
    """
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    defaults = function.__kwdefaults__ or {}

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        plain = {
            name: value
            if value is None and defaults.get(name) is None and name not in names
            else _plain(name, value)
            for name, value in (*zip(names, args, strict=False), *kwargs.items())
        }
        # With too many arguments, or none, Python says so itself.
        first = [plain.pop(name) for name in names[: len(args)]]
        return function(*first, *args[len(first) :], **plain)  # type: ignore[arg-type]

    return call


def _plain(name: str, value: object) -> object:
    rule = _RULES.get(name) or _rule_of_loss(name)
    if rule is None:
        return value
    if isinstance(value, str) and not value and rule.plain is _input:
        option = name.upper() if name in ("reference", "candidate") else f"--{name}"
        raise UsageError(f"{option}: expected a name, found an empty one", "Give that of a file.")
    try:
        return rule.plain(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"{name}: expected {rule.expected}, found {_shown(value)}",
            f"Say for example {rule.example}.",
        ) from error


def _rule_of_loss(name: str) -> Rule | None:
    """Return what an option of losses is to be."""
    option = all_options().get(name)
    if option is None:
        return None
    expected, plain = _TYPES[option.type]
    return Rule(expected, f"{name}={option.example}", plain)


def _shown(value: object) -> str:
    shape = getattr(value, "shape", None)
    if shape:
        return f"{type(value).__name__} of shape {shape}"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    return index(value)


def _number(value: Any) -> float:
    # float() would take "5" and arrays of one number.
    if isinstance(value, (str, bytes, bytearray, bool, np.bool_)) or getattr(value, "ndim", None):
        raise TypeError
    return float(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError
    return bool(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return str.__str__(value)  # without what NumPy and enumerations make of it


def _names(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, _ordered(value)))


def _ordered(value: Any) -> Iterable[Any]:
    """Return what comes one after the other, which text does in letters only."""
    if isinstance(value, (str, bytes, Mapping, Set)):
        raise TypeError
    found: Iterable[Any] = iter(value)
    return found


def _measure(value: Any) -> str | tuple[str, ...]:
    return _text(value) if isinstance(value, str) else _names(value)


def _kind(value: Any) -> str | tuple[str, str]:
    if isinstance(value, str):
        return _text(value)
    reference, candidate = _names(value)
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


_TYPES: dict[type, tuple[str, Callable[[Any], Any]]] = {
    str: ("text", _text),
    float: ("a number", _number),
    bool: ("True or False", _flag),
}


def _rules(expected: str, plain: Callable[[Any], Any], **examples: str) -> dict[str, Rule]:
    return {name: Rule(expected, f"{name}={text}", plain) for name, text in examples.items()}


_RULES = {
    **_rules("a path or an array", _input, reference="'a.npy'", candidate="'b.npy'"),
    **_rules("a path or an array of booleans", _input, mask="'mask.npy'"),
    **_rules("a path, a column or an array of integers", _input, labels="'labels.npy'"),
    **_rules("a word, a column, a path or an array", _input, group="'argmax'"),
    **_rules(
        "text", _text,
        mode="'softmax'", unit="'bits'", nan_policy="'omit'", on_missing="'skip'",
        mask_means="'drop'", id_column="'id'", key="'logits'", candidate_key="'logits'",
        reference_format="'npy'", candidate_format="'npy'", delimiter="';'", dtype="'bfloat16'",
        name="'torch'",
    ),
    **_rules(
        "an integer", _whole,
        row_axes="1", limit="1000", sample="1000", seed="1", top="10", threads="1",
    ),
    **_rules(
        "a number", _number,
        temperature="2.0", smooth="0.01",
    ),
    **_rules(
        "True or False", _flag,
        header="False", normalize="True", truncate_classes="True",
    ),
    **_rules("a list of names", _names, columns="['yes', 'no']"),
    **_rules("a name or a list of them", _measure, measure="['kl', 'js']"),
    **_rules("a name, or one for each side", _kind, kind="('logits', 'probs')"),
    **_rules("a slice, or A:B as text", _rows, rows="slice(0, 100)"),
    **_rules("a slice, a path, or a list of names or indices", _classes, classes="slice(0, 100)"),
    **_rules(
        "pairs of a statistic and a number",
        _limits,
        limits="{'mean': 0.01}",
        lower_limits="{'same-argmax': 0.99}",
    ),
    **_rules("a function", _callable, progress="print"),
}  # fmt: skip
