"""``kldiv verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kldiv_cli.cli import options, streams, warnings
from kldiv_cli.errors import UsageError

if TYPE_CHECKING:
    from kldiv_cli.tasks.options import VerifyLine

_ALONE = {"report", "strict", "no_warn"}
"""The options that say nothing of files."""


@options.takes("verify")
def verify(asked: VerifyLine) -> int:
    """Check every measure against its definition, on rows that are built in and on your own.

    As compare computes them, by C kernels and by NumPy, against definitions and
    identities in sums of two float64. Without files: the built-in rows alone.

    Exit code 0: every identity holds; 1: one fails; 2: trouble.
    """
    warnings.check(strict=asked.strict, no_warn=asked.no_warn)
    if asked.candidate is None:
        _check_alone(asked)
        return _self_test(asked.report)

    from kldiv_cli.cli.progress import Progress
    from kldiv_cli.reports import load
    from kldiv_cli.tasks.verify import verify as check

    with Progress() as progress:
        found = check(**asked.keywords(), progress=progress)
    warnings.refuse(found.warnings, strict=asked.strict)
    write = load(asked.report, "verification")
    streams.put(lambda stream: write(found, stream))
    warnings.tell(found.warnings, no_warn=asked.no_warn)
    return 0 if found.holds else 1


def _check_alone(asked: VerifyLine) -> None:
    """Raise where one file is named, or something is said of files and none is named."""
    if asked.reference is not None or asked.said - _ALONE:
        found = "neither" if asked.reference is None else "only the first"
        raise UsageError(
            f"kldiv verify: expected REFERENCE and CANDIDATE, found {found}",
            "Name two files of logits, or say 'kldiv verify' alone for the rows that are built in.",
        )


def _self_test(report: str) -> int:
    from kldiv_cli.reports import load
    from kldiv_cli.tasks.identities import self_test

    found = self_test()
    write = load(report, "verification")
    streams.put(lambda stream: write(found, stream))
    return 0 if found.holds else 1
