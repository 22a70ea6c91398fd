"""A mask laid beside a pairing."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from kldiv_cli.errors import InputError, UsageError, a_few
from kldiv_cli.pairing import Pairing
from kldiv_cli.pairing.masks.axes import Lengths, align
from kldiv_cli.pairing.masks.mask import Mask, Means
from kldiv_cli.pairing.masks.masked import MaskedPairing
from kldiv_cli.sources.base import Expected, Layout, Source
from kldiv_cli.sources.labels.side_input import SideInput
from kldiv_cli.sources.views.selected import whole
from kldiv_cli.tasks.opening import Input

if TYPE_CHECKING:
    from kldiv_cli.tasks.tokens import Scoring


MASK = SideInput(
    "--mask",
    "mask",
    Expected("a mask", "booleans", "an array", kinds="b"),
    "A mask is one array, or a table with columns, of true and false or of 0 and 1 (JSON lines "
    "hold 0 and 1 only): one per row or one per cell.",
)


def masked(pairing: Pairing, mask: Input | None, means: Means | None) -> Pairing:
    """Return a pairing with a mask beside it; without a mask the pairing itself.

    ``means`` is "keep" where it is None.

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
    row_shape = pairing.row_shape
    if pairing.leaves_rows_out:
        row_shape = whole(pairing.reference).row_shape
    source, lengths = _fitted(mask, row_shape, pairing.reference.class_shape)
    rows, classes = lengths[: len(row_shape)], lengths[len(row_shape) :]
    cells = tuple(length or 1 for length in classes)
    if pairing.classes is not None and prod(cells) > 1:
        raise UsageError(
            "--mask says which cells enter, and --classes and --truncate-classes which classes",
            "Leave one of the two out, or mask whole rows.",
        )
    names = _names(source, pairing) if prod(source.class_shape) > 1 else None
    laid = Mask(source, means or "keep", rows, cells, row_shape, pairing.class_shape, names)
    return MaskedPairing(
        pairing.reference,
        pairing.candidate,
        laid,
        part=pairing.part,
        on_missing=pairing.on_missing,
        room=pairing.room,
        classes=pairing.classes,
    )


def _fitted(
    mask: Input, row_shape: Lengths, class_shape: tuple[int, ...]
) -> tuple[Source, Lengths]:
    """Open a mask with the axes of rows that the inputs have; return its lengths along theirs."""
    source = MASK.open(mask)
    lengths = align(source.path, source.shape, row_shape, class_shape)
    axes, ones = len(source.shape), len(lengths) - len(source.shape)
    leading = lengths == (*source.shape, *[1] * ones)
    own = min(axes, len(row_shape)) if leading else max(0, axes - len(class_shape))
    if own not in (axes, len(source.row_shape)):
        source = MASK.open(mask, Layout(row_axes=own))
    return source, lengths


def _names(source: Source, pairing: Pairing) -> Sequence[str] | None:
    """Return the order of the columns of a mask with a column per class; None for any other."""
    ours, theirs = pairing.class_names, source.class_names
    if ours is None or theirs is None:
        return None
    strange = [name for name in theirs if name not in ours]
    if strange:
        raise InputError(
            f"{source.path}: expected the class names of {pairing.reference.path}, found "
            f"{a_few(strange)}",
            "A mask with a column per class names them as the inputs do.",
        )
    return ours


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
    if not isinstance(pairing, MaskedPairing) or pairing.mask.of_rows:
        return tokens
    if pairing.reference.bounds is None and pairing.candidate.bounds is None:
        return tokens
    if labelled:
        raise UsageError(
            "--labels score tokens of a llama.cpp logits file among all classes, and --mask leaves "
            "some of them out",
            "Leave one of the two out, or mask whole rows.",
        )
    return None
