"""What surrounds a process: its streams, its limits, its variables, its folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from shlex import join
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.attack.base import ROOT, Budget, Failure, Tally, each
from tests.attack.runs import KLDIV, Run, harm, run

SAMPLES = ROOT / "samples"
ARRAYS = SAMPLES / "magika-fp32.npy", SAMPLES / "magika-int8.npy"
TABLES = SAMPLES / "magika-fp32-24.csv", SAMPLES / "magika-int8-24.csv"
PARQUET = SAMPLES / "magika-fp32.parquet", SAMPLES / "magika-int8-shuffled.parquet"
OUTPUT = "out.json"
COMMANDS: tuple[tuple[object, ...], ...] = (
    ("compare", *ARRAYS, "--format", "json"),
    ("compare", *TABLES, "--no-warn"),
    ("compare", *PARQUET, "-o", OUTPUT),
    ("inspect", TABLES[0], "--format", "json"),
    ("loss", "torch", *ARRAYS),
    ("compare", *ARRAYS, "-o", OUTPUT, "--threads", "2"),
    ("help", "numerics"),
    ("measures",),
)


class Surrounding(NamedTuple):
    """Lines of a shell before the command, what is behind it, and the exit codes that are right."""

    before: str = ""
    after: str = ""
    codes: Sequence[int] = (0,)
    hides: bool = False
    """Whether what is printed goes elsewhere."""


ANY = (0, 2)
SURROUNDINGS = (
    Surrounding(after="<&-"),
    Surrounding(after=">&-", codes=ANY, hides=True),
    Surrounding(after="2>&-"),
    Surrounding(after="<&- >&- 2>&-", codes=ANY, hides=True),
    Surrounding(after=">/dev/full", codes=ANY, hides=True),
    Surrounding(after="2>/dev/full"),
    Surrounding(after=">/dev/full 2>/dev/full", codes=ANY, hides=True),
    Surrounding(after="</dev/full"),
    Surrounding(after="| head -c 1", codes=ANY, hides=True),
    *(Surrounding(f"ulimit -n {n}", codes=ANY) for n in (*range(5, 16), 24)),
    *(Surrounding(f"ulimit -v {n}000", codes=ANY) for n in (300, 500, 700)),
    Surrounding("ulimit -f 0", codes=ANY),
    Surrounding("ulimit -s 256", codes=ANY),
    Surrounding("ulimit -c 0"),
    Surrounding("umask 777"),
    *(
        Surrounding(f"export {setting}")
        for setting in (
            *("LC_ALL=C", "LC_ALL=POSIX", "LC_ALL=xx_YY.KOI8-R", "LANG=tr_TR.UTF-8", "LANG="),
            *("PYTHONIOENCODING=ascii", "PYTHONIOENCODING=cp437", "PYTHONUTF8=0 LC_ALL=C"),
            *("COLUMNS=1", "COLUMNS=0", "COLUMNS=-7", "COLUMNS=many", "COLUMNS=99999 LINES=0"),
            *("TERM=dumb", "TERM=", "TERM=nonsense", "FORCE_COLOR=1", "NO_COLOR=1"),
            *("HOME=/nonexistent", "HOME=", "HOME=relative", "TMPDIR=/nonexistent", "PATH="),
            *("TZ=nonsense", "PAGER=nonsense", "OMP_NUM_THREADS=0", "PYTHONOPTIMIZE=2"),
            *("PYTHONHASHSEED=7", "PYTHONDONTWRITEBYTECODE=1", "MALLOC_PERTURB_=165"),
        )
    ),
    Surrounding("unset HOME PATH TERM LANG"),
    Surrounding("trap '' INT TERM HUP PIPE"),
    Surrounding("mkdir gone; cd gone; rmdir ../gone", codes=ANY),
)


def attack(budget: Budget) -> Tally:
    """Run every command in every surrounding, in an order that the seed decides."""
    return each(budget, lambda number: _attempt(budget, number), len(COMMANDS) * len(SURROUNDINGS))


def _attempt(budget: Budget, number: int) -> str | Failure:
    cases = [(around, words) for words in COMMANDS for around in SURROUNDINGS]
    budget.dice(0).shuffle(cases)
    around, words = cases[number]
    with TemporaryDirectory(prefix="kldiv-attack-") as name:
        folder = Path(name)
        # A variable without a value is one word for `export`.
        script = f"{around.before}\n{join([*KLDIV, *map(str, words)])} {around.after}\n"
        done = run(["-c", script], folder, command=("/bin/bash", "-o", "pipefail"))
        wrong = harm(done, around.codes) or _unlike(done, folder, around, words)
    if wrong is None:
        return "as always" if done.code == 0 else "refused"
    return budget.failure(
        number, f"{around.before or around.after}: {join(map(str, words))}: {wrong}"
    )


def _unlike(done: Run, folder: Path, around: Surrounding, words: tuple[object, ...]) -> str | None:
    """Say what differs from what the command gives in a quiet place."""
    found, expected = _written(folder), _quiet(words)
    if found is not None and found != expected.written:
        return f"wrote {found[:200]!r}"
    left = sorted(path.name for path in folder.iterdir() if path.name != OUTPUT)
    if left:
        return f"left {left}"
    if done.code == 0 and expected.written is not None and found is None:
        return "exit 0 and nothing written"
    if done.code == 0 and words[-1] == "json" and not around.hides and done.out != expected.out:
        return f"printed {done.out[:200]!r}"
    return None


class Quiet(NamedTuple):
    """What a command gives where nothing is in its way."""

    out: bytes
    written: bytes | None


@cache
def _quiet(words: tuple[object, ...]) -> Quiet:
    with TemporaryDirectory(prefix="kldiv-attack-") as name:
        done = run(words, Path(name))
        assert done.code == 0, done.err
        return Quiet(done.out, _written(Path(name)))


def _written(folder: Path) -> bytes | None:
    path = folder / OUTPUT
    return path.read_bytes() if path.exists() else None
