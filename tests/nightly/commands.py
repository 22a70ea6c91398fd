"""Every command that an error advises for a file makes one that holds the same numbers."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import open_source

HERE = Path(__file__).parent
CASES = HERE.parent / "cases"
PYTHON = Path(os.environ["KLDIV_OTHER_PYTHON"])
ENVIRONMENT = os.environ | {"PATH": f"{PYTHON.parent}:{os.environ['PATH']}"}
COMMAND = re.compile(r"(?:python -c|iconv) .*")
READ = ("expected",)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("it's a folder")
    command = [PYTHON, HERE / "files.py", made, CASES / "right_p.npy"]
    subprocess.run(command, check=True, timeout=300)
    return made


KINDS = (
    *("table.xlsx", "indexed.xlsx", "table.xls", "table.pkl", "table.db", "table.orc"),
    "table.avro",
    *(f"{x}-{y}.pkl" for x in ("array", "lists", "rows", "dict", "tensor") for y in (2, 4, 5)),
    *("array.joblib", "packed.joblib", "dict.joblib"),
    *("five.mat", "packed.mat", "four.mat", "seven.mat"),
    *("array.bin", "rows.tfrecord", "virtual.h5", "external.pb", "e4m3.pb"),
    *(f"{x}-{y}" for x in ("array", "group") for y in ("2.zarr", "3.zarr")),
    *("array-2.zip", "array-3.zip", "group-2.zarr.zip", "group-3.zarr.zip"),
    *("e4m3.npy", "e4m3.npz", "e5m2.npy", "old.pt"),
    *(f"{x}{y}" for x in ("e4m3", "e5m2") for y in (".safetensors", "-alone.pt", "-dict.pt")),
    *("latin text.csv", "wide text.csv", "thousands.csv"),
)


def read(path: Path, layout: Layout) -> np.ndarray:
    return np.concatenate([block.values for block in open_source(path, layout).blocks(4)])


def remedied(path: Path) -> Path:
    """Do what the error of a file says, and return the file that it makes."""
    with pytest.raises(InputError) as caught:
        read(path, Layout())
    command = COMMAND.search(caught.value.advice)
    assert command is not None, caught.value.advice
    before = set(path.parent.iterdir())
    run = command[0].replace("CLASSES", "11")
    subprocess.run(["/bin/sh", "-c", run], env=ENVIRONMENT, check=True, timeout=300)
    (made,) = set(path.parent.iterdir()) - before
    return made


def test_all_files_are_tried(folder: Path) -> None:
    names = {path.name for path in folder.iterdir() if not path.name.startswith(READ)}
    assert set(KINDS) <= names


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_makes_a_file_that_holds_the_same(folder: Path, kind: str) -> None:
    made = remedied(folder / kind)
    holds_several = made.suffix in {".npz", ".safetensors"} or "dict" in kind
    layout = Layout(key="logits") if holds_several else Layout()
    of = next((x for x in ("e4m3", "e5m2", "thousands") if kind.startswith(x)), None)
    expected = np.load(folder / ("expected.npy" if of is None else f"expected-{of}.npy"))
    found = read(made, layout)
    if made.suffix == ".csv":
        np.testing.assert_allclose(found, expected.astype(float), rtol=1e-6)
    else:
        np.testing.assert_array_equal(found, expected)
