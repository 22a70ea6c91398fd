"""The import contract of pyproject.toml: kept, and such that nothing escapes it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sysconfig
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

import kldiv_cli

ROOT = Path(__file__).parent.parent
PACKAGE = Path(kldiv_cli.__file__).parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS: list[dict[str, Any]] = SETTINGS["tool"]["importlinter"]["contracts"]
LAYERS = next(contract for contract in CONTRACTS if contract["type"] == "layers")["layers"]
FORBIDDEN = [contract for contract in CONTRACTS if contract["type"] == "forbidden"]
ROOMS = {
    f"kldiv_cli.{path.stem}"
    for path in PACKAGE.iterdir()
    if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem != "__init__"
}

ALLOWED = {
    "kldiv_cli.errors": set(),
    "kldiv_cli.memory": set(),
    "kldiv_cli.results": set(),
    "kldiv_cli.measures": set(),
    "kldiv_cli.losses": set(),
    "kldiv_cli.pairing": set(),
    "kldiv_cli.sources": {"pyarrow"},
    "kldiv_cli.reports": {"rich", "pyarrow"},
    "kldiv_cli.tasks": {"pyarrow"},
}
"""Which runtime dependencies the table in DESIGN.md lets a room import."""


def lint(folder: Path) -> tuple[int, str]:
    """Check the contract of the project in a folder."""
    done = subprocess.run(
        [Path(sysconfig.get_path("scripts")) / "lint-imports", "--no-cache", "--no-logo"],
        cwd=folder,
        env={"PATH": "", "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the package with its contract, to break."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "kldiv_cli", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_package_says_what_every_module_is_for() -> None:
    named = re.findall(r"\w+", kldiv_cli.__doc__ or "")
    assert {room.partition(".")[2] for room in ROOMS} - {"__main__"} <= set(named)


def test_the_contract_holds() -> None:
    code, text = lint(ROOT)
    assert code == 0, text
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in text


def test_the_copy_keeps_it(project: Path) -> None:
    code, text = lint(project)
    assert code == 0, text
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in text


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("measures/definitions/jeffreys", "import kldiv_cli.sources"),
        ("measures/definitions/jeffreys", "import pyarrow"),
        ("measures/definitions/jeffreys", "import rich"),
        ("measures/rows/top", "import kldiv_cli.losses"),
        ("losses/vat", "import kldiv_cli.pairing"),
        ("losses/vat", "import kldiv_cli.reports"),
        ("sources/base/source", "import kldiv_cli.measures"),
        ("sources/formats/npy", "from kldiv_cli.results import summary"),
        ("sources/formats/npy", "from kldiv_cli.sources.labels import groups"),
        ("sources/formats/csv", "import kldiv_cli.pairing"),
        ("sources/formats/csv", "import rich.console"),
        ("sources/arrays/mapped", "import kldiv_cli.sources.tables.table"),
        ("sources/stores/uris", "import kldiv_cli.sources.views.shards"),
        ("pairing/masks/mask", "from kldiv_cli.sources.formats.npy import open_npy"),
        ("pairing/by_id", "from kldiv_cli.sources import formats"),
        ("pairing/matching", "import kldiv_cli.reports"),
        ("pairing/classes", "import kldiv_cli.sources.stores.stdin"),
        ("pairing/classes", "import pyarrow"),
        ("results/summary", "import kldiv_cli.measures.base"),
        ("results/summary", "import rich"),
        ("results/comparison", "import kldiv_cli.sources.base"),
        ("results/comparison", "import pyarrow"),
        ("reports/formats/json", "import kldiv_cli.pairing"),
        ("reports/formats/json", "from kldiv_cli.tasks import compare"),
        ("reports/formats/table", "import typer"),
        ("tasks/compare", "import kldiv_cli.cli.streams"),
        ("tasks/compare", "import typer"),
        ("tasks/compare", "import rich"),
        ("errors", "import kldiv_cli.results.summary"),
        ("errors", "import kldiv_cli.memory"),
        ("cli/options", "import kldiv_cli.__main__"),
    ],
    ids=lambda value: value.replace("import ", ""),
)
def test_a_broken_import_is_caught(module: str, statement: str, project: Path) -> None:
    assert_caught(module, statement, project)


@pytest.mark.parametrize(
    "statement",
    [
        "def _late() -> None:\n    import kldiv_cli.sources",
        "def _late() -> None:\n    import typer",
        "if TYPE_CHECKING:\n    from kldiv_cli.tasks.compare import compare",
    ],
    ids=["in-a-function", "of-a-package", "for-types"],
)
def test_a_broken_import_is_caught_wherever_it_stands(statement: str, project: Path) -> None:
    assert_caught("measures/definitions/jeffreys", statement, project)


def assert_caught(module: str, statement: str, project: Path) -> None:
    path = project / "kldiv_cli" / f"{module}.py"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{statement}\n", encoding="utf-8")
    code, text = lint(project)
    assert code == 1, text
    assert "BROKEN" in text
    assert f"kldiv_cli.{module.replace('/', '.')}" in text


def test_every_room_has_its_place() -> None:
    listed = [room for layer in LAYERS for room in re.split(r" *[|:] *", layer)]
    assert sorted(listed) == sorted(ROOMS)


def test_the_top_of_the_package_is_the_house() -> None:
    assert sorted(room.partition(".")[2] for room in ROOMS) == [
        *("__main__", "cli", "errors", "losses", "measures", "memory"),
        *("pairing", "reports", "results", "sources", "tasks"),
    ]


def test_tests_mirror_the_rooms() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert rooms <= {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_what_a_room_may_not_import_is_forbidden_to_it(room: str) -> None:
    forbidden = {
        name
        for contract in FORBIDDEN
        if room in contract["source_modules"]
        for name in contract["forbidden_modules"]
    }
    assert {"typer", "rich", "pyarrow"} - forbidden == ALLOWED[room]


def test_every_room_that_is_not_the_command_line_is_held_to_its_dependencies() -> None:
    held = {room for contract in FORBIDDEN for room in contract["source_modules"]}
    assert ROOMS - held == {"kldiv_cli.__main__", "kldiv_cli.cli"}


def test_only_sources_and_reports_import_pyarrow() -> None:
    """The contract cannot say so of the rooms above these."""
    rooms = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        if any(name.partition(".")[0] == "pyarrow" for name in imported(path))
    }
    assert rooms == {"sources", "reports"}


def test_the_contract_is_short_and_names_folders() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert len(text[text.index("[tool.importlinter]") :].splitlines()) <= 60
    named = set(re.findall(r"kldiv_cli(?:\.\w+)*", text[text.index("[tool.importlinter]") :]))
    files = {name for name in named if not (ROOT / name.replace(".", "/")).is_dir()}
    assert files == {f"kldiv_cli.{name}" for name in ("__main__", "errors", "memory")}


def imported(path: Path) -> set[str]:
    """The modules that importing or running a file imports, those for type checkers left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def uses() -> dict[str, set[str]]:
    """The modules that each module of the package imports."""
    paths = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path
        for path in PACKAGE.rglob("*.py")
    }
    found = {name: imported(path) & paths.keys() - {name} for name, path in paths.items()}
    # Package and submodule: `from package import submodule` names both, and loads the first anyway.
    return {
        name: {used for used in each if not any(other.startswith(f"{used}.") for other in each)}
        for name, each in found.items()
    }


def is_folder(name: str) -> bool:
    return (PACKAGE.parent / name.replace(".", "/")).is_dir()


def folders(user: str, used: str) -> tuple[str, str] | None:
    """The two folders in which the ways to two modules part; None where one is a module there."""
    places = [
        (*name.split("."), "__init__")[: None if is_folder(name) else -1] for name in (user, used)
    ]
    depth = next(i for i, (ours, theirs) in enumerate(zip(*places, strict=False)) if ours != theirs)
    if any(len(place) == depth + 1 for place in places):
        return None
    ours, theirs = (".".join(place[: depth + 1]) for place in places)
    return ours, theirs


def test_no_module_is_in_a_circle_of_imports() -> None:
    assert list(TopologicalSorter(uses()).static_order())


def test_no_folder_is_in_a_circle_with_its_neighbours() -> None:
    graph: dict[str, set[str]] = {}
    for user, each in uses().items():
        for used in each:
            pair = folders(user, used)
            if pair is not None:
                graph.setdefault(pair[0], set()).add(pair[1])
    assert "kldiv_cli.reports.words" in graph["kldiv_cli.reports.formats"]
    assert list(TopologicalSorter(graph).static_order())
