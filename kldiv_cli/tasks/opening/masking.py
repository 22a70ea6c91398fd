"""A mask laid beside a pairing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kldiv_cli.errors import UsageError
from kldiv_cli.pairing import Pairing

if TYPE_CHECKING:
    from kldiv_cli.measures.distributions.kinds import Kind
    from kldiv_cli.pairing.masks.mask import Means
    from kldiv_cli.tasks.jobs.tokens import Scoring
    from kldiv_cli.tasks.opening.sides import Input


def masked(
    pairing: Pairing, mask: Input | None, means: Means | None, *, by_place: bool = False
) -> Pairing:
    """Return a pairing with a mask beside it; without a mask the pairing itself.

    ``means`` is "keep" where it is None. ``by_place`` says that the names of a mask's files, or
    arrays, say nothing.

    Raises
    ------
    InputError
        The mask cannot be read, or its axes are not those of the inputs.
    UsageError
        ``means`` is neither "keep" nor "drop", or there is no mask that it could be about.
    """
    if means not in {"keep", "drop", None}:
        raise UsageError(f"no meaning of a mask is called {means!r}", "Known: keep, drop.")
    if mask is None:
        if means is not None:
            raise UsageError(
                "--mask-means says what a mask means, and there is none",
                "Name the mask with --mask FILE, or leave it out.",
            )
        return pairing
    from kldiv_cli.tasks.opening.masks import open_mask  # noqa: PLC0415 - few pairings have a mask

    return replace(pairing, mask=open_mask(mask, means or "keep", pairing, by_place=by_place))


def scored(tokens: Scoring | None, pairing: Pairing, labelled: bool) -> Scoring | None:
    """Return how to score tokens; None where the classes that enter do not allow it.

    A mask of cells leaves tokens to be scored among the cells that it keeps. Tokens are not scored
    under ``--classes``, and those of a llama.cpp file not under a mask of cells either: the file
    has the probabilities among all classes.

    Raises
    ------
    UsageError
        Labels ask for scores that the classes do not allow.
    """
    if labelled and pairing.classes is not None:
        raise UsageError(
            "--labels score tokens among all classes, and --classes and --truncate-classes leave "
            "some of them out",
            "Leave one of the two out.",
        )
    if pairing.classes is not None:
        return None
    if pairing.masks_cells is None:
        return tokens
    if pairing.reference.bounds is None and pairing.candidate.bounds is None:
        return tokens
    if labelled:
        raise UsageError(
            "--labels score tokens of a llama.cpp logits file among all classes, and "
            f"{pairing.masks_cells} leaves some of them out",
            "Leave one of the two out, or mask whole rows.",
        )
    return None


def check_of_rows(pairing: Pairing) -> None:
    """Raise a `UsageError` where single cells are masked: class priors need whole rows."""
    if pairing.masks_cells is not None:
        raise UsageError(
            f"--class-prior averages distributions over all classes, and {pairing.masks_cells} "
            "leaves some of them out",
            "Leave one of the two out, or mask whole rows.",
        )


def without_low_cells(pairing: Pairing, highest: float | None, kinds: tuple[Kind, Kind]) -> Pairing:
    """Return a pairing without the cells at or below a number on both sides.

    Raises
    ------
    UsageError
        A side holds probabilities.
    """
    if highest is None:
        return pairing
    if "probs" in kinds:
        raise UsageError(
            "--mask-below is for logits and log-probabilities, and there are probabilities",
            "Leave it out: a probability of 0 on both sides adds nothing. --mask masks any cell.",
        )
    return replace(pairing, mask_below=highest)
