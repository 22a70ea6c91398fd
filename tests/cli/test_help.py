"""``kldiv help``: topics, commands, pages on a terminal and off it, and pagers."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from rich.cells import cell_len

from kldiv_cli.cli.commands import COMMANDS
from kldiv_cli.reports.manual import WIDEST, rendered
from tests.command import COLOURS, ROOT, Golden, Kldiv

MANUAL = ROOT / "kldiv_cli" / "manual"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(MANUAL.iterdir())}
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
WORD = re.compile(r"\w(?:[\w.:/=+-]*\w)?")
BLOCK = re.compile(r"^```.+?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_without_a_topic_all_are_listed(kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    code, out, err = kldiv("help")
    assert (code, err) == (0, "")
    pages, _, commands = out.partition("\n\nCommands: kldiv help COMMAND\n\n")
    assert pages.startswith("Manual: kldiv help TOPIC\n\n")
    assert re.findall(r"^[\w-]+(?=  )", pages, re.MULTILINE) == list(PAGES)
    assert re.findall(r"^[\w-]+(?=  )", commands, re.MULTILINE) == list(COMMANDS)
    assert (
        "\nmasks            A mask says which rows, classes or cells enter a comparison.\n" in out
    )
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("topic", PAGES)
def test_off_a_terminal_a_page_is_its_source(kldiv: Kldiv, topic: str) -> None:
    code, out, err = kldiv("help", topic)
    usage = kldiv(topic, "--help").out if topic in COMMANDS else ""
    assert (code, out, err) == (0, PAGES[topic] + usage, "")


@pytest.mark.parametrize("command", COMMANDS)
def test_of_a_command_it_is_what_the_command_says(kldiv: Kldiv, command: str) -> None:
    code, out, err = kldiv("help", command)
    assert (code, err) == (0, "")
    assert out == PAGES.get(command, "") + kldiv(command, "--help").out
    assert f" Usage: kldiv {command} " in out


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_says_of_its_options(command: str, golden: Golden) -> None:
    function = COMMANDS.load(command)
    alone = typer.Typer(add_completion=False)
    alone.command()(function.signed() if hasattr(function, "signed") else function)
    found: list[Any] = typer.main.get_command(alone).params
    golden("".join(f"{said(parameter)}\n" for parameter in found))


def said(parameter: Any) -> str:
    """All that ``--help`` is made of for a parameter, the words as they are before they fold."""
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    default = parameter.default if parameter.show_default is True else parameter.show_default
    shown = "" if default in {None, False} else f" [default: {default}]"
    panel = parameter.rich_help_panel or ""
    return f"{names} {parameter.metavar or ''}{shown}\n  {panel}\n  {parameter.help}"


def test_kldiv_says_that_there_is_a_manual(kldiv: Kldiv) -> None:
    assert re.search(r"│ help +List the manual's topics", kldiv("--help").out)


@pytest.mark.parametrize(
    ("word", "question"),
    [
        ("file", "Did you mean 'files'? "),
        ("FILES", "Did you mean 'files'? "),
        ("loses", "Did you mean 'losses' or 'loss'? "),
        ("Language", "Did you mean 'language-models'? "),
        ("lo", "Did you mean 'losses' or 'loss'? "),
        ("compares", "Did you mean 'compare'? "),
        ("", ""),
        ("x\n\x1b[2J", ""),
    ],
)
def test_an_unknown_topic_is_an_error_with_all_that_are_known(
    kldiv: Kldiv, word: str, question: str
) -> None:
    code, out, err = kldiv("help", word)
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        f"kldiv: error: kldiv help: expected a topic or a command, found {word!r}",
        f"{question}Topics: {', '.join(PAGES)}. Commands: {', '.join(COMMANDS)}.",
    ]


def test_there_is_one_topic_at_a_time(kldiv: Kldiv) -> None:
    code, out, err = kldiv("help", "files", "masks")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "kldiv: error: Got unexpected extra argument(s) (masks)",
        "'kldiv help --help' lists what is known.",
    ]


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("ma", ["masks"]), ("loss", ["losses", "loss"]), ("measures", ["measures"]), ("x", [])],
)
def test_topics_and_commands_are_completed(typed: str, completed: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kldiv_cli"],
        env={
            **os.environ,
            "_KLDIV_COMPLETE": "complete_bash",
            "COMP_WORDS": f"kldiv help {typed}",
            "COMP_CWORD": "2",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == completed


# Pages through Rich


def plain(page: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for variable in COLOURS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))
    return [line.rstrip() for line in ESCAPE.sub("", rendered(page)).splitlines()]


@pytest.mark.parametrize("columns", [45, 50, 80, 300])
@pytest.mark.parametrize("topic", PAGES)
def test_no_word_is_cut(topic: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = plain(PAGES[topic], columns, monkeypatch)
    assert max(map(cell_len, lines)) <= min(columns, WIDEST)
    found = [
        word
        for line in re.sub(r"^```.*$", "", PAGES[topic], flags=re.MULTILINE).splitlines()
        for word in WORD.findall(line)
        if len(word) <= columns // (4 if line.startswith("|") else 2)
    ]
    words = Counter(found)
    assert len(words) > 30
    assert words <= Counter(WORD.findall("\n".join(lines)))


@pytest.mark.parametrize("topic", PAGES)
def test_blocks_are_as_they_are_where_there_is_room(
    topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\n".join(plain(PAGES[topic], 80, monkeypatch))
    for block in BLOCK.findall(PAGES[topic]):
        lines = [line.rstrip() for line in block.splitlines()]
        if max(map(len, lines)) <= 80:
            assert "\n".join(lines) in text


def test_a_line_without_blanks_is_folded_between_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    page = "# T\n\n```text\n0,SpeakerDisableSeq.conf,0.00762524263865496,0.125\n```\n"
    assert plain(page, 40, monkeypatch)[2:] == [
        "0,SpeakerDisableSeq.conf,",
        "    0.00762524263865496,0.125",
    ]


def test_a_command_that_is_folded_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    page = "# T\n\n```console\n$ kldiv compare reference.npy candidate.npy --mode sigmoid\n```\n"
    assert plain(page, 40, monkeypatch)[2:] == [
        "$ kldiv compare reference.npy \\",
        "    candidate.npy --mode sigmoid",
    ]


# Terminals and pagers


class Seen(NamedTuple):
    code: int
    text: str
    err: str


def on_terminal(
    *words: str, lines: int = 24, columns: int = 80, environment: dict[str, str] | None = None
) -> Seen:
    """Run the command line with its output on a terminal, and read what that shows."""
    terminal, output = pty.openpty()
    fcntl.ioctl(output, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    plain = {key: value for key, value in os.environ.items() if key not in (*COLOURS, "PAGER")}
    with subprocess.Popen(
        [sys.executable, "-m", "kldiv_cli", "help", *words],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env={**plain, "TERM": "xterm", **(environment or {})},
    ) as process:
        os.close(output)
        found = b""
        while True:
            try:
                part = os.read(terminal, 65536)
            except OSError:  # Linux's end of a terminal
                break
            if not part:
                break
            found += part
        assert process.stderr is not None
        err = process.stderr.read().decode()
    os.close(terminal)
    return Seen(process.returncode, found.decode().replace("\r\n", "\n"), err)


def test_a_long_page_goes_through_the_pager(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    code, text, err = on_terminal("files", environment={"PAGER": f"cat > {copy}; echo read"})
    assert (code, text, err) == (0, "read\n", "")
    shown = copy.read_text(encoding="utf-8")
    assert "\x1b[1mFiles" in shown
    assert "$ kldiv inspect samples/magika-fp32.npy" in ESCAPE.sub("", shown)


@pytest.mark.parametrize(
    ("environment", "shown"),
    [({}, "FRX\n-c\n"), ({"LESS": "R"}, "R\n-c\n"), ({"LESS": "", "LV": "x"}, "\nx\n")],
)
def test_less_shows_colours_and_ends_where_text_is_short(
    environment: dict[str, str], shown: str
) -> None:
    pager = "cat > /dev/null; printenv LESS LV"
    assert on_terminal("files", environment={"PAGER": pager, **environment}) == (0, shown, "")


def test_a_page_that_fits_the_terminal_does_not_go_through_it() -> None:
    """It fits if a line is left for the prompt."""
    pager = {"PAGER": "echo used"}
    code, text, err = on_terminal("files", lines=500, environment=pager)
    assert (code, err) == (0, "")
    assert ESCAPE.sub("", text).startswith("Files\n\nkldiv reads")
    lines = text.count("\n")
    assert on_terminal("files", lines=lines + 1, environment=pager) == (0, text, "")
    assert on_terminal("files", lines=lines, environment=pager) == (0, "used\n", "")


@pytest.mark.parametrize(
    "environment",
    [{"PAGER": ""}, {"PAGER": "cat"}, {"TERM": "dumb", "PAGER": "true"}, {"PATH": ""}],
    ids=" ".join,
)
def test_without_a_pager_the_text_is_printed(environment: dict[str, str]) -> None:
    code, text, err = on_terminal("files", environment=environment)
    assert (code, err) == (0, "")
    assert "$ kldiv inspect samples/magika-fp32.npy" in text


def test_a_pager_that_is_missing_is_told_of(tmp_path: Path) -> None:
    code, text, err = on_terminal("files", environment={"PAGER": str(tmp_path / "bogus")})
    assert code == 0
    assert f"{tmp_path}/bogus" in err
    assert "Traceback" not in err
    assert "$ kldiv inspect samples/magika-fp32.npy" in text


def test_a_pager_may_be_left_early() -> None:
    assert on_terminal("files", environment={"PAGER": "echo left"}) == (0, "left\n", "")


def test_an_interrupt_is_left_to_the_pager() -> None:
    pager = "kill -INT $PPID; cat > /dev/null; kill -INT $PPID; echo still there"
    assert on_terminal("files", environment={"PAGER": pager}) == (0, "still there\n", "")


def test_what_a_page_says_in_less() -> None:
    code, text, err = on_terminal("numerics", lines=20, environment={"PAGER": "less -E"})
    assert (code, err) == (0, "")
    assert "right to 2e-14" in text


@pytest.mark.parametrize("columns", [30, 50])
def test_the_list_folds_on_a_narrow_terminal(columns: int) -> None:
    code, text, err = on_terminal(columns=columns, lines=500)
    assert (code, err) == (0, "")
    assert 35 < max(map(len, text.splitlines())) <= max(columns, 40)


def test_a_pipe_that_closes_is_no_trouble() -> None:
    for words in ("help files", "help compare", "help"):
        done = subprocess.run(
            ["bash", "-c", f"{sys.executable} -m kldiv_cli {words} | head -1; echo $PIPESTATUS"],  # noqa: S607
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert (done.stdout.splitlines()[-1], done.stderr) == ("0", "")
