"""``--strict`` and ``--no-warn``: what becomes of warnings."""

from __future__ import annotations

from collections.abc import Sequence

from kldiv_cli.cli import streams
from kldiv_cli.errors import InputError, UsageError


def check(*, strict: bool, no_warn: bool) -> None:
    """Raise if warnings are to be errors and to be hidden."""
    if strict and no_warn:
        raise UsageError(
            "--strict makes errors of warnings and --no-warn hides them", "Leave one of them out."
        )


def refuse(warnings: Sequence[str], *, strict: bool) -> None:
    """Raise the first warning, if warnings are errors."""
    if strict and warnings:
        raise InputError(warnings[0], "Without --strict this is a warning.")


def tell(warnings: Sequence[str], *, no_warn: bool) -> None:
    """Print the warnings, unless they are to be hidden."""
    for warning in () if no_warn else warnings:
        streams.tell(f"warning: {warning}")
