"""kldiv: the diff of model outputs. Two sets of saved logits in, exact divergences out."""

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
