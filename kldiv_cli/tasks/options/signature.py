"""The table of options as `help` and editors show it: a function's signature and numpydoc text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import Parameter, signature
from itertools import groupby
from typing import Any, TypeVar

from kldiv_cli.tasks.options.row import Option, Options

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "    **options\n"
"""Before it a docstring has its options described."""
_WIDTH = 92


def documented(asked: type[Options], typed: type) -> Callable[[F], F]:
    """Give a function the signature and the documentation of its options.

    Its own signature ends in ``**options: Unpack[typed]``, its docstring describes ``**options``.
    """

    def give(function: F) -> F:
        own = [*signature(function).parameters.values()][:-1]
        function.__signature__ = signature(function).replace(  # type: ignore[attr-defined]
            parameters=[*own, *_parameters(asked, typed)]
        )
        if function.__doc__ is not None:  # as it is under python -OO
            before, mark, after = function.__doc__.partition(_MARK)
            function.__doc__ = before + _described(asked) + mark + after
        return function

    return give


def _parameters(asked: type[Options], typed: type) -> Iterator[Parameter]:
    """Yield the options as parameters, annotated as their types are written."""
    for name, row in _keywords(asked):
        written = typed.__annotations__[name].__forward_arg__
        yield Parameter(name, Parameter.KEYWORD_ONLY, default=row.default, annotation=written)


def _keywords(asked: type[Options]) -> Iterator[tuple[str, Option]]:
    """Yield the rows that Python takes by keyword."""
    return ((x, row) for x, row in asked.table.items() if row.keyword and row.default is not ...)


def _described(asked: type[Options]) -> str:
    """Describe the options for numpydoc; those that share a text have one entry."""
    texts = [(name, row.kind, row.docs.get(asked.task, row.doc)) for name, row in _keywords(asked)]
    entries = [
        f"    {', '.join(name for name, *_ in alike)} : {kind}\n{_folded(text)}"
        for (kind, text), alike in groupby(texts, lambda entry: entry[1:])
    ]
    return "".join(entries)


def _folded(text: str) -> str:
    """Fold a text into indented lines; `textwrap` takes 17 ms, most of it for its patterns."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= _WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "".join(f"        {line}\n" for line in lines)
