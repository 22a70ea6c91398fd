"""Files -> blocks of rows. The registry of formats.

A format is one row of :data:`FORMATS`: name -> import path of its opener, suffixes, one-line
description. Listings read the registry and import nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout, Source


class Format(NamedTuple):
    """A row of the registry."""

    opener: str
    suffixes: tuple[str, ...]
    description: str
    keyed: bool = False
    """Whether a file holds arrays under names, of which the layout's key takes one."""


FORMATS = {
    "npy": Format("kldiv_cli.sources.npy:open_npy", (".npy",), "NumPy array of any shape, mapped"),
    "csv": Format(
        "kldiv_cli.sources.csv:open_csv", (".csv",), "comma-separated text with a header line"
    ),
    "tsv": Format(
        "kldiv_cli.sources.csv:open_tsv", (".tsv",), "tab-separated text with a header line"
    ),
    "parquet": Format(
        "kldiv_cli.sources.parquet:open_parquet",
        (".parquet", ".pq"),
        "Apache Parquet, a column per class or one list column",
    ),
    "npz": Format(
        "kldiv_cli.sources.npz:open_npz",
        (".npz",),
        "NumPy archive, mapped, or inflated row by row",
        keyed=True,
    ),
    "safetensors": Format(
        "kldiv_cli.sources.safetensors:open_safetensors",
        (".safetensors",),
        "safetensors file, mapped",
        keyed=True,
    ),
    "torch": Format(
        "kldiv_cli.sources.torch:open_torch",
        (".pt", ".pth"),
        "tensors saved by PyTorch 1.6 or later, mapped",
        keyed=True,
    ),
    "llamacpp": Format(
        "kldiv_cli.sources.llamacpp:open_llamacpp",
        (".kld",),
        "logits file of llama.cpp (llama-perplexity --kl-divergence-base), mapped",
    ),
}


def open_source(path: str | os.PathLike[str], layout: Layout) -> Source:
    """Open a file of logits in the format that its suffix names.

    Raises
    ------
    InputError
        The file is missing, empty, not readable, of no known format, or not what its suffix says.
    """
    path = os.fspath(path)
    suffix = Path(path).suffix.lower()
    known = {suffix: entry for entry in FORMATS.values() for suffix in entry.suffixes}
    try:
        _check_file(path)
        if suffix not in known:
            raise InputError(
                f"{path}: expected a file named {' '.join(known)}, found "
                + (f"suffix {suffix!r}" if suffix else "no suffix"),
                "Save the logits in one of these formats, or rename the file to its true suffix.",
            )
        module, opener = known[suffix].opener.split(":")
        open_format: Callable[[str, Layout], Source] = getattr(import_module(module), opener)
        return open_format(path, layout)
    except OSError as error:
        raise InputError(
            f"{path}: expected a readable file, found: {error.strerror or error}",
            "Check the path and its permissions.",
        ) from error


def has_keys(source: Source) -> bool:
    """Tell whether a source is of a format that holds arrays under names."""
    return source.format in FORMATS and FORMATS[source.format].keyed


def _check_file(path: str) -> None:
    if not Path(path).exists():
        raise InputError(f"{path}: expected a file, found nothing there", "Check the path.")
    if not Path(path).is_file():
        kind = "a directory" if Path(path).is_dir() else "something that is no regular file"
        raise InputError(f"{path}: expected a file, found {kind}", "Name a file of logits.")
    with Path(path).open("rb") as file:
        empty = not file.read(1)
    if empty:
        raise InputError(
            f"{path}: expected logits, found an empty file", "Check what should have written it."
        )
