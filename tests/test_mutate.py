"""The tool that proves the suite by mutation, on a project of one module and one test."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutate.__main__ import main
from tests.mutate.mutants import mutants

MODULE = '''"""Says "a < b" and 1 + 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    MOST = 1


def least() -> int:
    return 5


LEAST = least()


def grade(points: int) -> str:
    """Return a grade."""
    return "good" if points >= LEAST else "bad"


def untested(rows: Sequence[int]) -> int:
    return max(rows)
'''
TESTS = """import pytest

from toy.marks import grade


@pytest.mark.parametrize("points", [4, 5, 6])
def test_grade(points):
    assert grade(points) == ("good" if points > 4 else "bad")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the tool in it, as a copy of this one has it."""
    package = tmp_path / "project" / "toy"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "marks.py").write_text(MODULE)
    tests = package.parent / "tests"
    tests.mkdir()
    (tests / "__init__.py").touch()
    (tests / "test_marks.py").write_text(TESTS)
    (tests / "mutate").symlink_to(Path(__file__).parent / "mutate")
    return package.parent


def test_what_the_tests_hold_is_killed_and_the_rest_told(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--package", "toy", "--jobs", "1", "--state", str(tmp_path / "state")]
    assert main([*words, "--count", "1000"], project) == 1
    out, err = capsys.readouterr()
    survived = {line[1:].strip() for line in out.splitlines() if line.startswith("+ ")}
    assert survived == {"return None", "return (min(rows))"}
    assert err.count(" killed toy/marks.py:14\n") == 3  # which runs before any test does
    assert err.count(" killed toy/marks.py:22\n") == 4
    assert err.count(" survived toy/marks.py:26\n") == 2
    assert err.count("\n") == 9
    last = " ".join(out.splitlines()[-1].split())
    assert last == "all 7 of 9 killed, 77.8 %, 0 of them by time"
    assert main([*words, "--count", "1000"], project) == 1
    again = capsys.readouterr()
    assert (again.out, again.err) == (out, "")
    assert main([*words, "--count", "1000", "--again"], project) == 1
    again = capsys.readouterr()
    assert (again.out, again.err.count("survived"), again.err.count("\n")) == (out, 2, 2)
    assert (project / "toy" / "marks.py").read_text() == MODULE


def changed(source: str, *, words: bool = False) -> set[str]:
    """What the last line of a text becomes."""
    found = mutants("x.py", source, words=words)
    return {mutant.of(source).splitlines()[-1] for mutant in found}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = a < b", {"x = (a <= b)", "x = (a >= b)"}),
        ("x = a == b", {"x = (a != b)"}),
        ("x = a is b", {"x = (a is not b)"}),
        ("x = a in b", {"x = (a not in b)"}),
        ("x = a + b", {"x = (a - b)"}),
        ("x = a ** b", {"x = (a * b)"}),
        ("x = a and b", {"x = (a or b)", "x = (a)", "x = (b)"}),
        ("x = not a", {"x = (a)"}),
        ("x = 3", {"x = 4", "x = (2)"}),
        ("x = 3.0", {"x = 6.0", "x = 1.5"}),
        ("x = True", {"x = False"}),
        ("x = a.min(b, c)", {"x = (a.max(b, c))"}),
        ("x = g(b, c)", {"x = (g(c, b))"}),
        ("x = f(a, b=c)", {"x = (f(a))"}),
        ("x = a if b else c", {"x = a if (not b) else c"}),
        ("x = [a for a in b if c]", {"x = [a for a in b if True]"}),
        ("x = a == 'é' == b", {"x = a == 'é?' == b", "x = (a != 'é' == b)", "x = (a == 'é' != b)"}),
        ("x.y = a", {"pass"}),
        ("x += a", {"x -= a", "pass"}),
        ("f(a)", {"pass"}),
        ("x = 'words' + a", set()),
        ("x = f'{a + 1}'", set()),
        ("x = zip(a, strict=True)", set()),
        ("class X(Y, total=False): pass", set()),
        ("raise AssertionError('never')", set()),
        ("x: int = a", set()),
        ("X = str | Y", set()),
        ("import a", set()),
        ("'a < b'", set()),
    ],
)
def test_changes_of_a_line(line: str, expected: set[str]) -> None:
    assert changed(f"# é\n{line}") == expected


def test_words_of_messages_are_changed_where_asked_for() -> None:
    assert changed("raise ValueError('no')") == {"pass"}
    assert "raise ValueError('no?')" in changed("raise ValueError('no')", words=True)


def test_every_mutant_of_the_package_is_another_program() -> None:
    root = Path(__file__).parents[1]
    for path in sorted((root / "kldiv_cli" / "measures").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for mutant in mutants(str(path), source)[::60]:
            assert ast.dump(ast.parse(mutant.of(source))) != ast.dump(ast.parse(source))
            assert mutant.diff(source).count("\n") > 2
