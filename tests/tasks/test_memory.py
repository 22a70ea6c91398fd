"""What a comparison takes for each of its rows, at the peak, where nobody asks for single rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kldiv_cli.tasks.compare import opened, run
from kldiv_cli.tasks.options import Compare
from tests.sources.test_npy import save_sparse

PEAK = """
import sys, resource
from kldiv_cli.tasks.compare import run
from kldiv_cli.tasks.options import Compare
sides, measure = sys.argv[1:3], sys.argv[3].split(",")
asked = Compare(reference=sides[0], candidate=sides[1], measure=measure, threads=1)
found = run(asked, keep_rows=False)
print(found.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"""Compares two files in a process of its own; prints the rows and the peak of memory in KiB."""
LAUNCH = "import subprocess, sys; subprocess.run(sys.argv[1:], check=True)"
"""On Linux a process counts what its parent held when it was started: the parent is a small one."""


def peak(sides: list[str], measure: str, rows: int) -> int:
    command = [sys.executable, "-c", PEAK, *sides, measure]
    told = subprocess.run(
        [sys.executable, "-c", LAUNCH, *command], capture_output=True, text=True, check=True
    ).stdout
    counted, kib = map(int, told.split())
    assert counted == rows
    return kib * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is in KiB there")
@pytest.mark.parametrize("measure", ["jeffreys", "jeffreys,kl,reverse-kl"])
def test_a_row_takes_ten_bytes_a_measure_at_most(measure: str, tmp_path: Path) -> None:
    rows = 5_000_000, 15_000_000
    peaks = []
    for count in rows:
        sides = [str(save_sparse(tmp_path / f"{side}-{count}.npy", (count, 2))) for side in "st"]
        peaks.append(peak(sides, measure, count))
    each = (peaks[1] - peaks[0]) / (rows[1] - rows[0])
    assert each <= 10 * len(measure.split(",")), f"{each:.1f} bytes a row"


@pytest.mark.parametrize("policy", ["omit", "propagate"])
def test_the_figures_are_those_of_a_result_with_its_rows(policy: str) -> None:
    rng = np.random.default_rng(2)
    s, t = rng.normal(size=(2, 200_000, 3))
    t[::7, 1] = np.nan
    s[5::11] = t[5::11] = -np.inf
    asked = Compare(reference=s, candidate=t, nan_policy=policy, measure=["kl", "tv"], rows="9:")
    whole, light = run(asked), run(asked, keep_rows=False)
    assert repr(light.measures) == repr(whole.measures)
    assert repr(light.top) == repr(whole.top)
    assert light.head == whole.head
    assert light.agreement == whole.agreement
    assert (len(light.values), len(whole.values["kl"])) == (0, 199_991)


def test_values_are_kept_for_groups() -> None:
    s = np.random.default_rng(4).normal(size=(30, 3))
    job = opened(Compare(reference=s, candidate=s[::-1].copy(), group="argmax"))
    found = run(Compare(reference=s, candidate=s[::-1].copy(), group="argmax"), keep_rows=False)
    assert job.keep_rows
    assert found.groups is not None
    assert len(found.values["jeffreys"]) == 30
