"""One mutated file: opened, compared with what others read, and given to a command."""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from kldiv_cli.cli import run
from kldiv_cli.errors import InputError, KldivError
from kldiv_cli.measures.distributions.exact import widen
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.formats.opening import open_source
from tests.attack.mutation.inputs import Mutant
from tests.attack.mutation.readers import others
from tests.attack.mutation.text_readers import UnknownError

Array = npt.NDArray[Any]

MOST_CELLS = 1 << 20
LONGEST = 1000
OPTIONS = (
    *("", "", "", "", "--mode sigmoid", "--input probs --normalize", "--nan-policy propagate"),
    *(
        "--nan-policy omit --no-warn",
        "--rows 1:3",
        "--limit 2",
        "--sample 2 --seed 1",
        "--threads 3",
    ),
    *(
        "--row-axes 1",
        "--class-axis 0",
        "--on-missing skip",
        "--input log-probs",
        "--mask-below -1",
    ),
    *("--temperature 0.1", "--classes 0:2", "--truncate-classes", "--group argmax", "--by-place"),
    *("--measure kl,js,tv,renyi:2", "--unit bits", "--smooth 1e-3", "--ignore-constant-rows"),
)
COMMANDS = (
    *("compare {ref} {path}", "compare {path} {ref}", "compare {path} {path}"),
    *(
        "inspect {path}",
        "inspect {path}",
        "verify {ref} {path} --limit 2",
        "loss torch {ref} {path}",
    ),
    *("compare {ref} {ref} --labels {path}", "compare {ref} {ref} --mask {path}"),
    *("compare {ref} {ref} --group {path}", "compare {ref} {ref} --classes {path}"),
    *("compare {ref} {path} --format json", "compare {ref} {path} --format csv"),
    *("compare {ref} {path} --format markdown", "compare {ref} {path} --plan"),
    "compare {ref} {path} -o {folder}/out.csv",
)


class HarmError(Exception):
    """What must not happen."""


def attempt(mutant: Mutant, folder: Path, dice: Random) -> str:
    """Return what came of a mutant: "read" or "refused".

    Raises
    ------
    HarmError
        Its numbers are not those that another reader finds, or something is wrong with an error.
    Exception
        Whatever was let through.
    """
    path, reference = folder / mutant.name, folder / mutant.original
    path.write_bytes(mutant.content)
    reference.write_bytes(mutant.before)
    outcome = _opened(path)
    _commanded(path, reference, folder, dice)
    return outcome


def _opened(path: Path) -> str:
    try:
        source = open_source(path, Layout())
        found = _values(source)
    except InputError as error:
        _check(error, path)
        return "refused"
    except KldivError as error:
        raise HarmError(f"no fault of the user: {error.what}") from error
    if found is not None:
        _compare(found, path, source)
    return "read"


def _values(source: Source) -> Array | None:
    """Return the rows, None where there are too many of them."""
    blocks, cells = [], 0
    for block in source.blocks(64):
        cells += block.values.size
        if cells > MOST_CELLS:
            return None
        blocks.append(widen(block.values))
        if block.release is not None:
            block.release()
    return np.concatenate(blocks) if blocks else None


def _check(error: InputError, path: Path) -> None:
    if not error.what.startswith(f"{path}: "):
        raise HarmError(f"does not name the file: {error.what}")
    if "\n" in error.what + error.advice or not error.advice:
        raise HarmError(f"not one line and one of advice: {error.what!r} {error.advice!r}")
    if len(error.what) > LONGEST + len(str(path)):
        raise HarmError(f"{len(error.what)} characters: {error.what[:300]}")


def _compare(found: Array, path: Path, source: Source) -> None:
    """Raise unless another reader finds these numbers."""
    shapes = []
    try:
        with np.errstate(all="ignore"):
            for other in others(path, source):
                if _same(found, other, text=source.is_delimited):
                    return
                shapes.append((other.shape, other.ravel()[:8].tolist()))
    except UnknownError:
        return
    except Exception as error:
        raise HarmError(f"read alone: {type(error).__name__}: {error}") from error
    if found.size:
        raise HarmError(f"read {found.shape} {found.ravel()[:8].tolist()}, others {shapes}")


def _same(found: Array, other: Array, *, text: bool) -> bool:
    if found.size == other.size == 0:
        return True
    if found.shape != other.shape:
        return False
    alike = (found == other) | (np.isnan(found) & np.isnan(other))
    return bool((alike | np.isnan(other)).all() if text else alike.all())


def _commanded(path: Path, reference: Path, folder: Path, dice: Random) -> None:
    """Run a command in this process; 0, or 2 with two lines, is what may come of it."""
    form = dice.choice(COMMANDS)
    option = dice.choice(OPTIONS) if form.startswith("compare") else ""
    words = form.format(ref=reference, path=path, folder=folder).split() + shlex.split(option)
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["kldiv", *words]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else -1
    except Exception as error:
        raise HarmError(f"{shlex.join(words)}: {type(error).__name__}: {error}") from error
    finally:
        sys.argv = before
    wrong = _wrong(code, out.getvalue(), err.getvalue())
    if wrong is not None:
        raise HarmError(f"{shlex.join(words)}: {wrong}")


def _wrong(code: int, out: str, err: str) -> str | None:
    if code not in (0, 2):
        return f"exit {code}: {err[-300:]}"
    if code == 2:
        lines = [line for line in err.splitlines() if not line.startswith("kldiv: warning: ")]
        if len(lines) != 2 or not lines[0].startswith("kldiv: error: "):
            return f"not one line and one of advice: {err!r}"
    if not all(char.isprintable() or char in "\n\t" for char in out + err):
        return f"prints control characters: {(out + err)[:300]!r}"
    if max(map(len, err.splitlines()), default=0) > 2 * LONGEST:
        return f"long lines: {err[:300]}"
    return None
