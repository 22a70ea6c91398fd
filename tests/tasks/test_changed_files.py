"""Files that are written to, replaced or removed while they are read."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kldiv_cli
from kldiv_cli.errors import InputError
from kldiv_cli.sources.stores import reads
from kldiv_cli.sources.stores.reads import Reads
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify
from tests.command import ROOT
from tests.sources import pickles

P = np.random.default_rng(5).normal(size=(3, 5)).astype("<f4")
Q = P + np.float32(0.25) * np.eye(3, 5, dtype="<f4")


def write_csv(path: Path, values: Any) -> None:
    path.write_text("a,b,c,d,e\n" + "".join(f"{','.join(map(str, x))}\n" for x in values))


def write_arrow(path: Path, values: Any) -> None:
    table = pa.table({f"c{i}": column for i, column in enumerate(values.T)})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def write_safetensors(path: Path, values: Any) -> None:
    entry = {"dtype": "F32", "shape": [*values.shape], "data_offsets": [0, values.nbytes]}
    header = json.dumps({"logits": entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + values.tobytes())


def write_torch(path: Path, values: Any) -> None:
    strides = values.shape[1], 1
    stored = pickles.tensor(values.shape, strides, held=pickles.storage(count=values.size))
    pickles.archive(path, stored, {"data/0": values.tobytes()})


def varint(number: int) -> bytes:
    found = []
    while number > 127:
        found.append(128 | (number & 127))
        number >>= 7
    return bytes([*found, number])


def write_onnx(path: Path, values: Any) -> None:
    dims = b"".join(b"\x08" + varint(length) for length in values.shape)
    path.write_bytes(dims + b"\x10\x01\x4a" + varint(values.nbytes) + values.tobytes())


def write_hdf5(path: Path, values: Any) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["logits"] = values


WRITERS: dict[str, Callable[[Path, Any], object]] = {
    ".npy": np.save,
    ".npz": lambda path, values: np.savez_compressed(path, logits=values),
    ".csv": write_csv,
    ".jsonl": lambda path, values: path.write_text(
        "".join(f"{json.dumps(row)}\n" for row in values.tolist())
    ),
    ".json": lambda path, values: path.write_text(json.dumps(values.tolist())),
    ".parquet": lambda path, values: pq.write_table(
        pa.table({f"c{i}": values[:, i] for i in range(5)}), path
    ),
    ".arrow": write_arrow,
    ".safetensors": write_safetensors,
    ".pt": write_torch,
    ".pb": write_onnx,
    ".h5": write_hdf5,
    ".kld": lambda path, _: shutil.copy(ROOT / "samples/llamacpp/tiny-f32.kld", path),
}


def write(path: Path, values: Any) -> Path:
    WRITERS[path.suffix](path, values)
    return path


def write_mapped(path: Path) -> Path:
    """Write a file of many pages that is mapped."""
    values = np.random.default_rng(7).normal(size=(40, 5000)).astype("<f4")
    if path.suffix == ".npz":
        np.savez(path, logits=values)
        return path
    return write(path, values)


OPEN = Path("/proc/self/fd")
FORMATS = [suffix.removeprefix(".") for suffix in WRITERS]


def flip(path: Path) -> None:
    """Change the last byte in its place, whenever the clock of files may have stood still."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def compare(p: Path, q: Path, change: Callable[[], object], **options: Any) -> Any:
    """Compare two files, which something is done to after the first block."""
    done: list[int] = []

    def progress(*_: object) -> None:
        if not done:
            change()
            done.append(1)

    found = kldiv_cli.compare(p, q, progress=progress, **options)
    assert done
    return found


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("change", [flip, grow])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_is_written_to(
    tmp_path: Path, suffix: str, change: Callable[[Path], None], side: int
) -> None:
    pair = write(tmp_path / f"p.{suffix}", P), write(tmp_path / f"q.{suffix}", Q)
    kldiv_cli.compare(*pair)
    with pytest.raises(InputError) as caught:
        compare(*pair, lambda: change(pair[side]))
    found = "other ones" if change is flip else f"{pair[side].stat().st_size} bytes"
    assert caught.value.what.startswith(f"{pair[side]}: expected ")
    assert caught.value.what.endswith(f" that were there when it was opened, found {found}")


@pytest.mark.parametrize("suffix", FORMATS)
def test_another_file_of_that_name(tmp_path: Path, suffix: str) -> None:
    p, q = write(tmp_path / f"p.{suffix}", P), write(tmp_path / f"q.{suffix}", Q)
    right = kldiv_cli.compare(p, q)
    other = write(tmp_path / f"other.{suffix}", P + 7)
    found = compare(p, q, lambda: other.replace(q))
    note = (
        f"{q} was replaced by another file while it was read: the result is of the file that was "
        "opened"
    )
    assert found.head.sides[1].notes == (*right.head.sides[1].notes, note)
    assert found.warnings == right.warnings
    assert found.measures == right.measures


