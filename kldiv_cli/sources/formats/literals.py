"""Python literals in the headers of .npy files, read by a grammar of their own.

`ast.literal_eval` of CPython 3.11 counts in one place for all threads how deep it is: it calls good
text faulty while another thread reads some, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<mark>[()\[\]{},:])|(?P<word>True|False|None)\b|(?P<number>-?\d+)[lL]?\b"
    r"|[uU]?(?P<text>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"))",
    re.ASCII,
)
_WORDS = {"True": True, "False": False, "None": None}
_END = "end", ""
_MOST_DIGITS = 30
_DEEPEST = 20
_Item = TypeVar("_Item")


def literal(text: str) -> object:
    """Return the value of a literal: dicts, lists, tuples, text, integers, True, False and None.

    Raises
    ------
    ValueError
        The text is something else.
    """
    tokens = _Tokens(text)
    value = tokens.value()
    tokens.expect(*_END)
    return value


class _Tokens:
    """The words and marks of a text, read one after the other."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._place = self._deep = place = 0
        text = text.rstrip(" \t\r\n")
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise ValueError(f"something else at {text[place : place + 20]!r}")
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind]))
            place = found.end()
        self._tokens.append(_END)

    def value(self) -> object:
        """Return the value that begins here."""
        kind, found = self._tokens[self._place]
        self._place += 1
        if kind == "number" and len(found) <= _MOST_DIGITS:
            return int(found)
        if kind == "text":
            return _unescaped(found[1:-1])
        if kind == "word":
            return _WORDS[found]
        self._deep += 1
        if found not in ("(", "[", "{") or self._deep > _DEEPEST:
            raise ValueError(f"something else at {found[:20]!r}")
        value = self._group(found)
        self._deep -= 1
        return value

    def _group(self, mark: str) -> object:
        if mark == "{":
            return dict(self._items("}", self._pair))
        entries = list(self._items(")" if mark == "(" else "]", self.value))
        if mark == "[":
            return entries
        in_brackets = len(entries) == 1 and self._tokens[self._place - 2][1] != ","
        return entries[0] if in_brackets else tuple(entries)

    def _items(self, close: str, read: Callable[[], _Item]) -> Iterator[_Item]:
        while not self._skips(close):
            yield read()
            if not self._skips(","):
                self.expect("mark", close)
                return

    def _pair(self) -> tuple[str, object]:
        name = self.value()
        self.expect("mark", ":")
        return str(name), self.value()

    def _skips(self, mark: str) -> bool:
        skips = self._tokens[self._place] == ("mark", mark)
        self._place += skips
        return skips

    def expect(self, kind: str, mark: str) -> None:
        """Go past a mark, or to the end."""
        if self._tokens[self._place] != (kind, mark):
            raise ValueError(f"something else at {self._tokens[self._place][1][:20]!r}")
        self._place += 1


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape")
