"""The app, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from kldiv_cli import __version__
from kldiv_cli.cli import streams
from kldiv_cli.cli.commands import BadUsage, Commands
from kldiv_cli.errors import InputError, KldivError, printable, shortage

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
    for word, plain in (
        ("valid integer", "whole number"),
        ("valid int", "whole number"),
        ("valid float", "number"),
    ):
        what = what.replace(f"is not a {word}", f"is no {plain}")
    command = "kldiv" if context is None else context.command_path
    advice = f"'{command} --help' lists what is known."
    if "extra argument" in what and command not in ("kldiv help", "kldiv measures"):
        advice = f"Quote a glob, so that it names one input; {advice}"
    streams.tell(f"error: {what}", advice)


def run() -> int:
    """Run the command line and return the exit code: 0, 1 (a limit), 2 (trouble), 130 (Ctrl-C).

    What is a fault of kldiv's own is raised.
    """
    try:
        return _run()
    except (MemoryError, ImportError, RuntimeError, OSError) as error:
        trouble = shortage(error) or _of_system(error)
        if trouble is None:
            raise
        error.__traceback__ = None  # whose frames hold what there may be too little of
        streams.tell(f"error: {trouble.what}", trouble.advice)
        return trouble.exit_code


def _of_system(error: Exception) -> KldivError | None:
    """Return what the system refused, which is no fault of kldiv's own."""
    if not isinstance(error, OSError) or error.errno is None:
        return None
    said = error.strerror or str(error)
    if error.filename is None and error.errno in streams.OUTPUT_ERRORS:
        streams.discard(sys.stdout)
        return streams.unwritable(said)
    named = isinstance(error.filename, (str, bytes))
    where = os.fsdecode(error.filename) if named else "the system"
    return InputError(
        f"{where}: expected to go on, found: {said}",
        "Check its permissions, the disk and the limits of the process (ulimit -a).",
    )


def _run() -> int:
    # NumPy's BLAS would start a thread per core that nothing here uses.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        streams.prepare()
        return int(app(sys.argv[1:] or ["--help"], prog_name="kldiv", standalone_mode=False) or 0)
    except KldivError as error:
        streams.tell(f"error: {error.what}", error.advice)
        return error.exit_code
    except BadUsage as error:
        _tell_bad_usage(error.format_message(), getattr(error, "ctx", None))
        return 2
    except typer.Abort as error:
        if not isinstance(error.__cause__, EOFError):
            return 130
        raise error.__cause__ from None  # which Typer takes for the end of standard input
    except SystemExit as end:
        if end.code != 1 or not isinstance(end.__context__, BrokenPipeError):
            raise
        return 0  # Typer's way out of a pipe that closed during --help
