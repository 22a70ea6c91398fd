"""Sixteen threads against one, bit for bit: what is printed, and every row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from tests import llamacpp
from tests.attack.base import Budget, Failure, Tally, each
from tests.attack.runs import harm, run
from tests.sources import test_safetensors

Array = npt.NDArray[Any]
Write = Callable[[Path, Array, Random], object]

CELLS = 400_000
ROWS = "rows.npy"
OPTIONS = (
    *("", "", "--mode sigmoid", "--measure kl,js,renyi:2,entropy", "--nan-policy propagate"),
    *("--temperature 3", "--mask-below -4", "--unit bits", "--limit 700", "--rows 5:-5"),
    *("--sample 300 --seed 4", "--classes 1:", "--smooth 1e-3", "--group argmax"),
)


def attack(budget: Budget) -> Tally:
    """Compare what one thread and sixteen give."""
    return each(budget, lambda number: _attempt(budget, number))


def _attempt(budget: Budget, number: int) -> str | Failure:
    dice = budget.dice(number)
    with TemporaryDirectory(prefix="kldiv-attack-") as name:
        folder = Path(name)
        words = _inputs(folder, dice)
        found = []
        for threads in (1, 16):
            output = folder / str(threads)
            output.mkdir()
            words[-1] = str(output / ROWS)
            done = run([*words, "--threads", threads], folder)
            wrong = harm(done)
            if wrong is not None:
                return budget.failure(number, f"{' '.join(words)}: {wrong}")
            written = (output / ROWS).read_bytes() if done.code == 0 else b""
            found.append((done, written))
        if found[0] != found[1]:
            return budget.failure(number, f"{' '.join(words)}: 16 threads differ from 1")
    return "the same bits" if found[0][0].code == 0 else "refused alike"


def _inputs(folder: Path, dice: Random) -> list[str]:
    """Write two inputs, each a file or a folder of shards, and return the command."""
    suffix = dice.choice(list(_WRITE))
    classes = dice.choice((2, 5, 33, 64, 257))
    rows = 2 * max(400, CELLS // classes // dice.choice((1, 1, 8)) // 2)
    numbers = np.random.default_rng(dice.randrange(1 << 32))
    kind = dice.choice(("<f4", "<f4", "<f8", "<f2"))
    reference = numbers.normal(0, 4, (rows, classes)).astype(kind)
    candidate = (
        reference + dice.choice((1e-3, 1.0)) * numbers.normal(size=reference.shape)
    ).astype(kind)
    for array in (reference, candidate):
        array[numbers.random(array.shape) < dice.choice((0, 0, 1e-3))] = -np.inf
    cuts = sorted(dice.sample(range(2, rows - 1, 2), dice.choice((0, 0, 1, 3))))
    sides = [_put(folder / name, suffix, side, cuts, dice) for name, side in
             (("p", reference), ("q", candidate))]  # fmt: skip
    words = ["compare", *sides, "--no-warn", "--format", "json", *dice.choice(OPTIONS).split()]
    words += _beside(folder, reference.shape, numbers, dice)
    return [*words, "-o", ROWS]


def _beside(
    folder: Path, shape: tuple[int, ...], numbers: np.random.Generator, dice: Random
) -> list[str]:
    """Write a mask, labels or groups, or nothing."""
    option = dice.choice(("", "", "mask", "labels", "group"))
    if not option:
        return []
    path = folder / f"{option}.npy"
    if option == "mask":
        np.save(path, numbers.random(shape) < 0.9)
    else:
        np.save(path, numbers.integers(0, min(4, shape[1]), shape[0]))
    return [f"--{option}", str(path)]


def _put(place: Path, suffix: str, array: Array, cuts: list[int], dice: Random) -> str:
    write = _WRITE[suffix]
    if not cuts:
        path = place.with_suffix(suffix)
        write(path, array, dice)
        return str(path)
    place.mkdir()
    for number, part in enumerate(np.split(array, cuts)):
        write(place / f"part-{number}{suffix}", part, dice)
    return str(place)


def _table(array: Array) -> pa.Table:
    return pa.table({f"c{j}": column for j, column in enumerate(array.T)})


def _npz(path: Path, array: Array, dice: Random) -> None:
    dice.choice((np.savez, np.savez_compressed))(path, logits=array)


def _hdf5(path: Path, array: Array, dice: Random) -> None:
    with h5py.File(path, "w") as file:
        chunks = dice.choice((None, (min(97, len(array)), array.shape[1])))
        file.create_dataset("logits", data=array, chunks=chunks)


def _lines(path: Path, array: Array, _: Random) -> None:
    path.write_text("".join(f"{row}\n".replace("inf", "Infinity") for row in array.tolist()))


def _csv(path: Path, array: Array, _: Random) -> None:
    header = ",".join(f"c{j}" for j in range(array.shape[1]))
    np.savetxt(path, array, fmt="%.17g", delimiter=",", header=header, comments="")


def _llamacpp(path: Path, array: Array, _: Random) -> None:
    """Write chunks of two rows, which take contexts of six tokens."""
    logits = np.maximum(array.astype(np.float32), -30).reshape(-1, 2, array.shape[1])
    tokens = llamacpp.random_tokens(len(logits), 6, array.shape[1], seed=1)
    llamacpp.write(path, logits, tokens)


_WRITE: dict[str, Write] = {
    ".npy": lambda path, array, _: np.save(path, array),
    ".npz": _npz,
    ".safetensors": lambda path, array, _: test_safetensors.save(path, logits=array),
    ".h5": _hdf5,
    ".parquet": lambda path, array, dice: pq.write_table(
        _table(array), path, row_group_size=dice.choice((100, 997, 1 << 20))
    ),
    ".arrow": lambda path, array, dice: pyarrow.feather.write_feather(
        _table(array), str(path), chunksize=dice.choice((100, 997, 1 << 20))
    ),
    ".csv": _csv,
    ".jsonl": _lines,
    ".kld": _llamacpp,
}
