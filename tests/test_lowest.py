"""The lowest versions of other packages: those that are tested are those that are admitted."""

from __future__ import annotations

import re
import tomllib

from tests.command import ROOT


def test_the_pins_are_the_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["hdf5"]]
    bounds = dict(re.findall(r"([\w-]+)>=([\d.]+)", " ".join(wanted)))
    pins = dict(
        re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / "tests/lowest.txt").read_text(), re.MULTILINE)
    )
    assert pins.keys() == bounds.keys() >= {"typer", "numpy", "rich", "pyarrow"}
    assert all(re.fullmatch(rf"{re.escape(bounds[name])}(\.0)*", pins[name]) for name in pins)
