"""A measure with a parameter: SCALE times the total variation distance."""

from __future__ import annotations

from dataclasses import replace

from kldiv_cli.measures.base import Measure
from kldiv_cli.measures.definitions.distances import TV
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.types import Float64


def scaled(name: str, scale: float) -> Measure:
    def compute(pair: Pair) -> Float64:
        return scale * TV.compute(pair)

    return replace(TV, name=name, title="scaled distance", compute=compute)
