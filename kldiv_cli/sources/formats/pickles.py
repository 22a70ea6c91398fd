"""Pickles that no format reads: told from their first bytes, and how to write them again.

Nothing in them is run. Unpickling runs whatever the file says.
"""

from __future__ import annotations

from kldiv_cli.sources.stores.commands import rewriting

SUFFIXES = (".pkl", ".pickle", ".joblib")
_FRAME = b"\x95"
_JOBLIB = b"joblib.numpy_pickle"


def pickled(path: str, first: bytes, suffix: str) -> tuple[str, str]:
    """Return what a pickle is, and the command that writes a readable file where it is trusted."""
    is_joblib = _JOBLIB in first or suffix == ".joblib"
    module = "joblib" if is_joblib else "pickle"
    load = "joblib.load(sys.argv[1])" if is_joblib else "pickle.load(open(sys.argv[1], 'rb'))"
    what, code, writes = "an array", f"numpy.save(sys.argv[2], numpy.array({load}))", ".npy"
    imports = f"{module}, numpy, sys"
    if b"pandas" in first:
        what, writes, imports = "a pandas table", ".parquet", "pandas, sys"
        code = "pandas.read_pickle(sys.argv[1]).rename(columns=str).to_parquet(sys.argv[2])"
    elif b"torch" in first:
        what, writes, imports = "tensors", ".pt", f"{module}, sys, torch"
        code = f"torch.save({load}, sys.argv[2])"
    elif is_dict(first):
        what, code, writes = "arrays", f"numpy.savez(sys.argv[2], **{load})", ".npz"
    of = "joblib" if is_joblib else "Python"
    command = rewriting(f"import {imports}; {code}", path, writes)
    return (
        f"a pickle of {of}",
        f"If it holds {what} and you trust it (unpickling runs what it says): {command}",
    )


def is_dict(pickle: bytes) -> bool:
    """Tell a pickle that begins with a dict."""
    begin = pickle[2:]
    if begin[:1] == _FRAME:
        begin = begin[9:]
    return begin[:1] == b"}"
