"""The first bytes of files: what tells one format from another, whatever the file is called."""

from __future__ import annotations

import re
from collections.abc import Callable

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


def is_zip(first: bytes) -> bool:
    """Tell a zip archive."""
    return first.startswith(b"PK\3\4")


def _first_member(first: bytes) -> bytes:
    """Return the name of an archive's first member; nothing where it is no zip archive."""
    if not is_zip(first):
        return b""
    return first[_ZIP_NAME][: int.from_bytes(first[26:28], "little")]
