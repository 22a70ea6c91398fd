"""How C computes a value of a row: a row of the table of measures says it by a `Form`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """A form by the name that the kernels give it, and what it takes.

    Parameters
    ----------
    name : str
        One of the forms of `kldiv_cli.measures._native`.
    parameters : tuple of float
        What the form takes.
    """

    name: str
    parameters: tuple[float, ...] = ()

    @property
    def near(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The polynomials in e = log(q / p) that times p * e**2 are the terms where e is small."""
        return (), ()
