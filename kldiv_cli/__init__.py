"""kldiv: the diff of model outputs. Two sets of saved logits in, exact divergences out.

`compare` and `loss` are the Python API. Behind them data flows one way, and a room imports only
what stands below it; pyproject.toml has the contract.

cli
    The command line: one file per command, and the options as Typer takes them.
tasks
    What a caller asks -> a result: the options, the files opened, the one pass over their blocks.
reports
    A result -> table, Markdown, JSON, CSV, Parquet. A registry.
pairing
    Two sources -> aligned pairs of blocks: rows by id or position, classes by name, masks.
losses
    What training frameworks compute from the same pair. A registry.
measures
    A pair of blocks -> one value per row. A registry; ``_native`` has the same kernels in C.
sources
    Files -> blocks of rows, one file per format. A registry.
results
    What a task returns, frozen, and what it is made of: statistics, groups, limits.
errors, memory
    What all of them may need: what goes wrong in the user's words, what a process may take.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kldiv_cli.results.comparison import Comparison
    from kldiv_cli.results.loss import LossResult
    from kldiv_cli.tasks.compare import compare
    from kldiv_cli.tasks.loss import loss

__all__ = ["Comparison", "LossResult", "__version__", "compare", "loss"]
__version__ = "0.1.0"

_HOMES = {
    "compare": "kldiv_cli.tasks.compare",
    "Comparison": "kldiv_cli.results.comparison",
    "loss": "kldiv_cli.tasks.loss",
    "LossResult": "kldiv_cli.results.loss",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - `import kldiv_cli` stays free of imports

    value = getattr(import_module(_HOMES[name]), name)
    setattr(sys.modules[__name__], name, value)
    return value
