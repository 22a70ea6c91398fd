"""Read damaged copies of a file, in a process of its own: what it does to memory ends with it.

Run as ``python -m tests.sources.damage FILE KIND``; prints how often what came of them, in JSON:
"read", "refused", or what is wrong.
"""

from __future__ import annotations

import json
import random
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.sources.base import BFLOAT16, Layout
from kldiv_cli.sources.formats.opening import open_source
from tests.sources.mutations import mutations

Array = npt.NDArray[Any]
Kind = Literal["checked", "sized", "text"]
"""What a format can know of its damage.

checked: a checksum tells every changed number. sized: it tells how many numbers there are, but not
whether one of them was changed. text: any part of it may be a table too.
"""
CUTS, CHANGES, SEED = 60, 70, 8
SECONDS = 5.0
LONGEST = 1000
ROOM = 2 << 30
"""How much more may be asked for than is taken when reading begins."""


def read(path: Path) -> Array:
    blocks = [block.values for block in open_source(path, Layout()).blocks(2)]
    whole = np.concatenate(blocks)
    return whole["bfloat16"] if whole.dtype == BFLOAT16 else whole


def damaged(whole: bytes) -> Iterator[bytes]:
    """Yield some of the shortened copies, and all others."""
    copies = list(mutations(whole, SEED, CHANGES))
    yield from copies[: len(whole) : max(1, len(whole) // CUTS)]
    yield from copies[len(whole) :]
    dice = random.Random(SEED)  # noqa: S311 - damage must be reproducible, not secret
    for _ in range(CHANGES):
        at = dice.randrange(len(whole))
        yield whole[:at] + whole[at + dice.choice((1, 2, 8, 64)) :]


def attempt(path: Path) -> Array | InputError | str:
    """Return the numbers, the error of a damaged file, or what is wrong with how it was read."""
    began = monotonic()
    try:
        found: Array | InputError = read(path)
    except InputError as error:
        if not error.what.startswith(f"{path}: "):
            return f"does not name the file: {error.what}"
        if "\n" in error.what + error.advice or not error.advice:
            return f"not one line and one of advice: {error.what!r} {error.advice!r}"
        if len(error.what) > LONGEST:
            return f"{len(error.what)} characters: {error.what[:200]}"
        found = error
    except UsageError as error:
        return f"no fault of the user: {error.what}"
    except Exception as error:  # noqa: BLE001 - that is what this looks for
        return f"{type(error).__name__}: {error}"
    seconds = monotonic() - began
    return found if seconds < SECONDS else f"took {seconds:.1f} s"


def wrong(found: Array, right: Array, kind: Kind, *, cut: bool) -> str | None:
    """Say why these numbers should not have been read from a damaged copy, if they should not."""
    if kind == "text" or found.tobytes() == right.tobytes():
        return None
    if kind == "checked":
        return f"read other numbers, of shape {found.shape}"
    if found.size > right.size:
        return f"read {found.shape}, more than there is"
    return "read, though it was cut" if cut else None


def main(name: str, kind: Kind) -> None:
    path = Path(name)
    whole = path.read_bytes()
    right = read(path)
    taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = taken * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    outcomes = Counter[str]()
    for content in damaged(whole):
        path.write_bytes(content)
        found = attempt(path)
        if isinstance(found, np.ndarray):
            cut = content == whole[: len(content)]
            outcome = wrong(found, right, kind, cut=cut) or "read"
        else:
            outcome = "refused" if isinstance(found, InputError) else found
        outcomes[outcome] += 1
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])  # type: ignore[arg-type]
