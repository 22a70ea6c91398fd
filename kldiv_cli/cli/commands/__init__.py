"""The registry of commands. ``kldiv --help`` reads its rows and loads no command.

A command is one row of :data:`COMMANDS`: name -> import path of its function, one-line description.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import typer
from typer.core import TyperCommand, TyperGroup

from kldiv_cli import Registry


class Command(NamedTuple):
    """A row of the registry."""

    home: str
    """The import path of a function whose parameters are the options."""
    description: str


_HERE = "kldiv_cli.cli.commands"
_ROWS = {
    "compare": Command(
        f"{_HERE}.compare:compare",
        "Print how far the outputs in CANDIDATE are from those in REFERENCE.",
    ),
    "help": Command(
        f"{_HERE}.help:show",
        "List the manual's topics, or show one; of a command, show what its --help shows.",
    ),
    "inspect": Command(
        f"{_HERE}.inspect:inspect",
        "Say what files are: shape, names, logits or probabilities, infinities, masks, entropy.",
    ),
    "loss": Command(
        f"{_HERE}.loss:loss",
        "Print what training code computes from two files, and the divergence it stands for.",
    ),
    "measures": Command(
        f"{_HERE}.measures:measures",
        "List what can be measured, or explain one measure with a worked example.",
    ),
    "verify": Command(
        f"{_HERE}.verify:verify",
        "Check every measure against its definition, on rows that are built in and on your own.",
    ),
}
COMMANDS = Registry(
    "command",
    Command,
    _ROWS,
    "kldiv_cli.commands",
    lambda _, found: callable(found) or hasattr(found, "signed"),
)


BadUsage = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
"""click's UsageError, which Typer holds under a private name; missing arguments are one too."""


class Commands(TyperGroup):
    """Lists the registry's lines, and builds only the command that is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, for help, completion and suggestions."""
        rows = COMMANDS.rows().items()
        self.commands = {name: _built(name, _listed, row.description) for name, row in rows}
        return super().list_commands(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find a command by name, to run it, to print its help or to complete its options."""
        name, *rest = args
        if ctx.resilient_parsing or not {"--help", "-h"}.isdisjoint(rest):
            Registry.look()
        if name in COMMANDS:
            return name, _built(name, COMMANDS.load(name)), rest
        self.list_commands(ctx)
        return super().resolve_command(ctx, args)


class Alone(TyperCommand):
    """A command whose options may be those of other distributions."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options; where one is not known, look for others' and read them again."""
        try:
            return super().parse_args(ctx, list(args))
        except BadUsage:
            if not Registry.look():
                raise
        name = str(self.name)
        ctx.command = _built(name, COMMANDS.load(name))
        try:
            found: list[str] = ctx.command.parse_args(ctx, list(args))
        except BadUsage:
            _check_rows(args)
            raise
        return found


def _check_rows(args: list[str]) -> None:
    """Raise where one of the words is the name of another distribution's row that breaks."""
    for word in [part for arg in args for part in arg.partition("=")]:
        for registry in Registry.every:
            if registry is not COMMANDS and word in registry:
                registry.get(word)


def _listed() -> None:
    """Stand for a command whose line is known and whose module was not loaded."""


def _built(name: str, function: Any, line: str | None = None) -> Any:
    """Build a command of a function, or of an object that makes one of what is known by now."""
    alone = typer.Typer(add_completion=False)
    signed = getattr(function, "signed", None)
    alone.command(name, help=line, cls=Alone)(function if signed is None else signed())
    return typer.main.get_command(alone)
