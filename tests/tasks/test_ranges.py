"""Any split of the rows, each part walked by another process, comes to the bits of one pass."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from itertools import pairwise
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli import compare, loss
from kldiv_cli.errors import InputError
from kldiv_cli.losses import LOSSES
from kldiv_cli.tasks.executors.ranges import Asked, Name, averages_of, part_of
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.kept.part import Part
from kldiv_cli.tasks.options import Verify
from kldiv_cli.tasks.verify import on_rows
from tests.llamacpp import SAMPLES

ROWS, CLASSES = 60, 7
Work = Callable[[Asked, range], Part[Any]]


def bits(value: Any) -> Any:
    """Everything that a result holds, comparable to the last bit."""
    if isinstance(value, np.ndarray):
        held = value.tolist() if value.dtype == object else value.tobytes()
        return value.dtype.str, value.shape, held
    if isinstance(value, float):
        return value.hex()
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), {each.name: bits(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {name: bits(entry) for name, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return [bits(entry) for entry in value]
    return value


@pytest.fixture(scope="module")
def workers() -> Iterator[Pool]:
    """Two processes that know nothing of this one but what they are sent."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of all kinds, of the same rows."""
    home = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(11)
    s = 3 * rng.normal(size=(ROWS, CLASSES))
    t = s + rng.normal(size=s.shape) * rng.choice([1e-9, 0.1, 3], (ROWS, 1))
    s[17], t[17] = -np.inf, -np.inf
    t[40, 2] = s[40, 2] = -1e9
    t[5, 3] = -1e4
    files: dict[str, Any] = {"s": s, "t": t, "same": s.copy()}
    files["bad"] = np.where(np.arange(ROWS)[:, None] % 23 == 9, np.nan, t)
    p, q = (np.exp(x - np.where(x.max(axis=1) > -9, x.max(axis=1), 0)[:, None]) for x in (s, t))
    p[17] = q[17] = 1.0
    files["p"], files["q"] = (x / x.sum(axis=1, keepdims=True) for x in (p, q))
    files["off"] = files["q"] * (1 + 1e-3 * rng.random((ROWS, 1)))
    files["rows-mask"] = rng.random(ROWS) < 0.7
    files["some-mask"] = rng.random(45) < 0.7
    files["cells-mask"] = rng.random(s.shape) < 0.8
    files["position-mask"] = np.arange(10)[:, None] > 3
    files["labels"] = rng.integers(0, CLASSES, ROWS)
    files["labels"][:CLASSES] = np.arange(CLASSES)
    files["kinds"] = rng.integers(0, 4, ROWS)
    files["pad-s"], files["pad-t"] = s.copy(), t.copy()
    for places, value in (([3, 4, 58], -100.0), ([30, 31], -1e9), ([45, 46], 0.0)):
        files["pad-s"][places] = files["pad-t"][places] = value
    files["pad-s"][50:55, :4] = files["pad-t"][50:55, :4] = -1e12
    files["s3"], files["t3"] = (x.reshape(6, 10, CLASSES) for x in (s, t))
    for name, values in files.items():
        np.save(home / f"{name}.npy", values)
    np.save(home / "s-fortran.npy", np.asfortranarray(s))
    ids = [f"row-{i}" for i in range(ROWS)]
    kinds = [None if i % 9 == 4 else f"kind {i % 5}" for i in range(ROWS)]
    order = rng.permutation(ROWS)
    some = np.sort(rng.permutation(ROWS)[:45])
    for name, values, rows in (
        ("ids-s", s, np.arange(ROWS)),
        ("ids-t", t, np.arange(ROWS)),
        ("shuffled-t", t, order),
        ("some-s", s, some),
        ("some-t", t, order[:50]),
    ):
        table: dict[str, Any] = {"id": [ids[i] for i in rows]}
        table |= {f"c{j}": values[rows, j] for j in range(CLASSES)}
        pq.write_table(pa.table(table), home / f"{name}.parquet", row_group_size=16)
        table["kind"] = [kinds[i] for i in rows]
        pq.write_table(pa.table(table), home / f"{name}-kinds.parquet", row_group_size=16)
    for side, values in (("shards-s", s), ("shards-t", t)):
        (home / side).mkdir()
        for i in range(3):
            np.save(home / side / f"{i}.npy", values[20 * i : 20 * i + 20])
    return home


