"""The registry of formats.

A format is one row of :data:`FORMATS`: name -> import path of its opener, suffixes, one-line
description, and what its files begin with. Listings read the registry and import nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from kldiv_cli import Registry
from kldiv_cli.sources.formats.signatures import (
    Signature,
    begins,
    begins_as_document,
    begins_as_json,
    is_arrow,
    is_npz,
    is_safetensors,
    is_tensor,
    is_text_with_tabs,
    is_text_without_tabs,
    is_torch,
)


class Format(NamedTuple):
    """A row of the registry."""

    home: str
    """The import path of a function (path, `Layout`) -> `Source`."""
    suffixes: tuple[str, ...]
    description: str
    content: Signature | None = None
    """What tells its files by their first bytes; None for text, which may be compressed."""
    streamed: str | None = None
    """The import path of an opener that reads from beginning to end, as a pipe needs it."""
    remote: bool = False
    """Whether the opener reads it in an object store too."""
    is_zip: bool = False
    """Whether a file is a zip archive, whose first member need not tell the format."""
    likely: Signature | None = None
    """What tells text that neither its content nor its name does; the first such format wins."""
    only_piped: bool = False
    """Whether text is so told only where it has no name at all."""
    unpacks: bool = False
    """Whether `streamed` decompresses what it reads; whatever opens text does."""

    @property
    def may_be_compressed(self) -> bool:
        """Whether its files are read compressed."""
        return self.unpacks or self.content is None


_ROWS = {
    "npy": Format(
        "kldiv_cli.sources.formats.npy:open_npy",
        (".npy",),
        "NumPy array of any shape, mapped",
        begins(b"\x93NUMPY"),
        streamed="kldiv_cli.sources.formats.npy_in_order:open_npy",
        unpacks=True,
    ),
    "csv": Format(
        "kldiv_cli.sources.formats.csv:open_csv",
        (".csv",),
        "comma-separated text with a header line",
        likely=is_text_without_tabs,
        only_piped=True,
        streamed="kldiv_cli.sources.formats.csv:open_csv",
    ),
    "tsv": Format(
        "kldiv_cli.sources.formats.csv:open_tsv",
        (".tsv",),
        "tab-separated text with a header line",
        likely=is_text_with_tabs,
        only_piped=True,
        streamed="kldiv_cli.sources.formats.csv:open_tsv",
    ),
    "parquet": Format(
        "kldiv_cli.sources.formats.parquet:open_parquet",
        (".parquet", ".pq"),
        "Apache Parquet, a column per class or one list column",
        begins(b"PAR1\x15"),  # with a page, or without rows the footer
        remote=True,
    ),
    "arrow": Format(
        "kldiv_cli.sources.formats.arrow:open_arrow",
        (".arrow", ".feather", ".ipc"),
        "Arrow IPC file or stream, Feather; a column per class or one list column, mapped",
        is_arrow,
        streamed="kldiv_cli.sources.formats.arrow:open_arrow",
        unpacks=True,
    ),
    "json": Format(
        "kldiv_cli.sources.formats.json_document:open_json",
        (".json",),
        "JSON document: a list of lists, a list of objects, outputs that Polygraphy saved",
        likely=begins_as_document,
        streamed="kldiv_cli.sources.formats.json_document:open_json",
    ),
    "jsonl": Format(
        "kldiv_cli.sources.formats.jsonl:open_jsonl",
        (".jsonl", ".ndjson"),
        "JSON lines: a list, or an object with a list or a number per class",
        likely=begins_as_json,
        streamed="kldiv_cli.sources.formats.jsonl:open_jsonl",
    ),
    "npz": Format(
        "kldiv_cli.sources.formats.npz:open_npz",
        (".npz",),
        "NumPy archive, mapped, or inflated row by row",
        is_npz,
        is_zip=True,
    ),
    "safetensors": Format(
        "kldiv_cli.sources.formats.safetensors:open_safetensors",
        (".safetensors",),
        "safetensors file, mapped",
        is_safetensors,
    ),
    "torch": Format(
        "kldiv_cli.sources.formats.torch:open_torch",
        (".pt", ".pth"),
        "tensors saved by PyTorch 1.6 or later, mapped",
        is_torch,
        is_zip=True,
    ),
    "llamacpp": Format(
        "kldiv_cli.sources.formats.llamacpp:open_llamacpp",
        (".kld",),
        "logits file of llama.cpp (llama-perplexity --kl-divergence-base), mapped",
        begins(b"_logits_"),
    ),
    "onnx": Format(
        "kldiv_cli.sources.formats.onnx:open_onnx",
        (".pb",),
        "tensor of ONNX (TensorProto), mapped",
        is_tensor,
    ),
    "hdf5": Format(
        "kldiv_cli.sources.formats.hdf5:open_hdf5",
        (".h5", ".hdf5"),
        "dataset of an HDF5 file, by the extra kldiv-cli[hdf5]",
        begins(b"\x89HDF\r\n\x1a\n"),
    ),
}
FORMATS = Registry("format", Format, _ROWS, "kldiv_cli.formats")
