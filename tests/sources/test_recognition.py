"""Formats are recognised by what files begin with, and by their names where that does not tell."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import shlex
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePath

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats import FORMATS
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.formats.recognition import COMPRESSED, recognise
from kldiv_cli.sources.formats.signatures import is_torch
from tests.command import ROOT
from tests.sources import test_safetensors

TORCH = Path(__file__).parent / "torch_files"
LOGITS = np.array([[1.5, -2.25, 0.5], [3.0, 0.0, -1.0]], np.float32)
TEXT = b"a,b,c\n1.5,-2.25,0.5\n3,0,-1\n"
ARRAYS = ("npz", "safetensors", "torch", "npy")


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, LOGITS)
    return file.getvalue()


def npz(*, deflated: bool = False) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if deflated else np.savez)(file, logits=LOGITS)
    return file.getvalue()


def parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(dict(zip("abc", LOGITS.T, strict=True))), file)
    return file.getvalue()


def arrow(*, stream: bool = False) -> bytes:
    file = io.BytesIO()
    whole = pa.table(dict(zip("abc", LOGITS.T, strict=True)))
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(file, whole.schema) as writer:
        writer.write_table(whole)
    return file.getvalue()


def safetensors(folder: Path) -> bytes:
    return test_safetensors.save(folder / "saved", logits=LOGITS).read_bytes()


def tensor() -> bytes:
    values = LOGITS.astype("<f4").tobytes()
    return b"\x08\2\x08\3\x10\1\x4a" + bytes([len(values)]) + values


def hdf5() -> bytes:
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w") as whole:
        whole["logits"] = LOGITS
    return file.getvalue()


def contents(folder: Path) -> dict[str, bytes]:
    """The same numbers in every format that has a signature."""
    return {
        "npy": npy(),
        "npz": npz(deflated=True),
        "parquet": parquet(),
        "safetensors": safetensors(folder),
        "torch": (TORCH / "parameter.pt").read_bytes(),
        "arrow": arrow(),
        "onnx": tensor(),
        "hdf5": hdf5(),
        "llamacpp": (ROOT / "samples" / "llamacpp" / "tiny-Q4_0.kld").read_bytes(),
    }


def read(
    path: Path, layout: Layout | None = None
) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    source = open_source(path, layout or Layout())
    return np.concatenate([block.values for block in source.blocks(1)])


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def refusal(path: Path, layout: Layout | None = None) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        open_source(path, layout or Layout())
    assert caught.value.what.startswith(f"{path}: ")
    return caught.value.what.removeprefix(f"{path}: "), caught.value.advice


def test_every_format_that_is_no_text_has_a_signature(tmp_path: Path) -> None:
    signed = {name for name, entry in FORMATS.rows().items() if entry.content is not None}
    assert set(contents(tmp_path)) == signed
    assert {"csv", "tsv", "json", "jsonl"} == set(FORMATS) - signed


@pytest.mark.parametrize("name", ["npy", "npz", "parquet", "safetensors", "torch", "arrow"])
@pytest.mark.parametrize("called", ["x", "x.bin", "x.dat.bak", "x.csv", "x.npy", "x.gz", "x.PT"])
def test_content_names_the_format(tmp_path: Path, name: str, called: str) -> None:
    path = put(tmp_path / called, contents(tmp_path)[name])
    source = open_source(path, Layout())
    suffix = path.suffix.lower()
    own = suffix in FORMATS[name].suffixes
    contradicted = suffix in {".csv", ".npy", ".pt"} and not own
    note = f"format: {name}, as its content says, though its name ends in {suffix}"
    assert source.format == name
    assert source.notes == ((note,) if contradicted else ())
    np.testing.assert_array_equal(read(path), LOGITS)


@pytest.mark.parametrize("name", [*FORMATS])
def test_a_signature_tells_its_format_from_all_others(tmp_path: Path, name: str) -> None:
    entry = FORMATS[name]
    if entry.content is not None:
        told = {x for x, content in contents(tmp_path).items() if entry.content(content)}
        assert told <= {name}
        assert not entry.content(TEXT)
        assert not entry.content(b"")


def test_parquet_without_rows_is_known_as_such() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"a": pa.array([], pa.float32())}), file)
    assert recognise("x", file.getvalue()) == ("parquet", ())


def test_a_llamacpp_file_of_another_name_says_both(tmp_path: Path) -> None:
    source = open_source(put(tmp_path / "x.csv", contents(tmp_path)["llamacpp"]), Layout())
    assert source.notes == (
        "format: llamacpp, as its content says, though its name ends in .csv",
        "classes at a row's minimum lie there or below; counted as there",
    )


def test_a_stream_of_arrow_is_known_as_such() -> None:
    assert recognise("x.csv.bak", arrow(stream=True)) == ("arrow", ())
    assert recognise("-", arrow(stream=True)) == ("arrow", ())


@pytest.mark.parametrize("text", ["[1.5,2]", '{"a":1}', "\ufeff\n \t[1]"])
def test_a_bracket_makes_json_lines_of_text_that_no_suffix_names(text: str) -> None:
    for name in ("x", "x.txt.gz", "x.JSONL", "-"):
        assert recognise(name, text.encode()) == ("jsonl", ())
    assert recognise("x.json", text.encode()) == ("json", ())
    assert recognise("x.csv", text.encode()) == ("csv", ())


@pytest.mark.parametrize("text", ["[[1,2]]", '[{"a":1}]', '{\n"a":1}', "[\r\n1]", "\ufeff [ [1]]"])
def test_lists_in_a_list_and_more_lines_make_a_document(text: str) -> None:
    for name in ("x", "x.json", "x.json.gz", "-"):
        assert recognise(name, text.encode()) == ("json", ())
    assert recognise("x.jsonl", text.encode()) == ("jsonl", ())


@pytest.mark.parametrize("path", sorted(TORCH.glob("*.pt*")), ids=lambda path: path.stem)
def test_whatever_torch_wrote_is_known_as_such(path: Path) -> None:
    assert recognise("x", path.read_bytes()) == ("torch", ())


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("called", ["x.pkl", "x", "x.pt", "x.npy"])
@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([1.0, 2.0], "import pickle, numpy, sys; numpy.save(sys.argv[2], numpy.array("),
        ({"logits": [1.0]}, "import pickle, numpy, sys; numpy.savez(sys.argv[2], **pickle.load("),
        (PurePath("pandas"), "import pandas, sys; pandas.read_pickle(sys.argv[1])"),
        (PurePath("torch"), "import pickle, sys, torch; torch.save(pickle.load("),
        (PurePath("joblib.numpy_pickle"), "import joblib, numpy, sys; numpy.save("),
    ],
)
def test_a_pickle_is_told_by_what_it_names(
    tmp_path: Path, protocol: int, called: str, value: object, code: str
) -> None:
    path = put(tmp_path / called, pickle.dumps(value, protocol))
    what, advice = refusal(path)
    assert what.startswith("expected logits, found a pickle of ")
    assert "unpickling runs what it says" in advice
    assert f'python -c "{code}' in advice
    assert f" {path} {tmp_path}/x" in advice


def test_a_pickle_that_its_content_does_not_tell_is_told_by_its_name(tmp_path: Path) -> None:
    what, advice = refusal(put(tmp_path / "x.pickle", pickle.dumps([1.0], 0)))
    assert what == "expected logits, found a pickle of Python"
    what, advice = refusal(put(tmp_path / "x.joblib", b"\x78\x5e\0\0"))
    assert what == "expected logits, found a pickle of joblib"
    assert "joblib.load(sys.argv[1])" in advice


def test_a_safetensors_header_of_640_bytes_is_no_pickle(tmp_path: Path) -> None:
    whole = safetensors(tmp_path)
    length = int.from_bytes(whole[:8], "little")
    padded = whole[8 : 8 + length].ljust(640) + whole[8 + length :]
    path = put(tmp_path / "x", (640).to_bytes(8, "little") + padded)
    assert path.read_bytes()[:2] == b"\x80\2"
    np.testing.assert_array_equal(read(path), LOGITS)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda text: pa.compress(text, "zstd", asbytes=True),
    ".lz4": lambda text: pa.compress(text, "lz4", asbytes=True),
}


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("called", ["x.csv", "x.tsv", "x.CSV"])
def test_text_is_compressed_under_its_suffix_or_another(
    tmp_path: Path, suffix: str, called: str
) -> None:
    text = TEXT.replace(b",", b"\t") if called == "x.tsv" else TEXT
    for name in (called + suffix, called + suffix.upper(), called):
        path = put(tmp_path / name, COMPRESS[suffix](text))
        assert open_source(path, Layout()).format == called[2:].lower()
        assert open_source(path, Layout()).notes == ()
        np.testing.assert_array_equal(read(path), LOGITS)


def test_text_that_was_decompressed_keeps_its_name(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(put(tmp_path / "x.csv.gz", TEXT)), LOGITS)


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("called", ["x.npz", "x.csv", "x"])
def test_what_has_to_be_mapped_is_not_read_compressed(
    tmp_path: Path, suffix: str, called: str
) -> None:
    codec = {".gz": "gzip", ".zst": "zstd"}.get(suffix, suffix[1:])
    path = put(tmp_path / (called + suffix), COMPRESS[suffix](npz()))
    assert refusal(path) == (
        f"expected npz as it is, found it compressed with {codec}",
        "Decompress it first: only npy, csv, tsv, arrow, json and jsonl are read compressed.",
    )
    what, _ = refusal(path, Layout(format="npz"))
    assert what == f"expected npz, as --input-format says, found a file compressed with {codec}"


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("kind", ["npy", "arrow", "stream"])
def test_arrays_and_arrow_are_read_compressed(tmp_path: Path, suffix: str, kind: str) -> None:
    content = npy() if kind == "npy" else arrow(stream=kind == "stream")
    name = "npy" if kind == "npy" else "arrow"
    for called in (f"x.{name}{suffix}", f"x.{name}{suffix.upper()}", "x"):
        path = put(tmp_path / called, COMPRESS[suffix](content))
        for layout in (Layout(), Layout(format=name)):
            source = open_source(path, layout)
            assert (source.format, source.notes) == (name, ())
            np.testing.assert_array_equal(read(path, layout), LOGITS)


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_a_compressed_array_that_is_cut_is_refused(tmp_path: Path, suffix: str) -> None:
    values = np.random.default_rng(0).normal(size=(200, 30))
    file = io.BytesIO()
    np.save(file, values)
    whole = COMPRESS[suffix](file.getvalue())
    path = put(tmp_path / f"x.npy{suffix}", whole[: len(whole) // 2])
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.what.startswith(f"{path}: expected to read on, found: ")
    assert caught.value.advice == "Write it again, or check that its copy was complete."
    put(path, COMPRESS[suffix](file.getvalue() + b"x"))
    with pytest.raises(InputError, match=r"shape \(200, 30\), found 48001 or more"):
        read(path)


def test_a_compressed_array_in_fortran_order_is_to_be_decompressed(tmp_path: Path) -> None:
    file = io.BytesIO()
    np.save(file, np.asfortranarray(np.ones((3, 4))))
    assert refusal(put(tmp_path / "x.npy.gz", gzip.compress(file.getvalue()))) == (
        "expected an array in C order, found Fortran order",
        "Decompress it: then it is mapped.",
    )


def test_a_compressed_array_that_is_no_table_is_so_whatever_is_said(tmp_path: Path) -> None:
    path = put(tmp_path / "x.csv.gz", gzip.compress(npy()))
    what, _ = refusal(path, Layout(format="csv"))
    assert what == "expected csv, as --input-format says, found npy"


@pytest.mark.parametrize("size", [11, 20, 30])
def test_a_cut_compressed_file_is_refused(tmp_path: Path, size: int) -> None:
    path = put(tmp_path / "x.csv.gz", gzip.compress(TEXT)[:size])
    assert "runcated" in refusal(path)[0]
    what, _ = refusal(put(tmp_path / "x.gz", gzip.compress(TEXT)[:size]))
    assert "found text with no suffix" in what


def archive(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as whole:
        whole.writestr(name, b"content")
    return file.getvalue()


def tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as whole:
        whole.addfile(tarfile.TarInfo("x.csv"), io.BytesIO())
    return file.getvalue()


FOREIGN = {
    "gguf": (b"GGUF" + struct.pack("<IQQ", 3, 0, 0), "a GGUF model", "--kl-divergence-base"),
    "matlab": (b"MATLAB 5.0 MAT-file" + bytes(99), "a MATLAB file", "scipy.io.loadmat"),
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image", "Name a file of logits."),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image", "Name a file of logits."),
    "sqlite": (b"SQLite format 3\0", "an SQLite database", "pandas.read_sql"),
    "avro": (b"Obj\x01\0", "an Avro file", "fastavro.reader"),
    "elf": (b"\x7fELF\2\1\1\0", "a program", "Name a file of logits."),
    "zip": (archive("table.csv"), "a zip archive of something else", "Unpack it"),
    "docx": (archive("_rels/.rels"), "a zip archive of something else", "unzip "),
    "xlsx": (archive("xl/workbook.xml"), "an Excel workbook", "pandas.read_excel"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "an old Excel workbook", "and xlrd: "),
    "matlab-7.3": (b"MATLAB 7.3 MAT-file".ljust(512, b"\0"), "a MATLAB 7.3 file", "v[()].T"),
    "orc": (b"ORC\0", "an ORC file", "pyarrow.orc"),
    "zarr-2": (archive("logits/.zarray"), "Zarr arrays", "zarr.storage.ZipStore"),
    "zarr-3": (archive("zarr.json"), "Zarr arrays", "zarr.storage.ZipStore"),
    "tar": (tar(), "a tar archive", "Unpack it"),
}


@pytest.mark.parametrize("called", ["x", "x.csv", "x.npy", "x.parquet", "x.safetensors"])
@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_foreign_is_called_by_its_name(tmp_path: Path, kind: str, called: str) -> None:
    content, what, advice = FOREIGN[kind]
    found = refusal(put(tmp_path / called, content))
    assert found[0] == f"expected logits, found {what}"
    assert advice in found[1]


@pytest.mark.parametrize(
    ("called", "what", "advice"),
    [
        ("x.bin", "raw values, which say neither their type nor their shape", "reshape(-1, CLA"),
        ("x.mat", "a MATLAB file", "scipy.io.loadmat"),
        ("x.tfrecord", "TFRecord examples", "tfrecord.tfrecord_loader"),
        ("x.onnx", "an ONNX model", "numpy.save"),
    ],
)
def test_what_is_foreign_may_be_known_by_its_name(
    tmp_path: Path, called: str, what: str, advice: str
) -> None:
    found = refusal(put(tmp_path / called, bytes(99)))
    assert found[0] == f"expected logits, found {what}"
    assert advice in found[1]


def test_text_of_such_a_name_is_text(tmp_path: Path) -> None:
    what, _ = refusal(put(tmp_path / "x.dat", TEXT))
    assert what.endswith("found text with suffix '.dat'")


def test_a_command_is_quoted_and_overwrites_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "it's a $folder"
    folder.mkdir()
    path = put(folder / "x y.xlsx", archive("xl/workbook.xml"))
    for name in ("x y.csv", "x y-2.csv"):
        command = refusal(path)[1].partition(": ")[2]
        python, option, code, *words = shlex.split(command)
        assert (python, option, words) == ("python", "-c", [str(path), str(folder / name)])
        compile(code, "advice", "exec")
        put(folder / name, b"")


@pytest.mark.parametrize("inside", ["zarr.json", ".zarray", ".zgroup"])
def test_a_folder_of_zarr_is_called_so(tmp_path: Path, inside: str) -> None:
    folder = tmp_path / "x.zarr"
    (folder / "c").mkdir(parents=True)
    put(folder / inside, b"{}")
    put(folder / "0.0", bytes(99))
    what, advice = refusal(folder)
    assert what == "expected files of logits, found Zarr arrays"
    assert advice.endswith(f" {folder} {tmp_path}/x.npz")
    with pytest.raises(InputError) as caught:
        open_source(f"{folder}/", Layout())
    assert caught.value.advice.endswith(f" {folder}/ {tmp_path}/x.npz")


def test_a_tar_archive_is_known_within_gzip(tmp_path: Path) -> None:
    path = put(tmp_path / "x.tar.gz", gzip.compress(tar()))
    assert refusal(path)[0] == "expected logits, found a tar archive"


@pytest.mark.parametrize("content", [archive("x"), b"PK\5\6" + bytes(18)], ids=["odd", "empty"])
@pytest.mark.parametrize("called", ["x.npz", "x.pt"])
def test_of_an_odd_archive_the_suffix_tells(tmp_path: Path, content: bytes, called: str) -> None:
    what, _ = refusal(put(tmp_path / called, content))
    assert "zip archive of something else" not in what
    assert "found none" in what


@pytest.mark.parametrize("begin", ["GGUF", "Obj", "SQLite format 3", "MATLAB 5.0 MAT-file", "PAR1"])
def test_a_name_of_a_class_makes_no_text_foreign(tmp_path: Path, begin: str) -> None:
    path = put(tmp_path / "x.csv", TEXT.replace(b"a", begin.encode()))
    np.testing.assert_array_equal(read(path), LOGITS)


@pytest.mark.parametrize(
    ("called", "content", "found"),
    [
        ("x", TEXT, "text with no suffix"),
        ("x.txt", TEXT, "text with suffix '.txt'"),
        ("x.txt.gz", gzip.compress(TEXT, mtime=0), "text with suffix '.txt'"),
        ("x.foo", bytes(99), "binary data with suffix '.foo'"),
    ],
)
def test_what_nothing_tells_is_refused_with_the_formats(
    tmp_path: Path, called: str, content: bytes, found: str
) -> None:
    path = put(tmp_path / called, content)
    what, advice = refusal(path)
    suffixes = " ".join(suffix for entry in FORMATS.rows().values() for suffix in entry.suffixes)
    assert what == f"expected logits that content or suffix tells ({suffixes}), found {found}"
    table = " As a table {} csv reads it." if "text" in found else ""
    for option, layout in (
        ("--input-format", Layout()),
        ("--candidate-format", Layout(side="candidate")),
    ):
        _, advice = refusal(path, layout)
        known = f"Say what it is with {option}: {', '.join(FORMATS)}."
        assert advice == known + table.format(option)


def test_the_format_that_is_said_overrules(tmp_path: Path) -> None:
    path = put(tmp_path / "x.txt", TEXT)
    source = open_source(path, Layout(format="csv"))
    assert (source.format, source.notes) == ("csv", ())
    np.testing.assert_array_equal(read(path, Layout(format="csv")), LOGITS)
    path = put(tmp_path / "x.npy", gzip.compress(TEXT.replace(b",", b"\t")))
    np.testing.assert_array_equal(read(path, Layout(format="tsv")), LOGITS)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("npy", "expected an .npy file, which begins with b'\\x93NUMPY', found b'\\x00"),
        ("npz", "expected a whole zip archive, found a damaged one (File is not a zip file)"),
        ("torch", "expected what torch 1.6 or later saves, found a file that begins with b'\\x00"),
        ("safetensors", "expected a header in JSON, found one that cannot be read"),
        ("csv", "expected text, found binary data that begins with b'\\x00"),
        ("parquet", "Parquet magic bytes not found"),
    ],
)
def test_of_bytes_that_nothing_tells_the_reader_of_the_format_says_what_is_wrong(
    tmp_path: Path, said: str, expected: str
) -> None:
    assert expected in refusal(put(tmp_path / "x.bin", bytes(99)), Layout(format=said))[0]


@pytest.mark.parametrize("said", FORMATS)
@pytest.mark.parametrize("kind", ["npy", "parquet", "text", "gzip", "png", "npz"])
def test_a_file_that_is_plainly_of_another_format_than_is_said(
    tmp_path: Path, said: str, kind: str
) -> None:
    content = contents(tmp_path) | {
        "text": b"a;b\n1;2\n",
        "gzip": gzip.compress(b"a;b\n1;2\n"),
        "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    }
    found = {"gzip": "a file compressed with gzip", "png": "a PNG image"}.get(kind, kind)
    if kind == "gzip" and said in {"npy", "arrow"}:
        found = "text"
    is_text, is_zip = said in {"csv", "tsv", "json", "jsonl"}, {said, kind} <= {"npz", "torch"}
    path = put(tmp_path / "x", content[kind])
    if kind == said:
        assert open_source(path, Layout(format=said)).format == said
        return
    what, advice = refusal(path, Layout(format=said, side="reference"))
    if (is_text and kind in {"text", "gzip"}) or is_zip:  # in which the reader finds what is wrong
        assert "--reference-format" not in what
        return
    assert what == f"expected {said}, as --reference-format says, found {found}"
    assert advice == "Leave --reference-format out: most files say themselves what they are."


def test_a_format_that_there_is_none_of_is_refused_before_the_file_is_looked_at() -> None:
    with pytest.raises(UsageError) as caught:
        open_source("nowhere.npy", Layout(format="xls"))
    assert caught.value.what == "no format is called 'xls'"
    assert caught.value.advice == f"Known: {', '.join(FORMATS)}."


@pytest.mark.parametrize(
    ("name", "text", "known"),
    [
        ("x.csv", "a,bb,cc,{\n1,2,3,4\n", "csv"),
        ("x.csv", "\0\0\0\0\0\0\0\1{\n", "csv"),
        ("x.tsv", "a\tbb\tcc\t{\n1\t2\t3\t4\n", "tsv"),
        ("x.jsonl", '{"a":   {"b": 1}}\n', "jsonl"),
        ("x", '[1,   2, {"b": 1}]\n', "jsonl"),
        ("-", "a,bb,cc,{\n1,2,3,4\n", "csv"),
    ],
)
def test_a_brace_in_ninth_place_makes_no_safetensors_of_text(
    name: str, text: str, known: str
) -> None:
    """Eight characters are no length of a header: as a number they are far too large."""
    assert recognise(name, text.encode()) == (known, ())


def test_a_header_of_100_mb_is_the_longest_that_safetensors_has() -> None:
    for length, known in ((100_000_000, True), (100_000_001, False)):
        first = length.to_bytes(8, "little") + b"{"
        signature = FORMATS["safetensors"].content
        assert signature is not None
        assert signature(first) is known


@pytest.mark.parametrize("first", [b"\x80\x06x", b"A\x02\x00", b"\x7f\x04\x00"])
def test_two_bytes_make_a_pickle_and_neither_alone(first: bytes) -> None:
    assert is_torch(b"\x80\x02")
    assert not is_torch(first)
