"""A pairing with a mask beside it: what is read, and what the measures are given of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.comparison import MaskUse
from kldiv_cli.errors import InputError, UsageError, a_few, retold
from kldiv_cli.measures.absence import without
from kldiv_cli.measures.kinds import Kind
from kldiv_cli.opening import Input, nothing_counts
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.pairing.mask import Lengths, Mask, Means, Strips, align
from kldiv_cli.sources import open_source
from kldiv_cli.sources.array import ArraySource, as_array
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.censored import is_llamacpp
from kldiv_cli.sources.piped import STDIN, no_side
from kldiv_cli.sources.selected import whole

if TYPE_CHECKING:
    from kldiv_cli.language import Scoring

_ADVICE = (
    "A mask is one array, or a table with columns, of true and false or of 0 and 1 (JSON lines "
    "hold 0 and 1 only): one per row or one per cell."
)


@dataclass(frozen=True)
class MaskedPairing(Pairing):
    """A pairing whose blocks say which of their cells a mask keeps.

    The mask goes with all rows of the reference, in its order, also where some are left out.
    """

    mask: Mask

    def blocks(self, block_bytes: int | None = None) -> Iterator[BlockPair]:
        """Yield every row once, with what the mask keeps of it.

        Raises
        ------
        InputError
            The mask has fewer or more rows, other row ids, or a cell that is neither 0 nor 1.
        """
        part = _is_part(self)
        strips, stop, ended = None, 0, False
        pairs = super().blocks(block_bytes)
        for pair in pairs:
            strips = strips or Strips(self.mask, len(pair.reference), part=part)
            rows, ids = pair.numbers, pair.ids if self.reference.id_name is not None else None
            stop = int(rows[-1]) + 1
            kept = strips.take(rows, ids)
            ended = kept is None
            if kept is None:
                stop += 0 if part else sum(len(rest.reference) for rest in pairs)
                break
            yield replace(pair, kept=kept)
        if strips is None or not (ended or self.mask.has_rows_to_count):
            return
        count = strips.count()
        if stop > count or (stop < count and not part):
            least = f"{stop} rows or more" if part else f"{stop} rows"
            raise InputError(
                f"{self.mask.source.path}: expected {least}, as {self.reference.path} has, "
                f"found {count}",
                "A mask of rows has one for each of the reference's, in their order.",
            )


def masked(pairing: Pairing, mask: Input | None, means: Means | None) -> Pairing:
    """Lay a mask beside a pairing; None leaves it as it is. Without ``means`` it keeps.

    Raises
    ------
    InputError
        The mask cannot be read, or its axes are not those of the inputs.
    UsageError
        ``means`` is neither "keep" nor "drop", or is said and there is no mask.
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
    if _is_part(pairing):
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


def check_of_rows(pairing: Pairing) -> None:
    """Raise a `UsageError` where cells are masked, and distributions are to be averaged."""
    if isinstance(pairing, MaskedPairing) and not pairing.mask.of_rows:
        raise UsageError(
            "--class-prior averages distributions over all classes, and --mask leaves some of them "
            "out",
            "Leave one of the two out, or mask whole rows.",
        )


def scored(tokens: Scoring | None, pairing: Pairing, labelled: bool) -> Scoring | None:
    """Return how to score tokens: not at all where classes are left out that are needed for it.

    Under a mask tokens are scored among the cells that it keeps. Of a llama.cpp file, whose
    probabilities are taken as they are, they are scored among all classes or not at all.

    Raises
    ------
    UsageError
        They were asked for by labels.
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
    if not any(map(is_llamacpp, (pairing.reference, pairing.candidate))):
        return tokens
    if labelled:
        raise UsageError(
            "--labels score tokens of a llama.cpp logits file among all classes, and --mask leaves "
            "some of them out",
            "Leave one of the two out, or mask whole rows.",
        )
    return None


def described(pairing: Pairing, rows: int, cells: int, of: int) -> MaskUse | None:
    """Return what the result of so many rows says of the mask, which left out cells of so many."""
    if not isinstance(pairing, MaskedPairing):
        return None
    source = pairing.mask.source
    first, *rest = source.shape
    count, passed_over = (None, ()) if source.shards is None else astuple(source.shards)
    return MaskUse(
        path=source.path,
        format=source.format,
        dtype=source.dtype,
        shape=(rows if first is None and not _is_part(pairing) else first, *rest),
        means=pairing.mask.means,
        cells=cells,
        of=of,
        shards=count,
        passed_over=passed_over,
        notes=source.notes,
    )


def nothing_left(pairing: Pairing, skipped: int, invalid: int, left_out: int) -> InputError:
    """Return the error of rows none of which counts, so many of them because of a mask."""
    if not isinstance(pairing, MaskedPairing) or not left_out or skipped or invalid:
        return nothing_counts(pairing, skipped, invalid, left_out)
    of = " of these rows" if _is_part(pairing) else ""
    return InputError(
        f"{pairing.mask.source.path}: expected cells to compare, found none: the mask leaves out "
        f"every cell{of}",
        "--mask-means says whether true cells enter (keep) or are left out (drop).",
    )


def masked_cells(block: BlockPair, counted: NDArray[np.bool_]) -> int:
    """Return how many cells of the rows that count the mask of a block leaves out."""
    if block.kept is None:
        return 0
    each: int = block.reference.shape[1] // block.kept.shape[1]
    return each * int((~block.kept[counted]).sum())


def hidden(block: BlockPair, kinds: tuple[Kind, Kind]) -> BlockPair:
    """Return a block in which the cells that its mask leaves out have probability 0."""
    if block.kept is None:
        return block
    return replace(
        block,
        reference=without(block.reference, block.kept, kinds[0]),
        candidate=without(block.candidate, block.kept, kinds[1]),
    )


def _is_part(pairing: Pairing) -> bool:
    """Tell whether some rows of the reference may be left out."""
    return whole(pairing.reference) is not pairing.reference or pairing.on_missing == "skip"


def _fitted(
    mask: Input, row_shape: Lengths, class_shape: tuple[int, ...]
) -> tuple[Source, Lengths]:
    """Open a mask so that its rows lie along the inputs' rows, and return its aligned lengths."""
    layout = Layout(booleans=True)
    source = _open(mask, layout)
    lengths = align(source.path, source.shape, row_shape, class_shape)
    axes, ones = len(source.shape), len(lengths) - len(source.shape)
    leading = lengths == (*source.shape, *[1] * ones)
    own = min(axes, len(row_shape)) if leading else max(0, axes - len(class_shape))
    if own not in (axes, len(source.row_shape)):
        source = _open(mask, replace(layout, row_axes=own))
    return source, lengths


def _open(mask: Input, layout: Layout) -> Source:
    try:
        if isinstance(mask, (str, os.PathLike)):
            if os.fspath(mask) == STDIN:
                raise no_side("--mask")
            return open_source(mask, layout)
        return ArraySource(as_array(mask, "mask"), layout, "mask")
    except InputError as error:
        raise retold(error, "a mask", "booleans", _ADVICE) from error


def _names(source: Source, pairing: Pairing) -> Sequence[str] | None:
    """Return in which order to read the columns of a table with a column per class."""
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
