"""A mutated file: a function of the format and of dice."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

from kldiv_cli.sources.formats import FORMATS
from tests.attack.mutation import arrays, containers, generated, texts
from tests.attack.mutation.bytewise import Change, changed
from tests.attack.mutation.corpus import corpus

CHANGES: dict[str, Change] = {
    "npy": arrays.npy,
    "csv": texts.delimited,
    "tsv": texts.delimited,
    "json": texts.document,
    "jsonl": texts.lines_of_json,
    "npz": containers.archive,
    "safetensors": arrays.safetensors,
    "torch": containers.archive,
    "llamacpp": arrays.llamacpp,
    "onnx": containers.message,
}
"""What changes a file of a format by what it means."""
WRITERS = {"parquet": generated.parquet, "arrow": generated.arrow, "hdf5": generated.hdf5}
"""The same, for those that write files too."""


class Mutant(NamedTuple):
    """A file that was changed, and the one that it was."""

    name: str
    content: bytes
    original: str
    before: bytes


def mutant(name: str, dice: Random, folder: Path) -> Mutant:
    """Draw a file of a format and change it."""
    seeds = corpus(name)
    seed = dice.choice(seeds)
    change = CHANGES.get(name) or partial(WRITERS[name], path=folder / "written")
    if dice.random() < 0.35:
        others = [other.content for other in seeds]
        change = partial(changed, others=others)
    suffix = seed.suffix
    if FORMATS[name].may_be_compressed and dice.random() < 0.15:
        suffix += dice.choice(containers.CODECS)
        content = containers.compressed(seed.content, suffix[suffix.rindex(".") :], dice, change)
    else:
        content = change(seed.content, dice)
    if dice.random() < 0.03:
        suffix = dice.choice(
            ("", ".bin", dice.choice(FORMATS[dice.choice(list(CHANGES))].suffixes))
        )
    return Mutant(f"x{suffix}", content, f"y{seed.suffix}", seed.content)
