"""``kldiv measures``: the list, and one measure explained."""

from __future__ import annotations

import pytest

from kldiv_cli.measures import MEASURES, usage
from tests.command import Kldiv


def test_the_list_has_every_measure_and_fits_80_columns(kldiv: Kldiv) -> None:
    code, out, err = kldiv("measures")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    named = [line.split()[0] for line in lines[2:-2] if not line.startswith(" ")]
    assert named == [usage(name) for name in MEASURES]
    assert max(map(len, lines)) <= 80
    assert (
        "gjs:BETA                BETA*KL(p||M) + (1-BETA)*KL(q||M), M = BETA*p +\n"
        "                        (1-BETA)*q\n"
        "                        [0, H(BETA)], at most ln 2\n"
    ) in out


@pytest.mark.parametrize("name", MEASURES)
def test_one_that_is_explained_fits_80_columns(kldiv: Kldiv, name: str) -> None:
    code, out, err = kldiv("measures", name)
    assert (code, err) == (0, "")
    assert out.startswith(name)
    assert max(map(len, out.splitlines())) <= 80


def test_an_example_says_its_unit(kldiv: Kldiv) -> None:
    assert kldiv("measures", "kl").out.endswith(
        "            kl under softmax: 0.121676182884 nats\n"
        "            kl under sigmoid: 0.253136508895 nats\n"
    )
