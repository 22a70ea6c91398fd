"""Changes of JSON values, and of text by its words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from random import Random

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

NUMBERS = (
    *("0", "-0", "-0.0", "1", "-1", "0.5", "1e5", "1E+5", "1e400", "-1e400", "1e-400", "5e-324"),
    *("1.7976931348623157e308", "2147483648", "9007199254740993", "9223372036854775807"),
    *("9223372036854775808", "18446744073709551615", "18446744073709551616", "9" * 40, "9" * 4400),
    *("NaN", "nan", "-nan", "Infinity", "-Infinity", "inf", "-inf", "+1", "01", "1.", ".5", "0x10"),
    *("1_000", "1,000", "1 000", "1'000", "1,5", "--1", "1e", "e5", "1.2.3", "true", "NA", "null"),
)
WORDS = (
    *("", " ", "a", "id", "label", "logits", "kind", "row", "0", "1", "a.b", "a,b", 'a"b', "a\tb"),
    *("a\nb", "\r", "\0", "\x1b[31m", "\u202e", "\ufeff", "\u00e9", "\U0001f600", "[red]x[/red]"),
    *("=1+1", "../x", "/etc/passwd", "x" * 300, "x" * 9000, "é" * 200, "-", "*", "?", ":", "a:b"),
)
SURROGATE = "\ud800"


def tree_changed(value: Json, dice: Random) -> Json:
    """Change one place of a JSON value."""
    if isinstance(value, dict) and value and dice.random() < 0.8:
        return _dict_changed(value, dice)
    if isinstance(value, list) and value and dice.random() < 0.8:
        at = dice.randrange(len(value))
        if dice.random() < 0.7:
            return [*value[:at], tree_changed(value[at], dice), *value[at + 1 :]]
        return _list_changed(value, at, dice)
    return _other(value, dice)


def _dict_changed(value: Mapping[str, Json], dice: Random) -> Json:
    name = dice.choice(list(value))
    rest = {key: item for key, item in value.items() if key != name}
    return dice.choice(
        (
            lambda: {**value, name: tree_changed(value[name], dice)},
            lambda: {**value, name: tree_changed(value[name], dice)},
            lambda: {**value, name: tree_changed(value[name], dice)},
            lambda: rest,
            lambda: {**rest, name: value[name]},
            lambda: {**rest, word(dice): value[name]},
            lambda: {**value, word(dice): value[name]},
        )
    )()


def _list_changed(value: Sequence[Json], at: int, dice: Random) -> Json:
    return dice.choice(
        (
            lambda: [*value[:at], *value[at + 1 :]],
            lambda: [*value[:at], value[at], *value[at:]],
            lambda: [*value[:at], [value[at]], *value[at + 1 :]],
            list,
            lambda: [value],
            lambda: value[::-1],
            lambda: [*value, *value],
        )
    )()


def _other(value: Json, dice: Random) -> Json:
    number = 0
    if isinstance(value, int | float) and value == value and abs(value) < 1e18:  # noqa: PLR0124 - NaN
        number = int(value)
    return dice.choice(
        (
            lambda: word(dice),
            lambda: dice.choice((number + 1, number - 1, -number, 2 * number, number << 32)),
            lambda: dice.choice(
                (2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**40)
            ),
            lambda: dice.choice((0.5, -0.0, 1e308, 5e-324, float("inf"), float("nan"))),
            lambda: dice.choice((None, True, False)),
            lambda: dice.choice(([], {}, [[]], [value], {word(dice): value})),
            lambda: str(value),
        )
    )()


def word(dice: Random) -> str:
    """Return a name such as files should not hold, or one that is a number."""
    return dice.choice((*WORDS, SURROGATE, *NUMBERS)) if dice.random() < 0.9 else "x" * 70_000


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[-+\w.]+|\s+|.', re.DOTALL)


def text_changed(text: str, dice: Random, words: Sequence[str] = ()) -> str:
    """Change one word of a text, be it a number, a name, a sign or a space."""
    tokens = _TOKEN.findall(text) or [""]
    at = dice.randrange(len(tokens))
    new = dice.choice(
        (
            lambda: "",
            lambda: tokens[at] * 2,
            lambda: dice.choice(NUMBERS),
            lambda: dice.choice((*words, *NUMBERS)),
            lambda: dice.choice(WORDS),
            lambda: json.dumps(dice.choice((*WORDS, SURROGATE))),
            lambda: dice.choice(tokens),
            lambda: dice.choice(
                ("[", "]", "{", "}", "(", ")", ",", ":", ";", '"', "'", "\n", "\\")
            ),
        )
    )()
    return "".join([*tokens[:at], new, *tokens[at + 1 :]])


def dumped(value: Json, dice: Random) -> str:
    """Write a JSON value one way or another."""
    indent = dice.choice((None, None, None, 1))
    separators = dice.choice((None, (",", ":")))
    ascii_only = dice.random() < 0.7
    return json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_only)


def encoded(text: str) -> bytes:
    """Return the bytes of a text, lone surrogates as they are."""
    return text.encode("utf-8", "surrogatepass")
