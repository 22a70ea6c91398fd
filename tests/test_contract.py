"""The import contract of pyproject.toml: kept, and such that nothing escapes it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
import tomllib
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
RUNTIME = {re.split(r"[<>=]", line)[0] for line in SETTINGS["project"]["dependencies"]}
ROOMS = {
    f"kldiv_cli.{path.stem}"
    for path in PACKAGE.iterdir()
    if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem != "__init__"
}

ALLOWED = {
    "kldiv_cli.errors": set(),
    "kldiv_cli.parallel": set(),
    "kldiv_cli.memory": {"numpy"},
    "kldiv_cli.measures": {"numpy"},
    "kldiv_cli.sources": {"numpy", "pyarrow"},
    "kldiv_cli.pairing": {"numpy"},
    "kldiv_cli.summary": {"numpy"},
    "kldiv_cli.comparison": {"numpy"},
    "kldiv_cli.reports": {"numpy", "rich", "pyarrow"},
    "kldiv_cli.losses": {"numpy"},
    "kldiv_cli.identities": {"numpy"},
    "kldiv_cli.loss_result": {"numpy"},
    "kldiv_cli.verification": {"numpy"},
    "kldiv_cli.compare": {"numpy", "pyarrow"},
    "kldiv_cli.loss": {"numpy", "pyarrow"},
    "kldiv_cli.verify": {"numpy", "pyarrow"},
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
        ("measures/jeffreys", "import kldiv_cli.sources"),
        ("measures/jeffreys", "import pyarrow"),
        ("measures/jeffreys", "import rich"),
        ("sources/npy", "from kldiv_cli import summary"),
        ("sources/csv", "import kldiv_cli.pairing"),
        ("sources/csv", "import rich.console"),
        ("sources/base", "import kldiv_cli.measures"),
        ("pairing/mask", "from kldiv_cli.sources.npy import open_npy"),
        ("pairing/by_id", "from kldiv_cli.sources import open_source"),
        ("pairing/matching", "import kldiv_cli.measures"),
        ("pairing/kept", "import pyarrow"),
        ("summary", "import kldiv_cli.comparison"),
        ("summary", "import kldiv_cli.measures.base"),
        ("summary", "import rich"),
        ("comparison", "import kldiv_cli.sources.base"),
        ("comparison", "import pyarrow"),
        ("reports/json", "import kldiv_cli.measures"),
        ("reports/json", "import kldiv_cli.sources.base"),
        ("reports/json", "from kldiv_cli import compare"),
        ("reports/table", "import typer"),
        ("compare", "import kldiv_cli.cli.streams"),
        ("compare", "import typer"),
        ("compare", "import rich"),
        ("errors", "import kldiv_cli.summary"),
        ("errors", "import numpy"),
        ("request", "import kldiv_cli.cli"),
        ("request", "import rich"),
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
        "if TYPE_CHECKING:\n    from kldiv_cli.compare import compare",
    ],
    ids=["in-a-function", "of-a-package", "for-types"],
)
def test_a_broken_import_is_caught_wherever_it_stands(statement: str, project: Path) -> None:
    assert_caught("measures/jeffreys", statement, project)


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


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_what_a_room_may_not_import_is_forbidden_to_it(room: str) -> None:
    forbidden = {
        name
        for contract in FORBIDDEN
        if room in contract["source_modules"]
        for name in contract["forbidden_modules"]
    }
    assert {"typer", *RUNTIME} - forbidden == ALLOWED[room]


def test_every_room_that_is_not_the_command_line_is_held_to_its_dependencies() -> None:
    held = {room for contract in FORBIDDEN for room in contract["source_modules"]}
    assert ROOMS - held == {"kldiv_cli.__main__", "kldiv_cli.cli"}


def test_pairing_is_kept_from_every_source_but_the_base() -> None:
    contract = next(c for c in FORBIDDEN if "kldiv_cli.pairing" in c["source_modules"])
    sources = {
        f"kldiv_cli.sources.{path.stem}"
        for path in (PACKAGE / "sources").glob("*.py")
        if path.stem not in ("__init__", "base")
    }
    forbidden = set(contract["forbidden_modules"])
    assert sources
    assert sources <= forbidden
    assert "kldiv_cli.sources.base" not in forbidden
