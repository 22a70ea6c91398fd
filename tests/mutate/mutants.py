"""A module's text -> the mutants of it: the same text with one thing changed.

What no test of behaviour can see is left as it is: annotations, docstrings, decorators, imports,
what only a type checker reads, what says that something cannot happen, and the words of messages.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from inspect import CO_OPTIMIZED
from types import CodeType

from tests.mutate.changes import changes

TEXT = (ast.JoinedStr, ast.Raise)
"""Nodes that hold the words of messages."""


@dataclass(frozen=True)
class Mutant:
    """One change of a module: the bytes from ``start`` to ``stop`` become ``text``."""

    path: str
    line: int
    function: int
    start: int
    stop: int
    text: str
    what: str

    @property
    def key(self) -> str:
        """What tells it from the module's other mutants."""
        return f"{self.path}:{self.start}:{self.stop}:{self.text}"

    def of(self, source: str) -> str:
        """Return the module's text with the change."""
        content = source.encode()
        return (content[: self.start] + self.text.encode() + content[self.stop :]).decode()

    def diff(self, source: str) -> str:
        """Return the change as lines of a diff."""
        lines = unified_diff(
            source.splitlines(), self.of(source).splitlines(), self.path, self.path, "", "", 1, ""
        )
        return "\n".join(lines)


def mutants(path: str, source: str, *, words: bool = False) -> list[Mutant]:
    """Return all mutants of a module that compile to something else than the module does.

    Parameters
    ----------
    path, source : str
        What the module is called, and its text.
    words : bool
        Whether the words of messages are changed too.
    """
    starts = [0]
    for line in source.encode().split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    original = _behaviour(compile(source, path, "exec", optimize=2, dont_inherit=True))
    found: dict[str, Mutant] = {}
    for node, function in _nodes(ast.parse(source), words=words):
        for place, text, what in changes(node, words=words):
            mutant = Mutant(
                path,
                place.lineno,
                function,
                starts[place.lineno - 1] + place.col_offset,
                starts[(place.end_lineno or 0) - 1] + (place.end_col_offset or 0),
                text,
                what,
            )
            found.setdefault(mutant.key, mutant)
    return [m for m in found.values() if _differs(m.of(source), path, original)]


def _differs(source: str, path: str, original: object) -> bool:
    try:
        code = compile(source, path, "exec", optimize=2, dont_inherit=True)
    except SyntaxError:
        return False
    return _behaviour(code) != original


def changed(path: str, before: str, after: str) -> list[tuple[CodeType, CodeType]] | None:
    """Return the functions of a module that its other text changes, each as it was and as it is.

    Returns
    -------
    list or None
        None where what runs while the module is imported changes too, or which function it is
        cannot be told.
    """
    old, new = (compile(x, path, "exec", dont_inherit=True) for x in (before, after))
    names = Counter(_name(code) for code in _every(old))
    try:
        pairs = list(_changed(old, new))
    except ValueError:
        return None
    return pairs if all(names[_name(code)] == 1 for code, _ in pairs) else None


def _changed(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    if _behaviour(old) == _behaviour(new):
        return
    if old.co_flags & CO_OPTIMIZED and old.co_freevars == new.co_freevars:
        yield old, new
    elif _behaviour(old, deep=False) != _behaviour(new, deep=False):
        raise ValueError(old.co_name)
    for left, right in zip(_inside(old), _inside(new), strict=True):
        yield from _changed(left, right)


def _every(code: CodeType) -> Iterator[CodeType]:
    for inner in _inside(code):
        yield inner
        yield from _every(inner)


def _inside(code: CodeType) -> list[CodeType]:
    return [c for c in code.co_consts if isinstance(c, CodeType)]


def _name(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _behaviour(code: CodeType, *, deep: bool = True) -> object:
    """Return what is run of a module, without the places where it stands in the text."""
    constants = [
        (_behaviour(c) if deep else c.co_qualname)
        if isinstance(c, CodeType)
        else (type(c), repr(c))
        for c in code.co_consts
    ]
    return code.co_code, code.co_names, code.co_exceptiontable, constants


def _nodes(
    tree: ast.Module | ast.AST, function: int = 0, *, words: bool
) -> Iterator[tuple[ast.AST, int]]:
    """Yield the nodes that may be changed, each with the line at which its function begins.

    The line is 0 outside of functions, and that of the first decorator where there is one.
    """
    for child in _children(tree):
        if isinstance(child, TEXT) and not words:
            if isinstance(child, ast.Raise):
                yield child, function
            continue
        if isinstance(child, ast.JoinedStr):  # what stands in it has no place of its own
            continue
        inner = function
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = min([child.lineno, *(d.lineno for d in child.decorator_list)])
        yield child, function
        yield from _nodes(child, inner, words=words)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node that are run."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params", "bases"}:
            continue
        if name == "keywords" and (isinstance(node, ast.ClassDef) or _is_zip(node)):
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST) and not _is_for_readers(part):
                yield part


def _is_for_readers(node: ast.AST) -> bool:
    """Tell imports, docstrings, aliases of types, and what only a type checker reads."""
    match node:
        case ast.If():
            found = ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        case ast.Expr():
            found = isinstance(node.value, ast.Constant)
        case ast.Raise(exc=ast.Call(func=ast.Name("AssertionError"))):
            found = True
        case ast.Assign():
            found = _is_type(node.value)
        case ast.Call():
            found = ast.unparse(node.func) in {"cast", "TypeVar", "NewType"}
        case _:
            found = isinstance(node, ast.Import | ast.ImportFrom | ast.expr_context | ast.alias)
    return found


def _is_zip(node: ast.AST) -> bool:
    """Tell a call whose ``strict`` says that the lengths are known to be the same."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "zip"


def _is_type(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.BitOr) and (_is_type(node.left) or _is_type(node.right))
    if isinstance(node, ast.Subscript):
        return ast.unparse(node.value).split(".")[-1] in {
            *("Literal", "NDArray", "Callable", "Sequence", "PathLike", "Mapping", "tuple"),
        }
    return isinstance(node, ast.Name) and node.id in {"str", "int", "float", "slice", "bytes"}
