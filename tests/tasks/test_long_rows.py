"""One row that is longer than memory: it ends at a signal, and its pages are given back."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from kldiv_cli.measures import _native
from kldiv_cli.measures.distributions.evidence import all_sum_to, in_unit
from kldiv_cli.measures.distributions.kinds import looks_like, sums
from kldiv_cli.measures.distributions.stretches import STRETCH
from tests.kernels import all_of, plans

needs_kernels = pytest.mark.skipif(
    not _native.instruction_sets(), reason="the C kernels are not built"
)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="files without blocks; /proc")


def sparse(path: Path, shape: tuple[int, int]) -> str:
    """A file of zeros that takes no room on the disk."""
    np.lib.format.open_memmap(path, "w+", np.float32, shape)
    return str(path)


def started(folder: Path, shape: tuple[int, int], *options: str) -> subprocess.Popen[str]:
    sides = [sparse(folder / name, shape) for name in ("p.npy", "q.npy")]
    return subprocess.Popen(
        [sys.executable, "-m", "kldiv_cli", "compare", *sides, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def memory_of(process: subprocess.Popen[str]) -> int:
    """The bytes of memory that a process has taken at most."""
    said = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    return 1024 * int(said[1]) if said else 0


@needs_linux
@needs_kernels
@pytest.mark.parametrize(
    ("number", "shape", "options"),
    [
        (signal.SIGINT, (1, 2_000_000_000), ()),
        (signal.SIGTERM, (1, 2_000_000_000), ("--mode", "sigmoid")),
        (signal.SIGINT, (8, 500_000_000), ("--threads", "3")),
    ],
)
def test_a_signal_ends_it(
    tmp_path: Path, number: signal.Signals, shape: tuple[int, int], options: tuple[str, ...]
) -> None:
    with started(tmp_path, shape, *options) as process:
        sleep(3)
        assert process.poll() is None
        begun = monotonic()
        process.send_signal(number)
        process.communicate(timeout=60)
        assert monotonic() - begun < 2
        assert process.returncode == 128 + number


@needs_linux
@needs_kernels
def test_its_pages_are_given_back(tmp_path: Path) -> None:
    """Both sides are 320 MB."""
    with started(tmp_path, (1, 80_000_000)) as process:
        most = 0
        while process.poll() is None:
            most = max(most, memory_of(process))
            sleep(0.01)
        assert process.returncode == 0
        assert 0 < most < 250_000_000


@pytest.fixture(scope="module")
def long_rows() -> tuple[np.ndarray, np.ndarray]:
    s = np.random.default_rng(0).standard_normal((2, 3 * STRETCH + 1)).astype(np.float32)
    return s, (s + np.float32(0.1) * s[:, ::-1]).astype(np.float32)


class EnoughError(Exception):
    pass


@needs_kernels
@pytest.mark.parametrize("plan", plans())
def test_a_kernel_asks_in_a_long_row(
    plan: _native.Plan, long_rows: tuple[np.ndarray, np.ndarray]
) -> None:
    s, t = long_rows
    expected = all_of(plan(s, t))
    told: list[tuple[int, int]] = []
    with _native.asking(lambda address, size: told.append((address, size))):
        found = all_of(plan(s, t))
    assert [a.tobytes() for a in found] == [b.tobytes() for b in expected]
    first = s.__array_interface__["data"][0]
    assert (first, 4 * STRETCH) in told
    assert all(size == 4 * STRETCH for _, size in told)

    def enough(_: int, __: int) -> None:
        raise EnoughError

    with _native.asking(enough), pytest.raises(EnoughError):
        plan(s, t)
    again = all_of(plan(s, t))
    assert [a.tobytes() for a in again] == [b.tobytes() for b in expected]


@needs_kernels
def test_a_kernel_attends_to_signals(long_rows: tuple[np.ndarray, np.ndarray]) -> None:
    """A shell's background job inherits that SIGINT is ignored."""
    plan, (s, t) = plans()[-1], long_rows
    many = [np.broadcast_to(x[:1], (200, x.shape[1])) for x in (s, t)]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begun = monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            plan(*many)
    finally:
        signal.signal(signal.SIGINT, before)
    assert monotonic() - begun < 2


@needs_kernels
def test_every_thread_is_asked_for_its_own_rows(long_rows: tuple[np.ndarray, np.ndarray]) -> None:
    plan = plans()[0]
    asked: list[tuple[int, int]] = []

    def run() -> None:
        me = threading.get_ident()

        def pause(_address: int, _size: int) -> None:
            asked.append((me, threading.get_ident()))

        for _ in range(3):
            with _native.asking(pause):
                plan(*long_rows)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({me for me, _ in asked}) == 4
    assert all(me == where for me, where in asked)


def test_evidence_of_long_rows_is_that_of_short_ones() -> None:
    rows = np.zeros((3, STRETCH + 3), np.float32)
    rows[:, ::2] = 0.125
    rows[:, 9:] = 0
    rows[:, -1] = 1 - rows.sum(axis=1)
    assert all_sum_to(rows, 1, 1e-6)
    assert in_unit(rows)
    assert looks_like(rows, "probs")
    assert sums(rows, "probs").tolist() == [1, 1, 1]
    for cell in (0, STRETCH, STRETCH + 1):
        wrong = rows.copy()
        wrong[1, cell] += 2
        assert not all_sum_to(wrong, 1, 1e-6)
        assert not in_unit(wrong)
        assert not looks_like(wrong, "probs")
    unknown = rows.copy()
    unknown[1, STRETCH] = np.nan
    assert all_sum_to(unknown, 1, 1e-6)
    assert not all_sum_to(unknown, 1, 1e-6, least=3)
