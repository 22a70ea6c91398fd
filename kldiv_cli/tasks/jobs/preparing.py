"""The rows of a pairing as a loss takes them, and the pass in which class priors are averaged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from kldiv_cli import measures
from kldiv_cli.errors import InputError
from kldiv_cli.losses.base import Loss, Rows
from kldiv_cli.losses.priors import ClassPriors
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.evaluation import Evaluation, Evaluator
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.sources.labels.classes import Labels
from kldiv_cli.tasks.kept.part import Part
from kldiv_cli.tasks.walk import View


@dataclass(frozen=True)
class Preparing:
    """How a loss takes the rows of a pairing; several threads may ask for them at once."""

    loss: Loss
    kinds: tuple[Kind, Kind]
    labels: Labels | None

    @property
    def names(self) -> tuple[str, ...]:
        """The measures that are taken of the rows."""
        return self.loss.measures

    @cached_property
    def evaluator(self) -> Evaluator:
        """What measures the rows, or says at least what becomes of them."""
        measured = [measures.load(name) for name in self.names or ("kl",)]
        return Evaluator(measured, self.loss.mode, self.loss.temperature, self.kinds)

    @property
    def streams(self) -> bool:
        """Whether C computes everything."""
        return self.loss.streams and self.evaluator.by_kernel_alone

    def look(self, block: BlockPair) -> Evaluation:
        """Measure the rows of a block."""
        return self.evaluator.evaluate(block.reference, block.candidate, block.kept)

    def rows(self, view: View, found: Evaluation) -> Rows:
        """Return the valid rows of a block.

        Raises
        ------
        InputError
            The label of one of them is no class, or none that is kept.
        """
        block, keep, kept = view.block, view.valid, view.block.kept
        rows = Rows(
            block.reference,
            block.candidate,
            self.loss.mode,
            self.loss.temperature,
            self.kinds,
            {name: found.values[name] for name in self.names},
            kept=kept if kept is not None and kept.shape == block.reference.shape else None,
        )
        rows = rows if keep.all() else rows[keep]
        if self.labels is None:
            return rows
        classes = block.reference.shape[1]
        return replace(rows, labels=self.labels.of(block.numbers[keep], classes, rows.kept))


@dataclass(frozen=True)
class Averaging(Preparing):
    """A pass of its own, in which the distributions of every class are averaged."""

    pairing: Pairing
    labels: Labels

    @property
    def names(self) -> tuple[str, ...]:
        """None: weights are distributions."""
        return ()

    def keep(self, view: View, found: Evaluation) -> ClassPriors:
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
