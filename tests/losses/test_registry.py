"""The registry of losses: read without imports, and true."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from math import inf, nan
from typing import Any

import pytest

from kldiv_cli import losses
from kldiv_cli.errors import UsageError
from kldiv_cli.losses import LOSSES
from kldiv_cli.losses.base import Loss


@pytest.mark.parametrize("name", LOSSES)
def test_the_options_are_the_fields(name: str) -> None:
    definition = LOSSES.load(name)
    assert issubclass(definition, Loss)
    assert {field.name for field in fields(definition)} == {
        option.name for option in LOSSES[name].options
    }
    assert definition.__doc__


@pytest.mark.parametrize("name", LOSSES)
def test_formula_and_paper_fit_the_listing(name: str) -> None:
    assert 10 < len(LOSSES[name].description) <= 65
    assert LOSSES[name].paper


def test_reading_it_imports_nothing() -> None:
    code = (
        "import sys, kldiv_cli.losses as l; [l.flags(n) for n in l.LOSSES]; "
        "print(sorted(m for m in sys.modules if m == 'numpy' or m.startswith('kldiv_cli')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['kldiv_cli', 'kldiv_cli.errors', 'kldiv_cli.losses']"


@pytest.mark.parametrize(
    ("name", "options", "what"),
    [
        ("nope", {}, "no loss is called 'nope'"),
        ("keras", {"alpha": 1.0}, "the loss keras does not take --alpha"),
        ("torch", {"lam": 0.1}, "the loss torch does not take --lambda"),
        ("vat", {"from_logits": False}, "the loss vat does not take --from-logits"),
        ("torch", {"reduction": "cell"}, "no --reduction is called 'cell'"),
        ("globalpointer", {"reduction": "mean"}, "no --reduction is called 'mean'"),
        ("mxnet", {"release": "2.0"}, "no --release is called '2.0'"),
        ("r-drop", {"convention": "x"}, "no --convention is called 'x'"),
        ("r-drop", {"alpha": nan}, "expected --alpha to be a finite number, found nan"),
        ("kd", {"temperature": 0.0}, "expected --temperature above 0, found 0"),
        ("kd", {"temperature": inf}, "expected --temperature above 0, found inf"),
        ("gjsd", {"beta": 1.5}, "expected --beta to be a finite number from 0 to 1, found 1.5"),
        ("gjsd", {"beta": -0.1}, "expected --beta to be a finite number from 0 to 1, found -0.1"),
        ("distillm", {"lam": 0.0}, "expected --lambda to be above 0 and below 1, found 0"),
        ("distillm", {"lam": 1.0}, "expected --lambda to be above 0 and below 1, found 1"),
        ("dkl", {"gamma": 1.0}, "the loss dkl does not take --gamma"),
        ("dkl", {"weight_temperature": -1.0}, "expected --weight-temperature above 0, found -1"),
        ("gkl", {"gamma": -1.0}, "expected --gamma to be a finite number of 0 or more, found -1"),
    ],
)
def test_what_it_refuses(name: str, options: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError) as error:
        losses.load(name, options)
    assert error.value.what == what
    assert error.value.advice


def test_an_unknown_option_is_told_the_known_ones() -> None:
    with pytest.raises(UsageError) as error:
        losses.load("dkd", {"gamma": 1.0})
    assert error.value.advice == "Its options: --alpha, --beta, --temperature, --labels."
    with pytest.raises(UsageError) as error:
        losses.load("vat", {"gamma": 1.0})
    assert error.value.advice == "Its options: none."
