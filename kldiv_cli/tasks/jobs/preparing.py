"""The rows of a pairing as a loss takes them, and the pass in which class priors are averaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.losses.base import Loss, Rows
from kldiv_cli.losses.priors import ClassPriors
from kldiv_cli.measures.distributions.exact import widen
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.rows.absence import with_masked
from kldiv_cli.measures.types import Float64
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.sources.labels.classes import Labels
from kldiv_cli.tasks.kept.part import Part
from kldiv_cli.tasks.walk import View


@dataclass(frozen=True)
class Prepared:
    """A block as the distributions of a loss, and what became of its rows."""

    m: Float64
    n: Float64
    pair: Pair
    status: NDArray[np.uint8]
    mismatches: None = None
    constant: None = None


@dataclass(frozen=True)
class Preparing:
    """How a loss takes the rows of a pairing; several threads may ask for them at once."""

    loss: Loss
    kinds: tuple[Kind, Kind]
    labels: Labels | None

    @property
    def streams(self) -> bool:
        """NumPy makes arrays as large as the block."""
        return False

    def look(self, block: BlockPair) -> Prepared:
        """Prepare the rows of a block."""
        m, n = widen(block.reference), widen(block.candidate)
        pair = self.loss.prepare(m, n, self.kinds)
        return Prepared(m, n, pair, with_masked(pair.status, block.kept))

    def rows(self, view: View, found: Prepared) -> Rows:
        """Return the valid rows of a block.

        Raises
        ------
        InputError
            The label of one of them is no class, or none that is kept.
        """
        m, n, pair, keep = found.m, found.n, found.pair, view.valid
        kept = view.block.kept
        kept = kept[keep] if kept is not None and kept.shape == m.shape else None
        labels = None
        if self.labels is not None:
            labels = self.labels.of(view.block.numbers[keep], m.shape[1], kept)
        if not keep.all():
            m, n = m[keep], n[keep]
            pair = self.loss.prepare(m, n, self.kinds)
        return Rows(m, n, pair, self.loss.mode, self.kinds, labels, kept=kept)


@dataclass(frozen=True)
class Averaging(Preparing):
    """A pass of its own, in which the distributions of every class are averaged."""

    pairing: Pairing
    labels: Labels

    def keep(self, view: View, found: Prepared) -> ClassPriors:
        """Return the sums of a block's rows by class."""
        rows = self.rows(view, found)
        labels = self.labels.values[view.block.numbers[view.valid]]
        return ClassPriors.of(self.loss.weights(rows), labels)

    def finish(self, part: Part[ClassPriors]) -> ClassPriors | None:
        """Return the sums of all rows; None where there were none.

        Raises
        ------
        InputError
            A class has no row.
        """
        if part.kept is None:
            return None
        missing = part.kept.missing
        if len(missing):
            first, names = int(missing[0]), self.pairing.class_names
            more = f" ({len(missing)} such classes in all)" if len(missing) > 1 else ""
            raise InputError(
                f"{self.labels.path}: expected rows of every class, found none of class "
                f"{first if names is None else repr(names[first])}{more}",
                "A class prior is the mean over the rows of its class: give rows of all classes, "
                "or leave --class-prior out.",
            )
        return part.kept
