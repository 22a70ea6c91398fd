"""What is done with a number of every row in C, where the package was installed with a compiler.

``KLDIV_KERNELS=numpy`` in the environment leaves the C code alone; Python and NumPy give the same
bits then, as they do where the extension is missing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from math import floor, log2
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_LEAST_POWER, _LARGEST_POWER = -292, 324


class Native(Protocol):
    """The functions of the extension."""

    def lines(
        self,
        pieces: Sequence[bytes],
        columns: Sequence[Float64 | NDArray[np.int64] | list[str]],
        blank: NDArray[np.bool_] | None,
        words: Sequence[bytes],
        powers: NDArray[np.uint64],
    ) -> str:
        """Return rows as lines of text; see lines.h."""

    def exact_sum(
        self, x: Float64, mean: float = 0.0, scale: float = 0.0, power: int = 1
    ) -> tuple[Sequence[int], int, int, int]:
        """Return limbs, and how many are NaN, inf and -inf; see numbers.h."""

    def around(
        self, x: Float64, low: float, high: float, ranks: Sequence[int]
    ) -> tuple[bytearray, Sequence[int]] | None:
        """Return the values around places of the order; see numbers.h."""

    def top(self, x: Float64, counted: NDArray[np.bool_], keep: int) -> list[int]:
        """Return the rows that come first; see numbers.h."""


def load() -> Native | None:
    """Return the extension; None where there is none."""
    return None if os.environ.get("KLDIV_KERNELS") == "numpy" else _extension()


@cache
def _extension() -> Native | None:
    try:
        found = import_module("kldiv_cli.results._native._rows")
    except (ImportError, SystemError):
        return None
    whole = all(hasattr(found, name) for name in vars(Native) if not name.startswith("_"))
    return cast("Native", found) if whole else None


@cache
def powers() -> NDArray[np.uint64]:
    """Return the powers of 10 that the shortest decimals need; see shortest.h."""
    each = map(_power, range(_LEAST_POWER, _LARGEST_POWER + 1))
    return np.array([(power >> 64, power & (1 << 64) - 1) for power in each], np.uint64)


def _power(exponent: int) -> int:
    """Return the leading 128 bits of a power of 10, rounded up."""
    shift = 127 - floor(exponent * log2(10))
    above: int = 10 ** max(exponent, 0) << max(shift, 0)
    below: int = 10 ** max(-exponent, 0) << max(-shift, 0)
    return -(-above // below)
