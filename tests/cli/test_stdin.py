"""One side from standard input."""

from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.lib import format as npy_format
from pyarrow import feather

from kldiv_cli.errors import InputError
from kldiv_cli.sources.stores.stdin import Replay
from tests.command import Feed, Kldiv

SAMPLES = Path("samples").absolute()
ROWS = np.random.default_rng(3).normal(size=(7, 3))
OTHER = np.random.default_rng(4).normal(size=(7, 3))


def npy(values: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.asarray(values))
    return stream.getvalue()


def csv(values: object = ROWS, between: str = ",") -> bytes:
    lines = [between.join(map(repr, row)) for row in np.asarray(values).tolist()]
    return "\n".join([between.join("abc"), *lines, ""]).encode()


def jsonl() -> bytes:
    return "".join(f"{row}\n" for row in ROWS.tolist()).encode()


def arrow(kind: str) -> bytes:
    table = pa.table(dict(zip("abc", ROWS.T, strict=True)))
    lists = pa.table({"logits": ROWS.tolist()})
    stream = io.BytesIO()
    if kind == "feather":
        feather.write_feather(table, stream)
    else:
        new = pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file
        with new(stream, lists.schema) as writer:
            writer.write_table(lists, max_chunksize=3)
    return stream.getvalue()


def arrow_with_a_body_of(size: int) -> bytes:
    """Return a stream whose batch says that it is so long."""
    content = arrow("stream")
    schema = pa.ipc.read_schema(pa.BufferReader(content))
    batch = next(iter(pa.ipc.open_stream(content)))
    body = pa.ipc.read_message(batch.serialize()).body.size
    size_of_schema = schema.serialize().size
    before, after = content[:size_of_schema], content[size_of_schema:]
    return before + after.replace(struct.pack("<q", body), struct.pack("<q", size), 1)


INPUTS = {
    "npy": npy(ROWS),
    "npy-big-endian": npy(ROWS.astype(">f8")),
    "csv": csv(),
    "tsv": csv(between="\t"),
    "npy-gzip": gzip.compress(npy(ROWS)),
    "csv-gzip": gzip.compress(csv()),
    "jsonl": jsonl(),
    "arrow-stream": arrow("stream"),
    "arrow-file": arrow("file"),
    "arrow-feather": arrow("feather"),
}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("side", ["reference", "candidate"])
def test_it_gives_what_a_file_gives(
    kldiv: Kldiv, feed: Feed, tmp_path: Path, name: str, side: str
) -> None:
    np.save(tmp_path / "p.npy", ROWS)
    np.save(tmp_path / "q.npy", OTHER)
    first, second = ("-", "q.npy") if side == "reference" else ("q.npy", "-")
    words = [word if word == "-" else tmp_path / word for word in (first, second)]
    whole = [tmp_path / ("p.npy" if word == "-" else word) for word in (first, second)]
    feed(INPUTS[name])
    found = kldiv("compare", *words, "--format", "csv")
    assert found == kldiv("compare", *whole, "--format", "csv")
    feed(INPUTS[name])
    shape = f"{name.partition('-')[0]} float64 7 x 3"
    label = "reference p" if side == "reference" else "candidate q"
    assert f"{label}  -  {shape}\n" in kldiv("compare", *words).out


def test_its_format_may_be_said(kldiv: Kldiv, feed: Feed, tmp_path: Path) -> None:
    np.save(tmp_path / "q.npy", OTHER)
    feed(csv(between=";"))
    words = ("compare", "-", tmp_path / "q.npy", "--delimiter", ";", "--reference-format", "csv")
    assert "reference p  -  csv float64 7 x 3\n" in kldiv(*words).out


def test_inspect(kldiv: Kldiv, feed: Feed) -> None:
    feed(npy(ROWS))
    assert kldiv("inspect", "-").out.startswith("file         -  npy float64 7 x 3\n")


def test_a_line_is_named(kldiv: Kldiv, feed: Feed, tmp_path: Path) -> None:
    np.save(tmp_path / "q.npy", OTHER)
    content = csv().decode().splitlines()
    content[4] = "1,x,2"
    feed("\n".join(content).encode())
    assert kldiv("compare", "-", tmp_path / "q.npy").err.startswith(
        "kldiv: error: -: line 5, column 'b': expected a number, found 'x'\n"
    )
    content[4] = "1,nan,2"
    feed("\n".join(content).encode())
    assert kldiv("compare", "-", tmp_path / "q.npy").err.startswith(
        "kldiv: error: -: row 3, line 5, class 'b': expected a finite logit or -inf, found NaN\n"
    )


