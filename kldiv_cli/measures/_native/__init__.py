"""The measures' hot loops in C, where the package was installed with a compiler.

Nothing here imports NumPy before `load` is called. ``KLDIV_KERNELS=numpy`` in the environment
leaves the C code alone, so that NumPy computes everything.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from kldiv_cli.errors import UsageError

VARIABLE = "KLDIV_KERNELS"


def describe() -> str:
    """Return which kernels are in use, in a few words."""
    module = _module()
    if module is not None:
        return f"C kernels, {module.instruction_sets[-1]}"
    return "NumPy kernels" + (f", {VARIABLE}=numpy" if _forced() else ", no C extension")


@cache
def load(instruction_set: str | None = None) -> dict[str, Any]:
    """Return the generalized ufuncs by name: `softmax`, `sigmoid_jeffreys`, `sigmoid`; or none.

    They are those for the best instruction set that the processor has, unless another is named.
    """
    module = _module()
    if module is None:
        return {}
    found: dict[str, Any] = module.kernels(instruction_set or module.instruction_sets[-1])
    return found


def instruction_sets() -> tuple[str, ...]:
    """Return for which instruction sets there are kernels here, the best one last."""
    module = _module()
    return () if module is None else tuple(module.instruction_sets)


def _module() -> ModuleType | None:
    if _forced():
        return None
    try:
        return import_module("kldiv_cli.measures._native._kernels")
    except ImportError:
        return None


def _forced() -> bool:
    value = os.environ.get(VARIABLE, "")
    if value not in ("", "c", "numpy"):
        raise UsageError(
            f"{VARIABLE}: expected numpy, or c, found {value!r}",
            f"Unset it, or say {VARIABLE}=numpy to compute with NumPy alone.",
        )
    return value == "numpy"
