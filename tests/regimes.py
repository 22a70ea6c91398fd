"""Rows of logits in every regime where an obvious formula loses digits or overflows."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Dtype = type[np.floating[Any]]

FLOATS: tuple[Dtype, ...] = (np.float16, np.float32, np.float64)

ALL = (1.0, 0.5, 0.7, 3.0, 4.0)
"""Temperatures: powers of two scale exactly, 0.7 and 3 do not."""


@dataclass(frozen=True)
class Case:
    """Logits `s` of the reference and `t` of the candidate, (rows, classes), at `temperatures`."""

    id: str
    s: Array
    t: Array
    temperatures: tuple[float, ...]


def _case(
    name: str,
    s: Array,
    t: Array,
    dtype: Dtype = np.float64,
    temperatures: tuple[float, ...] | None = None,
) -> Case:
    if temperatures is None:
        few = (1.0, 0.7, 4.0) if s.size <= 64 else (1.0,)
        temperatures = ALL if s.size <= 12 else few
    if dtype is not np.float64:
        name = f"{name}-{np.dtype(dtype).name}"
    return Case(name, s.astype(dtype), t.astype(dtype), temperatures)


def _normal(name: str, classes: int) -> tuple[Array, Array]:
    """Two blocks of standard normal numbers that depend on the name alone."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    s, t = rng.standard_normal((2, 3 if classes <= 10 else 1, classes))
    return s, t


def _perturbed(name: str, classes: int, delta: float, scale: float = 2.0) -> tuple[Array, Array]:
    s, noise = _normal(name, classes)
    return scale * s, scale * s + delta * noise


