"""The files that are mutated: small ones of every format, and of every form that it has."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from kldiv_cli.sources.formats import FORMATS
from tests.attack.base import ROOT
from tests.sources.test_damage import SAMPLES

FOLDERS = "tests/cases", "tests/sources/foreign_files", "tests/sources/torch_files"
LARGEST = 12_000


class Seed(NamedTuple):
    """A file to be mutated."""

    suffix: str
    content: bytes


@cache
def corpus(name: str) -> tuple[Seed, ...]:
    """Return the files of a format, none of them compressed."""
    found = [*_written(name), *_stored(name)]
    return tuple(dict.fromkeys(found))


def _written(name: str) -> list[Seed]:
    found = []
    with TemporaryDirectory(prefix="kldiv-attack-") as folder:
        for key, sample in SAMPLES.items():
            path = Path(folder) / sample.name
            if key.partition("-")[0] != name or len(path.suffixes) > 1:
                continue
            if isinstance(sample.write, bytes):
                path.write_bytes(sample.write)
            else:
                sample.write(path)
            found.append(Seed(path.suffix, path.read_bytes()))
    return found


def _stored(name: str) -> list[Seed]:
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).iterdir())]
    return [
        Seed(path.suffix, path.read_bytes())
        for path in paths
        if path.suffix in FORMATS[name].suffixes and path.stat().st_size <= LARGEST
    ]
