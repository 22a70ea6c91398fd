"""The closed form of J in NumPy on whole arrays, in the type that the files have."""

import sys
from typing import Any

import numpy as np


def softmax(x: Any) -> Any:
    """Return exp(x) / sum exp(x) of every row."""
    weights = np.exp(x - x.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


s, t = np.load(sys.argv[1]), np.load(sys.argv[2])
print(((softmax(s) - softmax(t)) * (s - t)).sum(axis=1).mean())  # noqa: T201