ONE_PASS: dict[str, Callable[..., Any]] = {
    "compare": compare,
    "loss": loss,
    "verify": lambda **given: on_rows(Verify(**given)),
    "inspect": inspect,
}
NPY = ("s.npy", "t.npy")
PADDED = ("pad-s.npy", "pad-t.npy")
SOME = ("some-s.parquet", "some-t.parquet")
IDS = ("ids-s.parquet", "shuffled-t.parquet")
MANY = {"measure": ["kl", "jeffreys", "tv", "js"], "unit": "bits", "top": 4}

COMPARE: dict[str, tuple[tuple[str, str], dict[str, Any]]] = {
    "plain": (NPY, {}),
    "measures": (NPY, MANY),
    "fortran": (("s-fortran.npy", "t.npy"), {}),
    "shards": (("shards-s", "shards-t"), {}),
    "shards-and-file": (("shards-s", "t.npy"), MANY),
    "axes": (("s3.npy", "t3.npy"), {"group": "position"}),
    "sigmoid": (NPY, {"mode": "sigmoid"}),
    "temperature": (NPY, {"temperature": 2.5, "smooth": 0.01}),
    "identical": (("s.npy", "same.npy"), {}),
    "omit": (("s.npy", "bad.npy"), {"nan_policy": "omit"}),
    "propagate": (("bad.npy", "t.npy"), {"nan_policy": "propagate", "group": "argmax"}),
    "probs": (("p.npy", "q.npy"), {"kind": "probs", "labels": "labels.npy"}),
    "taken for logits": (("p.npy", "q.npy"), {"kind": "logits"}),
    "sums": (("p.npy", "off.npy"), {"kind": "probs", "normalize": True}),
    "rows mask": (NPY, {"mask": "rows-mask.npy"}),
    "cells mask": (NPY, {"mask": "cells-mask.npy", "mask_means": "drop"}),
    "position mask": (("s3.npy", "t3.npy"), {"mask": "position-mask.npy"}),
    "padding": (PADDED, {"group": "argmax"}),
    "padding under sigmoid": (PADDED, {"mode": "sigmoid"}),
    "constant rows": (PADDED, {"ignore_constant_rows": True, "mask": "cells-mask.npy"}),
    "low cells": (PADDED, {"mask_below": -1e4, "mask": "cells-mask.npy", "group": "argmax"}),
    "low cells of some classes": (PADDED, {"mask_below": -1, "classes": "1:5"}),
    "ids": (("ids-s.parquet", "ids-t.parquet"), {}),
    "ids shuffled": (IDS, MANY),
    "ids missing": (SOME, {"on_missing": "skip"}),
    "ids missing and selected": (
        ("some-s.parquet", "some-t.parquet"),
        {"on_missing": "skip", "rows": "5:30", "mask": "some-mask.npy", "group": "argmax"},
    ),
    "column": (("ids-s-kinds.parquet", "shuffled-t-kinds.parquet"), {"group": "kind"}),
    "group labels": (NPY, {"group": "kinds.npy"}),
    "argmax": (NPY, {"group": "argmax"}),
    "confidence": (NPY, {"group": "confidence"}),
    "rows": (NPY, {"rows": "10:50", "labels": "labels.npy"}),
    "limit": (IDS, {"limit": 33, "group": "kinds.npy"}),
    "sample": (NPY, {"sample": 20, "seed": 3, "mask": "cells-mask.npy"}),
    "labels": (NPY, {"labels": "labels.npy"}),
    "classes": (NPY, {"classes": "1:5"}),
    "classes of a table": (IDS, {"classes": ["c1", "c4", "c2"]}),
    "llama.cpp": ((f"{SAMPLES}/tiny-f32.kld", f"{SAMPLES}/tiny-Q4_0.kld"), {}),
    "llama.cpp and rows": (
        (f"{SAMPLES}/tiny-f32.kld", f"{SAMPLES}/tiny-Q4_0.kld"),
        {"rows": "30:", "group": "confidence"},
    ),
}
VERIFY: dict[str, tuple[tuple[str, str], dict[str, Any]]] = {
    "plain": (NPY, {}),
    "sigmoid": (NPY, {"mode": "sigmoid"}),
    "ids": (IDS, {"limit": 33}),
    "ids missing": (SOME, {"on_missing": "skip"}),
    "mask": (NPY, {"mask": "cells-mask.npy"}),
    "constant rows": (PADDED, {"ignore_constant_rows": True}),
    "low cells": (PADDED, {"mask_below": -1e4}),
    "propagate": (("s.npy", "bad.npy"), {"nan_policy": "propagate"}),
}
LOSS: dict[str, tuple[tuple[str, str], dict[str, Any]]] = {
    **{name: (NPY, {"name": name}) for name in LOSSES if name != "dkd"},
    "dkd": (NPY, {"name": "dkd", "labels": "labels.npy"}),
    "priors": (NPY, {"name": "gkl", "labels": "labels.npy", "class_prior": True}),
    "mask": (NPY, {"name": "torch", "mask": "cells-mask.npy", "reduction": "mean"}),
    "constant rows": (PADDED, {"name": "torch", "ignore_constant_rows": True}),
    "low cells": (PADDED, {"name": "torch", "mask_below": -1e4}),
    "batch": (("s3.npy", "t3.npy"), {"name": "torch", "rows": "7:48"}),
    "ids": (IDS, {"name": "kd"}),
    "ids missing": (SOME, {"name": "kd", "on_missing": "skip"}),
    "classes": (NPY, {"name": "vat", "classes": "1:5"}),
}
INSPECT: dict[str, dict[str, Any]] = {
    "plain": {"file": "s.npy"},
    "probs": {"file": "q.npy"},
    "faults": {"file": "bad.npy"},
    "padding": {"file": "pad-s.npy"},
    "one row": {"file": "kinds.npy"},
    "table": {"file": "ids-s.parquet", "rows": "20:45"},
    "sample": {"file": "s3.npy", "sample": 21},
    "llama.cpp": {"file": f"{SAMPLES}/tiny-Q4_0.kld"},
}


