"""``kldiv measures``: the list, and one measure explained."""

from __future__ import annotations

import pytest

from kldiv_cli.measures import MEASURES
from tests.command import Golden, Kldiv


def test_the_list_has_every_measure_and_fits_80_columns(kldiv: Kldiv, golden: Golden) -> None:
    code, out, err = kldiv("measures")
    assert (code, err) == (0, "")
    golden(out)
    lines = out.splitlines()
    named = [line.split()[0] for line in lines[2:-2] if not line.startswith(" ")]
    assert named == [MEASURES.usage(name) for name in MEASURES]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", MEASURES)
def test_one_that_is_explained_fits_80_columns(kldiv: Kldiv, name: str, golden: Golden) -> None:
    code, out, err = kldiv("measures", name)
    assert (code, err) == (0, "")
    golden(out)
    assert out.startswith(name)
    assert max(map(len, out.splitlines())) <= 80
