"""What is run while system calls fail: every format, every side input, every output."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.sources.test_damage import LOGITS, SAMPLES

OUTPUTS = "csv", "tsv", "jsonl", "json", "npy", "parquet"


class Scenario(NamedTuple):
    """A command; ``output`` is what it writes, ``before`` what was there."""

    name: str
    words: tuple[str, ...]
    output: str | None = None
    before: bytes | None = None


def scenarios(folder: Path) -> list[Scenario]:
    """Write the files that are read, and return what to do with them, from another folder."""
    found = []
    for name, sample in SAMPLES.items():
        place = folder / name
        place.mkdir()
        path = place / sample.name
        if isinstance(sample.write, bytes):
            path.write_bytes(sample.write)
        else:
            sample.write(path)
        other = path.with_name(f"other-{path.name}")
        shutil.copy(path, other)
        words = ("compare", str(path), str(other), "--no-warn", "--format", "json")
        found.append(Scenario(name, words))
        found.append(Scenario(f"{name} inspect", ("inspect", str(path), "--format", "json")))
    table = str(folder / "csv" / SAMPLES["csv"].name)
    pair = table, table, "--no-warn"
    for option, values in _SIDES.items():
        path = folder / f"{option}.npy"
        np.save(path, values)
        found.append(Scenario(f"--{option}", ("compare", *pair, f"--{option}", str(path))))
    array = str(folder / "npy" / SAMPLES["npy"].name)
    for suffix in OUTPUTS:
        output = f"out.{suffix}"
        words = ("compare", array, array, "--no-warn", "-o", output)
        found.append(Scenario(f"-o {output}", words, output))
        found.append(Scenario(f"-o {output} again", words, output, b"what was there"))
    return found


_SIDES = {
    "labels": np.arange(len(LOGITS)) % 4,
    "mask": LOGITS > -2,
    "group": np.array(list("aabba")[: len(LOGITS)]),
}
