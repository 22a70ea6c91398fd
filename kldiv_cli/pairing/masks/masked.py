"""The blocks of a pairing, with the cells that a mask keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kldiv_cli.errors import InputError
from kldiv_cli.pairing.blocks import BlockPair
from kldiv_cli.pairing.masks.mask import Mask
from kldiv_cli.pairing.masks.strips import Strips
from kldiv_cli.sources.base import Source


def masked(
    pairs: Iterator[BlockPair], mask: Mask, reference: Source, *, part: bool
) -> Iterator[BlockPair]:
    """Yield the pairs with the cells that the mask keeps.

    ``part`` says whether some rows of the reference may have no place in the pairs.

    Raises
    ------
    InputError
        The mask has fewer or more rows, other row ids, or a cell that is neither 0 nor 1.
    """
    strips, stop, ended = None, 0, False
    for pair in pairs:
        strips = strips or Strips(mask, len(pair.reference), part=part)
        rows, ids = pair.numbers, pair.ids if reference.id_name is not None else None
        stop = int(rows[-1]) + 1
        kept = strips.take(rows, ids)
        ended = kept is None
        if kept is None:
            stop += 0 if part else sum(len(rest.reference) for rest in pairs)
            break
        yield replace(pair, kept=kept)
    if strips is None or not (ended or mask.has_rows_to_count):
        return
    count = strips.count()
    if stop > count or (stop < count and not part):
        least = f"{stop} rows or more" if part else f"{stop} rows"
        raise InputError(
            f"{mask.source.path}: expected {least}, as {reference.path} has, found {count}",
            "A mask of rows has one for each of the reference's, in their order.",
        )
