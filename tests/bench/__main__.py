"""``python -m tests.bench``, from the project's folder."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import (
    arrays,
    losses,
    measures,
    memory,
    options,
    outputs,
    report,
    startup,
    tables,
)
from tests.bench.base import Benchmark, FailedError
from tests.bench.inputs import Inputs
from tests.bench.measure import Result, measure
from tests.bench.processes import kldiv, output_of

BENCHMARKS = {
    each.name: each
    for subject in (startup, arrays, measures, options, tables, losses, outputs, memory)
    for each in subject.BENCHMARKS
}
_TORCH = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
NO_TORCH = "no torch"


def main(words: Sequence[str] | None = None) -> int:
    """Run what was asked for and print it; 1 where a benchmark could not be run, else 0.

    A target that is missed is no failure of the run: the machine may be busy with other work.
    """
    options = _parser().parse_args(words)
    machine = _machine()
    with _folder(options.folder) as folder:
        inputs = Inputs(folder, options.quick)
        results = [_run(benchmark, inputs, options.peer_python) for benchmark in options.only]
    write = report.as_json if options.format == "json" else report.table
    sys.stdout.write(write(results, machine))
    return int(any(each.missing not in (None, NO_TORCH) for each in results))


def _run(benchmark: Benchmark, inputs: Inputs, torch_python: str) -> Result:
    if benchmark.needs_torch and not _has_torch(torch_python):
        return Result(benchmark, inputs.quick, missing=NO_TORCH)
    if sys.stderr.isatty():
        sys.stderr.write(f"{benchmark.name}: {benchmark.work}\n")
    try:
        return measure(benchmark, inputs, torch_python)
    except FailedError as failure:
        sys.stderr.write(f"{benchmark.name}: {failure}\n")
        return Result(benchmark, inputs.quick, missing="failed")


@cache
def _has_torch(interpreter: str) -> bool:
    return subprocess.run([interpreter, "-c", _TORCH], check=False).returncode == 0


def _machine() -> dict[str, object]:
    """What the numbers depend on besides the code."""
    packages = {name: version(name) for name in ("numpy", "pyarrow", "typer")}
    return {
        "kldiv": output_of(kldiv("--version")).strip().removeprefix("kldiv "),
        "Python": platform.python_version(),
        **packages,
        "processors": os.cpu_count(),
        "load before": round(os.getloadavg()[0], 2),
    }


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is None:
        with TemporaryDirectory(prefix="kldiv-bench-") as made:
            yield Path(made)
    else:
        given.mkdir(parents=True, exist_ok=True)
        yield given.resolve()


def _benchmarks(names: str) -> list[Benchmark]:
    unknown = [name for name in names.split(",") if name not in BENCHMARKS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no benchmark is called {unknown[0]!r}; known: {', '.join(BENCHMARKS)}"
        )
    return [BENCHMARKS[name] for name in dict.fromkeys(names.split(","))]


def _interpreter(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise argparse.ArgumentTypeError(f"no interpreter is found at {name!r}")
    return str(Path(found).absolute())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Time kldiv against its peers, both by turns, and print the ratios.",
        epilog=f"The benchmarks: {', '.join(BENCHMARKS)}.",
    )
    parser.add_argument(
        "--only",
        metavar="NAME,...",
        type=_benchmarks,
        default=list(BENCHMARKS.values()),
        help="run these benchmarks (default: all)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small inputs and 2 rounds: does it run at all?"
    )
    parser.add_argument(
        "--folder",
        metavar="DIR",
        type=Path,
        help="keep the inputs there, up to 20 GB, for another run (default: a temporary folder)",
    )
    parser.add_argument(
        "--peer-python",
        metavar="PATH",
        type=_interpreter,
        default=sys.executable,
        help="the interpreter that has torch (default: this one)",
    )
    parser.add_argument("--format", choices=("table", "json"), default="table")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the folder is removed
    sys.exit(main())