def _perturbations() -> Iterator[Case]:
    deltas = (1e-15, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
    for classes, delta in product((2, 3, 10, 214, 1000), deltas):
        name = f"delta-{delta:g}-classes-{classes}"
        s, t = _perturbed(name, classes, delta)
        yield _case(name, s, t)
        if delta >= 1e-6 and classes in (2, 10, 214):
            yield _case(name, s, t, np.float32)
        if delta >= 1e-2 and classes in (2, 10, 214):
            yield _case(name, s, t, np.float16)


def _widths() -> Iterator[Case]:
    """Every width up to past a few vector lanes, and some around powers of two."""
    for classes in (*range(1, 40), 63, 65, 127, 128, 129, 511, 513):
        name = f"width-{classes}"
        s, t = _perturbed(name, classes, 1e-3)
        yield _case(name, s, t, np.float32, (1.0,))
        yield _case(name, s, t, np.float64, (1.0,))


def _near_zero() -> Iterator[Case]:
    """Differences far below the rounding of 1, which only logits near zero can have."""
    for delta in (1e-20, 1e-60, 1e-140):
        zeros = np.zeros((1, 4))
        yield _case(f"zeros-move-by-{delta:g}", zeros, delta * np.array([[1.0, -2.0, 0.5, 3.0]]))
        row = np.array([[1.3, 0.0, -0.4, 0.0]])
        moved = np.array([[1.3, delta, -0.4, 0.0]])
        yield _case(f"one-zero-of-a-row-moves-by-{delta:g}", row, moved)
        unrelated = np.array([[delta, 0.7, 0.0, -delta]])
        yield _case(f"another-row-with-{delta:g}", moved, unrelated)


def _ahead() -> Iterator[Case]:
    for gap, classes in product((20.0, 40.0, 300.0, 640.0, 700.0), (2, 10, 214)):
        first, last = np.zeros(classes), np.zeros(classes)
        first[0] = last[-1] = gap
        few = None if classes < 214 else (4.0,) if gap > 600 else (1.0,)
        for delta in (1e-12, 1e-8, 1e-2):
            name = f"ahead-{gap:g}-delta-{delta:g}-classes-{classes}"
            s, t = _perturbed(name, classes, delta, scale=1.0)
            yield _case(name, s + last, t + last, temperatures=few)
            if delta >= 1e-2:
                yield _case(name, s + last, t + last, np.float32, few)
                yield _case(name, s + last, t + last, np.float16, few)
        name = f"ahead-{gap:g}-classes-{classes}"
        s, t = _normal(name, classes)
        yield _case(f"{name}-in-the-reference-only", s + first, t, temperatures=few)
        yield _case(f"{name}-not-the-same-class", s + first, t + last, temperatures=few)
        yield _case(f"{name}-the-leader-moves", s + first, s + first * 1.001, temperatures=few)


def _ahead_of_tiny() -> Iterator[Case]:
    """Float32 logits whose distance to the largest is not a float64: rounded, exp is off by 6e-14.

    The tiny logits' own digits do not matter, but `300.125 - 1e-7` as one float64 does.
    """
    for gap in (20.0, 40.0, 300.0, 640.0, 700.0):
        s = np.array([[gap + 0.1, 1e-7, -3e-8], [gap + 1 / 3, 1e-6, 1e-9]])
        t = np.array([[gap + 0.1, 2e-7, 1.1e-7], [gap + 1 / 3, 1e-9, 5e-7]])
        yield _case(f"ahead-{gap:g}-of-tiny-logits", s, t, np.float32)
        yield _case(f"ahead-{gap:g}-of-tiny-logits-swapped", s, s[:, ::-1], np.float32)
        yield _case(f"ahead-{gap:g}-of-tiny-logits-different-gap", s, t * [1.01, 1, 1], np.float32)


def _tails() -> Iterator[Case]:
    steps = (3.0, -3.0, 30.0)
    for depth, classes, bulk, step in product(
        (30.0, 40.0, 100.0, 300.0), (3, 10, 214), (0.0, 1e-12, 1e-8), steps
    ):
        name = f"bulk-{bulk:g}-tail-{-depth:g}-moves-{step:g}-classes-{classes}"
        s, t = _perturbed(name, classes, bulk, scale=1.0)
        s[:, -1], t[:, -1] = -depth, -depth + step
        few = ALL if classes == 3 else (1.0, 0.7) if classes == 10 else (1.0,)
        yield _case(name, s, t, temperatures=few)
        if bulk == 0:
            yield _case(name, s, t, np.float32, (1.0, 3.0))


def _independent() -> Iterator[Case]:
    scales = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
    for classes, scale in product((2, 10, 214, 1000), scales):
        name = f"independent-scale-{scale:g}-classes-{classes}"
        s, t = _normal(name, classes)
        for dtype in FLOATS:
            if classes < 1000 or dtype is np.float64:
                yield _case(name, scale * s, scale * t, dtype)
    for left, right in ((0.1, 100.0), (100.0, 0.1), (0.0, 3.0)):
        name = f"independent-scales-{left:g}-and-{right:g}"
        s, t = _normal(name, 10)
        yield _case(name, left * s, right * t)


def _offsets() -> Iterator[Case]:
    for left, right in (
        (1e3, 1e3),
        (1e6, 1e6),
        (-1e6, -1e6),
        (1e3, 0.0),
        (0.0, 1e6),
        (-1e6, 0.0),
        (1e3, -1e6),
        (1e6, 1e6 + 7.3),
    ):
        prefix = f"offset-{left:g}-and-{right:g}"
        for classes in (3, 10, 214):
            few = (1.0, 0.7, 3.0) if classes < 214 else (1.0,)
            for delta in (1e-9, 1e-3, 1.0) if classes < 214 else (1e-6,):
                name = f"{prefix}-delta-{delta:g}-classes-{classes}"
                s, t = _perturbed(name, classes, delta)
                yield _case(name, s + left, t + right, temperatures=few)
                if max(abs(left), abs(right)) <= 1e3 and delta >= 1e-3:
                    yield _case(name, s + left, t + right, np.float32, few)
        name = f"{prefix}-tail-moves-3"
        s, t = _perturbed(name, 10, 1e-9)
        s[:, -1] -= 300.0
        t[:, -1] -= 297.0
        yield _case(name, s + left, t + right)


def _exact_shifts() -> Iterator[Case]:
    for dtype, unit, shifts in (
        (np.float16, 2.0**-4, (0.0625, -3.0, 16.0)),
        (np.float32, 2.0**-10, (2.0**-10, -0.5, 3.0, 1000.0)),
        (np.float64, 2.0**-20, (2.0**-20, -0.1875, 7.0, 1e6, -1e9)),
    ):
        for shift, classes in product(shifts, (1, 2, 10, 214)):
            name = f"shift-{shift:g}-classes-{classes}"
            s = unit * np.clip(np.rint(100 * _normal(name, classes)[0]), -255, 255)
            few = (1.0, 0.7, 3.0) if classes < 214 else (3.0,)
            yield _case(name, s, s + shift, dtype, few)


def _masks() -> Iterator[Case]:
    """The same mask on both sides, in some cells or in all."""
    for dtype in FLOATS:
        least = float(np.finfo(dtype).min)
        for label, mask in (
            ("minus-inf", -np.inf),
            ("minus-1e4", -1e4),
            ("minus-1e12", -1e12),
            ("least", least),
        ):
            if np.isfinite(mask) and mask < least:
                continue
            # An exponent of 1e308 costs the oracle a thousand bits.
            few = (0.5,) if abs(mask) == float(np.finfo(np.float64).max) else (1.0, 0.5, 3.0)
            for delta in (1e-12, 1e-2) if dtype is np.float64 else (1e-2, 3.0):
                name = f"mask-{label}-delta-{delta:g}"
                s, t = _perturbed(name, 10, delta)
                s[:, 3:6] = t[:, 3:6] = s[0, 0] = t[0, 0] = mask
                yield _case(name, s, t, dtype, few)
        full = np.full((1, 4), least)
        yield _case("mask-least-in-every-cell", full, full, dtype, (0.5,))
        name = "masks-of-two-kinds"
        s, t = _perturbed(name, 10, 1e-2)
        s[:, 3:6], t[:, 3:6] = max(-1e12, least), least / 2
        yield _case(name, s, t, dtype, (1.0, 3.0))
    name = "mask-minus-1e12-added-to-the-logits"
    s, t = _perturbed(name, 10, 1e-3)
    s[:, 2:5] -= 1e12
    t[:, 2:5] -= 1e12
    yield _case(name, s, t)


def _lone_masks() -> Iterator[Case]:
    """A finite mask on one side only: huge, and finite."""
    for dtype, mask in product(FLOATS, (-1e4, -65504.0, -1e12, -3.4e38, -1.7e308)):
        if mask < float(np.finfo(dtype).min):
            continue
        few = (4.0,) if mask < -1e300 else (1.0, 0.5, 3.0)
        name = f"mask-{mask:g}"
        s, t = _perturbed(name, 10, 1e-2)
        masked_s, masked_t = s.copy(), t.copy()
        masked_s[:, 4] = masked_t[:, 4] = mask
        yield _case(f"{name}-only-in-the-reference", masked_s, t, dtype, few)
        yield _case(f"{name}-only-in-the-candidate", s, masked_t, dtype, few)


def _even() -> Iterator[Case]:
    """Many classes of nearly equal probability: the error of the sum itself."""
    for classes in (1000, 5000):
        for delta in (1e-10, 1e-4) if classes == 1000 else (1e-7,):
            name = f"even-delta-{delta:g}-classes-{classes}"
            yield _case(name, *_perturbed(name, classes, delta, scale=1e-3))
        name = f"even-classes-{classes}"
        yield _case(name, *_perturbed(name, classes, 0.5, scale=0.1), np.float32)
        name = f"even-with-a-peak-classes-{classes}"
        s, t = _perturbed(name, classes, 1e-6, scale=1e-3)
        s[:, 7] += 12.0
        t[:, 7] += 12.0
        yield _case(name, s, t)


def _saturated() -> Iterator[Case]:
    for level in (15.0, 40.0, 300.0, 640.0, 700.0):
        for at, delta in product((level, -level), (1e-12, 1e-4, 2.0)):
            name = f"saturated-{at:+g}-delta-{delta:g}"
            s, t = _perturbed(name, 6, delta, scale=0.5)
            yield _case(name, s + at, t + at)
        flip = np.array([[level, -level, level, 0.25], [-level, level, level, -0.5]])
        yield _case(f"saturated-{level:g}-flips", flip, -flip)
        yield _case(f"saturated-{level:g}-against-zero", flip, np.zeros_like(flip))
    # Scores of spans as a GlobalPointer gives them: few labels in a sea of no, padding at -inf.
    s, t = (3.0 * x - 12.0 for x in _normal("span-scores", 400))
    s[:, ::50] += 18.0
    t[:, ::60] += 18.0
    s[:, 100:200] = t[:, 100:200] = -np.inf
    yield _case("span-scores", s, t)
    yield _case("span-scores", s, t, np.float32)


EXACT_SHIFTS = list(_exact_shifts())
"""Rows that differ by a constant without any rounding: softmax divergences are exactly 0."""

CASES: list[Case] = [
    *_perturbations(),
    *_widths(),
    *_near_zero(),
    *_ahead(),
    *_ahead_of_tiny(),
    *_tails(),
    *_independent(),
    *_offsets(),
    *EXACT_SHIFTS,
    *_masks(),
    *_lone_masks(),
    *_even(),
    *_saturated(),
]
