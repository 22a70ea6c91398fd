"""The README's outputs are those of the commands shown, and it leaves nothing out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kldiv_cli.losses import LOSSES
from kldiv_cli.measures import MEASURES, usage
from kldiv_cli.reports import REPORTS
from kldiv_cli.sources import FORMATS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n(.*?)```", README, re.DOTALL)


def run(commands: list[str]) -> str:
    """Run the commands in one shell, each echoed as in the README, both streams together."""
    script = "\n".join(f"code=$?; echo '$ {line}'; (exit $code)\n{line}" for line in commands)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],  # noqa: S607
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def assert_same(found: str, shown: str) -> None:
    """Compare word by word; a number may differ in the last digits, as processors do."""
    assert len(found.splitlines()) == len(shown.splitlines())
    for found_line, shown_line in zip(found.splitlines(), shown.splitlines(), strict=True):
        if found_line != shown_line:
            words = [re.split(r"([ ,])", line) for line in (found_line, shown_line)]
            assert len(words[0]) == len(words[1]), found_line
            for a, b in zip(*words, strict=True):
                assert a == b or float(a) == pytest.approx(float(b), rel=2e-14, abs=0), found_line


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.splitlines()[0][2:60])
def test_outputs_are_those_of_the_commands(block: str) -> None:
    commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    assert_same(run(commands), block)


def test_console_lines_fit_80_columns() -> None:
    lines = [line for block in CONSOLE for line in block.splitlines() if not line.startswith("$")]
    assert len(lines) > 50
    assert max(map(len, lines)) <= 80


def test_the_first_screen_is_a_sentence_a_command_and_its_output() -> None:
    before, _, _ = README.partition("```console\n")
    assert before.count("\n") <= 4
    assert CONSOLE[0].startswith("$ kldiv compare samples/")


def test_two_command_lines_install_and_run() -> None:
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv ")]
    assert len(lines) == 2
    assert "kldiv compare samples/" in lines[0]
    assert lines[1].endswith("pytest")


@pytest.mark.parametrize(
    "suffix",
    sorted(
        {suffix for entry in FORMATS.values() for suffix in entry.suffixes}
        | {report.suffix for report in REPORTS.values() if report.suffix}
    ),
)
def test_every_format_and_report_is_mentioned(suffix: str) -> None:
    assert f"`{suffix}`" in README


@pytest.mark.parametrize("name", [*map(usage, MEASURES), *LOSSES])
def test_every_measure_and_loss_is_mentioned(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("command", ["compare", "inspect", "loss", "measures", "verify"])
def test_every_command_is_mentioned(command: str) -> None:
    assert f"kldiv {command}" in README
