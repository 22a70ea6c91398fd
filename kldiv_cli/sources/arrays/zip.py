"""Zip archives: what they hold, where it lies, and its bytes; nothing is taken on trust."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EINVAL
from pathlib import Path
from typing import IO, Any

from kldiv_cli.errors import KldivError, LogitsError, a_few
from kldiv_cli.sources.base.readable import unreadable

_MOST_READ = 4 << 20
"""The longest directory that is read; its entries take some twenty times that as objects."""
_PIECE = 1 << 16
_HEAD = 1 << 12
"""How much is read at once where little is asked for: a header, and not yet the values."""
_LOCAL_HEADER = 30
_UNREAD = {0x1 | 0x40 | 0x2000: "an encrypted", 0x20: "a patched"}
"""Flags of members that are not what was stored."""
_UTF8 = 1 << 11


class _Sparing(io.FileIO):
    """A file that is never read in large pieces, whatever sizes are written in it."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size > _MOST_READ:
            raise zipfile.BadZipFile(f"its directory is longer than {_MOST_READ} bytes")
        found = piece = super().read(size) or b""
        while piece and len(found) < size:
            piece = super().read(size - len(found)) or b""
            found += piece
        return found


@contextmanager
def reading(where: str, advice: str) -> Iterator[None]:
    """Turn whatever a damaged archive makes the zip reader raise into a `LogitsError`.

    What the system says of the file is an `UnreadableError`, but for a place that no file has.
    """
    try:
        yield
    except KldivError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, EINVAL):
            raise unreadable(where, error) from error
        raise LogitsError(
            f"{where}: expected a whole zip archive, found a damaged one "
            f"({(str(error) or type(error).__name__).splitlines()[0]})",
            advice,
        ) from error


def list_members(path: str, advice: str) -> dict[str, zipfile.ZipInfo]:
    """Return the members of an archive by name.

    Raises
    ------
    LogitsError
        The file is no zip archive, damaged, or holds two members of one name.
    """
    with reading(path, advice), _Sparing(path) as file, zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
    twice = [n for n, count in Counter(entry.filename for entry in entries).items() if count > 1]
    if twice:
        raise LogitsError(
            f"{path}: expected every zip member once, found {a_few(twice)} more than once", advice
        )
    return {entry.filename: entry for entry in entries}


@contextmanager
def open_member(
    path: str, entry: zipfile.ZipInfo, where: str, advice: str
) -> Iterator[io.BufferedReader]:
    """Open a stored or deflated member to be read from its beginning; its CRC-32 is checked.

    The directory is not read again: an archive may have thousands of members.

    Raises
    ------
    LogitsError
        It is encrypted, or the archive is damaged where it lies; also for what is raised inside.
    """
    start = find_bytes(path, entry, where, advice)
    with reading(where, advice), Path(path).open("rb") as file:
        file.seek(start)
        yield io.BufferedReader(_Member(file, entry), _HEAD)


class _Member(io.RawIOBase):
    """The bytes of a member. The last of them are handed out only where the CRC-32 is right."""

    def __init__(self, file: IO[bytes], entry: zipfile.ZipInfo) -> None:
        self._file, self._entry = file, entry
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._stored, self._left, self._crc = entry.compress_size, entry.file_size, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self._left)
        if not size:
            return 0
        is_stored = self._entry.compress_type == zipfile.ZIP_STORED
        found = self._raw(size) if is_stored else self._inflated(size)
        if not found:
            raise EOFError("it ends before its last byte")
        self._left -= len(found)
        self._crc = zlib.crc32(found, self._crc)
        if not self._left and self._crc != self._entry.CRC:
            raise zipfile.BadZipFile(f"Bad CRC-32 for file {self._entry.orig_filename!r}")
        buffer[: len(found)] = found
        return len(found)

    def _inflated(self, size: int) -> bytes:
        found = b""
        while not (found or self._inflate.eof):
            stored = self._inflate.unconsumed_tail or self._raw(_PIECE)
            found = self._inflate.decompress(stored, size)
            if not (found or stored):
                break
        return found

    def _raw(self, size: int) -> bytes:
        found = self._file.read(min(size, self._stored))
        self._stored -= len(found)
        return found


def find_bytes(path: str, entry: zipfile.ZipInfo, where: str, advice: str) -> int:
    """Return the byte of the file at which a member begins, after checking that all of it is there.

    Raises
    ------
    LogitsError
        It is encrypted, or does not lie where the directory says.
    """
    _check_plain(entry, where, advice)
    with reading(where, advice), Path(path).open("rb") as file:
        file.seek(entry.header_offset)
        header = file.read(_LOCAL_HEADER)
        name_size, extra_size = (int.from_bytes(header[i : i + 2], "little") for i in (26, 28))
        name = file.read(name_size).decode("utf-8" if entry.flag_bits & _UTF8 else "cp437")
        if header[:4] != b"PK\3\4" or name != entry.orig_filename:
            raise zipfile.BadZipFile("it does not lie where the directory says")
        start = entry.header_offset + _LOCAL_HEADER + name_size + extra_size
        stored = entry.compress_type == zipfile.ZIP_STORED
        if start + entry.compress_size > file.seek(0, 2) or (
            stored and entry.compress_size != entry.file_size
        ):
            raise zipfile.BadZipFile("it is not as long as the directory says")
    return start


def _check_plain(entry: zipfile.ZipInfo, where: str, advice: str) -> None:
    found = next((what for bits, what in _UNREAD.items() if entry.flag_bits & bits), None)
    if found is not None:
        raise LogitsError(f"{where}: expected a plain zip member, found {found} one", advice)
