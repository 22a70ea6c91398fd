"""Files as streams of bytes, decompressed where their first bytes say that they are compressed."""

from __future__ import annotations

import os
from typing import Any

import pyarrow as pa

from kldiv_cli.sources.stores import codecs
from kldiv_cli.sources.stores.elsewhere import open_elsewhere
from kldiv_cli.sources.stores.uris import is_elsewhere, is_uri

_STEP = 1 << 16
_XZ_MEMORY = 1 << 28
"""More than xz asks for at its highest preset; a header may ask for 4 GB."""


def open_file(path: str) -> pa.NativeFile:
    """Open a file, or what is elsewhere, as it is."""
    if is_uri(path):
        from kldiv_cli.sources.stores import remote as stores  # noqa: PLC0415 - takes a while to load

        return stores.open_file(path)
    if is_elsewhere(path):
        return pa.PythonFile(open_elsewhere(path), mode="r")
    # As bytes and not as a path, in which PyArrow would look for ~ and s3://.
    return pa.OSFile(os.fsencode(path))


def open_in_order(path: str, codec: str | None) -> pa.NativeFile:
    """Open a file, decompressed, to be read from beginning to end in small steps."""
    return open_elsewhere(path) if codec is None and is_uri(path) else open_stream(path, codec)


def codec_of(path: str) -> str | None:
    """Return what a file is compressed with; None if it is not."""
    with open_file(path) as file:
        return codecs.codec_of(file.read(codecs.ENOUGH))


def open_stream(path: str, codec: str | None) -> pa.NativeFile:
    """Open a file, decompressed; a damaged one raises an `OSError` where it is read."""
    file = open_file(path)
    if codec is None:
        return file
    if codec == "xz":
        return pa.PythonFile(_Xz(file), mode="r")
    stream = pa.CompressedInputStream(file, codec)
    return pa.PythonFile(_Bz2(stream), mode="r") if codec == "bz2" else stream


class _Stream:
    """What PyArrow asks of a stream in Python."""

    closed = False

    def __init__(self, file: pa.NativeFile) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True
        self._file.close()


class _Bz2(_Stream):
    """A stream that bz2 compressed, of which PyArrow says otherwise that it is damaged."""

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end alone."""
        try:
            return bytes(self._file.read(size))
        except pa.ArrowException as error:
            raise OSError(str(error)) from error


class _Xz(_Stream):
    """A stream that xz compressed, in bounded memory; PyArrow does not know xz."""

    def __init__(self, file: pa.NativeFile) -> None:
        super().__init__(file)
        self._decompressor = self._new()

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end alone: callers take fewer for the end."""
        from lzma import LZMAError  # noqa: PLC0415 - few files are

        pieces, missing = [], size
        try:
            while missing and (piece := self._read(missing)):
                pieces.append(piece)
                missing -= len(piece)
        except LZMAError as error:
            raise OSError(f"xz decompress failed: {error}") from error
        return b"".join(pieces)

    def _read(self, size: int) -> bytes:
        """Return some bytes, none at the end."""
        while size:
            if self._decompressor.eof:
                # Zeros between and after streams are padding.
                rest = self._decompressor.unused_data.lstrip(b"\0")
                while not rest:
                    more = self._file.read(_STEP)
                    if not more:
                        return b""
                    rest = more.lstrip(b"\0")
                self._decompressor = self._new()
            elif self._decompressor.needs_input:
                rest = self._file.read(_STEP)
                if not rest:
                    raise OSError("Truncated compressed stream")
            else:
                rest = b""
            found: bytes = self._decompressor.decompress(rest, size)
            if found:
                return found
        return b""

    @staticmethod
    def _new() -> Any:
        from lzma import FORMAT_XZ, LZMADecompressor  # noqa: PLC0415

        return LZMADecompressor(FORMAT_XZ, _XZ_MEMORY)
