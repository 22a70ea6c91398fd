"""Types of values: which are read, and how exact they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import LogitsError
from kldiv_cli.sources.base.layout import LOGITS, Expected

BFLOAT16 = np.dtype([("bfloat16", "<u2")])
"""The upper half of float32. NumPy lacks it: this type cannot be mistaken for integers, and
arithmetic refuses it."""
_SUM_TOLERANCE = {"bfloat16": 5e-2, "float16": 1e-2, "float32": 1e-5, "float64": 1e-12}
"""The type of rounded probabilities -> how far from 1 a row of them may sum."""
_TEXT_TOLERANCE = 1e-5
"""The same for probabilities that were written with a few digits."""


def sum_tolerance(dtype: str, *, text: bool = False) -> float:
    """Return how far from 1 the probabilities of a row may sum by rounding alone.

    ``dtype`` is the type that they were rounded to; ``text`` says that they were written in digits.
    """
    return _TEXT_TOLERANCE if text else _SUM_TOLERANCE.get(dtype, 1e-12)


def check_type(dtype: np.dtype[Any], path: str, expected: Expected = LOGITS) -> None:
    """Raise unless values of the type are expected, or real numbers that float64 can hold."""
    if dtype.kind in expected.kinds:
        return
    if dtype.kind in "iu" or (dtype.kind == "f" and dtype.itemsize <= 8) or dtype == BFLOAT16:
        return
    what = {
        "O": "objects, which only unpickling could read",
        "c": f"{dtype} (complex numbers)",
        "U": f"{dtype.str} (text)",
        "S": f"{dtype.str} (bytes)",
        "b": "bool",
    }.get(dtype.kind, str(dtype))
    advice = "Save the logits as float32 or float64: numpy.save(path, logits.astype('float32'))."
    if dtype.str == "|V2" and dtype.names is None:
        what = "|V2 (two raw bytes per value: bfloat16 as ml_dtypes saves it)"
        advice = "Say --dtype bfloat16 if that is what they are."
    raise LogitsError(f"{path}: expected {expected.values}, found {what}", advice)


def check_exact_integers(values: NDArray[Any], path: str, expected: Expected = LOGITS) -> None:
    """Raise where a 64-bit integer is too large for float64 to hold exactly."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8:
        return
    if (values > 2**53).any() or (values < -(2**53)).any():
        raise LogitsError(
            f"{path}: expected {expected.what}, found integers beyond 2**53, which float64 cannot "
            "hold",
            "Are these ids? A column of a table is named with --id, or left out with --drop.",
        )
