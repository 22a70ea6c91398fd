"""Rows -> the largest residual of every identity; and those of the built-in rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import isnan, nan

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures import MEASURES, _native
from kldiv_cli.measures.identities import IDENTITIES
from kldiv_cli.measures.identities.base import TOLERANCE
from kldiv_cli.measures.identities.built_in import built_in
from kldiv_cli.measures.identities.rows import Rows
from kldiv_cli.measures.types import Float64
from kldiv_cli.results.verification import Finding, SelfTest

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Residual:
    """The largest residual of an identity over so many rows, with the row that has it.

    ``row`` is that row's number, and ``id`` whatever else names it. ``loosest`` is as `Finding` has
    it.
    """

    rows: int = 0
    largest: float = nan
    row: int | None = None
    id: object = None
    loosest: float = nan

    @classmethod
    def of(cls, residuals: Float64, limits: Float64, rows: Places) -> Residual:
        """Return that of some rows, ascending: the first of equals, NaN above all."""
        if not len(rows):
            return cls()
        unknown = np.isnan(residuals)
        worst = int(unknown.argmax() if unknown.any() else residuals.argmax())
        loosest = float(np.fmax.reduce(limits))
        return cls(len(rows), float(residuals[worst]), int(rows[worst]), loosest=loosest)

    @classmethod
    def join(cls, parts: Sequence[Residual]) -> Residual:
        """Return that of all rows."""
        some = [part for part in parts if part.rows]
        if not some:
            return cls()
        worst = max(some, key=lambda part: (isnan(part.largest), part.largest))
        loosest = float(np.fmax.reduce([part.loosest for part in some]))
        return replace(worst, rows=sum(part.rows for part in some), loosest=loosest)

    def finding(self, name: str, place: str) -> Finding:
        """Return what was found of an identity, given the name of the row."""
        statement = IDENTITIES[name].description
        return Finding(
            name, statement, self.rows, self.largest, self.row, place, TOLERANCE, self.loosest
        )


def names(rows: Rows, temperature: float | None) -> list[str]:
    """Return which identities are about rows of a mode and of a kind, at one temperature if so."""
    logits = rows.kinds == ("logits", "logits")
    return [
        name
        for name, identity in IDENTITIES.rows().items()
        if rows.mode in identity.modes
        and (logits or not identity.only_logits)
        and (temperature is None or temperature != identity.temperature)
    ]


def residual(name: str, rows: Rows, numbers: Places) -> Residual:
    """Return the largest residual of one identity over the rows of which it has one.

    Parameters
    ----------
    name : str
        The identity.
    rows : Rows
        The rows.
    numbers : integers, shape (rows,)
        What they are called.
    """
    # What is undefined on the way turns up as NaN in the end, and NaN fails.
    with np.errstate(all="ignore"):
        each = IDENTITIES.load(name)(rows)
        found = [routes.residuals() for routes in each]
        defined = rows.known if each[0].defined is None else rows.known & each[0].defined
    largest, limits = (np.stack(part).max(axis=0) for part in zip(*found, strict=True))
    return Residual.of(largest[defined], limits[defined], numbers[defined])


def self_test() -> SelfTest:
    """Check every identity on the built-in rows, once per process."""
    routes = (_native.describe(), *(["NumPy"] if _native.load() else []))
    return replace(_checked(routes), unchecked=tuple(_unchecked()))


@cache
def _checked(routes: tuple[str, ...]) -> SelfTest:
    """Check the rows by the routes that there are."""
    each: dict[str, list[Residual]] = {name: [] for name in IDENTITIES}
    count = 0
    for rows in built_in():
        numbers = np.arange(count, count + len(rows.s))
        count += len(rows.s)
        what = f"{rows.mode}, {' and '.join(dict.fromkeys(rows.kinds))}"
        for name in names(rows, None):
            each[name].append(replace(residual(name, rows, numbers), id=what))
    findings = []
    for name, parts in each.items():
        worst = Residual.join(parts)
        findings.append(worst.finding(name, f"built-in row {worst.row} ({worst.id})"))
    return SelfTest(routes, count, tuple(findings), ())


def _unchecked() -> Iterator[str]:
    """Yield the measures of other distributions: no identity is about them."""
    checked = {name for identity in IDENTITIES.rows().values() for name in identity.measures}
    yield from (MEASURES.usage(name) for name in MEASURES.rows() if name not in checked)
