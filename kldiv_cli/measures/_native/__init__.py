"""The measures' hot loops in C, where the package was installed with a compiler.

Nothing here imports NumPy before `load` is called. ``KLDIV_KERNELS=numpy`` in the environment
leaves the C code alone, so that NumPy computes everything, as it does where the extension is
missing or cannot be loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, cast

from kldiv_cli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kldiv_cli.measures.forms import Form

VARIABLE = "KLDIV_KERNELS"
_NAME = "kldiv_cli.measures._native._kernels"
_NEEDED = ("instruction_sets", "forms", "Plan", "ask", "shares")

ALWAYS = ("jeffreys", "kl", "reverse_kl")
"""The forms that the kernels of logits compute of any row."""


class Counts(NamedTuple):
    """What a plan says of each row beside the values; int64 arrays of shape (rows,).

    Parameters
    ----------
    reference_argmax, candidate_argmax
        The class with the largest logit; the first of several, the first NaN.
    status
        One of `kldiv_cli.measures.types.Status`.
    unsettled
        Whether NumPy has to compute the values of the row; of logits only those that are not
        `ALWAYS` computed.
    mismatches
        How many cells hold a mask value on one side only.
    same, of
        How many decisions agree, of how many.
    constant
        How many cells hold one finite value, the same on both sides, in a row that has no other but
        -inf on both sides; 0 in any other row.
    """

    reference_argmax: NDArray[np.int64]
    candidate_argmax: NDArray[np.int64]
    status: NDArray[np.int64]
    unsettled: NDArray[np.int64]
    mismatches: NDArray[np.int64]
    same: NDArray[np.int64]
    of: NDArray[np.int64]
    constant: NDArray[np.int64]


Values = list["NDArray[np.float64]"]
"""An array of shape (rows,) for each form, in nats; any number where a row is not counted."""

Plan = Callable[["NDArray[Any]", "NDArray[Any]"], tuple[Values, Counts]]
"""Takes both sides' blocks, shape (rows, classes), of any strides, each of one of `TYPES`."""

Way = Literal["softmax", "sigmoid", "probabilities", "smoothed", "weighted", "odds"]
"""What the numbers are, and what is done with them: logits under a mode; both sides' probabilities
under softmax at temperature 1; logits under softmax, the candidate mixed with the uniform
distribution; logits of which only steps are
weighted; logits of all classes but one."""

TYPES = ("float16", "float32", "float64", "uint16")
"""The types of blocks, the last one being the bits of a bfloat16."""


class _Module(Protocol):
    """The extension."""

    instruction_sets: tuple[str, ...]
    counts: tuple[str, ...]
    forms: Mapping[str, tuple[str, ...]]

    def Plan(  # noqa: N802 - a class in C
        self,
        instruction_set: str,
        way: str,
        temperature: float,
        smooth: float,
        values: Sequence[tuple[str, tuple[float, ...], tuple[float, ...], tuple[float, ...]]],
    ) -> Callable[..., None]: ...

    def shares(
        self,
        instruction_set: str,
        values: NDArray[Any],
        some: NDArray[np.bool_],
        temperature: float,
        found: NDArray[np.float64],
        /,
    ) -> None: ...


@dataclass(frozen=True)
class Kernels:
    """The kernels for an instruction set."""

    module: _Module
    instruction_set: str

    def cover(self, way: Way, form: Form | None) -> bool:
        """Tell whether a form of a value is computed in a way."""
        return form is not None and form.name in self.module.forms[way]

    def plan(
        self, way: Way, temperature: float, forms: Sequence[Form], smooth: float = 0.0
    ) -> Plan:
        """Return what computes some forms of any blocks; threads may share it.

        Raises
        ------
        ValueError
            There is no such instruction set, way or form.
        """
        rows = [(form.name, form.parameters, *form.near) for form in forms]
        made = self.module.Plan(self.instruction_set, way, temperature, smooth, rows)

        def plan(s: NDArray[Any], t: NDArray[Any]) -> tuple[Values, Counts]:
            import numpy as np  # noqa: PLC0415 - describing needs none

            values = np.empty((len(forms), len(s)))
            counts = np.empty((len(self.module.counts), len(s)), dtype=np.int64)
            made(s, t, values, counts)
            named = dict(zip(self.module.counts, counts, strict=True))
            return list(values), Counts(**named)

        return plan

    def shares(
        self, values: NDArray[Any], some: NDArray[np.bool_], temperature: float
    ) -> NDArray[np.float64]:
        """Return what part of softmax(row / T) some classes have, shape (rows,).

        ``values`` are of one of `TYPES`; a row that is no distribution gives NaN.
        """
        import numpy as np  # noqa: PLC0415 - describing needs none

        found = np.empty(len(values))
        self.module.shares(self.instruction_set, values, some, temperature, found)
        return found


def takes(temperature: float) -> bool:
    """Tell whether quotients stay in the range in which the kernels keep their digits."""
    return 1e-100 <= temperature <= 1e100


def as_taken(values: NDArray[Any]) -> NDArray[Any]:
    """Return a block in one of `TYPES`, bfloat16 as its bits."""
    import numpy as np  # noqa: PLC0415 - describing needs none

    if values.dtype.names == ("bfloat16",):
        return np.require(values["bfloat16"], np.uint16, "A")
    kind = values.dtype.newbyteorder("=")
    if kind.name not in TYPES[:-1]:
        kind = np.dtype(np.float64)
    return np.require(values, kind, "A")


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
def load(instruction_set: str | None = None) -> Kernels | None:
    """Return the kernels for the best instruction set that the processor has, or for another one.

    None where there are no kernels, or those of other sources.
    """
    module = _module()
    if module is None:
        return None
    return Kernels(module, instruction_set or module.instruction_sets[-1])


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


def _module() -> _Module | None:
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
    found = sorted(getattr(module, "counts", ()))
    ours = found == sorted(Counts._fields) and all(getattr(module, name, ()) for name in _NEEDED)
    return cast(_Module, module) if ours else None


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
