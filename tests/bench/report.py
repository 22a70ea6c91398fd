"""The results for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from tests.bench.base import Target, ratio_of
from tests.bench.measure import Result

_HEADER = (
    *("name", "what", "rows x classes", "against"),
    *("ours", "peer", "ratio", "by minima", "target", "reached"),
)
_RIGHT = ("ours", "peer", "ratio", "by minima")


def table(results: Sequence[Result], machine: Mapping[str, object]) -> str:
    """Return a line of what it ran on, and a line for each result under a header."""
    lines = [_HEADER, *map(_cells, results)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [", ".join(f"{name} {value}" for name, value in machine.items()), ""]
    for line in lines:
        cells = (
            cell.rjust(width) if name in _RIGHT else cell.ljust(width)
            for name, cell, width in zip(_HEADER, line, widths, strict=True)
        )
        text.append("  ".join(cells).rstrip())
    return "\n".join(text) + "\n"


def as_json(results: Sequence[Result], machine: Mapping[str, object]) -> str:
    """Return everything measured, at full precision, as one JSON object."""
    return json.dumps({"machine": machine, "results": [*map(_record, results)]}, indent=2) + "\n"


def target_text(target: Target | None) -> str:
    """Return the target in a few words, "" for none."""
    if target is None:
        return ""
    sign = ">=" if target.of == "peer/ours" else "<="
    limit = f", ours < {target.limit:g} MB" if isfinite(target.limit) else ""
    return f"{target.of} {sign} {target.bound:g}{limit}"


def _cells(result: Result) -> tuple[str, ...]:
    benchmark = result.benchmark
    against = ": ".join(filter(None, (benchmark.against, result.how)))
    head = benchmark.name, benchmark.work, " x ".join(map(str, _shape(result))), against
    target = target_text(benchmark.target)
    if result.judged is None:
        return *head, "", "", "", "", target, str(result.missing)
    digits = ".3f" if benchmark.unit == "s" else ".0f"
    amounts = (f"{amount:{digits}} {benchmark.unit}" for amount in result.judged)
    ratios = (
        f"{ratio_of(benchmark.target, *each):.2f}"
        for each in (result.judged, (min(result.ours), min(result.peer)))
    )
    verdict = {None: "", True: "yes", False: "NO"}[result.reached]
    return *head, *amounts, *ratios, target, verdict


def _shape(result: Result) -> tuple[int, ...]:
    size = result.benchmark.size
    return () if size is None else size.shape(quick=result.quick)


def _record(result: Result) -> dict[str, Any]:
    benchmark, target = result.benchmark, result.benchmark.target
    ours, peer = result.judged or (None, None)
    return {
        "name": benchmark.name,
        "what": benchmark.work,
        "against": benchmark.against,
        "how": result.how or None,
        "shape": _shape(result),
        "unit": benchmark.unit,
        "ours": ours,
        "peer": peer,
        "ratio_of": target.of if target else "peer/ours",
        "ratio": ratio_of(target, *result.judged) if result.judged else None,
        "target": target_text(target) or None,
        "reached": result.reached,
        "missing": result.missing,
        "rounds": {"ours": result.ours, "peer": result.peer},
    }
