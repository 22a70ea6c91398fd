"""What is said of the numbers of both sides -> what they are taken for."""

from __future__ import annotations

from kldiv_cli.errors import InputError
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing import Pairing
from kldiv_cli.sources.base import Source

Told = tuple[Kind | None, Kind | None]
"""What the user says of the reference and of the candidate; None where nothing is said."""
NOT_SAID: Told = (None, None)


def insisted(kinds: Told | None) -> tuple[bool, bool]:
    """Tell of which sides the user says that they hold logits, whatever they look like."""
    reference, candidate = kinds or NOT_SAID
    return reference == "logits", candidate == "logits"


def own_kinds(pairing: Pairing, kinds: Told | None, mode: Mode) -> tuple[Kind, Kind]:
    """Return what the numbers of both sides are: logits, unless the format or the user says else.

    Raises
    ------
    InputError
        The user says that such a file holds probabilities, or that each of its cells is a label.
    """
    reference, candidate = kinds or NOT_SAID
    return (
        _own_kind("reference", pairing.reference, reference, mode),
        _own_kind("candidate", pairing.candidate, candidate, mode),
    )


def _own_kind(side: str, source: Source, kind: Kind | None, mode: Mode) -> Kind:
    if source.kind is None:
        return kind or "logits"
    holds = f"{source.path}: expected a llama.cpp logits file, whose rows are log-probabilities"
    if kind == "probs":
        raise InputError(
            f"{holds}, found --input probs", f"Say --{side}-input log-probs of this side."
        )
    if mode == "sigmoid":
        raise InputError(f"{holds} of a softmax, found --mode sigmoid", "Say --mode softmax.")
    return source.kind
