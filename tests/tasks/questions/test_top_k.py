"""Top-K lists, values beside ids, are not compared rank by rank in silence."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from kldiv_cli.measures.distributions.evidence import are_ids
from tests.command import Kldiv
from tests.sources.pickles import archive, mapping, storage, tensor

Array = npt.NDArray[Any]
Arrays = Mapping[str, Any]

RNG = np.random.default_rng(5)
FULL = RNG.normal(0, 3, (9, 500))
IDS = np.argsort(-FULL, axis=1)[:, :6]
VALUES = np.take_along_axis(FULL, IDS, axis=1)


def as_safetensors(path: Path, arrays: Arrays) -> None:
    header, data = {}, b""
    for name, array in arrays.items():
        kind = {"f": "F", "i": "I"}[array.dtype.kind] + str(8 * array.itemsize)
        ends = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": ends}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def as_jsonl(path: Path, arrays: Arrays) -> None:
    rows = zip(*(array.tolist() for array in arrays.values()), strict=True)
    path.write_text("".join(json.dumps(dict(zip(arrays, row, strict=True))) + "\n" for row in rows))


def as_json(path: Path, arrays: Arrays) -> None:
    path.write_text(json.dumps({name: array.tolist() for name, array in arrays.items()}))


def table(arrays: Arrays) -> pa.Table:
    return pa.table({name: array.tolist() for name, array in arrays.items()})


WRITERS: dict[str, tuple[str, Callable[[Path, Arrays], Any]]] = {
    "npz": ("--key", lambda path, arrays: np.savez(path, **arrays)),
    "deflated.npz": ("--key", lambda path, arrays: np.savez_compressed(path, **arrays)),
    "safetensors": ("--key", as_safetensors),
    "json": ("--key", as_json),
    "jsonl": ("--columns", as_jsonl),
    "parquet": ("--columns", lambda path, arrays: pq.write_table(table(arrays), path)),
    "arrow": ("--columns", lambda path, arrays: feather.write_feather(table(arrays), path)),
}


@pytest.fixture(params=WRITERS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[list[str], list[str], str]:
    """Two files of a list each, the option that takes its values, and how a user insists."""
    option, write = WRITERS[request.param]
    files = [str(tmp_path / f"{name}.{request.param}") for name in "pq"]
    write(Path(files[0]), {"values": VALUES, "ids": IDS})
    write(Path(files[1]), {"values": VALUES + 0.1, "ids": IDS[::-1].copy()})
    return files, [option, "values"], option


def test_values_are_no_classes(written: tuple[list[str], list[str], str], kldiv: Kldiv) -> None:
    files, chosen, option = written
    done = kldiv("compare", *files, *chosen)
    assert (done.code, done.out) == (2, "")
    what, advice = done.err.splitlines()
    assert what == (
        f"kldiv: error: {files[0]}: expected a number per class in 'values', found a top-K list: "
        "with 'ids' it holds values and ids of other classes in every row"
    )
    insist = advice[advice.index("say ") + 4 : advice.index(" if it has")]
    assert insist == f"{option} values --reference-input logits"
    again = kldiv("compare", *files, *shlex.split(insist))
    assert again.code == 2
    assert again.err.startswith(f"kldiv: error: {files[1]}: expected a number per class")
    both = kldiv("compare", *files, option, "values", "--input", "logits", "--stat", "mean")
    assert (both.code, both.err) == (0, "")


def test_ids_are_no_classes(written: tuple[list[str], list[str], str], kldiv: Kldiv) -> None:
    files, _, option = written
    done = kldiv("compare", *files, option, "ids")
    assert done.code == 2
    assert "in 'ids', found a top-K list: with 'values'" in done.err


def test_losses_and_inspections_say_the_same(
    written: tuple[list[str], list[str], str], kldiv: Kldiv
) -> None:
    files, chosen, _ = written
    assert "found a top-K list" in kldiv("loss", "kd", *files, *chosen).err
    looked = kldiv("inspect", files[0], *chosen)
    assert looked.code == 0
    assert "found a top-K list" in looked.err
    assert kldiv("verify", *files, *chosen).code == 0


def test_of_pytorch(tmp_path: Path, kldiv: Kldiv) -> None:
    shape, strides = VALUES.shape, (VALUES.shape[1], 1)
    stored = {"0": ("torch.DoubleStorage", VALUES), "1": ("torch.LongStorage", IDS)}
    held = [storage(kind, key, values.size) for key, (kind, values) in stored.items()]
    tensors = (tensor(shape, strides, 0, each) for each in held)
    path = archive(
        tmp_path / "p.pt",
        mapping(dict(zip(("values", "ids"), tensors, strict=True))),
        {f"data/{key}": values.tobytes() for key, (_, values) in stored.items()},
    )
    done = kldiv("compare", str(path), str(path), "--key", "values")
    assert "found a top-K list" in done.err


def test_other_arrays_are_no_lists(tmp_path: Path, kldiv: Kldiv) -> None:
    labels = RNG.integers(0, 2, VALUES.shape)
    for name, beside in {"labels": labels, "tokens": IDS[:, :1], "more": VALUES + 1}.items():
        path = tmp_path / f"{name}.npz"
        np.savez(path, logits=VALUES, beside=beside)
        done = kldiv("compare", str(path), str(path), "--key", "logits", "--no-warn")
        assert (done.code, done.err) == (0, ""), name


def test_whole_rows_of_probabilities_are_no_list(tmp_path: Path, kldiv: Kldiv) -> None:
    p = np.exp(VALUES) / np.exp(VALUES).sum(axis=1, keepdims=True)
    path = tmp_path / "p.npz"
    np.savez(path, p=p, ids=IDS, log_p=np.log(p))
    for key, kind in (("p", "probs"), ("log_p", "log-probs")):
        done = kldiv("compare", *[str(path)] * 2, "--key", key, "--input", kind, "--no-warn")
        assert (done.code, done.err) == (0, "")
    np.savez(path, p=0.9 * p, ids=IDS)
    done = kldiv("compare", *[str(path)] * 2, "--key", "p", "--input", "probs")
    assert "found a top-K list" in done.err


class TestIds:
    def test_of_a_list(self) -> None:
        assert are_ids(IDS, VALUES)
        assert not are_ids(VALUES, IDS)

    def test_padding(self) -> None:
        ids, values = IDS.copy(), VALUES.copy()
        ids[2, 4:], values[2, 4:] = -1, np.nan
        ids[5, 3:], values[5, 3:] = 0, -np.inf
        assert are_ids(ids, values)

    @pytest.mark.parametrize(
        ("ids", "why"),
        [
            (IDS[:1], "another shape"),
            (np.tile(IDS[:1], (9, 1)), "the same in every row"),
            (np.where(IDS[3, 1] == IDS, IDS[3, 0], IDS), "one twice"),
            (IDS - 5 - IDS.min(), "negative ones"),
            (IDS + 0.5, "no whole numbers"),
            (np.round(1000 * VALUES) - 1000 * VALUES.min().round() + 1000, "rounded logits"),
            (np.argsort(RNG.normal(size=(9, 6)), axis=1), "ranks beside logits"),
        ],
    )
    def test_others(self, ids: Array, why: str) -> None:
        values = VALUES if "ranks" not in why else RNG.normal(size=(9, 6))
        assert not are_ids(ids, values), why

    def test_ranks_of_sorted_values(self) -> None:
        assert are_ids(np.argsort(RNG.normal(size=(9, 6)), axis=1), VALUES)

    def test_a_single_row_tells_nothing(self) -> None:
        assert not are_ids(IDS[:1], VALUES[:1])
