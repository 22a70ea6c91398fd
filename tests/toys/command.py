"""A command with an option."""

from __future__ import annotations

from typing import Annotated

import typer

from kldiv_cli.cli import streams


def toy(number: Annotated[int, typer.Option(help="How many toys.")] = 1) -> int:
    """Count toys."""
    streams.put(lambda stream: stream.write(f"{number} toys\n"))
    return 0
