"""kldiv: the diff of model outputs. Two sets of saved logits in, exact divergences out.

`compare` and `loss` are the Python API. Behind them data flows one way, and a module imports only
what stands below it; pyproject.toml has the contract.

cli
    The command line: one file per command, and files of the options that they share.
compare, loss, verify, inspection
    What a caller asks -> a result.
comparing, summing
    The loops over the blocks of a pairing, for measures and for losses.
masking, grouping, language, tallies, watch
    What the loops see besides: masks, groups, tokens, what a file is, what looks wrong with it.
request, opening, fitting, selecting, classes
    What was asked, checked; the files opened, as one pairing, of the rows and classes asked for.
reports
    A result -> table, Markdown, JSON, CSV, Parquet. A registry.
limits
    Names of figures -> their values in a result, and whether limits on them hold.
losses, identities
    What training frameworks compute from the same pair; what must hold for any logits. Registries.
pairing
    Two sources -> aligned pairs of blocks: rows by id or position, classes by name, masks.
measures
    A pair of blocks -> one value per row. A registry; ``_native`` has the same kernels in C.
sources
    Files -> blocks of rows, one file per format. A registry.
comparison, loss_result, verification, inspection_result, language_result, selection
    Results and what they are made of: frozen, and known to every report.
summary, groups, statistics
    Rows -> statistics, in total and per group.
arguments, errors, memory, parallel
    What all of them may need: types of arguments, what goes wrong, what a process may take.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kldiv_cli.compare import compare
    from kldiv_cli.comparison import Comparison
    from kldiv_cli.loss import loss
    from kldiv_cli.loss_result import LossResult

__all__ = ["Comparison", "LossResult", "__version__", "compare", "loss"]
__version__ = "0.1.0"

_HOMES = {
    "compare": "kldiv_cli.compare",
    "Comparison": "kldiv_cli.comparison",
    "loss": "kldiv_cli.loss",
    "LossResult": "kldiv_cli.loss_result",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - `import kldiv_cli` stays free of imports

    value = getattr(import_module(_HOMES[name]), name)
    setattr(sys.modules[__name__], name, value)
    return value


class _Package(ModuleType):
    """`compare` and `loss` are the functions, also after modules of these names were imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("compare", "loss") and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
