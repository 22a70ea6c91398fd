"""A format: the line "TOY", then numbers, a line per row."""

from __future__ import annotations

import numpy as np

from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.base import Layout


def open_toy(path: str, layout: Layout) -> ArraySource:
    return ArraySource(np.loadtxt(path, skiprows=1, ndmin=2), layout, path, "toy")
