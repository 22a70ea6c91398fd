"""A page of the manual -> a terminal, through Rich's Markdown, with no word of it cut."""

from __future__ import annotations

import re
from textwrap import TextWrapper
from typing import ClassVar

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement, TableElement
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

WIDEST = 100
"""Longer lines of prose are hard to read."""

_THEME = Theme({"markdown.code": "cyan", "markdown.h1": "bold", "markdown.h2": "bold"})


def rendered(source: str) -> str:
    """Return a page in Markdown as text for the terminal of standard output."""
    console = Console(force_terminal=True, highlight=False, legacy_windows=False, theme=_THEME)
    console.width = min(console.width, WIDEST)
    with console.capture() as captured:
        console.print(_Page(source, hyperlinks=False))
    return captured.get()


class _Heading(Heading):
    """A title at the left, without a frame."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.text


class _Code(CodeBlock):
    """Commands and what they print, line by line; those too wide are folded between words."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.text.plain.rstrip().split("\n"):
            style = "bold cyan" if line.startswith("$ ") else "cyan"
            yield Text("\n".join(_folded(line, options.max_width)), style)


class _Table(TableElement):
    """A table whose cells are folded."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for table in super().__rich_console__(console, options):
            if isinstance(table, Table):
                for column in table.columns:
                    column.overflow = "fold"
            yield table


class _Page(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Heading,
        "fence": _Code,
        "table_open": _Table,
    }


class _Wrapper(TextWrapper):
    """Breaks a line of CSV too, after a comma."""

    wordsep_simple_re = re.compile(r"(\s+|(?<=,))")


def _folded(line: str, width: int) -> list[str]:
    """Fold a line; a command stays one that can be copied."""
    if cell_len(line) <= width:
        return [line]
    end, wrapper = (" \\", TextWrapper) if line.startswith("$ ") else ("", _Wrapper)
    wrapped = wrapper(width - len(end), subsequent_indent="    ", break_on_hyphens=False).wrap(line)
    return [*(part + end for part in wrapped[:-1]), wrapped[-1]]
