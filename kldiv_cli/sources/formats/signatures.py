"""The first bytes of files: what tells one format from another, whatever the file is called."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

Signature = Callable[[bytes], bool]
"""The first bytes of a file -> whether it is of a format."""

_MOST_HEADER = 100_000_000
_ZIP_NAME = slice(30, None)
_TENSOR = re.compile(
    rb"(\x0a[\x01-\x28][\x00-\xff]{1,40}?|(\x08[\x80-\xff]{0,9}[\x00-\x7f]){1,64})\x10[\x01-\x17]"
    rb"[\x22\x25\x28\x2a\x38\x3a\x42\x4a\x51\x52\x58\x5a\x62\x6a\x70\x82]"
)
"""Dims, packed or one by one, then a type, then the tag of a field that may follow these."""
_TORCH_NAME = re.compile(rb"[^/]+/(data\.pkl|data/|version$|byteorder$|code/)")


class Foreign(NamedTuple):
    """A kind of file that no format reads."""

    begins: bytes
    what: str
    advice: str
    is_table: bool = False
    """Whether it may hold what was expected, so that the advice is good for any table."""


_NOT_LOGITS = "Name a file of logits."
_FOREIGN = (
    Foreign(
        b"GGUF",
        "a GGUF model",
        "That holds weights, no outputs: llama-perplexity --kl-divergence-base FILE writes these.",
    ),
    Foreign(
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 file",
        "Save the array as .npy: numpy.save('logits.npy', h5py.File('FILE')['NAME'][:]).",
    ),
    Foreign(
        b"MATLAB 5.0 MAT-file",
        "a MATLAB file",
        "Save the array as .npy: numpy.save('logits.npy', scipy.io.loadmat('FILE')['NAME']).",
    ),
    Foreign(
        b"Obj\x01",
        "an Avro file",
        "Save the table as Parquet, whose readers are those of Avro.",
        is_table=True,
    ),
    Foreign(b"SQLite format 3\0", "an SQLite database", "Export the table as .csv.", is_table=True),
    Foreign(b"\x89PNG\r\n\x1a\n", "a PNG image", _NOT_LOGITS),
    Foreign(b"\xff\xd8\xff", "a JPEG image", _NOT_LOGITS),
    Foreign(b"\x7fELF", "a program", _NOT_LOGITS),
)
_UNPACK = "Unpack it, and name the file of logits."
_ZIP = Foreign(b"PK\3\4", "a zip archive of something else", _UNPACK)
_TAR = Foreign(b"ustar", "a tar archive", _UNPACK)


def begins(*magic: bytes) -> Signature:
    """Return the signature of a format whose files begin with one of these."""
    return lambda first: first.startswith(magic)


def begins_as_json(first: bytes) -> bool:
    """Tell a list or an object; other text may begin like them too."""
    return first.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"[", b"{"}


def begins_as_document(first: bytes) -> bool:
    """Tell a list of lists or objects, and a list or an object that goes on over several lines."""
    if not begins_as_json(first):
        return False
    text = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    inside = text[1:].lstrip(b" \t")[:1]
    return inside in {b"\n", b"\r"} or (text[:1] == b"[" and inside in {b"[", b"{"})


def is_text(first: bytes) -> bool:
    """Tell text: in UTF-8, or in UTF-16 with its mark."""
    return first.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" not in first


def is_text_with_tabs(first: bytes) -> bool:
    """Tell text whose first line has a tab."""
    return is_text(first) and b"\t" in first.partition(b"\n")[0]


def is_text_without_tabs(first: bytes) -> bool:
    """Tell other text, which is no list and no object either."""
    return is_text(first) and not is_text_with_tabs(first) and not begins_as_json(first)


def is_arrow(first: bytes) -> bool:
    """Tell an Arrow IPC file, an Arrow stream, or Feather version 1, which the reader refuses.

    A stream begins with a mark and the length of its first message.
    """
    length = int.from_bytes(first[4:8], "little")
    is_stream = first[:4] == b"\xff\xff\xff\xff" and 0 < length <= _MOST_HEADER and length % 8 == 0
    return is_stream or first.startswith((b"ARROW1\0\0", b"FEA1"))


def is_npz(first: bytes) -> bool:
    """Tell a zip archive whose first member is an .npy file."""
    return _first_member(first).endswith(b".npy") and b"/" not in _first_member(first)


def is_torch(first: bytes) -> bool:
    """Tell a zip archive as torch writes it, or a pickle, which the reader refuses."""
    is_pickle = first[:1] == b"\x80" and first[1:2] in {b"\2", b"\3", b"\4", b"\5"}
    return is_pickle or _TORCH_NAME.match(_first_member(first)) is not None


def is_safetensors(first: bytes) -> bool:
    """Tell a length that a header may have, and then the brace that begins the header."""
    return first[8:9] == b"{" and int.from_bytes(first[:8], "little") <= _MOST_HEADER


def is_tensor(first: bytes) -> bool:
    """Tell a TensorProto of ONNX: its shape, its type, and then values or a name."""
    return _TENSOR.match(first) is not None


def foreign(first: bytes, *, may_be_zip: bool) -> Foreign | None:
    """Return the kind of a file that no format reads; None for any other file."""
    if b"\0" not in first:  # text may begin with any word
        return None
    if first[257:262] == _TAR.begins:
        return _TAR
    if not may_be_zip and first.startswith(_ZIP.begins):
        return _ZIP
    return next((kind for kind in _FOREIGN if first.startswith(kind.begins)), None)


def _first_member(first: bytes) -> bytes:
    """Return the name of an archive's first member; nothing where it is no zip archive."""
    if not first.startswith(_ZIP.begins):
        return b""
    return first[_ZIP_NAME][: int.from_bytes(first[26:28], "little")]
