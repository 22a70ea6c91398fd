"""What a question looks at."""

from __future__ import annotations

from typing import NamedTuple

from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing import Pairing
from kldiv_cli.pairing.classes import Some
from kldiv_cli.sources.base import Source
from kldiv_cli.tasks.options import Asked, Compare, Loss, Verify


class Opened(NamedTuple):
    """The files of a task, opened and not read yet.

    Parameters
    ----------
    asked : Compare, Loss, Verify or Inspect
        What the task is given.
    sources : tuple of Source
        The reference and the candidate, or the one file.
    mode : {"softmax", "sigmoid"}
        The link function; that of the loss, where one is computed.
    pairing : Pairing or None
        Both sides together; None for one file, and for two that are not paired yet.
    classes : Some or None
        The classes that the user names.
    """

    asked: Asked
    sources: tuple[Source, ...]
    mode: Mode = "softmax"
    pairing: Pairing | None = None
    classes: Some | None = None

    @classmethod
    def of(cls, asked: Compare | Loss | Verify, pairing: Pairing, mode: Mode) -> Opened:
        """Return both sides of a pairing."""
        return cls(asked, (pairing.reference, pairing.candidate), mode, pairing)
