"""Command lines for advice, quoted as a shell takes them."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote

from kldiv_cli.sources.stores.uris import is_elsewhere


def python(code: str, *words: str) -> str:
    """Return the command that runs a line of Python; it finds the words in `sys.argv`."""
    plain = not set('"$`!\\') & set(code)
    return " ".join(["python -c", f'"{code}"' if plain else quote(code), *map(quote, words)])


def beside(path: str, suffix: str, of: str = "") -> str:
    """Return a name beside a file for what a command makes of it, which no other file has."""
    stem = path.removesuffix(os.sep)
    stem = stem[: len(stem) - len(Path(stem).suffix)] or "logits"
    names = (f"{stem}{of}{number}{suffix}" for number in ("", *(f"-{i}" for i in range(2, 100))))
    return next((name for name in names if not Path(name).exists()), f"{stem}-new{suffix}")


def rewriting(code: str, path: str, suffix: str, of: str = "") -> str:
    """Return the command that writes a file again by a line of Python."""
    if is_elsewhere(path):
        return python(code, "FILE", f"logits{suffix}")
    return python(code, path, beside(path, suffix, of))


def in_utf_8(path: str, encoding: str) -> str:
    """Return the command that writes text in UTF-8."""
    named = Path(path)
    return (
        f"iconv -f {encoding} -t UTF-8 {quote(path)} > {quote(beside(path, named.suffix, '-utf8'))}"
    )
