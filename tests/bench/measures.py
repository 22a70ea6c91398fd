"""Each measure, and many at once, against torch at its best and against J alone."""

from __future__ import annotations

from typing import Any

from tests.bench.base import Benchmark, Target, times_faster, times_slower
from tests.bench.inputs import WIDE
from tests.bench.sides import ALL, ALL_THREE, SIX, THE_REST, Where, compared, torch

_EACH = "js", "tv", "hellinger", *THE_REST


def _against_torch(
    name: str,
    work: str,
    target: Target,
    *measures: str,
    form: str,
    dtype: str = "float32",
    where: Where = "mapped",
    **options: Any,
) -> Benchmark:
    place = "maps" if where == "mapped" else "arrays in memory"
    return Benchmark(
        name=name,
        work=f"{work}, {place}",
        against=f"torch {dtype}",
        target=target,
        ours=compared(*measures, where=where, **options),
        peer=torch(form, dtype, where),
        size=WIDE,
        needs_torch=True,
    )


def _against_jeffreys(name: str, work: str, bound: float, *measures: str) -> Benchmark:
    return Benchmark(
        name=name,
        work=work,
        against="J alone",
        target=times_slower(bound),
        ours=compared(*measures),
        peer=compared("jeffreys"),
        size=WIDE,
    )


BENCHMARKS = (
    _against_torch("three", "J and both KLs", times_faster(1.5), *ALL_THREE, form="three"),
    _against_torch(
        "three-memory",
        "J and both KLs",
        times_faster(1.5),
        *ALL_THREE,
        form="three",
        where="memory",
    ),
    _against_torch("jeffreys", "J alone", times_faster(1), "jeffreys", form="jeffreys"),
    _against_torch(
        "jeffreys-memory", "J alone", times_faster(1), "jeffreys", form="jeffreys", where="memory"
    ),
    *(
        _against_torch(
            f"{name}{suffix}", f"{name} alone", times_faster(bound), name, form=name, dtype=dtype
        )
        for name in _EACH
        for suffix, dtype, bound in (("", "float32", 1), ("-double", "float64", 3))
    ),
    _against_torch("six", "J, KLs, js, tv, hellinger", times_faster(2), *SIX, form="six"),
    _against_jeffreys("six-alone", "J, KLs, js, tv, hellinger", 2.5, *SIX),
    _against_jeffreys("all", "all 13 measures", 4.5, *ALL),
    _against_torch(
        "sigmoid-jeffreys",
        "sigmoid J",
        times_faster(1),
        "jeffreys",
        form="sigmoid-jeffreys",
        mode="sigmoid",
    ),
    _against_torch(
        "sigmoid-three",
        "sigmoid J and KLs",
        times_faster(2),
        *ALL_THREE,
        form="sigmoid-three",
        mode="sigmoid",
    ),
    _against_torch(
        "sigmoid-tv", "sigmoid tv", times_faster(1), "tv", form="sigmoid-tv", mode="sigmoid"
    ),
)
