"""An extension that was cut off, is another one, or comes from another build."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import kldiv_cli
from kldiv_cli.measures import _native

SPEC = find_spec("kldiv_cli.measures._native._kernels")
BROKEN = "NumPy kernels, the C extension cannot be loaded"
VERSION = f"kldiv {kldiv_cli.__version__} ({BROKEN})\n"
REFERENCE = np.array([[0.5, -1.25, 3.0], [2.0, 2.0, 2.0]])
CANDIDATE = np.array([[0.0, -1.0, 2.5], [1.0, 2.0, 3.0]])
COMPARE = ("compare", "s.npy", "t.npy", "--no-warn", "--stat", "mean")


@pytest.fixture
def extension(tmp_path: Path) -> Path:
    """Return the extension of a copy of the package."""
    if SPEC is None or SPEC.origin is None:
        pytest.skip("no C extension")
    package = Path(kldiv_cli.__file__).parent
    copy = tmp_path / "copy" / package.name
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__", "*.c", "*.h"))
    np.save(tmp_path / "s.npy", REFERENCE)
    np.save(tmp_path / "t.npy", CANDIDATE)
    return copy / Path(SPEC.origin).relative_to(package)


def run(extension: Path, *words: str, kernels: str = "") -> str:
    """Return what the copy prints; it may tell of no trouble."""
    root = extension.parents[3]
    done = subprocess.run(
        [sys.executable, "-m", "kldiv_cli", *words],
        env={**os.environ, "PYTHONPATH": str(root), "KLDIV_KERNELS": kernels},
        cwd=root.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def mapped(library: bytes) -> int:
    """Return where the last segment ends that is to be mapped, as readelf says it."""
    first = int.from_bytes(library[32:40], "little")
    segments = [library[at : at + 56] for at in range(first, first + 56 * library[56], 56)]
    loaded = (part for part in segments if part[:4] == bytes([1, 0, 0, 0]))
    return max(
        int.from_bytes(part[8:16], "little") + int.from_bytes(part[32:40], "little")
        for part in loaded
    )


@pytest.mark.skipif(sys.platform != "linux", reason="cuts a file of ELF")
@pytest.mark.parametrize("left", [0, 10, 64, 1000, 5000, 0.5, -1])
def test_a_library_that_was_cut_off(extension: Path, left: float) -> None:
    """Unless it is looked at before, the process is killed where it loads the longer ones."""
    whole = extension.read_bytes()
    size = {-1: mapped(whole) - 1, 0.5: mapped(whole) // 2}.get(left, int(left))
    extension.write_bytes(whole[:size])
    assert run(extension, "--version") == VERSION
    assert run(extension, *COMPARE) == run(extension, *COMPARE, kernels="numpy")


def test_a_file_that_is_no_library(extension: Path) -> None:
    extension.write_bytes(b"kernels\n" * 1000)
    assert run(extension, "--version") == VERSION


def test_the_library_of_another_module(extension: Path) -> None:
    other = find_spec("numpy._core._simd")
    assert other is not None
    assert other.origin is not None
    shutil.copy(other.origin, extension)
    assert run(extension, "--version") == VERSION


def test_a_copy_that_is_whole(extension: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_native.VARIABLE, raising=False)
    assert run(extension, "--version") == VERSION.replace(BROKEN, _native.describe())


COUNTS = _native.Counts._fields
MORE = (*COUNTS, "entropy")
FORMS = "forms = {'softmax': ('kl',), 'sigmoid': ('kl',)}\nPlan = ask = str\n"


@pytest.mark.parametrize(
    "names",
    [
        pytest.param("", id="no-names"),
        pytest.param("instruction_sets = ('baseline',)", id="no-counts"),
        pytest.param(f"counts = {COUNTS}", id="no-sets"),
        pytest.param(f"instruction_sets = ()\ncounts = {COUNTS}\n{FORMS}", id="sets-of-none"),
        pytest.param(f"instruction_sets = 'one'\ncounts = {COUNTS}", id="no-plan"),
        pytest.param(f"instruction_sets = 'one'\ncounts = {COUNTS[1:]}\n{FORMS}", id="too-few"),
        pytest.param(f"instruction_sets = 'one'\ncounts = {MORE}\n{FORMS}", id="too-many"),
    ],
)
def test_a_module_of_other_names(extension: Path, names: str) -> None:
    extension.unlink()
    (extension.parent / "_kernels.py").write_text(names)
    assert run(extension, "--version") == VERSION
    assert run(extension, *COMPARE) == run(extension, *COMPARE, kernels="numpy")
