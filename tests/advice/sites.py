"""The places of the code that give advice about options, and which of them a command reaches."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import kldiv_cli
from kldiv_cli import errors
from tests.advice.follow import OPTION, OPTIONS

HOUSE = Path(kldiv_cli.__file__).parent
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Site(NamedTuple):
    """A call that makes an error, by its file and its first and last line."""

    file: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.file}:{self.first}"


def sites() -> Iterator[Site]:
    """Yield every call that makes an error whose advice names an option of ours."""
    for path in sorted(HOUSE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            node: scope
            for scope in ast.walk(tree)
            for node in ast.walk(scope)
            if isinstance(scope, (ast.Module, *_FUNCTIONS))
        }
        for node, scope in named.items():
            if isinstance(node, ast.Call) and _makes_error(node):
                said = " ".join(_texts(node.args[1], [scope, tree]))
                if OPTIONS.intersection(OPTION.findall(said)):
                    name = path.relative_to(HOUSE).as_posix()
                    yield Site(name, node.lineno, node.end_lineno or node.lineno)


def _makes_error(call: ast.Call) -> bool:
    kind = getattr(errors, getattr(call.func, "id", ""), None)
    return isinstance(kind, type) and issubclass(kind, errors.KldivError) and len(call.args) > 1


def _texts(node: ast.AST, scopes: list[ast.AST]) -> Iterator[str]:
    """Yield the texts of an expression, and of what its names were set to."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value
        elif isinstance(part, ast.Name):
            for scope in scopes:
                for value in _values(scope, part.id):
                    yield from _texts(value, [])


def _values(scope: ast.AST, name: str) -> Iterator[ast.AST]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = [node.target]
        else:
            continue
        if node.value and any(getattr(target, "id", None) == name for target in targets):
            yield node.value


class Reached:
    """Notes which sites made an error while it is on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: set[tuple[str, int]] = set()
        made = errors.KldivError.__init__

        def note(error: errors.KldivError, what: str, advice: str) -> None:
            frame = sys._getframe(1)
            file = Path(frame.f_code.co_filename)
            if file.is_relative_to(HOUSE):
                self.lines.add((file.relative_to(HOUSE).as_posix(), frame.f_lineno))
            made(error, what, advice)

        monkeypatch.setattr(errors.KldivError, "__init__", note)

    def __contains__(self, site: Site) -> bool:
        return any((site.file, line) in self.lines for line in range(site.first, site.last + 1))
