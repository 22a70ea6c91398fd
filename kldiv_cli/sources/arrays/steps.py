"""Numbers that a file holds as 16-bit counts of steps; each row has a step and a least number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

STEPS = np.dtype([("steps", "<u2")])


class Steps(np.ndarray[Any, np.dtype[Any]]):
    """Rows of which the numbers are step * count + least, in float64 and rounded twice.

    The numbers are computed where somebody asks for them: NumPy's functions are given float64. Some
    rows, and a stretch of classes, are such an array again.

    Attributes
    ----------
    step, least : float64, shape (rows,)
        What makes numbers of the counts of each row.
    """

    step: NDArray[np.float64]
    least: NDArray[np.float64]

    @classmethod
    def of(
        cls, counts: NDArray[np.uint16], step: NDArray[np.float64], least: NDArray[np.float64]
    ) -> Steps:
        """Return a view of counts, shape (rows, classes)."""
        found = counts[:, :, None].view(STEPS)[:, :, 0].view(cls)
        found.step, found.least = step, least
        return found

    @property
    def counts(self) -> NDArray[np.uint16]:
        """The counts as they are stored, shape (rows, classes)."""
        counts: NDArray[np.uint16] = self.view(np.ndarray)["steps"]
        return counts

    def decoded(self) -> NDArray[np.float64]:
        """Return the numbers, float64, shape (rows, classes)."""
        found = self.counts.astype(np.float64)
        found *= self.step[:, None]
        found += self.least[:, None]
        return found

    def __getitem__(self, key: Any) -> Any:
        counts = self.counts[key]
        step, least = (np.broadcast_to(x[:, None], self.shape) for x in (self.step, self.least))
        rows, classes = key if isinstance(key, tuple) else (key, slice(None))
        if isinstance(classes, slice) and np.ndim(counts) == 2:
            return Steps.of(counts, self.step[rows], self.least[rows])
        return counts * step[key] + least[key]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **named: Any) -> Any:
        return getattr(ufunc, method)(*map(_plain, inputs), **named)

    def __array_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: Iterable[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        return func(*map(_plain, args), **kwargs)


def _plain(value: Any) -> Any:
    if isinstance(value, Steps):
        return value.decoded()
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
