"""What a glob cannot look into is named, and keeps nobody from the rest."""

from __future__ import annotations

import os
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kldiv_cli import compare
from kldiv_cli.sources.stores.folders import find_files
from kldiv_cli.sources.stores.globs import matches
from tests.command import Kldiv

LOGITS = np.array([[0.0, 1.0], [2.0, 0.5]])


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files in three folders, and a fourth that may not be read."""
    for name in ("a", "b/c", "closed"):
        (tmp_path / name).mkdir(parents=True)
        np.save(tmp_path / name / "x.npy", LOGITS)
    scandir, lstat = os.scandir, os.lstat

    def refuse(call: Any, path: Any, *words: Any, **more: Any) -> Any:
        """Where tests run as root, all folders may be read."""
        folder = Path(path).parent if call is lstat else Path(path)
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied", path)
        return call(path, *words, **more)

    monkeypatch.setattr(os, "scandir", lambda path=".": refuse(scandir, path))
    monkeypatch.setattr(os, "lstat", lambda path, **more: refuse(lstat, path, **more))
    return tmp_path


@pytest.mark.parametrize("pattern", ["**/*.npy", "**/x.npy"])
def test_a_folder_that_may_not_be_read(kldiv: Kldiv, tree: Path, pattern: str) -> None:
    path = tree / pattern
    found = find_files(str(path))
    assert found is not None
    assert found.relative == ("a/x.npy", "b/c/x.npy")
    assert found.unread == (str(tree / "closed"),)
    code, out, err = kldiv("compare", path, path)
    assert code == 0
    assert "in 2 files without" in out
    warning = f"{path}: '{tree / 'closed'}' cannot be looked into, and what lies there is left out"
    assert f"kldiv: warning: {warning}\n" in err
    assert f"kldiv: warning: {warning}\n" in kldiv("inspect", path).err
    assert compare(path, path).warnings[:2] == (warning, warning)
    code, out, err = kldiv("compare", path, path, "--strict")
    assert (code, out) == (2, "")
    assert warning in err


@pytest.mark.parametrize("pattern", ["*/x.npy", "*/x*.npy"])
def test_without_two_stars_too(tree: Path, pattern: str) -> None:
    found = find_files(str(tree / pattern))
    assert found is not None
    assert (found.relative, found.unread) == (("a/x.npy",), (str(tree / "closed"),))


@pytest.mark.parametrize("pattern", ["closed/*.npy", "closed/**/*.npy"])
def test_where_there_is_nothing_else(kldiv: Kldiv, tree: Path, pattern: str) -> None:
    code, out, err = kldiv("inspect", tree / pattern)
    assert (code, out) == (2, "")
    assert err == (
        f"kldiv: error: {tree / pattern}: expected files of logits, found '{tree / 'closed'}', "
        "which cannot be read\nCheck the path and its permissions.\n"
    )


def test_a_link_to_itself(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", LOGITS)
    for name in ("loop", "y.npy"):
        (tmp_path / name).symlink_to(name)
    found = find_files(str(tmp_path / "**" / "*.npy"))
    assert found is not None
    assert found.names == (str(tmp_path / "x.npy"),)
    assert sorted(found.unread) == [str(tmp_path / "loop"), str(tmp_path / "y.npy")]
    found = find_files(str(tmp_path / "x*.npy"))
    assert found is not None
    assert found.unread == ()


def test_links_that_lead_back_are_named_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "also").symlink_to(tmp_path)
    np.save(tmp_path / "a" / "x.npy", LOGITS)
    found = find_files(str(tmp_path / "**" / "x.npy"))
    assert found is not None
    assert found.names == (str(tmp_path / "a" / "x.npy"),)
    assert sorted(found.passed_over) == [str(tmp_path / "a" / x) for x in ("also", "up")]
    assert found.unread == ()


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "*",
            "*.npy",
            "?.npy",
            "[ab]/*.npy",
            "*/*.npy",
            ".*",
            ".*/*",
            "a/../*.npy",
            "*/[[]x].npy",
        ),
        *("b/c/*", "[!a]*", "nothing/*", "x.npy/*", "*/c/x.npy", "./*.npy"),
    ],
)
@pytest.mark.parametrize("absolute", [True, False])
def test_names_are_those_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, absolute: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a/x.npy", "a/[x].npy", "b/c/x.npy", "x.npy", "y.npy", ".h/x.npy", ".x.npy"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    whole = str(tmp_path / pattern) if absolute else pattern
    expected = {str(Path(name)) for name in glob(whole)}  # noqa: PTH207
    assert set(matches(whole, [], [])) == expected