def asked(task: Name, folder: Path, options: Mapping[str, Any]) -> Asked:
    """The task, its files in a folder."""
    files = {"reference", "candidate", "file", "mask", "labels", "group"}
    found = {
        name: str(folder / value) if name in files and (folder / str(value)).exists() else value
        for name, value in options.items()
    }
    return Asked(task, found)


def joined(pool: Pool, job: Asked, work: Work, rows: int, seed: int) -> Part[Any]:
    """Cut the rows anywhere, walk over every range elsewhere, and join in order."""
    rng = np.random.default_rng(seed)
    cuts = [0, *np.sort(rng.integers(0, rows + 1, 4)).tolist(), rows]
    ranges = [range(start, stop) for start, stop in pairwise(cuts)]
    return Part.join(pool.starmap_async(work, [(job, each) for each in ranges]).get(60))


def assert_split(pool: Pool, job: Asked, seed: int) -> None:
    """The parts of other processes come to what one pass comes to."""
    whole = ONE_PASS[job.task](**job.options)
    opened = job.opened()
    rows = 155 if "llama" in str(job.options) or ".kld" in str(job.options) else ROWS
    work: Work = part_of
    if job.task == "loss":
        averages = joined(pool, job, averages_of, rows, seed + 1)
        opened = opened.after(averages)
        work = partial(part_of, averages=averages)
    found = opened.finish(joined(pool, job, work, rows, seed))
    assert bits(found) == bits(whole)


@pytest.mark.parametrize("name", COMPARE)
def test_compare(name: str, folder: Path, workers: Pool) -> None:
    (reference, candidate), more = COMPARE[name]
    options = {"reference": reference, "candidate": candidate, **more}
    assert_split(workers, asked("compare", folder, options), len(name))


@pytest.mark.parametrize("name", VERIFY)
def test_verify(name: str, folder: Path, workers: Pool) -> None:
    (reference, candidate), more = VERIFY[name]
    options = {"reference": reference, "candidate": candidate, **more}
    assert_split(workers, asked("verify", folder, options), len(name))


@pytest.mark.parametrize("name", LOSS)
def test_loss(name: str, folder: Path, workers: Pool) -> None:
    (reference, candidate), more = LOSS[name]
    options = {"reference": reference, "candidate": candidate, **more}
    assert_split(workers, asked("loss", folder, options), len(name))


@pytest.mark.parametrize("name", INSPECT)
def test_inspect(name: str, folder: Path, workers: Pool) -> None:
    assert_split(workers, asked("inspect", folder, INSPECT[name]), len(name))


def test_a_file_that_learns_its_length_while_it_is_read_is_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "1,2\n" * 9, encoding="utf-8")
    for job in (
        Asked("compare", {"reference": str(path), "candidate": str(path)}),
        Asked("inspect", {"file": str(path)}),
    ):
        with pytest.raises(InputError, match="expected a file that says how many rows it has"):
            part_of(job, range(3))
