"""The measures' hot loops in C, where the package was installed with a compiler.

Nothing here imports NumPy before `load` is called. ``KLDIV_KERNELS=numpy`` in the environment
leaves the C code alone, so that NumPy computes everything, as it does where the extension is
missing or cannot be loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from kldiv_cli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VARIABLE = "KLDIV_KERNELS"
_NAME = "kldiv_cli.measures._native._kernels"
_KERNELS = {"softmax", "sigmoid_jeffreys", "sigmoid"}
_NEEDED = ("instruction_sets", "check", "ask")


class Rows(NamedTuple):
    """What a kernel says of each row; arrays of shape (rows,).

    Parameters
    ----------
    jeffreys, kl, reverse_kl : float64
        The divergences in nats; NaN or any number where the row is not counted.
    reference_argmax, candidate_argmax : int64
        The class with the largest logit; the first of several, the first NaN.
    status : int64
        One of `kldiv_cli.measures.types.Status`.
    mismatches : int64
        How many cells hold a mask value on one side only.
    same, of : int64
        How many decisions agree, of how many.
    constant : int64
        How many cells hold one finite value, the same on both sides, in a row that has no other but
        -inf on both sides; 0 in any other row.
    """

    jeffreys: NDArray[np.float64]
    kl: NDArray[np.float64]
    reverse_kl: NDArray[np.float64]
    reference_argmax: NDArray[np.int64]
    candidate_argmax: NDArray[np.int64]
    status: NDArray[np.int64]
    mismatches: NDArray[np.int64]
    same: NDArray[np.int64]
    of: NDArray[np.int64]
    constant: NDArray[np.int64]


Kernel = Callable[..., Rows]
"""Takes both sides' blocks, shape (rows, classes), of one type, and the temperature."""


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
def load(instruction_set: str | None = None) -> dict[str, Kernel]:
    """Return the kernels by name: `softmax`, `sigmoid_jeffreys`, `sigmoid`; or none.

    They are those for the best instruction set that the processor has, unless another is named.
    An extension that was built for another NumPy or from other sources has none.
    """
    module = _module()
    if module is None:
        return {}
    try:
        found: dict[str, Any] = module.kernels(instruction_set or module.instruction_sets[-1])
    except (ImportError, RuntimeError):  # as NumPy tells that it has another ABI
        return {}
    signature = f"(n),(n),()->{','.join('()' for _ in module.outputs)}"
    ours = found.keys() == _KERNELS and all(
        ufunc.signature == signature for ufunc in found.values()
    )
    return {name: _named(ufunc, module) for name, ufunc in found.items()} if ours else {}


def _named(ufunc: Any, module: ModuleType) -> Kernel:
    """Return a ufunc whose outputs are called as the C code calls them, whatever their order."""

    def kernel(s: NDArray[Any], t: NDArray[Any], temperature: float) -> Rows:
        found = ufunc(s, t, temperature)
        module.check()
        return Rows(**dict(zip(module.outputs, found, strict=True)))

    return kernel


@contextmanager
def asking(pause: Callable[[int, int], None]) -> Iterator[None]:
    """Call a function while this thread's kernels are in a long row, every 4 million cells.

    It is told the address and the bytes of what was read since; what it raises ends the kernel.
    Signals are attended to then in any case.
    """
    ask = getattr(sys.modules.get(_NAME), "ask", None)
    if ask is None:
        yield
        return
    ask(pause)
    try:
        yield
    finally:
        ask(None)


def instruction_sets() -> tuple[str, ...]:
    """Return for which instruction sets there are kernels here, the best one last."""
    module = _module()
    return () if module is None else tuple(module.instruction_sets)


def _module() -> ModuleType | None:
    """Return the extension; None where it is missing, cut off, or a module of other names."""
    spec = None if _forced() else find_spec(_NAME)
    if spec is None or spec.origin is None:
        return None
    try:
        if _is_cut_off(Path(spec.origin)):
            return None
        module = import_module(_NAME)
    except (ImportError, OSError, SystemError):  # the last where what it begins with is no module
        return None
    found = sorted(getattr(module, "outputs", ()))
    ours = found == sorted(Rows._fields) and all(getattr(module, name, ()) for name in _NEEDED)
    return module if ours else None


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
