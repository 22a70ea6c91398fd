"""What a command loads before it answers."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from inspect import cleandoc
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather

import kldiv_cli
from kldiv_cli.__main__ import FAULT
from kldiv_cli.cli.commands import COMMANDS

ROOT = Path(__file__).parent.parent.parent
PACKAGE = Path(kldiv_cli.__file__).parent
MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
CSV = "samples/magika-fp32-24.csv", "samples/magika-int8-24.csv"
PARQUET = "samples/magika-fp32.parquet", "samples/magika-int8-shuffled.parquet"
HEAVY = ("numpy", "pyarrow", "pyarrow.compute", "rich.progress", "pydantic")

PROBE = """
import os, sys
os._exit = sys.exit
code = None
try:
    {run}
except SystemExit as stop:
    code = stop.code
print("loaded:", code, *(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
"""


def loaded(run: str, words: Sequence[str] = (), **environment: str) -> list[str]:
    """The exit code and which of the heavy modules a fresh interpreter holds in the end."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(run=run, heavy=HEAVY), *words],
        cwd=ROOT,
        env={"PATH": "", "COLUMNS": "80", **environment},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    (answer,) = (line for line in done.stderr.splitlines() if line.startswith("loaded:"))
    return answer.split()[1:]


MAIN = "from kldiv_cli.__main__ import main; main()"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["--help"], ["0"], id="help"),
        pytest.param(["-h"], ["0"], id="h"),
        pytest.param([], ["0"], id="no-arguments"),
        pytest.param(["--version"], ["0"], id="version"),
        pytest.param(["compare", "--help"], ["0"], id="compare-help"),
        pytest.param(["bogus"], ["2"], id="unknown-command"),
        pytest.param(["compare", "a", "--bogus"], ["2"], id="unknown-option"),
        pytest.param(["compare", "a", "b", "--fail-above", "x"], ["2"], id="bad-limit"),
        pytest.param(["compare", *MAGIKA], ["0", "numpy"], id="npy-table"),
        pytest.param(["compare", *MAGIKA, "--stat", "mean"], ["0", "numpy"], id="npy-stat"),
        pytest.param(["compare", *MAGIKA, "--format", "csv"], ["0", "numpy"], id="npy-csv"),
        pytest.param(["compare", *MAGIKA, "--format", "json"], ["0", "numpy"], id="npy-json"),
        pytest.param(["compare", *MAGIKA, "--classes", ":9"], ["0", "numpy"], id="npy-classes"),
        pytest.param(["compare", *PARQUET], ["0", "numpy", "pyarrow"], id="parquet"),
        pytest.param(["compare", *CSV], ["0", "numpy", "pyarrow"], id="csv"),
    ],
)
def test_a_command_loads_what_it_needs(words: list[str], expected: list[str]) -> None:
    """The last one shows that the probe sees what is loaded."""
    assert loaded(MAIN, words) == expected


@pytest.mark.parametrize("kind", ["list", "fixed"])
def test_lists_load_none_of_the_functions_of_pyarrow(tmp_path: Path, kind: str) -> None:
    rows = pa.array([[1.0, 2.0, 3.0]] * 4, pa.list_(pa.float64(), 3 if kind == "fixed" else -1))
    path = tmp_path / "lists.arrow"
    feather.write_feather(pa.table({"logits": rows}), path, compression="uncompressed")
    assert loaded(MAIN, ["compare", str(path), str(path)]) == ["0", "numpy", "pyarrow"]


def test_a_completion_loads_nothing_heavy() -> None:
    words = {
        "_KLDIV_COMPLETE": "complete_bash",
        "COMP_WORDS": "kldiv compare --",
        "COMP_CWORD": "2",
    }
    assert loaded(MAIN, **words) == ["0"]


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("import kldiv_cli", ["None"]),
        ("import kldiv_cli; kldiv_cli.__version__", ["None"]),
        ("import kldiv_cli.cli", ["None"]),
        ("import kldiv_cli.measures, kldiv_cli.sources.formats", ["None"]),
        ("import kldiv_cli.sources.formats.opening", ["None", "numpy"]),
        ("from kldiv_cli import compare", ["None", "numpy"]),
        ("import rich.progress", ["None", "rich.progress"]),
    ],
)
def test_an_import_loads_what_it_needs(run: str, expected: list[str]) -> None:
    assert loaded(run) == expected