def test_a_file_that_is_removed(tmp_path: Path) -> None:
    p, q = write(tmp_path / "p.npy", P), write(tmp_path / "q.npy", Q)
    found = compare(p, q, p.unlink)
    assert found.head.sides[0].notes == (
        f"{p} was removed while it was read: the result is of the file that was opened",
    )


@pytest.mark.parametrize(
    "touch", [lambda path: os.utime(path, (1, 1)), lambda path: path.write_bytes(path.read_bytes())]
)
def test_a_time_alone_is_nothing(tmp_path: Path, touch: Callable[[Path], None]) -> None:
    p, q = write(tmp_path / "p.csv", P), write(tmp_path / "q.csv", Q)
    found = compare(p, q, lambda: touch(p))
    assert found.head == kldiv_cli.compare(p, q).head


@pytest.mark.parametrize("most", [64, 0])
def test_the_files_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(reads, "_MOST_OPEN", most)
    for name, values in (("p", P), ("q", Q)):
        (tmp_path / name).mkdir()
        for number in range(4):
            write(tmp_path / name / f"{number}.npy", values)
    pair, shard = (tmp_path / "p", tmp_path / "q"), tmp_path / "q" / "2.npy"
    with pytest.raises(InputError, match=r"2\.npy: expected the bytes that were there"):
        compare(*pair, lambda: flip(shard))
    found = compare(*pair, lambda: write(tmp_path / "new.npy", Q).replace(shard))
    (note,) = found.head.sides[0].notes
    assert note.startswith(f"{shard} was replaced by another file while it was read")


TASKS: dict[str, Callable[..., Any]] = {
    "loss": lambda p, q, **more: kldiv_cli.loss("torch", p, q, **more),
    "verify": verify,
    "inspect": lambda p, _, **more: inspect(p, **more),
}


@pytest.mark.parametrize("task", TASKS)
def test_every_task_looks(tmp_path: Path, task: str) -> None:
    p, q = write(tmp_path / "p.npy", P), write(tmp_path / "q.npy", Q)
    with pytest.raises(InputError, match=r"p\.npy: .* that were there when it was opened"):
        TASKS[task](p, q, progress=lambda *_: flip(p))


@pytest.mark.parametrize("task", TASKS)
def test_every_result_has_the_note(tmp_path: Path, task: str) -> None:
    p, q = write(tmp_path / "p.npy", P), write(tmp_path / "q.npy", Q)
    found = TASKS[task](p, q, progress=lambda *_: p.unlink(missing_ok=True))
    assert "was removed while it was read" in found.head.sides[0].notes[-1]


def test_a_mask(tmp_path: Path) -> None:
    p, q = write(tmp_path / "p.npy", P), write(tmp_path / "q.npy", Q)
    np.save(tmp_path / "m.npy", np.array([True, False, True]))
    with pytest.raises(InputError, match=r"m\.npy: expected the bytes that were there"):
        compare(p, q, lambda: flip(tmp_path / "m.npy"), mask=tmp_path / "m.npy")


def test_another_error_is_that_of_the_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    p, q = write(tmp_path / "p.npy", P), write(tmp_path / "q.npy", Q)

    def begin(self: Reads, path: str, whole: Callable[[Reads, str], None] = Reads.begin) -> None:
        whole(self, path)
        if path == str(q):
            q.write_bytes(q.read_bytes()[:-8])

    monkeypatch.setattr(Reads, "begin", begin)
    size = q.stat().st_size
    with pytest.raises(InputError) as caught:
        kldiv_cli.compare(p, q)
    assert caught.value.what == (
        f"{q}: expected {size} bytes that were there when it was opened, found {size - 8} bytes"
    )


@pytest.mark.skipif(not OPEN.exists(), reason="lists its descriptors elsewhere")
def test_nothing_stays_open(tmp_path: Path) -> None:
    p, q = write(tmp_path / "p.csv", P), write(tmp_path / "q.csv", Q)
    kldiv_cli.compare(p, q)
    before = [*OPEN.iterdir()]
    for _ in range(5):
        kldiv_cli.compare(p, q)
        with pytest.raises(InputError):
            kldiv_cli.compare(p, tmp_path / "nothing.npy")
    assert len([*OPEN.iterdir()]) <= len(before)


def test_a_look_takes_bytes_that_come_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a file system may give them."""
    path = tmp_path / "p.npy"
    np.save(path, P)
    pread = os.pread
    with reads.reading() as watched:
        reads.begun(str(path))
        os.utime(path, (1, 1))
        monkeypatch.setattr(os, "pread", lambda file, size, at: pread(file, size // 2 or size, at))
        watched.check()
