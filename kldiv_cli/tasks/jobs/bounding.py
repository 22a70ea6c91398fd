"""What files hide of the rows of a comparison, and what that makes of the statistics."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import TYPE_CHECKING

import numpy as np

from kldiv_cli.measures.base import Measure
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.types import Float64
from kldiv_cli.pairing import Pairing
from kldiv_cli.results.statistics import Statistics
from kldiv_cli.results.summary import Summary
from kldiv_cli.tasks.options import Compare
from kldiv_cli.tasks.walk import View

if TYPE_CHECKING:
    from kldiv_cli.results.hidden import Hidden


def hidden_of(
    view: View, pairing: Pairing, kinds: tuple[Kind, Kind], temperature: float
) -> tuple[Float64, ...]:
    """Return the hidden probability of the rows of a block; none where files hold every class."""
    bounds = pairing.reference.bounds, pairing.candidate.bounds
    if bounds == (None, None):
        return ()
    from kldiv_cli.measures.rows.hidden import hidden  # noqa: PLC0415 - few files hide anything

    block = view.block
    reference, candidate = block.full or (view.whole.reference, view.whole.candidate)
    floors = (
        None if bounds[0] is None else bounds[0].floors(reference),
        None if bounds[1] is None else bounds[1].floors(candidate),
    )
    values = real(block.reference), real(block.candidate)
    return (hidden(values, floors, kinds, temperature),)


def bounded(
    summary: Summary, hidden: Sequence[Float64], measures: Sequence[Measure], asked: Compare
) -> tuple[dict[str, Statistics], Hidden]:
    """Return the statistics of all rows with their ranges, and how much is hidden."""
    from kldiv_cli.results.hidden import Hidden, spread, with_ranges  # noqa: PLC0415 - few files hide anything
    from kldiv_cli.results.ranges import HIDDEN_NATS, HIDDEN_SHARE  # noqa: PLC0415 - few files hide anything

    counted = summary.counted
    some = np.concatenate(hidden)[counted]
    factors = {"logarithm": HIDDEN_NATS / asked.temperature, "share": HIDDEN_SHARE, None: None}
    found = summary.result()
    for measure in measures:
        factor = factors[measure.hidden]
        if factor is not None and measure.has_unit and asked.unit == "bits":
            factor /= log(2)
        rows = spread(summary.values[measure.name].array()[counted], some, factor)
        found[measure.name] = with_ranges(found[measure.name], rows)
    return found, Hidden.of(some)
