"""Every golden file has a test that asks for it, and every such test its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import FILES, TESTS, UPDATE, WANTED

pytest_plugins = ["pytester"]

CONFTEST = (TESTS / "conftest.py").read_text(encoding="utf-8")
MODULE = """
import pytest

@pytest.mark.parametrize("word", ["one", "two words"])
def test_said(golden, word):
    golden(f"{word}\\n")

class TestMore:
    def test_both(self, golden):
        golden("text\\n")
        golden("{}\\n", "json")
"""


def files() -> set[tuple[str, str]]:
    """The golden files: the folder of each, and its name without suffix."""
    return {
        (str(path.parent.relative_to(FILES)), path.stem)
        for path in FILES.rglob("*")
        if path.is_file()
    }


def test_every_golden_file_has_a_test_that_asks_for_it(request: pytest.FixtureRequest) -> None:
    wanted = request.config.stash[WANTED]
    for folder, name in sorted(files()):
        module = TESTS / Path(folder).parent / f"test_{Path(folder).name}.py"
        assert module.exists(), f"{folder}/{name}: no module of tests is called {module.name}"
        assert name in wanted.get(folder, {name}), f"{folder}/{name}: no test asks for it"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with one module of tests and this one's conftest."""
    for name in ("__init__", "command"):
        text = (TESTS / f"{name}.py").read_text(encoding="utf-8")
        target = pytester.path / "tests" / f"{name}.py"
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
    (pytester.path / "tests" / "conftest.py").write_text(CONFTEST)
    (pytester.path / "tests" / "test_x.py").write_text(MODULE)
    (pytester.path / "tests" / "test_golden.py").write_text(
        Path(__file__).read_text(encoding="utf-8").partition("@pytest.fixture")[0]
    )
    return pytester


def run(project: pytest.Pytester, *words: str) -> dict[str, int]:
    found = project.runpytest_subprocess("-p", "no:cacheprovider", *words, "tests")
    return {name: n for name, n in found.parseoutcomes().items() if not name.startswith("warning")}


def test_files_are_written_where_asked_for_and_compared_otherwise(
    project: pytest.Pytester,
) -> None:
    folder = project.path / "tests" / "golden" / "x"
    assert run(project) == {"failed": 3, "passed": 1}
    assert not folder.exists()
    assert run(project, UPDATE) == {"passed": 4}
    contents = {path.name: path.read_text() for path in folder.iterdir()}
    assert contents == {
        "said-one.txt": "one\n",
        "said-two-words.txt": "two words\n",
        "more-both.txt": "text\n",
        "more-both.json": "{}\n",
    }
    assert run(project) == {"passed": 4}
    (folder / "said-one.txt").write_text("another\n")
    (folder / "more-both.md").write_text("left\n")
    assert run(project) == {"failed": 1, "errors": 1, "passed": 3}


def test_what_no_test_asks_for_fails(project: pytest.Pytester) -> None:
    assert run(project, UPDATE) == {"passed": 4}
    folder = project.path / "tests" / "golden"
    (folder / "x" / "left.txt").touch()
    assert run(project) == {"failed": 1, "passed": 3}
    (folder / "x" / "left.txt").rename(folder / "left.txt")
    assert run(project) == {"failed": 1, "passed": 3}
    (folder / "left.txt").unlink()
    path = project.path / "tests" / "test_x.py"
    path.write_text(MODULE.replace('golden(f"{word}\\n")', "pass"))
    assert run(project) == {"errors": 2, "passed": 4}
