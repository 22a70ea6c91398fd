"""The app, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from kldiv_cli import __version__
from kldiv_cli.cli import streams
from kldiv_cli.cli.commands import BadUsage, Commands
from kldiv_cli.errors import KldivError, printable, shortage

app = typer.Typer(
    name="kldiv",
    cls=Commands,
    help="The diff of model outputs: exact divergences between two files of saved logits.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from kldiv_cli.measures import _native

        typer.echo(f"kldiv {__version__} ({_native.describe()})")
        raise typer.Exit


@app.callback()
def _app(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and what computes.",
            callback=_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    pass


def _tell_bad_usage(message: str, context: typer.Context | None) -> None:
    """Tell what click says of options and arguments, in plain words."""
    what = printable(message.strip()).rstrip(".")
    for word, plain in (("valid int", "whole number"), ("valid float", "number")):
        what = what.replace(f"is not a {word}", f"is no {plain}")
    command = "kldiv" if context is None else context.command_path
    advice = f"'{command} --help' lists what is known."
    if "extra argument" in what and command not in ("kldiv help", "kldiv measures"):
        advice = f"Quote a glob, so that it names one input; {advice}"
    streams.tell(f"error: {what}", advice)


def run() -> int:
    """Run the command line and return the exit code: 0, 1 (a limit), 2 (trouble), 130 (Ctrl-C)."""
    try:
        return _run()
    except (MemoryError, ImportError, RuntimeError) as error:
        short = shortage(error)
        if short is None:
            raise
        error.__traceback__ = None  # whose frames hold what there is too little of
        streams.tell(f"error: {short.what}", short.advice)
        return short.exit_code


def _run() -> int:
    streams.prepare()
    for ending in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    # NumPy's BLAS would start a thread per core that nothing here uses.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        return int(app(sys.argv[1:] or ["--help"], prog_name="kldiv", standalone_mode=False) or 0)
    except KldivError as error:
        streams.tell(f"error: {error.what}", error.advice)
        return error.exit_code
    except BadUsage as error:
        _tell_bad_usage(error.format_message(), getattr(error, "ctx", None))
        return 2
    except typer.Abort:
        return 130
    except SystemExit as end:
        if end.code != 1:
            raise
        return 0  # Typer's way out of a pipe that closed during --help
    except OSError as error:
        if error.filename is not None or error.errno not in streams.OUTPUT_ERRORS:
            raise
        streams.discard(sys.stdout)
        trouble = streams.unwritable(error.strerror or str(error))
        streams.tell(f"error: {trouble.what}", trouble.advice)
        return trouble.exit_code
