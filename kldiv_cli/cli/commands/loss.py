"""``kldiv loss``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kldiv_cli.cli import options, streams, warnings
from kldiv_cli.errors import UsageError

if TYPE_CHECKING:
    from kldiv_cli.tasks.options import LossLine


@options.takes("loss")
def loss(asked: LossLine) -> int:
    """Print what training code computes from two files, and the divergence it stands for.

    Without arguments: list the losses with formula, options and paper.
    """
    warnings.check(strict=asked.strict, no_warn=asked.no_warn)
    if asked.name is None:
        _check_alone(asked)
        streams.put(lambda stream: stream.writelines(line + "\n" for line in _listing()))
        return 0
    _check_sides(asked.name, asked.reference, asked.candidate)

    from kldiv_cli.cli.progress import Progress
    from kldiv_cli.reports import load
    from kldiv_cli.tasks.loss import loss as compute

    with Progress() as progress:
        result = compute(**asked.keywords(), progress=progress)
    warnings.refuse(result.warnings, strict=asked.strict)
    write = load(asked.report, "loss")
    streams.put(lambda stream: write(result, stream))
    warnings.tell(result.warnings, no_warn=asked.no_warn)
    return 0


def _check_alone(asked: LossLine) -> None:
    """Raise where the list of losses is asked for with options."""
    if asked.said:
        raise UsageError(
            "kldiv loss: expected the NAME of a loss for these options, found none",
            "'kldiv loss' alone lists them.",
        )


def _check_sides(name: str, reference: str | None, candidate: str | None) -> None:
    from kldiv_cli import losses

    if name not in losses.LOSSES and candidate is None:
        raise UsageError(
            f"kldiv loss: expected the NAME of a loss and two files, found {name!r} first",
            f"Known: {', '.join(losses.LOSSES)}.",
        )
    losses.LOSSES.get(name)  # which raises for an unknown one
    if reference is None or candidate is None:
        raise UsageError(
            f"kldiv loss {name}: expected REFERENCE and CANDIDATE, found "
            f"{'neither' if reference is None else 'only the first'}",
            "Name two files of logits, or say 'kldiv loss' alone for the list.",
        )


def _listing() -> list[str]:
    from textwrap import wrap

    from kldiv_cli import losses

    for error in losses.LOSSES.broken():
        streams.tell(f"warning: {error.what}", error.advice)
    width = max(map(len, losses.LOSSES))
    pad = " " * (width + 2)
    lines = ["p: softmax of the reference's logits s. q: of the candidate's, t. In nats.", ""]
    for name, entry in losses.LOSSES.rows().items():
        texts = [
            entry.description,
            f"options: {' '.join(losses.flags(name)) or 'none'}",
            entry.paper,
        ]
        folded = [
            line
            for text in texts
            for line in wrap(text, 80 - len(pad), break_long_words=False, break_on_hyphens=False)
        ]
        lines += [f"{name:<{width}}  {folded[0]}", *(pad + line for line in folded[1:])]
    return [*lines, "", "'kldiv loss NAME REFERENCE CANDIDATE' computes one."]