BAD = {
    "empty": (b"", "-: expected logits, found an empty file"),
    "cut": (npy(ROWS)[:-9], "-: expected 168 bytes of float64 for shape (7, 3), found 159"),
    "header-only": (npy(ROWS)[:-168], "-: expected 168 bytes of float64 for shape (7, 3), found 0"),
    "more": (
        npy(ROWS) + b"x",
        "-: expected 168 bytes of float64 for shape (7, 3), found 169 or more",
    ),
    "fortran": (
        npy(np.asfortranarray(ROWS)),
        "-: expected an array in C order, found Fortran order",
    ),
    "parquet": (
        (SAMPLES / "magika-fp32.parquet").read_bytes(),
        "-: expected a format that can be read from beginning to end, found parquet",
    ),
    "llamacpp": (
        (SAMPLES / "llamacpp" / "tiny-f32.kld").read_bytes(),
        "-: expected a format that can be read from beginning to end, found llamacpp",
    ),
    "binary": (b"\1\0\2\0" * 9, "-: expected logits that content or suffix tells"),
    "cut-arrow": (arrow("stream")[:-70], "-: Expected to read 184 metadata bytes, but only read"),
    "arrow-that-lies-about-its-size": (
        arrow_with_a_body_of(1 << 60),
        f"-: Expected to be able to read {1 << 60} bytes for message body, got",
    ),
    "cut-arrow-between-batches": (
        arrow("stream")[:-8],
        "-: expected a whole stream, found one without the mark of its end",
    ),
    "cut-arrow-file": (arrow("file")[:-4], "-: expected an Arrow file, found one without its end"),
    "absurd": (
        npy(ROWS).replace(b"(7, 3), }" + b" " * 20, b"(7000000000000000000, 3), }  "),
        "-: expected an array, found the header of one of",
    ),
    "wide": (
        npy(ROWS).replace(b"(7, 3), }" + b" " * 9, b"(7, 3000000000), }"),
        "-: expected rows of at most 1073741824 bytes, found 24000000000",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_an_error(
    kldiv: Kldiv, feed: Feed, tmp_path: Path, name: str
) -> None:
    content, said = BAD[name]
    np.save(tmp_path / "q.npy", np.broadcast_to(0.0, (7, 3)))
    feed(content)
    code, out, err = kldiv("inspect", "-")
    assert (code, out) == (2, "")
    assert err.startswith(f"kldiv: error: {said}")
    assert len(err.splitlines()) == 2


def test_one_side_only(kldiv: Kldiv, feed: Feed) -> None:
    feed(npy(ROWS))
    assert kldiv("compare", "-", "-").err == (
        "kldiv: error: - stands for standard input, which can be one side only\n"
        "Save the other one to a file.\n"
    )


@pytest.mark.parametrize("option", ["--mask", "--labels", "--group", "--classes"])
def test_nothing_but_a_side(kldiv: Kldiv, feed: Feed, option: str) -> None:
    feed(npy(ROWS))
    fp32 = SAMPLES / "magika-fp32.npy"
    assert kldiv("compare", fp32, fp32, option, "-").err == (
        f"kldiv: error: {option} -: standard input can be REFERENCE or CANDIDATE only\n"
        "Save what it holds to a file.\n"
    )


def test_a_terminal(kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch) -> None:
    main, side = os.openpty()
    with open(side, encoding="utf-8") as terminal:  # noqa: PTH123 - of a descriptor
        monkeypatch.setattr(sys, "stdin", terminal)
        assert kldiv("compare", "-", SAMPLES / "magika-fp32.npy").err == (
            "kldiv: error: - stands for standard input, and that is a terminal\n"
            "Pipe a file into it: ... | kldiv compare - CANDIDATE.\n"
        )
    os.close(main)


def test_closed(kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert kldiv("inspect", "-").err == (
        "kldiv: error: - stands for standard input, and that is closed\nPipe a file into it.\n"
    )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read there")
def test_memory_does_not_grow_with_it(tmp_path: Path) -> None:
    path = tmp_path / "zeros.npy"
    shape = (1 << 16, 2048)
    zeros = npy_format.open_memmap(path, mode="w+", dtype="float32", shape=shape)
    del zeros  # half a gigabyte, of which the disk holds nothing
    # Every thread has blocks in hand, and on a busy machine all of them at once.
    words = ["kldiv", "compare", "-", str(path), "--stat", "max", "--threads", "1"]
    # What wait4 tells of a child's memory has that of its parent in it.
    script = f"""
import sys
from pathlib import Path
from kldiv_cli.cli import run

sys.argv = {words!r}
code = run()
print(code, Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
    with path.open("rb") as stream:
        done = subprocess.run(
            [sys.executable, "-c", script], stdin=stream, capture_output=True, text=True, check=True
        )
    stat, told = done.stdout.splitlines()
    code, peak = map(int, told.split())
    assert (stat, code) == ("0.0", 0)
    assert peak < 300 << 10


class TestReplay:
    def test_what_is_held_is_read_again(self) -> None:
        replay = Replay(io.BytesIO(bytes(range(200))), held=200)
        for size in (7, -1):
            with replay.open() as reader:
                assert reader.read(size) == bytes(range(200))[: size if size > 0 else 200]

    def test_what_is_not_held_is_read_once(self) -> None:
        content = bytes(5 << 20)
        replay = Replay(io.BytesIO(content), held=100)
        assert replay.open().read() == content
        assert not replay.is_whole
        with pytest.raises(
            InputError, match=r"^-: expected what can be read twice, found a stream"
        ):
            replay.open()
