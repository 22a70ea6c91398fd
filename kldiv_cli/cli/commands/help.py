"""``kldiv help``."""

from __future__ import annotations

import shutil
from difflib import get_close_matches
from importlib.resources import files
from textwrap import wrap
from typing import Annotated, Any

import typer

from kldiv_cli.cli import pager
from kldiv_cli.cli.commands import COMMANDS
from kldiv_cli.errors import UsageError

_NOTE = "The manual's examples take their files from samples/ in the source of kldiv."


def _completed(context: typer.Context, incomplete: str) -> list[str]:
    known = dict.fromkeys([*_topics(), *_group(context).list_commands(context)])
    return [name for name in known if name.startswith(incomplete)]


def show(
    context: typer.Context,
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC",
            help="A page of the manual, or a command.",
            autocompletion=_completed,
        ),
    ] = None,
) -> int:
    """List the manual's topics, or show one; of a command, show what its --help shows."""
    group = _group(context)
    commands = {name: group.commands[name].help for name in group.list_commands(context)}
    topics = _topics()
    if topic is None:
        pager.show(_listing(topics, commands))
    elif topic not in topics and topic not in commands:
        if topic in COMMANDS:
            COMMANDS.get(topic)  # says which distribution's row breaks
        raise _unknown(topic, topics, commands)
    if topic in topics:
        pager.show(_page(topics[topic]))
    if topic in commands:
        group.main([topic, "--help"], prog_name="kldiv", standalone_mode=False)
    return 0


def _group(context: typer.Context) -> Any:
    if context.parent is None:
        raise AssertionError("help is a command of kldiv")
    return context.parent.command


def _topics() -> dict[str, str]:
    """Return the manual's pages in Markdown by their names."""
    found = sorted(files("kldiv_cli").joinpath("manual").iterdir(), key=lambda path: path.name)
    return {path.name.removesuffix(".md"): path.read_text(encoding="utf-8") for path in found}


def _sentence(page: str) -> str:
    """Return what a page is about: the paragraph below its title."""
    return page.split("\n\n")[1].replace("\n", " ").replace("`", "")


def _listing(topics: dict[str, str], commands: dict[str, str]) -> str:
    """List pages and commands, a sentence for each."""
    sentences = {name: _sentence(page) for name, page in topics.items()}
    width = max(map(len, (*sentences, *commands))) + 2
    columns = max(40, min(80, shutil.get_terminal_size().columns)) if pager.on_terminal() else 80
    room = columns - width
    parts = [
        "Manual: kldiv help TOPIC",
        "",
        *_entries(sentences, width, room),
        "",
        "Commands: kldiv help COMMAND",
        "",
        *_entries(commands, width, room),
        "",
        *wrap(_NOTE, columns),
    ]
    return "".join(part + "\n" for part in parts)


def _entries(lines: dict[str, str], width: int, room: int) -> list[str]:
    found = []
    for name, line in lines.items():
        first, *rest = wrap(line, room) or [""]
        found += [f"{name:<{width}}{first}", *(f"{'':<{width}}{part}" for part in rest)]
    return found


def _page(source: str) -> str:
    """Return a page for standard output: as it is, or through Rich on a terminal."""
    if not pager.on_terminal():
        return source
    from kldiv_cli.reports.manual import rendered

    return rendered(source)


def _unknown(topic: str, topics: dict[str, str], commands: dict[str, str]) -> UsageError:
    known = {**topics, **commands}
    begun = [name for name in known if topic and name.startswith(topic.lower())]
    near = begun or get_close_matches(topic.lower(), known, cutoff=0.7)
    question = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
    return UsageError(
        f"kldiv help: expected a topic or a command, found {topic!r}",
        f"{question}Topics: {', '.join(topics)}. Commands: {', '.join(commands)}.",
    )
