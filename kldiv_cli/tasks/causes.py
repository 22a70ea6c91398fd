"""Why rows are no probabilities, by the first rows of their file, and what to do about it."""

from __future__ import annotations

import numpy as np

from kldiv_cli.errors import a_few, typed
from kldiv_cli.measures.distributions.evidence import all_sum_to, strangers, telling
from kldiv_cli.measures.distributions.kinds import Kind, looks_like
from kldiv_cli.measures.types import Float64, Mode
from kldiv_cli.sources.base import Source
from kldiv_cli.tasks.opening.first_rows import first_rows
from kldiv_cli.tasks.opening.rounding import sum_tolerance

_HALF = 0.5
"""Where more rows than this share are right, the others are the fault."""


def sums_advice(source: Source, kinds: tuple[Kind, Kind], side: int) -> str:
    """Say what to do about rows of one side that do not sum to 1."""
    if source.kind is not None:
        return (
            "The file is damaged: write it again, or say --input log-probs --normalize to take it "
            "all the same."
        )
    kind = kinds[side]
    rows, tolerance = _rows(source, kind), sum_tolerance(source, kind=kind)
    if columns := strangers(rows, tolerance):
        return _leave_out(source, columns)
    if _right(rows, tolerance) > _HALF:
        return (
            "Most rows do: check what wrote this one, or say --normalize to divide it all the same."
        )
    option = "--input" if kinds[0] == kinds[1] else _option(side)
    return (
        f"Say --normalize to divide every row by its sum, or {option} logits if these are logits."
    )


def cell_advice(source: Source, kinds: tuple[Kind, Kind], side: int, mode: Mode) -> str:
    """Say what to do about a number of one side that is no probability, or no logarithm of one."""
    kind = kinds[side]
    if mode == "softmax":
        rows, tolerance = _rows(source, kind), sum_tolerance(source, kind=kind)
        if columns := strangers(rows, tolerance):
            return _leave_out(source, columns)
        if _right(rows, tolerance) > _HALF:
            return (
                "Most rows are right: check what wrote this one, or leave it out with --nan-policy "
                "omit."
            )
        values = first_rows(source).values
        if kind == "probs" and len(values) > 1 and looks_like(values, "log-probs"):
            return f"These look like log-probabilities: say {_option(side)} log-probs."
        if kind == "log-probs" and all_sum_to(values, 1, tolerance):
            return f"These look like probabilities: say {_option(side)} probs."
    return f"Say {_option(side)} logits if these are logits."


def _option(side: int) -> str:
    return f"--{('reference', 'candidate')[side]}-input"


def _rows(source: Source, kind: Kind) -> Float64:
    """Return the first rows as probabilities."""
    with np.errstate(over="ignore"):
        rows = telling(first_rows(source).values)
        return np.exp(rows) if kind == "log-probs" else rows


def _right(rows: Float64, tolerance: float) -> float:
    """Return the share of rows that are probabilities; 0 of a single row."""
    if len(rows) < 2:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        right = (np.abs(rows.sum(axis=1) - 1) <= tolerance) & (rows >= 0).all(axis=1)
    return float(right.mean())


def _leave_out(source: Source, columns: list[int]) -> str:
    """Say how to leave out columns that are no classes."""
    names = source.class_names
    if names is None or max(columns) >= len(names):
        cut = f"numpy.delete(array, {columns}, axis=-1)"
        return f"Without class {columns[0]} they do: save the array without it, as by {cut}."
    named = [names[column] for column in columns]
    them = "it" if len(named) == 1 else "them"
    return f"Without {a_few(named)} they do: --drop {typed(*named)} leaves {them} out."
