"""Arrays of float8 in .npy and .npz files, as ml_dtypes has NumPy save them: refused by name.

NumPy writes most of these types as raw bytes, `V1`, which do not say which of them they are;
float8_e5m2 it writes as `f1`, which NumPy itself does not read.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from kldiv_cli.errors import LogitsError
from kldiv_cli.sources.stores.commands import rewriting

_VIEW = "view(ml_dtypes.float8_e4m3fn).astype('float32')"
_NPY = f"import ml_dtypes, numpy, sys; numpy.save(sys.argv[2], numpy.load(sys.argv[1]).{_VIEW})"
_NPZ = (
    "import ml_dtypes, numpy, sys; numpy.savez(sys.argv[2], "
    f"**{{k: v.{_VIEW} if v.dtype.str == '|V1' else v "
    "for k, v in numpy.load(sys.argv[1]).items()})"
)
_E5M2 = (
    "import ml_dtypes, numpy, sys; numpy.save(sys.argv[2], numpy.fromfile(sys.argv[1], "
    "ml_dtypes.float8_e5m2, offset=%d).reshape(%s).astype('float32'))"
)
_SHAPE = re.compile(rb"'shape': (\([\d, ]*\))")


def check_no_float8(dtype: np.dtype[Any], path: str, where: str) -> None:
    """Raise for raw bytes of one byte each; ``where`` names the array of the file."""
    if dtype.kind != "V" or dtype.itemsize != 1 or dtype.names is not None:
        return
    in_archive = where != path
    suffix = ".npz" if in_archive else ".npy"
    command = rewriting(_NPZ if in_archive else _NPY, path, suffix, "-float32")
    raise LogitsError(
        f"{where}: expected real numbers, found |V1 (a raw byte per value: float8 as ml_dtypes "
        "saves it, which does not say which float8)",
        f"If it is float8_e4m3fn, write it again with ml_dtypes: {command}",
    )


def of_e5m2(path: str, header: bytes, begins: int) -> LogitsError | None:
    """Return the error of a header that names `f1`, with which values begin at a byte."""
    shape = _SHAPE.search(header)
    if b"'<f1'" not in header or shape is None:
        return None
    code = _E5M2 % (begins, shape[1].decode())
    return LogitsError(
        f"{path}: expected real numbers, found <f1 (float8_e5m2 as ml_dtypes saves it)",
        f"Write it again with ml_dtypes: {rewriting(code, path, '.npy', '-float32')}",
    )
