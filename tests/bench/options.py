"""What options cost beside the plain comparison, and what a second thread gains."""

from __future__ import annotations

from typing import Any

from tests.bench.base import Benchmark, times_faster, times_slower
from tests.bench.inputs import CHUNKS, TABLE, WIDE, Size
from tests.bench.sides import ALL_THREE, SIX, Prepare, compared


def _against_plain(name: str, work: str, bound: float, ours: Prepare) -> Benchmark:
    return Benchmark(
        name=name,
        work=f"J and both KLs {work}, 2 threads",
        against="the same, plain",
        target=times_slower(bound),
        ours=ours,
        peer=compared(*ALL_THREE),
        size=WIDE,
    )


def _against_one_thread(
    name: str, work: str, bound: float, *measures: str, size: Size = WIDE, **options: Any
) -> Benchmark:
    return Benchmark(
        name=f"threads-{name}",
        work=f"{work}, 2 threads",
        against="the same, 1 thread",
        target=times_faster(bound),
        ours=compared(*measures, size=size, **options),
        peer=compared(*measures, size=size, threads=1, **options),
        size=size,
    )


BENCHMARKS = (
    _against_plain("far", "with noise of 2", 3.5, compared(*ALL_THREE, files_of="far.npy")),
    _against_plain(
        "probs", "of probabilities", 2, compared(*ALL_THREE, files_of="probs.npy", kind="probs")
    ),
    _against_plain("smooth", "--smooth .01", 2.5, compared(*ALL_THREE, smooth=0.01)),
    _against_plain("mask", "with a cell mask", 1.5, compared(*ALL_THREE, files=("mask",))),
    _against_plain("labels", "with --labels", 1.3, compared(*ALL_THREE, files=("labels",))),
    _against_one_thread("three", "J and both KLs", 1.8, *ALL_THREE),
    _against_one_thread("js", "js", 1.7, "js"),
    _against_one_thread("six", "six measures", 1.7, *SIX),
    _against_one_thread("labels", "with --labels", 1.7, *ALL_THREE, files=("labels",)),
    _against_one_thread("kld", ".kld", 1.7, size=CHUNKS, files_of="kld"),
    _against_one_thread("loss", "loss kd", 1.7, size=TABLE, loss="kd"),
)
