"""The measures' hot loops in C, where the package was installed with a compiler.

Nothing here imports NumPy before `load` is called. ``KLDIV_KERNELS=numpy`` in the environment
leaves the C code alone, so that NumPy computes everything, as it does where the extension is
missing or cannot be loaded.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from kldiv_cli.errors import UsageError

VARIABLE = "KLDIV_KERNELS"
_NAME = "kldiv_cli.measures._native._kernels"
_KERNELS = {"softmax", "sigmoid_jeffreys", "sigmoid"}
_SIGNATURE = f"(n),(n),()->{','.join(['()'] * 9)}"


def describe() -> str:
    """Return which kernels are in use, in a few words."""
    if _forced():
        return f"NumPy kernels, {VARIABLE}=numpy"
    module = _module()
    if module is not None:
        return f"C kernels, {module.instruction_sets[-1]}"
    missing = find_spec(_NAME) is None
    return f"NumPy kernels, {'no C extension' if missing else 'the C extension cannot be loaded'}"


@cache
def load(instruction_set: str | None = None) -> dict[str, Any]:
    """Return the generalized ufuncs by name: `softmax`, `sigmoid_jeffreys`, `sigmoid`; or none.

    They are those for the best instruction set that the processor has, unless another is named.
    None are returned of an extension that was built for another NumPy or from other sources.
    """
    module = _module()
    if module is None:
        return {}
    try:
        found: dict[str, Any] = module.kernels(instruction_set or module.instruction_sets[-1])
    except (ImportError, RuntimeError):  # as NumPy tells that it has another ABI
        return {}
    ours = found.keys() == _KERNELS and all(
        kernel.signature == _SIGNATURE for kernel in found.values()
    )
    return found if ours else {}


def instruction_sets() -> tuple[str, ...]:
    """Return for which instruction sets there are kernels here, the best one last."""
    module = _module()
    return () if module is None else tuple(module.instruction_sets)


def _module() -> ModuleType | None:
    """Return the extension, None where there is none that is ours and whole."""
    spec = None if _forced() else find_spec(_NAME)
    if spec is None or spec.origin is None:
        return None
    try:
        if _is_cut_off(Path(spec.origin)):
            return None
        module = import_module(_NAME)
    except (ImportError, OSError, SystemError):  # the last where what it begins with is no module
        return None
    return module if getattr(module, "instruction_sets", ()) else None


def _is_cut_off(library: Path) -> bool:
    """Tell whether a file of ELF's 64 bits ends before what it says is to be mapped.

    The loader maps it all the same, and the process is killed where it touches what is missing.
    """
    with library.open("rb") as file:
        head = file.read(4096)
        size = file.seek(0, 2)

    def number(at: int, length: int) -> int:
        return int.from_bytes(head[at : at + length], "little")

    if head[:6] != b"\x7fELF\x02\x01":
        return False
    table, each, count = number(32, 8), number(54, 2), number(56, 2)
    segments = range(table, table + each * count, max(1, each))
    return any(number(at + 8, 8) + number(at + 32, 8) > size for at in segments)


def _forced() -> bool:
    value = os.environ.get(VARIABLE, "")
    if value not in ("", "numpy"):
        raise UsageError(
            f"{VARIABLE}: expected numpy, found {value!r}",
            f"Unset it, or say {VARIABLE}=numpy to compute with NumPy alone.",
        )
    return value == "numpy"
