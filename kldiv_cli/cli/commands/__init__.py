"""The registry of commands: name -> one line. ``kldiv --help`` reads it and loads none of them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "compare": "Print how far the outputs in CANDIDATE are from those in REFERENCE.",
    "help": "List the manual's topics, or show one; of a command, show what its --help shows.",
    "inspect": (
        "Say what files are: shape, names, logits or probabilities, infinities, masks, entropy."
    ),
    "loss": "Print what training code computes from two files, and the divergence it stands for.",
    "measures": "List what can be measured, or explain one measure with a worked example.",
    "verify": (
        "Check on your own rows what must hold for any logits, each side by routes of its own."
    ),
}


class Commands(TyperGroup):
    """Lists the registry's lines, and builds only the command that is asked for."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find a command by name, to run it, to print its help or to complete its options."""
        name, line, rest = super().resolve_command(ctx, args)
        return name, line if name is None else _built(name), rest


def listed() -> None:
    """Stand for a command whose line is known and whose module was not loaded."""


def _built(name: str) -> Any:
    """Build a command from the function of its name in the module of its name."""
    alone = typer.Typer(add_completion=False)
    alone.command(name)(getattr(import_module(f"kldiv_cli.cli.commands.{name}"), name))
    return typer.main.get_command(alone)
