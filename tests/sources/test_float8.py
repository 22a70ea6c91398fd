"""Arrays of float8, which NumPy saves without their name: refused with a command that works."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import open_source

LOGITS = np.array([[1.5, -2.25, 0.5], [3.0, 0.0, -1.0]])
RAW = "found |V1 (a raw byte per value: float8 as ml_dtypes saves it, which does not say which"


def refused(path: Path, layout: Layout) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        open_source(path, layout)
    return caught.value.what.removeprefix(str(path)), caught.value.advice


def read_after(advice: str, layout: Layout) -> Any:
    """Run the command of an advice, and return what it made."""
    python, *words = shlex.split(advice[advice.index("python -c") :])
    assert python == "python"
    subprocess.run([sys.executable, *words], check=True, timeout=60)
    return np.concatenate([block.values for block in open_source(words[-1], layout).blocks(9)])


def test_one_that_is_saved_as_raw_bytes(tmp_path: Path) -> None:
    path = tmp_path / "it's.npy"
    np.save(path, LOGITS.astype(ml_dtypes.float8_e4m3fn))
    what, advice = refused(path, Layout())
    assert what == f": expected real numbers, {RAW} float8)"
    assert advice.startswith("If it is float8_e4m3fn, write it again with ml_dtypes: python -c ")
    np.testing.assert_array_equal(read_after(advice, Layout()), LOGITS)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_one_in_an_archive(tmp_path: Path, save: Any) -> None:
    path, layout = tmp_path / "x.npz", Layout(key="b")
    save(path, a=LOGITS, b=LOGITS.astype(ml_dtypes.float8_e4m3fn))
    what, advice = refused(path, layout)
    assert what == f": 'b': expected real numbers, {RAW} float8)"
    np.testing.assert_array_equal(read_after(advice, layout), LOGITS)


def test_one_that_numpy_itself_does_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, LOGITS.astype(ml_dtypes.float8_e5m2))
    what, advice = refused(path, Layout())
    assert what == ": expected real numbers, found <f1 (float8_e5m2 as ml_dtypes saves it)"
    np.testing.assert_array_equal(
        read_after(advice, Layout()),
        LOGITS.astype(ml_dtypes.float8_e5m2).astype(np.float64),
    )
