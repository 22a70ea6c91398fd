"""What a shell completes: options and their values, from the table and the registries."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kldiv_cli.losses import LOSSES
from kldiv_cli.sources.formats import FORMATS
from kldiv_cli.tasks.options import LINES
from tests.cli.test_startup import MAIN, loaded
from tests.command import ROOT


def asked(*words: str) -> dict[str, str]:
    """The environment in which bash asks what completes the last of the words."""
    line = " ".join(("kldiv", *words))
    return {
        "_KLDIV_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words)),
    }


def offered(*words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "kldiv_cli"],
        cwd=ROOT,
        env={**os.environ, **asked(*words)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


VALUES = [
    (("compare", "--mode", "s"), ["softmax", "sigmoid"]),
    (("compare", "-m", "sk"), ["skew-kl:LAMBDA", "skew-reverse-kl:LAMBDA"]),
    (("compare", "-m", "kl,h"), ["kl,hellinger"]),
    (("compare", "--group", ""), ["argmax", "confidence", "position"]),
    (("compare", "--format", "j"), ["json", "jsonl"]),
    (("compare", "--reference-format", ""), list(FORMATS)),
    (("inspect", "--input-format", "np"), ["npy", "npz"]),
    (("compare", "--dtype", "b"), ["bfloat16"]),
    (("verify", "--on-missing", ""), ["error", "skip"]),
    (("loss", "d"), [name for name in LOSSES if name.startswith("d")]),
    (("loss", "r-drop", "--convention", ""), ["paper", "bert", "vit", "keras"]),
    (("loss", "torch", "--reduction", "b"), ["batchmean"]),
]


@pytest.mark.parametrize(("words", "expected"), VALUES, ids="-".join)
def test_values(words: tuple[str, ...], expected: list[str]) -> None:
    assert offered(*words) == expected


@pytest.mark.parametrize("option", ["--stat", "--fail-above", "--fail-below"])
def test_figures(option: str) -> None:
    sign = "" if option == "--stat" else "="
    assert offered("compare", option, "same") == [
        f"{name}{sign}" for name in ("same-argmax", "same-sign", "same-top")
    ]
    assert f"median{sign}" in offered("compare", option, "me")


@pytest.mark.parametrize("words", [words for words, _ in VALUES], ids="-".join)
def test_nothing_heavy_is_loaded(words: tuple[str, ...]) -> None:
    assert loaded(MAIN, **asked(*words)) == ["0"]


@pytest.mark.parametrize("command", LINES)
def test_every_option_of_the_table_is_offered(command: str) -> None:
    rows = LINES[command].line().values()
    flags = {part for row in rows for flag in row.flags for part in flag.split("/")}
    long = {flag for flag in flags if flag.startswith("--")}
    assert set(offered(command, "--")) == long | {"--help"}


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        ("loss", ["--threads", "--on-missing", "--classes", "--truncate-classes"]),
        ("verify", ["--threads", "--on-missing", "--classes", "--truncate-classes"]),
        ("inspect", ["--strict", "--no-warn", "--output", "--threads"]),
    ],
)
def test_options_that_no_command_lacks_for_no_reason(command: str, flags: list[str]) -> None:
    assert set(flags) <= set(offered(command, "--"))
