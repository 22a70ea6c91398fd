"""Wrong usage from the outside: what the error says is wrong, and what it advises.

advice.txt has a command, the error and the advice of every case; FOLDER is where `folder` writes.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

from tests.command import Kldiv

CASES = Path(__file__).with_name("advice.txt").read_text(encoding="utf-8").split("\n\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of all kinds that are not what they are taken for."""
    arrays = {
        "bool": np.ones(512, dtype=bool),
        "text": np.array(["cat"] * 512),
        "objects": np.array([None] * 512),
        "half": np.full(512, 0.5),
        "single": np.array(1.0),
        "large": np.full(512, 400),
    }
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    np.savez(tmp_path / "two.npz", a=np.ones((2, 3)), b=np.ones((2, 3)))
    texts = {
        "empty.npy": "",
        "lines.txt": "1\n" * 512,
        "two.csv": "file,label,a,b\nx,u,1,2\ny,v,2,3\n",
        "abc.csv": "id,x,y\na,1,2\nb,2,3\nc,3,4\n",
        "bcd.csv": "id,x,y\nd,1,2\nb,2,3\nc,3,4\n",
        "xyz.csv": "id,x,z\na,1,2\nb,2,3\nc,3,4\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.partition("\n")[0])
def test_what_is_wrong_and_what_to_do(kldiv: Kldiv, folder: Path, case: str) -> None:
    command, what, advice = case.replace("FOLDER", str(folder)).strip().splitlines()
    _, program, *words = shlex.split(command)
    assert program == "kldiv"
    assert kldiv(*words) == (2, "", f"kldiv: error: {what}\n{advice}\n")
