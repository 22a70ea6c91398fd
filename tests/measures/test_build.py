"""How setup.py builds the extension: the flags, what the environment adds, and failure."""

import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from kldiv_cli.measures import _native

pytest.importorskip("setuptools", minversion="77")

ROOT = Path(__file__).parents[2]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
pytestmark = pytest.mark.skipif(
    not Path(sysconfig.get_path("include"), "Python.h").exists(), reason="needs Python's headers"
)


def build(into: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build the extension into a folder, as pip does."""
    folders = ["--build-lib", str(into / "lib"), "--build-temp", str(into / "temp")]
    return subprocess.run(
        [sys.executable, "setup.py", "build_ext", *folders],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


LOOK = """
import sys
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np

spec = spec_from_file_location("_kernels", sys.argv[1])
module = module_from_spec(spec)
spec.loader.exec_module(module)
assert np.array([5e-324])[0] * 1.0 > 0.0, "subnormals are lost"

from kldiv_cli.measures import load
from tests.kernels import PLANS, plans

rng = np.random.default_rng(0)
for classes in (5, 70, 300):
    s, t = rng.normal(size=(2, 60, classes)) * rng.choice([1e-3, 1, 40], size=(60, 1))
    s[3, 2] = t[4, 1] = np.nan
    s[5, 2] = t[6, 1] = t[7] = -np.inf
    s[8, 2] = t[9, 1] = np.inf
    s[10] = t[10] = s[11] = -np.inf
    for kind in (np.float32, np.float64):
        for (mode, names), ours in zip(PLANS, plans(sys.argv[2], 0.7), strict=True):
            with np.errstate(all="ignore"):
                pair = s.astype(kind), t.astype(kind)
                rows = [(load(name).form.name, (), (), ()) for name in names]
                values = np.empty((len(rows), len(s)))
                counts = np.empty((len(module.counts), len(s)), np.int64)
                module.Plan(sys.argv[2], mode, 0.7, 0.0, rows)(*pair, values, counts)
                expected, of_ours = ours(*pair)
            found = [*values, *counts]
            expected += [getattr(of_ours, name) for name in module.counts]
            status = counts[module.counts.index("status")]
            assert status[[3, 4, 10]].tolist() == [2, 2, 1], mode
            assert (status == 0).sum() > 50
            for at, (mine, other) in enumerate(zip(found, expected, strict=True)):
                same = np.isclose(mine, other, rtol=2e-14, atol=0)
                assert same[status == 0].all(), (mode, names, at)
"""


@pytest.mark.skipif(not _native.instruction_sets(), reason="the C kernels are not built")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_fast_arithmetic_in_the_environment_changes_nothing(compiler: str, tmp_path: Path) -> None:
    fast = "-Ofast -ffast-math -funsafe-math-optimizations -ffinite-math-only"
    done = build(
        tmp_path,
        CC=compiler,
        LDSHARED=f"{compiler} -shared",
        CFLAGS=fast,
        LDFLAGS=fast,
        KLDIV_REQUIRE_EXTENSION="1",
    )
    assert done.returncode == 0, done.stderr
    (library,) = (tmp_path / "lib").rglob("_kernels*")
    for instruction_set in _native.instruction_sets():
        looked = subprocess.run(
            [sys.executable, "-c", LOOK, str(library), instruction_set],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (looked.returncode, looked.stderr) == (0, "")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_compiler_warns(compiler: str, tmp_path: Path) -> None:
    done = build(
        tmp_path,
        CC=compiler,
        LDSHARED=f"{compiler} -shared",
        CFLAGS="-Wall -Wextra -Werror",
        KLDIV_REQUIRE_EXTENSION="1",
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("flag", ["-ffast-math", "-ffinite-math-only"])
def test_the_sources_refuse_fast_arithmetic(compiler: str, flag: str) -> None:
    done = subprocess.run(
        [compiler, flag, "-fsyntax-only", str(ROOT / "kldiv_cli/measures/_native/rows.h")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert flag in done.stderr


@pytest.mark.parametrize("compiler", ["/bin/false", "/no/such/compiler"])
def test_without_a_compiler_the_build_says_so(compiler: str, tmp_path: Path) -> None:
    done = build(tmp_path, CC=compiler, KLDIV_REQUIRE_EXTENSION="")
    assert done.returncode == 0
    assert (
        "kldiv: warning: the C extension was not built, so that NumPy will compute, several times"
        " slower.\nIt needs a C compiler and Python's headers; KLDIV_REQUIRE_EXTENSION=1 in the"
        " environment makes this an error.\n"
    ) in done.stderr
    assert not list(tmp_path.rglob("_kernels*"))


def test_an_extension_that_is_required(tmp_path: Path) -> None:
    done = build(tmp_path, CC="/bin/false", KLDIV_REQUIRE_EXTENSION="1")
    assert done.returncode != 0
    assert "kldiv: warning" not in done.stderr


class Compiler:
    """As much of a compiler of setuptools as setup.py asks for."""

    def __init__(self, kind: str) -> None:
        self.compiler_type = kind


@pytest.mark.parametrize(("kind", "mark"), [("msvc", "/"), ("unix", "-"), ("mingw32", "-")])
def test_each_compiler_gets_flags_of_its_own(
    kind: str, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    made: list[Any] = []
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("setuptools.setup", lambda **words: made.append(words))
    monkeypatch.setattr(build_ext, "build_extension", lambda _, ext: made.append(ext))
    runpy.run_path("setup.py")
    command = made[0]["cmdclass"]["build_ext"](Distribution())
    command.compiler = Compiler(kind)
    command.build_extension(Extension("name", ["name.c"]))
    flags = made[1].extra_compile_args + made[1].extra_link_args
    assert made[1].extra_compile_args
    assert {flag[0] for flag in flags} == {mark}
