"""The README and the manual: outputs are those of the commands shown, and nothing is left out."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from kldiv_cli.cli.commands import COMMANDS
from kldiv_cli.losses import LOSSES
from kldiv_cli.measures import MEASURES
from kldiv_cli.reports import REPORTS
from kldiv_cli.sources.formats import FORMATS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted(ROOT.joinpath("kldiv_cli", "manual").iterdir())
}
TEXTS = {"README": README, **PAGES}
TOPICS = {
    *("files", "pairing", "masks", "selection", "probabilities", "measures", "losses", "groups"),
    *("language-models", "ci", "outputs", "python", "numerics", "speed", "errors"),
    "testing",
}


class Fence(NamedTuple):
    """A block of code: its language, the name of the file that it is, if any, and the code."""

    kind: str
    file: str
    code: str


FENCE = re.compile(r"^```(\w*)(?: (\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FENCES = {name: [Fence(*found) for found in FENCE.findall(text)] for name, text in TEXTS.items()}
CONSOLE = [
    pytest.param(name, fence.code, id=f"{name}-{fence.code.splitlines()[0][2:60]}")
    for name, fences in FENCES.items()
    for fence in fences
    if fence.kind == "console"
]
PYTHON = [
    pytest.param(fence.code, below.code, id=name)
    for name, fences in FENCES.items()
    for fence, below in pairwise(fences)
    if fence.kind == "python" and not fence.file
]


def install(fences: list[Fence], folder: Path) -> None:
    """Write the files that blocks are; a pyproject.toml among them has the entry points."""
    for fence in fences:
        if fence.file:
            path = folder / fence.file
            path.parent.mkdir(exist_ok=True)
            path.write_text(fence.code)
    settings = folder / "pyproject.toml"
    if settings.exists():
        project = tomllib.loads(settings.read_text())["project"]
        info = folder / f"{project['name']}-{project['version']}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Name: {project['name']}\n")
        lines = [
            line
            for group, points in project["entry-points"].items()
            for line in (f"[{group}]", *(f"{name} = {path}" for name, path in points.items()))
        ]
        info.joinpath("entry_points.txt").write_text("\n".join(lines))


def run(commands: list[str], folder: Path) -> str:
    """Run the commands in one shell, each echoed as in the text, both streams together."""
    script = "\n".join(
        f"code=$?; echo {shlex.quote(f'$ {line}')}; (exit $code)\n{line}" for line in commands
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],  # noqa: S607
        cwd=ROOT,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def assert_same(found: str, shown: str) -> None:
    """Compare word by word; a number may differ in the last digits, as processors do."""
    assert len(found.splitlines()) == len(shown.splitlines()), found
    for found_line, shown_line in zip(found.splitlines(), shown.splitlines(), strict=True):
        if found_line != shown_line:
            words = [re.split(r"([ ,])", line) for line in (found_line, shown_line)]
            assert len(words[0]) == len(words[1]), found_line
            for a, b in zip(*words, strict=True):
                assert a == b or float(a) == pytest.approx(float(b), rel=2e-14, abs=0), found_line


@pytest.mark.parametrize(("name", "block"), CONSOLE)
def test_outputs_are_those_of_the_commands(name: str, block: str, tmp_path: Path) -> None:
    install(FENCES[name], tmp_path)
    commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    assert_same(run(commands, tmp_path), block)


@pytest.mark.parametrize(("block", "shown"), PYTHON)
def test_python_prints_what_is_shown_below_it(block: str, shown: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert_same(done.stdout, shown)


@pytest.mark.parametrize("name", TEXTS)
def test_every_block_is_run(name: str) -> None:
    """By the tests above, or by .ci/run: the README's two lines of sh. Files are used by them."""
    kinds = [fence.kind for fence in FENCES[name] if not fence.file]
    assert set(kinds) <= {"console", "python", "text", "sh"}
    assert kinds.count("sh") == (2 if name == "README" else 0)
    followed = [after for kind, after in pairwise(kinds) if kind == "python"]
    assert followed == ["text"] * kinds.count("text") == ["text"] * kinds.count("python")
    assert all(code.startswith("$ ") for kind, _, code in FENCES[name] if kind == "console")
    rest = FENCE.sub("", TEXTS[name])
    assert re.findall(r"^(?:    .*|\s*[$>] .*|\s*(?:```|~~~).*)$", rest, re.MULTILINE) == []


def test_every_topic_has_a_page() -> None:
    assert set(PAGES) >= TOPICS


@pytest.mark.parametrize("name", PAGES)
def test_a_page_begins_with_a_title_and_a_sentence(name: str) -> None:
    """`kldiv help` lists the sentence."""
    title, sentence, *_ = PAGES[name].split("\n\n")
    assert re.fullmatch(r"# [A-Z][\w ]+", title)
    assert re.fullmatch(r"[^\n.]+\.", sentence)
    assert f"- [{name}](kldiv_cli/manual/{name}.md): {sentence}\n" in README


@pytest.mark.parametrize("name", TEXTS)
def test_lines_are_short(name: str) -> None:
    """Of what is printed all but the first line of an error fits 80 columns."""
    shown = [
        line
        for kind, _, code in FENCES[name]
        for line in code.splitlines()
        if kind == "console" and not line.startswith(("$ ", "kldiv: "))
    ]
    assert [line for line in shown if len(line) > 80] == []
    assert [line for line in FENCE.sub("", TEXTS[name]).splitlines() if len(line) > 140] == []


def test_the_readme_is_a_front_page() -> None:
    assert README.count("\n") <= 180


def test_the_first_screen_is_a_sentence_a_command_and_its_output() -> None:
    before, _, after = README.partition("```console\n")
    assert before.count("\n") <= 4
    assert after.startswith("$ kldiv compare samples/")


def test_two_command_lines_install_and_run() -> None:
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]
    assert len(lines) == 2
    assert "kldiv compare samples/" in lines[0]
    assert lines[1].endswith("pytest")


@pytest.mark.parametrize(
    "suffix", sorted({suffix for entry in FORMATS.rows().values() for suffix in entry.suffixes})
)
def test_every_format_is_listed(suffix: str) -> None:
    assert f"`{suffix}`" in PAGES["files"]


@pytest.mark.parametrize(
    "suffix", sorted(report.suffix for report in REPORTS.rows().values() if report.suffix)
)
def test_every_report_is_listed(suffix: str) -> None:
    assert f"`{suffix}`" in PAGES["outputs"]


@pytest.mark.parametrize("name", [*map(MEASURES.usage, MEASURES)])
def test_every_measure_is_listed(name: str) -> None:
    assert f"`{name}`" in PAGES["measures"]


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_listed(name: str) -> None:
    assert f"`{name}`" in PAGES["losses"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_mentioned(command: str) -> None:
    assert f"kldiv {command}" in README
