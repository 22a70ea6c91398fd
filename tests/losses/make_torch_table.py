"""Write torch_table.json: what ``torch.nn.functional.kl_div`` of torch 2.13 returns in float64.

Run once with torch installed; the suite reads the table and never needs torch.

    python3 -m venv torchenv && torchenv/bin/pip install torch==2.13.0 numpy
    torchenv/bin/python tests/losses/make_torch_table.py
"""

import json
import math
import random
from itertools import product
from pathlib import Path
from typing import Any

import torch  # type: ignore[import-not-found]
from torch.nn.functional import (  # type: ignore[import-not-found]
    kl_div,
    log_softmax,
    softmax,
)

INF = math.inf


def inputs() -> dict[str, tuple[Any, Any]]:
    """Logits of the reference and of the candidate, by name."""
    source = random.Random(20250214)  # noqa: S311 - the table must be reproducible, not secret

    def normal(*shape: int) -> Any:
        if not shape:
            return source.gauss(0, 2)
        return [normal(*shape[1:]) for _ in range(shape[0])]

    return {
        "fixture": ([[2.0, 1.0, 0.0, -1.0]], [[1.5, 1.2, -0.3, 0.4]]),
        "one-axis": ([2.0, 1.0, 0.0, -1.0], [1.5, 1.2, -0.3, 0.4]),
        "rows": (normal(7, 5), normal(7, 5)),
        "three-axes": (normal(2, 3, 4), normal(2, 3, 4)),
        "equal": ([[0.95, 0.05, 0.0]], [[0.95, 0.05, 0.0]]),
        "two-classes": (
            [[math.log(0.95), math.log(0.05)]],
            [[math.log(0.6), math.log(0.4)]],
        ),
        "far": ([[30.0, 0.0, -5.0], [0.0, 40.0, 1.0]], [[-3.0, 20.0, 0.0], [9.0, -9.0, 0.5]]),
        "reference-out": ([[1.0, -INF, 0.5]], [[0.3, 0.2, 0.1]]),
        "candidate-out": ([[0.3, 0.2, 0.1]], [[1.0, -INF, 0.5]]),
        "both-out": ([[1.0, -INF, 0.5]], [[0.3, -INF, 0.1]]),
        "underflow": ([[1.0, -800.0, 0.5]], [[0.3, 0.2, 0.1]]),
        "underflow-candidate-out": ([[1.0, -800.0, 0.5]], [[0.3, -INF, 0.1]]),
        "underflow-and-candidate-out": ([[1.0, -800.0, 0.5]], [[0.3, 0.2, -INF]]),
        "subnormal-candidate-out": ([[1.0, -743.0, 0.5]], [[0.3, -INF, 0.1]]),
    }


def entry(name: str, reduction: str, log_target: bool, raw_input: bool) -> dict[str, Any]:
    """What torch returns for one input and one way to call it."""
    reference, candidate = (torch.tensor(x, dtype=torch.float64) for x in inputs()[name])
    given = softmax(candidate, -1) if raw_input else log_softmax(candidate, -1)
    logged = log_target and not raw_input
    target = log_softmax(reference, -1) if logged else softmax(reference, -1)
    value = kl_div(given, target, reduction=reduction, log_target=log_target).item()
    return {
        "input": name,
        "reduction": reduction,
        "log_target": log_target,
        "raw_input": raw_input,
        "value": value if math.isfinite(value) else str(value),
    }


def as_json(value: Any) -> Any:
    """Infinities as strings, which JSON lacks as numbers."""
    if isinstance(value, (list, tuple)):
        return [as_json(entry) for entry in value]
    return value if math.isfinite(value) else str(value)


def main() -> None:
    """Write the table beside this script."""
    table = {
        "torch": torch.__version__,
        "inputs": {name: as_json(pair) for name, pair in inputs().items()},
        "values": [
            entry(*case)
            for case in product(
                inputs(), ("mean", "batchmean", "sum"), (False, True), (False, True)
            )
        ],
    }
    path = Path(__file__).with_name("torch_table.json")
    path.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
