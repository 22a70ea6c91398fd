"""``kldiv verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kldiv_cli.cli import options, streams, warnings

if TYPE_CHECKING:
    from kldiv_cli.tasks.options import VerifyLine


@options.takes("verify")
def verify(asked: VerifyLine) -> int:
    """Check on your own rows what must hold for any logits, each side by routes of its own.

    J as an inner product, under softmax and sigmoid; KL split into target and
    other classes; the gradients of KL and of DKL.

    Exit code 0: every identity holds; 1: one fails; 2: trouble.
    """
    warnings.check(strict=asked.strict, no_warn=asked.no_warn)

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