@pytest.mark.parametrize(
    ("words", "missing", "expected"),
    [
        pytest.param(["--version"], "kldiv_cli.cli.options", ["0"], id="version"),
        pytest.param(["--help"], "kldiv_cli.cli.options", ["0"], id="help"),
        pytest.param(["bogus"], "kldiv_cli.cli.options", ["2"], id="unknown-command"),
        pytest.param(["measures"], "kldiv_cli.cli.options", ["0", "numpy"], id="other-command"),
        pytest.param(["--version"], "rich", ["0"], id="version-rich"),
        pytest.param(["compare", *MAGIKA], "rich", ["0", "numpy"], id="table"),
        pytest.param(["compare", *MAGIKA, "--stat", "mean"], "rich", ["0", "numpy"], id="stat"),
        pytest.param(
            ["compare", *MAGIKA], "kldiv_cli.results.language", ["0", "numpy"], id="token"
        ),
        pytest.param(["compare", *MAGIKA], "kldiv_cli.results.groups", ["0", "numpy"], id="groups"),
        pytest.param(
            ["compare", *MAGIKA], "kldiv_cli.results.inspection", ["0", "numpy"], id="inspection"
        ),
        pytest.param(
            ["inspect", MAGIKA[0]], "kldiv_cli.results.comparison", ["0", "numpy"], id="inspect"
        ),
        pytest.param(
            ["loss", "torch", *MAGIKA], "kldiv_cli.results.comparison", ["0", "numpy"], id="loss"
        ),
        pytest.param(
            ["verify", *MAGIKA], "kldiv_cli.results.comparison", ["0", "numpy"], id="verify"
        ),
        pytest.param(
            ["compare", *MAGIKA], "kldiv_cli.sources.formats.llamacpp", ["0", "numpy"], id="kld"
        ),
        pytest.param(["compare", *MAGIKA], "hashlib", ["0", "numpy"], id="hashes"),
    ],
)
def test_a_command_does_without(words: list[str], missing: str, expected: list[str]) -> None:
    """What others ask for: other commands and their results, colours, OpenSSL, tokens, groups."""
    run = f"sys.modules[{missing!r}] = None; {MAIN}"
    assert loaded(run, words) == expected


NEEDLESS = (
    "kldiv_cli.pairing.by_id",
    "kldiv_cli.pairing.masks",
    "kldiv_cli.pairing.members",
    "kldiv_cli.results.inspection",
    "kldiv_cli.results.selection",
    "kldiv_cli.sources.labels",
    "kldiv_cli.sources.views.shards",
    "kldiv_cli.tasks.opening.class_names",
    "kldiv_cli.tasks.opening.masks",
)


def test_a_comparison_loads_nothing_for_what_nobody_asked() -> None:
    """Ids, masks, labels, class names, folders, other commands: each is loaded where it is used."""
    held = f"sys.modules.update(dict.fromkeys({NEEDLESS!r}))"
    assert loaded(f"{held}; {MAIN}", ["compare", *MAGIKA]) == ["0", "numpy"]


def test_that_check_sees_what_is_missing() -> None:
    run = f"sys.modules['kldiv_cli.cli.options'] = None; {MAIN}"
    assert loaded(run, ["compare", *MAGIKA]) == [str(FAULT)]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_begins_its_help(name: str) -> None:
    """`kldiv --help` shows the one, `kldiv NAME --help` the other."""
    command = COMMANDS.load(name)
    line = " ".join(cleandoc(command.__doc__).partition("\n\n")[0].split())
    assert COMMANDS[name].description == line


@pytest.mark.parametrize("name", COMMANDS)
def test_lines_of_help_are_not_broken_twice(name: str) -> None:
    """Below the first line Typer keeps a docstring's breaks; at 80 columns it shows 78 of each."""
    command = COMMANDS.load(name)
    below = cleandoc(command.__doc__).partition("\n\n")[2].split("\n\n")
    assert [line for part in below for line in part.splitlines()[:-1] if len(line) > 78] == []


def top_level_imports(tree: ast.Module) -> Iterator[str]:
    """The modules that importing a file imports, those for type checkers alone left out."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            assert statement.level == 0, "relative"
            for alias in statement.names:
                yield f"{statement.module}.{alias.name}"
        elif isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            waiting += statement.orelse
        elif not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            for field in ("body", "orelse", "finalbody", "handlers"):
                waiting += getattr(statement, field, [])


def is_light(name: str) -> bool:
    room = name.split(".")
    if room[0] == "kldiv_cli":
        return room[1] in ("__version__", "Registry", "errors", "cli")
    return room[0] == "typer" or room[0] in sys.stdlib_module_names


CLI_FILES = sorted((PACKAGE / "cli").rglob("*.py"))


@pytest.mark.parametrize("path", CLI_FILES, ids=lambda path: path.name)
def test_cli_imports_typer_errors_and_itself(path: Path) -> None:
    names = list(top_level_imports(ast.parse(path.read_text(encoding="utf-8"))))
    assert names
    assert [name for name in names if not is_light(name)] == []


def test_that_check_sees_an_import_wherever_it_stands() -> None:
    source = """
import os, numpy
from kldiv_cli.results.summary import STATISTICS
from kldiv_cli import compare, __version__
if TYPE_CHECKING:
    import hidden
else:
    import rich
try:
    import pyarrow
except ImportError:
    import click
class A:
    import scipy
def f():
    import later
"""
    heavy = [name for name in top_level_imports(ast.parse(source)) if not is_light(name)]
    assert sorted(heavy) == [
        *("click", "kldiv_cli.compare", "kldiv_cli.results.summary.STATISTICS"),
        *("numpy", "pyarrow", "rich", "scipy"),
    ]


def test_that_check_sees_every_file() -> None:
    assert {"__init__.py", "compare.py", "options.py"} <= {path.name for path in CLI_FILES}
