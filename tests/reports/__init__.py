"""Comparisons made by hand: what the reports write does not depend on any measure being right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from typing import Any

import numpy as np

from kldiv_cli.reports import files
from kldiv_cli.results.comparison import Agreement, Comparison
from kldiv_cli.results.figures import Figure
from kldiv_cli.results.groups import By, Group, Groups
from kldiv_cli.results.head import ClassColumns, MaskUse, Side
from kldiv_cli.results.limits import Limit
from kldiv_cli.results.statistics import Statistics
from kldiv_cli.results.summary import TopRow
from tests.results import changed, head

INF, NAN = math.inf, math.nan


def top_row(row: int, value: float, **fields: Any) -> TopRow:
    """A row as it is shown; counted, and with the same argmax, unless said otherwise."""
    defaults: dict[str, Any] = {
        "counted": True,
        "skipped": False,
        "argmax": (2, 2),
        "same": 1,
        "of": 1,
        "id": None,
    }
    return TopRow(row=row, values={"jeffreys": value}, **{**defaults, **fields})


def statistics(max_row: int = 0, zero: int = 0, infinite: int = 0, **values: float) -> Statistics:
    """Statistics of which those not given are told apart by their digits."""
    known = {
        "total": 1.2345678901234567,
        "mean": 0.05144032875514403,
        "sem": 0.0023,
        "min": 1e-17,
        "max": 0.75,
        "median": 0.00022951917376664178,
        "p90": 0.1,
        "p95": 0.2,
        "p99": 1 / 3,
        "p99.9": 0.7,
    }
    return Statistics({**known, **values}, max_row, zero, infinite)


def side(path: str, **fields: Any) -> Side:
    """One of two .npy files."""
    defaults: dict[str, Any] = {"format": "npy", "dtype": "float32", "shape": (24, 4)}
    return Side(path=path, **{**defaults, **fields})


VALUES = np.array([0.75, 1 / 3, 0.1, 1e-17, 0.0, *(i / 1024 for i in range(19))])

SOFTMAX = Comparison(
    head=head(side("fp32.npy"), side("int8.npy", dtype="float16")),
    unit="nats",
    temperature=1.0,
    smooth=0.0,
    measures={"jeffreys": statistics(zero=2)},
    definitions={"jeffreys": "J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T"},
    units={"jeffreys": "nats"},
    values={"jeffreys": VALUES},
    skipped_rows=np.zeros(24, dtype=bool),
    ids=None,
    agreement=Agreement("argmax", 23, 24),
    top=(
        top_row(0, 0.75, argmax=(3, 0), same=0),
        top_row(1, 1 / 3),
        top_row(2, 0.1),
    ),
)
"""24 rows of 4 classes, three of them shown."""

_NOTE = ("row id: column 'file', the only one that is not numeric",)
_IDS = np.array([f"page-{i}.txt" for i in range(24)], dtype=object)

_COLUMNS: dict[str, Any] = {
    "id": "file",
    "notes": _NOTE,
    "class_columns": ClassColumns(4, "python", "zig"),
}
NAMED = changed(
    SOFTMAX,
    reference=side("fp32.parquet", format="parquet", **_COLUMNS),
    candidate=side("int8.csv", format="csv", dtype="float64", **_COLUMNS),
    unit="bits",
    units={"jeffreys": "bits"},
    class_names=("python", "c", "rust", "zig"),
    paired_by="id",
    ids=_IDS,
    top=(
        top_row(0, 0.75, argmax=(3, 0), same=0, id="page-0.txt"),
        top_row(1, 1 / 3, id="page-1.txt"),
    ),
)
"""Class names and row ids on both sides."""

SIGMOID = changed(
    SOFTMAX,
    reference=side("heads.npy", shape=(2, 3, 8, 8)),
    candidate=side("heads-q.npy", shape=(2, 3, 8, 8)),
    mode="sigmoid",
    rows=6,
    class_shape=(8, 8),
    row_shape=(2, 3),
    measures={"jeffreys": statistics(max_row=4, max=12.5)},
    definitions={"jeffreys": "J = sum over cells of (p - q) * (s - t) / T"},
    values={"jeffreys": np.array([0.0, 1.0, 2.0, 3.0, 12.5, 1e-9])},
    skipped_rows=np.zeros(6, dtype=bool),
    agreement=Agreement("sign", 200, 216),
    top=tuple(
        top_row(i, value, argmax=(9 * i, 63), same=30 - i, of=36)
        for i, value in enumerate((0.0, 1.0, 2.0, 3.0, 12.5, 1e-9))
    ),
)
"""Two row axes and two axes of cells; every row is shown."""

LIMITS = changed(
    SOFTMAX,
    limits=(
        Limit("mean", 0.1, Figure(0.05144032875514403, "nats")),
        Limit("max", 0.5, Figure(0.75, "nats")),
        Limit("p99.9", 0.7, Figure(0.7, "nats")),
        Limit("sem", 1.0, Figure(NAN, "nats")),
    ),
)
"""Limits that hold, one of them just so, and limits that are exceeded, one of them by NaN."""

_FIVE: dict[str, Any] = {
    "reference": side("fp32.npy", shape=(5, 4)),
    "candidate": side("int8.npy", shape=(5, 4)),
    "row_shape": (5,),
    "values": {"jeffreys": np.array([0.25, NAN, NAN, INF, 0.0])},
    "skipped_rows": np.array([False, True, False, False, False]),
    "skipped": 1,
    "invalid": 1,
}

OMITTED = changed(
    SOFTMAX,
    **_FIVE,
    nan_policy="omit",
    rows=3,
    measures={
        "jeffreys": statistics(
            3,
            1,
            1,
            **dict.fromkeys(("total", "mean", "max", "p90", "p95", "p99", "p99.9"), INF),
            sem=NAN,
            min=0.0,
            median=0.25,
        )
    },
    agreement=Agreement("argmax", 2, 3),
    top=(
        top_row(0, 0.25),
        top_row(1, NAN, counted=False, skipped=True, argmax=(0, 0)),
        top_row(2, NAN, counted=False, argmax=(1, 2)),
        top_row(3, INF, argmax=(3, 0), same=0),
        top_row(4, 0.0),
    ),
)
"""A skipped row, an invalid one that was left out, and an infinite one."""

PROPAGATED = changed(
    OMITTED,
    nan_policy="propagate",
    rows=4,
    measures={
        "jeffreys": statistics(
            2,
            1,
            1,
            **dict.fromkeys(("total", "mean", "sem", "min", "max"), NAN),
            **dict.fromkeys(("median", "p90", "p95", "p99", "p99.9"), NAN),
        )
    },
    top=(
        top_row(0, 0.25),
        top_row(1, NAN, counted=False, skipped=True, argmax=(0, 0)),
        top_row(2, NAN, argmax=(1, 2), same=0),
        top_row(3, INF, argmax=(3, 0), same=0),
        top_row(4, 0.0),
    ),
)
"""The same rows; the invalid one counts."""

ONE_ROW = changed(
    SOFTMAX,
    reference=side("one.npy", shape=(4,)),
    candidate=side("other.npy", shape=(4,)),
    rows=1,
    row_shape=(1,),
    measures={
        "jeffreys": statistics(
            total=0.5, mean=0.5, sem=NAN, min=0.5, max=0.5, median=0.5, p90=0.5, p95=0.5, p99=0.5
        )
    },
    values={"jeffreys": np.array([0.5])},
    skipped_rows=np.zeros(1, dtype=bool),
    agreement=Agreement("argmax", 1, 1),
    top=(top_row(0, 0.5),),
)
"""A single row has no standard error."""

WARM = changed(SOFTMAX, temperature=2.5)
"""At a temperature."""

TOP_0 = changed(SOFTMAX, top=())
"""With --top 0."""

SEVERAL = changed(
    SOFTMAX,
    unit="bits",
    measures={
        "kl": statistics(zero=2),
        "tv": statistics(3, total=0.5, mean=1 / 48, sem=0.001, max=0.25),
        "gjs:0.1": statistics(1, max=0.125),
    },
    definitions={
        "kl": "KL(p||q) = sum p * log(p/q)",
        "tv": "TV = sum |p - q| / 2",
        "gjs:0.1": "GJS = 0.1 KL(p||M) + 0.9 KL(q||M), M = 0.1 p + 0.9 q",
    },
    units={"kl": "bits", "tv": None, "gjs:0.1": "bits"},
    values={"kl": VALUES, "tv": VALUES / 3, "gjs:0.1": VALUES / 7},
    top=tuple(
        replace(row, values={"kl": 0.75 / (row.row + 1), "tv": 0.25, "gjs:0.1": 0.125})
        for row in SOFTMAX.top
    ),
    limits=(
        Limit("mean", 0.1, Figure(0.05144032875514403, "bits")),
        Limit("tv:max", 0.2, Figure(0.25)),
    ),
)
"""Three measures, one of them without a unit; the first one ranks."""

PROBS = changed(
    SOFTMAX,
    reference=side("p.npy", kind="probs", sum_error=1.1920928955078125e-07),
    candidate=side("q.npy", kind="log-probs", sum_error=0.0),
    smooth=0.001,
)
"""Probabilities against log-probabilities, the candidate smoothed."""

GROUPED = changed(
    OMITTED,
    groups=Groups(
        By("column 'set' of fp32.npy", str),
        (
            Group("web", {"jeffreys": statistics(3, max=INF, mean=INF)}, 2, 0, 0, 1, 2),
            Group("a book", {"jeffreys": statistics(0)}, 1, 0, 1, 1, 1),
            Group(None, {}, 0, 1, 0, 0, 0),
        ),
        np.array([1, 2, 1, 0, 0]),
    ),
)
"""The same rows in two groups; the skipped one is in none."""

MANY_GROUPS = changed(
    SEVERAL,
    groups=Groups(
        By("argmax p, the reference's top class", str),
        tuple(
            Group(str(i), {name: statistics(i) for name in SEVERAL.measures}, 1, 0, 0, 1, 1)
            for i in range(24)
        ),
        np.arange(24),
    ),
)
"""Three measures of more groups than are shown."""
MASKED = changed(
    OMITTED,
    nan_policy="raise",
    invalid=0,
    mask=MaskUse("mask.npy", "npy", "bool", (5, 4), means="drop", cells=3, of=12),
    masked=1,
    masked_rows=np.array([False, False, True, False, False]),
    top=tuple(replace(row, masked=row.row == 2) for row in OMITTED.top),
)
"""A skipped row, a masked one, and three cells masked in the others."""

MASKED_PROBS = changed(
    PROBS,
    mask=MaskUse("mask.npy", "npy", "bool", (4,), means="keep", cells=48, of=96),
    masked_rows=np.zeros(24, bool),
)
"""Probabilities of which a mask leaves out two classes."""

VARIANTS = {
    "softmax": SOFTMAX,
    "named": NAMED,
    "sigmoid": SIGMOID,
    "limits": LIMITS,
    "omitted": OMITTED,
    "propagated": PROPAGATED,
    "one-row": ONE_ROW,
    "temperature": WARM,
    "top-0": TOP_0,
    "measures": SEVERAL,
    "probabilities": PROBS,
    "grouped": GROUPED,
    "many-groups": MANY_GROUPS,
    "masked": MASKED,
    "masked-probabilities": MASKED_PROBS,
}

HOSTILE = (
    "\x1b[31mred\x1b[0m",
    "two\nlines",
    "carriage\rreturn",
    "bell\x07",
    "tab\there",
    "c1\x9b31m",
    "line\u2028separator",
    "right\u202eto left",
    "lone\udcff",
)
"""Names that would move the cursor, colour the screen, break a line or read backwards."""

MARKUP = ("(nats) [nats]", "[bold]x[/bold]", "[/]", "[link=http://x]y[/link]", ":smile:", "\\[x]")
"""Names that Rich would take for markup."""


def with_name(name: str) -> Comparison:
    """NAMED, the name standing wherever a user's text can stand."""
    return changed(
        NAMED,
        reference=replace(NAMED.reference, path=name, notes=(f"row id: column {name}",)),
        candidate=replace(NAMED.candidate, path=name, notes=(f"row id: column {name}",)),
        class_names=(name,) * 4,
        ids=np.array([name] * 24, dtype=object),
        top=tuple(replace(row, id=name) for row in NAMED.top),
    )


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def put(comparison: Comparison, outputs: Sequence[str]) -> None:
    """Write the outputs to files and let them take their places."""
    with files.staged(comparison, outputs):
        pass
