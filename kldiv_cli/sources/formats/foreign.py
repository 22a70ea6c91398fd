"""Files that no format reads: what they are, and the command that makes a readable one of them."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import NamedTuple

from kldiv_cli.sources.formats.signatures import Signature, begins, is_zip
from kldiv_cli.sources.stores.commands import rewriting
from kldiv_cli.sources.stores.uris import is_elsewhere


class Foreign(NamedTuple):
    """A kind of file that no format reads.

    Parameters
    ----------
    what : str
        What it is called.
    content : callable or None
        What tells it by its first bytes.
    suffixes : tuple of str
        The names that tell it where no content does.
    code : str
        Python that writes `sys.argv[1]` again as `sys.argv[2]`.
    needs : str
        The packages that the code imports.
    writes : str
        The suffix of what it writes.
    advice : str
        What to do, where there is no code, or what stands before it; FILE is its name.
    is_table : bool
        Whether it may hold what was expected, whatever that is.
    """

    what: str
    content: Signature | None = None
    suffixes: tuple[str, ...] = ()
    code: str = ""
    needs: str = ""
    writes: str = ".npy"
    advice: str = ""
    is_table: bool = False

    def remedy(self, path: str) -> str:
        """Return what to do about a file of this kind."""
        if not self.code:
            name = "FILE" if is_elsewhere(path) else quote(path)
            return self.advice.replace("FILE", name) or "Name a file of logits."
        how = self.advice or f"Write it as {self.writes}"
        packages = f" with {self.needs}" if self.needs else ""
        return f"{how}{packages}: {rewriting(self.code, path, self.writes)}"


def _holds(*words: bytes) -> Signature:
    """Tell a zip archive that begins with members of such names."""
    return lambda first: is_zip(first) and any(word in first for word in words)


_ARRAYS = "numpy.savez(sys.argv[2], **{k: %s for k, v in %s.items() if %s})"
_NUMERIC = "getattr(v, 'dtype', numpy.dtype('O')).kind in 'fiu'"
_SCIPY = f"import numpy, scipy.io, sys; {_ARRAYS}" % (
    "v",
    "scipy.io.loadmat(sys.argv[1])",
    _NUMERIC,
)
_H5PY = f"import h5py, numpy, sys; {_ARRAYS}" % ("v[()].T", "h5py.File(sys.argv[1])", _NUMERIC)
_EXCEL = "import pandas, sys; pandas.read_excel(sys.argv[1]).to_csv(sys.argv[2], index=False)"
_ZARR = (
    "import numpy, sys, zarr; z = zarr.open(%s, mode='r'); "
    "numpy.savez(sys.argv[2], **{k: v[:] for k, v in "
    "([('logits', z)] if hasattr(z, 'dtype') else z.arrays())})"
)
ZARR = Foreign("Zarr arrays", code=_ZARR % "sys.argv[1]", needs="zarr", writes=".npz")
_TFRECORD = (
    "import numpy, sys, tfrecord; r = list(tfrecord.tfrecord_loader(sys.argv[1], None)); "
    "numpy.savez(sys.argv[2], **{k: numpy.stack([x[k] for x in r]) for k in r[0] "
    "if getattr(r[0][k], 'dtype', numpy.dtype('O')).kind in 'fi'})"
)
_AVRO = (
    "import fastavro, pandas, sys; pandas.DataFrame(fastavro.reader(open(sys.argv[1], 'rb')))"
    ".to_parquet(sys.argv[2])"
)
_SQLITE = (
    "import pandas, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
    "t = c.execute('select name from sqlite_master where type = ?', ['table']).fetchone()[0]; "
    "pandas.read_sql('select * from [' + t + ']', c).to_csv(sys.argv[2], index=False)"
)
_ORC = (
    "import sys, pyarrow.orc as o, pyarrow.parquet as p; "
    "p.write_table(o.read_table(sys.argv[1]), sys.argv[2])"
)
_RAW = (
    "import numpy, sys; "
    "numpy.save(sys.argv[2], numpy.fromfile(sys.argv[1], 'float32').reshape(-1, CLASSES))"
)
_UNPACK = "Unpack it, and name the file of logits: "
FOREIGN = (
    Foreign(
        "a GGUF model",
        begins(b"GGUF"),
        advice="That holds weights, no outputs: llama-perplexity -m FILE -f TEXT "
        "--kl-divergence-base logits.kld writes these.",
    ),
    Foreign(
        "a MATLAB 7.3 file",
        begins(b"MATLAB 7.3 MAT-file"),
        code=_H5PY,
        needs="h5py",
        writes=".npz",
    ),
    Foreign(
        "a MATLAB file",
        begins(b"MATLAB 5.0 MAT-file"),
        (".mat",),
        code=_SCIPY,
        needs="scipy",
        writes=".npz",
    ),
    Foreign(
        "an Avro file",
        begins(b"Obj\x01"),
        (".avro",),
        code=_AVRO,
        needs="pandas and fastavro",
        writes=".parquet",
        is_table=True,
    ),
    Foreign(
        "an SQLite database",
        begins(b"SQLite format 3\0"),
        code=_SQLITE,
        needs="pandas",
        writes=".csv",
        is_table=True,
    ),
    Foreign("an ORC file", begins(b"ORC"), (".orc",), code=_ORC, writes=".parquet", is_table=True),
    Foreign(
        "an Excel workbook",
        _holds(b"xl/workbook", b"xl/_rels", b"xl/theme", b"xl/styles", b"xl/worksheets"),
        (".xlsx", ".xlsm"),
        code=_EXCEL,
        needs="pandas and openpyxl",
        writes=".csv",
        is_table=True,
    ),
    Foreign(
        "an old Excel workbook",
        begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        (".xls",),
        code=_EXCEL,
        needs="pandas and xlrd",
        writes=".csv",
        is_table=True,
    ),
    ZARR._replace(
        content=_holds(b"zarr.json", b".zarray", b".zgroup"),
        code=_ZARR % "zarr.storage.ZipStore(sys.argv[1], mode='r')",
    ),
    Foreign(
        "TFRecord examples",
        suffixes=(".tfrecord", ".tfrecords"),
        code=_TFRECORD,
        needs="tfrecord",
        writes=".npz",
    ),
    Foreign(
        "an ONNX model",
        suffixes=(".onnx",),
        advice="That holds weights, no outputs: save what the session's run returns by numpy.save.",
    ),
    Foreign("a PNG image", begins(b"\x89PNG\r\n\x1a\n")),
    Foreign("a JPEG image", begins(b"\xff\xd8\xff")),
    Foreign("a program", begins(b"\x7fELF")),
    Foreign(
        "raw values, which say neither their type nor their shape",
        suffixes=(".bin", ".raw", ".dat", ".f32"),
        code=_RAW,
        advice="With its type, and the number of classes in place of CLASSES",
    ),
)
_ZIP = Foreign("a zip archive of something else", is_zip, advice=f"{_UNPACK}unzip FILE.")
_TAR = Foreign("a tar archive", advice=f"{_UNPACK}tar -xf FILE.")


def foreign(first: bytes, *, may_be_zip: bool) -> Foreign | None:
    """Return the kind of a file that no format reads, by its first bytes; None for any other."""
    if b"\0" not in first:  # text may begin with any word
        return None
    if first[257:262] == b"ustar":
        return _TAR
    if may_be_zip and is_zip(first):
        return None
    kinds = (*FOREIGN, _ZIP)
    return next((kind for kind in kinds if kind.content and kind.content(first)), None)


def foreign_by_name(suffix: str) -> Foreign | None:
    """Return the kind of a file that no format reads, by its suffix; None for any other."""
    return next((kind for kind in FOREIGN if suffix in kind.suffixes), None)


def is_zarr(folder: str) -> bool:
    """Tell a folder that holds a Zarr array, or a group of them."""
    return any((Path(folder) / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup"))
