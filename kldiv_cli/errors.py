"""The errors that a user's file or flag can cause.

Each carries one line of what is wrong, one line of what to do, and the exit code it means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from shlex import quote
from types import MappingProxyType
from typing import Any, Self

_LONGEST = 80
_LONGEST_PATH = 4200
_MOST, _MOST_ADVICE = 1000, 1500
_QUOTED = re.compile(r"""(?<!\w)(["'])(?:(?!\1).){300,}?(?P<end>\1)(?!\w)""", re.DOTALL)
_WORD = re.compile(r"[^\s/]{400,}(?P<end>)")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://\S+")
_USER = re.compile(r"(?<=://)(?!anonymous@)[^/?#]+@")
_USER_WITH_SLASH = re.compile(r"(?<=s3://)[^/:@]+:.*?@")
"""A secret that holds a ``/`` where ``%2F`` ought to stand."""
_OPTION = re.compile(
    r"([?&](?!(?:region|scheme|endpoint_override|versionId|retry_limit_seconds|tls_\w+|allow_\w+)=)"
    r"[^=&]+=)[^&]+?(?=[:,.;)'\"]*(?:&|$))"
)

_SHORTAGE = (
    "annot allocate memory",
    "failed to map segment",
    "can't start new thread",
    "Failed to launch worker thread",
)
"""How Linux, the dynamic linker, Python and PyArrow say it without a MemoryError."""


class KldivError(Exception):
    """Something a user's file or flag caused.

    Parameters
    ----------
    what : str
        One line: ``FILE: what was expected, what was found``.
    advice : str
        One line of what to do about it.
    """

    exit_code = 2

    def __init__(self, what: str, advice: str) -> None:
        what = shortened(redacted(what))
        super().__init__(what)
        self.what = printable(what)
        self.advice = printable(_middle_cut(redacted(advice), _MOST_ADVICE))

    def __reduce__(self) -> tuple[type[KldivError], tuple[str, str]]:
        """Pickle as what it was made of, which other processes send here."""
        return type(self), (self.what, self.advice)


class UsageError(KldivError):
    """An option that does not exist, cannot be read or contradicts another."""


class InputError(KldivError):
    """A file that cannot be read, or two that cannot be compared.

    Attributes
    ----------
    options : mapping of str to object
        The keyword arguments with which the file can be read, where these are known.
    """

    options: Mapping[str, Any] = MappingProxyType({})

    def with_options(self, **options: Any) -> Self:
        """Return the error, which knows how the file can be read."""
        self.options = options
        return self


class LogitsError(InputError):
    """A file that cannot be read as logits; its advice is about logits and the sides' options.

    A reader of something else gives its own advice in place of this one.
    """


class UnclearError(InputError):
    """A question: two readings of a file are plausible, and give different numbers.

    ``what`` names both; ``advice`` names the option that says each, to be typed as it stands.

    Attributes
    ----------
    doubts : mapping of str to str
        The columns that it is about, and what makes each doubtful.
    """

    doubts: Mapping[str, str] = MappingProxyType({})

    def about(self, doubts: Mapping[str, str]) -> Self:
        """Return the question, which knows the columns that it is about."""
        self.doubts = doubts
        return self


class OutputError(KldivError):
    """A result that cannot be written."""


def shortage(error: BaseException, path: str | None = None) -> InputError | None:
    """Return the error to show in place of one that means too little memory, or too few threads.

    Parameters
    ----------
    error : exception
        The error that was raised.
    path : str or None
        The file that was read, if it is known.

    Returns
    -------
    InputError or None
        None for an error that means something else.
    """
    said = getattr(error, "strerror", None) or str(error).strip()
    if not isinstance(error, MemoryError):
        lines = (line for line in said.splitlines() if any(words in line for words in _SHORTAGE))
        line = next(lines, None)
        if line is None:
            return None
        said = line
    where = "" if path is None else f"{path}: "
    return InputError(
        f"{where}expected enough memory, found too little" + (f": {said}" if said else ""),
        "Free some or raise its limit. A damaged file, too, may ask for more than there is.",
    )


def redacted(text: str) -> str:
    """Write ``***`` for the credentials in the URIs of a text: users, passwords and options.

    Options that cannot be secret stay, such as ``region``. The user ``anonymous`` stays, too.
    """
    if "://" not in text:
        return text
    return _URI.sub(lambda found: _redacted(found[0]), text)


def _redacted(uri: str) -> str:
    uri = _USER_WITH_SLASH.sub("***@", _USER.sub("***@", uri))
    return _OPTION.sub(r"\1***", uri)


def shortened(text: str) -> str:
    """Cut what a message quotes of a file, or of an option, where that is very long.

    Words are cut that are longer than any name of a file, and so is what stands between quotes.
    Where that is not enough, the middle of what follows the file's path is left out.
    """
    if len(text) <= _LONGEST:
        return text
    for long in (_QUOTED, _WORD):
        text = long.sub(lambda found: f"{found[0][:_LONGEST]}...{found['end'] or ''}", text)
    start = text.find(": ", 0, _LONGEST_PATH) + 1
    return text[:start] + _middle_cut(text[start:], _MOST)


def _middle_cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"


def printable(text: str) -> str:
    """Escape control characters and lone surrogates, so that names cannot move the cursor."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def typed(*names: str) -> str:
    """Write names as a shell takes them for the value of an option: ``'a b',c``."""
    return quote(",".join(names))


def a_few(names: list[str], limit: int = 3) -> str:
    """Quote the first names of a list and say how many there are: ``'a', 'b', ... (7 in all)``."""
    shown = first_few(names, limit)
    return shown if len(names) <= limit else f"{shown} ({len(names)} in all)"


def first_few(names: list[str], limit: int = 3) -> str:
    """Quote the first names of a list: ``'a', 'b', 'c', ...``.

    A name longer than a line is cut: in a damaged file one name may hold all that follows.
    """
    shown = [
        repr(name) if len(name) <= _LONGEST else f"{name[:_LONGEST]!r}..." for name in names[:limit]
    ]
    return ", ".join(shown if len(names) <= limit else [*shown, "..."])
