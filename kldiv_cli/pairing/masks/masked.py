"""A pairing with a mask beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.pairing.blocks import BlockPair
from kldiv_cli.pairing.masks.mask import Mask
from kldiv_cli.pairing.masks.strips import Strips
from kldiv_cli.pairing.pairing import Pairing


@dataclass(frozen=True)
class MaskedPairing(Pairing):
    """A pairing with a mask: its blocks say which cells enter.

    The mask has a row for every row of the reference, also for rows that are left out.
    """

    mask: Mask

    def blocks(self, block_bytes: int | None = None) -> Iterator[BlockPair]:
        """Yield every row once, with the cells that the mask keeps.

        Raises
        ------
        InputError
            The mask has fewer or more rows, other row ids, or a cell that is neither 0 nor 1.
        """
        part = self.leaves_rows_out
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


def check_of_rows(pairing: Pairing) -> None:
    """Raise a `UsageError` where single cells are masked: class priors need whole rows."""
    if isinstance(pairing, MaskedPairing) and not pairing.mask.of_rows:
        raise UsageError(
            "--class-prior averages distributions over all classes, and --mask leaves some of them "
            "out",
            "Leave one of the two out, or mask whole rows.",
        )
