"""The registry of formats.

A format is one row of :data:`FORMATS`: name -> import path of its opener, suffixes, one-line
description, and what its files begin with. Listings read the registry and import nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from kldiv_cli.sources.formats.signatures import (
    Signature,
    begins,
    is_arrow,
    is_npz,
    is_safetensors,
    is_torch,
)


class Format(NamedTuple):
    """A row of the registry."""

    opener: str
    suffixes: tuple[str, ...]
    description: str
    content: Signature | None = None
    """What tells its files by their first bytes; None for text, which may be compressed."""
    keyed: bool = False
    """Whether a file holds arrays under names, of which the layout's key takes one."""
    streamed: str | None = None
    """The import path of what reads it from beginning to end, as a pipe has to be, if it can be."""
    remote: bool = False
    """Whether the opener reads it in an object store too."""
    table: bool = False
    """Whether a file has columns, whose roles the layout's id and columns say."""
    delimited: bool = False
    """Whether a file has cells between delimiters, with or without a header line."""


FORMATS = {
    "npy": Format(
        "kldiv_cli.sources.formats.npy:open_npy",
        (".npy",),
        "NumPy array of any shape, mapped",
        begins(b"\x93NUMPY"),
        streamed="kldiv_cli.sources.formats.npy_in_order:open_npy",
    ),
    "csv": Format(
        "kldiv_cli.sources.formats.csv:open_csv",
        (".csv",),
        "comma-separated text with a header line",
        table=True,
        delimited=True,
        streamed="kldiv_cli.sources.formats.csv:open_csv",
    ),
    "tsv": Format(
        "kldiv_cli.sources.formats.csv:open_tsv",
        (".tsv",),
        "tab-separated text with a header line",
        table=True,
        delimited=True,
        streamed="kldiv_cli.sources.formats.csv:open_tsv",
    ),
    "parquet": Format(
        "kldiv_cli.sources.formats.parquet:open_parquet",
        (".parquet", ".pq"),
        "Apache Parquet, a column per class or one list column",
        begins(b"PAR1\x15"),  # with a page, or without rows the footer
        table=True,
        remote=True,
    ),
    "arrow": Format(
        "kldiv_cli.sources.formats.arrow:open_arrow",
        (".arrow", ".feather", ".ipc"),
        "Arrow IPC file or stream, Feather; a column per class or one list column, mapped",
        is_arrow,
        table=True,
        streamed="kldiv_cli.sources.formats.arrow:open_arrow",
    ),
    "jsonl": Format(
        "kldiv_cli.sources.formats.jsonl:open_jsonl",
        (".jsonl", ".ndjson"),
        "JSON lines: a list, or an object with a list or a number per class",
        table=True,
        streamed="kldiv_cli.sources.formats.jsonl:open_jsonl",
    ),
    "npz": Format(
        "kldiv_cli.sources.formats.npz:open_npz",
        (".npz",),
        "NumPy archive, mapped, or inflated row by row",
        is_npz,
        keyed=True,
    ),
    "safetensors": Format(
        "kldiv_cli.sources.formats.safetensors:open_safetensors",
        (".safetensors",),
        "safetensors file, mapped",
        is_safetensors,
        keyed=True,
    ),
    "torch": Format(
        "kldiv_cli.sources.formats.torch:open_torch",
        (".pt", ".pth"),
        "tensors saved by PyTorch 1.6 or later, mapped",
        is_torch,
        keyed=True,
    ),
    "llamacpp": Format(
        "kldiv_cli.sources.formats.llamacpp:open_llamacpp",
        (".kld",),
        "logits file of llama.cpp (llama-perplexity --kl-divergence-base), mapped",
        begins(b"_logits_"),
    ),
}
