"""Zip archives: what they hold, where it lies, and its bytes; nothing is taken on trust."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from kldiv_cli.errors import KldivError, LogitsError, a_few

_MOST_READ = 4 << 20
"""The longest directory that is read; its entries take some twenty times that as objects."""
_LOCAL_HEADER = 30
_ENCRYPTED = 1
_UTF8 = 1 << 11


class _Sparing(io.FileIO):
    """A file that is never read in large pieces, whatever sizes are written in it."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size > _MOST_READ:
            raise zipfile.BadZipFile(f"its directory is longer than {_MOST_READ} bytes")
        return super().read(size) or b""


@contextmanager
def reading(where: str, advice: str) -> Iterator[None]:
    """Turn whatever a damaged archive makes the zip reader raise into a `LogitsError`."""
    try:
        yield
    except KldivError:
        raise
    except Exception as error:
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
def open_member(path: str, entry: zipfile.ZipInfo, where: str, advice: str) -> Iterator[IO[bytes]]:
    """Open a member to be read from its beginning; at its end, its CRC-32 is checked.

    Raises
    ------
    LogitsError
        It is encrypted, or the archive is damaged where it lies; also for what is raised inside.
    """
    _check_plain(entry, where, advice)
    with (
        reading(where, advice),
        _Sparing(path) as file,
        zipfile.ZipFile(file) as archive,
        archive.open(entry) as member,
    ):
        yield member


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
    if entry.flag_bits & _ENCRYPTED:
        raise LogitsError(f"{where}: expected a plain zip member, found an encrypted one", advice)
