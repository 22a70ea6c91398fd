"""A node of a module -> what can be changed in it: where, what stands there then, and in words."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple


class Change(NamedTuple):
    """What takes the place of a node."""

    place: ast.stmt | ast.expr
    text: str
    what: str


Changes = Iterator[Change]

COMPARED: Mapping[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COMPUTED: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_PAIRS = (
    *(("min", "max"), ("any", "all"), ("argmin", "argmax"), ("minimum", "maximum")),
    *(("fmin", "fmax"), ("floor", "ceil"), ("zeros", "ones"), ("isposinf", "isneginf")),
    *(("exp", "expm1"), ("log", "log1p"), ("startswith", "endswith"), ("first", "last")),
    *(("removeprefix", "removesuffix"), ("partition", "rpartition")),
)
_EITHER_WAY = {"min", "max", "minimum", "maximum", "fmin", "fmax", "logaddexp"}
"""Functions whose arguments may change places."""
CALLED = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}


def changes(node: ast.AST, *, words: bool = False) -> Changes:
    """Yield everything that can be changed in a node itself, not in its parts.

    Text is changed only where it is compared or looked up, unless ``words`` says that all is.
    """
    for kind, found in _CHANGES.items():
        if isinstance(node, kind):
            yield from found(node)
    if words and isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield Change(node, repr(node.value + "?"), "text")


def _compare(node: ast.Compare) -> Changes:
    for i, op in enumerate(node.ops):
        for other in COMPARED[type(op)]:
            changed = deepcopy(node)
            changed.ops[i] = other()
            yield _change(node, changed, "comparison")
    for part in (node.left, *node.comparators):
        yield from _texts(part)


def _subscript(node: ast.Subscript) -> Changes:
    yield from _texts(node.slice)


def _texts(node: ast.expr) -> Changes:
    parts = node.elts if isinstance(node, ast.Tuple | ast.Set | ast.List) else [node]
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str | bytes):
            other = part.value + "?" if isinstance(part.value, str) else part.value + b"?"
            yield Change(part, repr(other), "text")


def _binary(node: ast.BinOp) -> Changes:
    texts = (ast.JoinedStr, ast.List, ast.Tuple)
    if any(isinstance(x, texts) or _is_text(x) for x in (node.left, node.right)):
        return
    if type(node.op) in COMPUTED:
        changed = ast.BinOp(node.left, COMPUTED[type(node.op)](), node.right)
        yield _change(node, changed, "operator")


def _augmented(node: ast.AugAssign) -> Changes:
    if type(node.op) in COMPUTED and not isinstance(node.value, ast.JoinedStr | ast.List):
        changed = ast.AugAssign(node.target, COMPUTED[type(node.op)](), node.value)
        yield _change(node, changed, "operator")
    yield Change(node, "pass", "statement removed")


def _bool(node: ast.BoolOp) -> Changes:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield _change(node, ast.BoolOp(other, node.values), "and/or")
    for i in range(len(node.values)):
        rest = [*node.values[:i], *node.values[i + 1 :]]
        left = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
        yield _change(node, left, "condition left out")


def _unary(node: ast.UnaryOp) -> Changes:
    if not isinstance(node.op, ast.UAdd):
        yield _change(node, node.operand, "not, - or ~ left out")


def _constant(node: ast.Constant) -> Changes:
    if isinstance(node.value, bool):
        yield Change(node, repr(not node.value), "constant")
    elif isinstance(node.value, int):
        yield Change(node, repr(node.value + 1), "constant")
        yield Change(node, f"({node.value - 1})", "constant")
    elif isinstance(node.value, float):
        yield Change(node, repr(2 * node.value or 1.0), "constant")
        yield Change(node, repr(node.value / 2 or -1.0), "constant")


def _condition(node: ast.If | ast.While | ast.IfExp) -> Changes:
    yield _change(node.test, ast.UnaryOp(ast.Not(), node.test), "condition turned")


def _comprehension(node: ast.comprehension) -> Changes:
    for test in node.ifs:
        yield Change(test, "True", "condition left out")


def _return(node: ast.Return) -> Changes:
    if node.value is not None and ast.unparse(node.value) != "None":
        yield Change(node.value, "None", "returned value")


def _removed(node: ast.stmt) -> Changes:
    yield Change(node, "pass", "statement removed")


def _expression(node: ast.Expr) -> Changes:
    if isinstance(node.value, ast.Call):
        yield from _removed(node)


def _assigned(node: ast.Assign) -> Changes:
    if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
        yield from _removed(node)


def _jump(node: ast.Break | ast.Continue) -> Changes:
    yield Change(node, "continue" if isinstance(node, ast.Break) else "break", "jump")


def _call(node: ast.Call) -> Changes:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
    plain = name not in _EITHER_WAY and not any(isinstance(x, ast.Starred) for x in node.args)
    if len(node.args) >= 2 and plain and ast.dump(node.args[0]) != ast.dump(node.args[1]):
        changed = deepcopy(node)
        changed.args[:2] = changed.args[1::-1]
        yield _change(node, changed, "arguments swapped")
    if name in CALLED:
        changed = deepcopy(node)
        if isinstance(changed.func, ast.Attribute):
            changed.func.attr = CALLED[name]
        else:
            changed.func = ast.Name(CALLED[name])
        yield _change(node, changed, "function")
    for i, keyword in enumerate(node.keywords):
        if keyword.arg is not None and name != "zip":
            changed = deepcopy(node)
            del changed.keywords[i]
            yield _change(node, changed, "argument left out")


def _handler(node: ast.ExceptHandler) -> Changes:
    if isinstance(node.type, ast.Tuple):
        for i in range(len(node.type.elts)):
            rest = [*node.type.elts[:i], *node.type.elts[i + 1 :]]
            yield Change(node.type, ast.unparse(ast.Tuple(rest)), "exception left out")


def _change(place: ast.stmt | ast.expr, changed: ast.stmt | ast.expr, what: str) -> Change:
    text = ast.unparse(ast.fix_missing_locations(changed))
    return Change(place, text if isinstance(changed, ast.stmt) else f"({text})", what)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


_CHANGES: Mapping[Any, Callable[[Any], Changes]] = {
    ast.Compare: _compare,
    ast.Subscript: _subscript,
    ast.BinOp: _binary,
    ast.AugAssign: _augmented,
    ast.BoolOp: _bool,
    ast.UnaryOp: _unary,
    ast.Constant: _constant,
    (ast.If, ast.While, ast.IfExp): _condition,
    ast.comprehension: _comprehension,
    ast.Return: _return,
    (ast.Raise, ast.Assert, ast.Delete): _removed,
    ast.Expr: _expression,
    ast.Assign: _assigned,
    (ast.Break, ast.Continue): _jump,
    ast.Call: _call,
    ast.ExceptHandler: _handler,
}
