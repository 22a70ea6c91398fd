"""What a measure is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.forms import Form, InC
from kldiv_cli.measures.types import Float64, Mode, Status

if TYPE_CHECKING:
    from kldiv_cli.measures.distributions.pair import Pair


@dataclass(frozen=True)
class Measure:
    """A divergence of two distributions, or another number that is made of them.

    Parameters
    ----------
    name : str
        As typed at ``--measure`` and as it stands in the results.
    title : str
        The name in words.
    formula : mapping of mode to str
        What is computed under each link function.
    range : str
        The values it can take in one distribution, in nats where it has a unit.
    reference : str
        The paper, article or standard that defines it.
    compute : callable
        A prepared pair of blocks -> float64, in nats: shape (rows,), or (rows, cells), to be summed
        over the cells. Rows that are not counted may hold anything. `InC` where C has it too.
    has_unit : bool
        Whether it is a logarithm, in nats or bits; distances like total variation are not.
    additive : bool
        Whether the sum over independent cells is the measure of the joint distribution; where it is
        not, the sum is a convention.
    edges : str
        What zeros and infinities give.
    hidden : {"logarithm", "share"} or None
        How it depends on classes whose probability a format hides: by their probability times a
        logarithm, or by no more than twice their probability. None where it may be anything.
    """

    name: str
    title: str
    formula: Mapping[Mode, str]
    range: str
    reference: str
    compute: Callable[[Pair], Float64]
    has_unit: bool = True
    additive: bool = True
    edges: str = ""
    hidden: Literal["logarithm", "share"] | None = None

    @property
    def form(self) -> Form | None:
        """How the C kernels compute it; None where NumPy alone does."""
        return self.compute.form if isinstance(self.compute, InC) else None

    def rows(self, pair: Pair, *, lenient: bool = False) -> Float64:
        """Return one value per row in nats, float64, NaN where the row is not counted.

        A counted row that is NaN raises as `checked` does, or is left so where that is asked for.
        """
        with np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
            values = self.compute(pair)
            if values.ndim == 2:
                values = values.sum(axis=1)
        values = values + 0.0  # never -0.0
        return checked(self.name, values, pair.status, lenient=lenient)


def checked(name: str, values: Float64, status: NDArray[Any], *, lenient: bool = False) -> Float64:
    """Return the values of a measure, NaN where a row is not counted.

    Parameters
    ----------
    name : str
        The measure.
    values : float64, shape (rows,)
        One value per row.
    status : integers, shape (rows,)
        One of `Status` per row.
    lenient : bool
        Whether a counted row may be NaN: who checks the measures themselves says so of the row.

    Raises
    ------
    AssertionError
        A row that is counted has no value, which no input explains.
    """
    counted = status == Status.COUNTED
    wrong = np.isnan(values) & counted
    if wrong.any() and not lenient:
        raise AssertionError(f"{name} of a counted row is nan: row {wrong.argmax()} of a block")
    return np.where(counted, values, np.nan)


def over_cells(formula: str) -> dict[Mode, str]:
    """Return the formula of a measure that under sigmoid is summed over the cells."""
    return {"softmax": formula, "sigmoid": f"sum over cells: {formula}"}
