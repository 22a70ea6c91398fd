"""The library that lets system calls fail, built when it is needed."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

KINDS = (
    *("open", "read", "write", "mmap", "fsync", "rename", "close", "stat", "unlink"),
    *("truncate", "link"),
)
"""In the order of the library's own."""
HALF = 0
"""In place of an error: a read or write of half as many bytes."""
ERRORS: dict[str, tuple[int, ...]] = {
    "open": (errno.EIO, errno.EMFILE, errno.EACCES, errno.EINTR),
    "read": (errno.EIO, errno.EINTR, HALF),
    "write": (errno.ENOSPC, errno.EIO, errno.EINTR, HALF),
    "mmap": (errno.ENOMEM, errno.ENODEV),
    "fsync": (errno.EIO, errno.ENOSPC),
    "rename": (errno.EIO, errno.EACCES),
    "close": (errno.EIO,),
    "stat": (errno.EIO,),
    "unlink": (errno.EACCES,),
    "truncate": (errno.ENOSPC,),
    "link": (errno.EPERM, errno.EIO),
}


@dataclass(frozen=True)
class Fault:
    """Which calls of a kind fail, and with what."""

    kind: str
    at: int
    error: int
    times: int = 1

    def __str__(self) -> str:
        how = errno.errorcode.get(self.error, "half")
        return f"{self.kind} {self.at}{'' if self.times == 1 else '...'} {how}"


@cache
def library() -> Path:
    """Build it, or return the one that was loaded into this process."""
    if "LD_PRELOAD" in os.environ:
        return Path(os.environ["LD_PRELOAD"])
    folder = Path(mkdtemp(prefix="kldiv-attack-"))
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    assert compiler is not None, "needs a C compiler"
    source, library = Path(__file__).with_name("shim.c"), folder / "shim.so"
    flags = "-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC"
    subprocess.run([compiler, *flags, "-o", library, source, "-ldl"], check=True)
    return library


def numbers(fault: Fault | None) -> tuple[int, int, int, int]:
    """Return a fault as the library takes it."""
    if fault is None:
        return -1, 0, 0, 0
    return KINDS.index(fault.kind), fault.at, fault.times, fault.error


def clear(counts: Path) -> None:
    """Write the file in which calls are counted."""
    counts.write_bytes(bytes(8 * len(KINDS)))


def counted(counts: Path) -> dict[str, int]:
    """Return how many calls of each kind there were."""
    found = np.frombuffer(counts.read_bytes(), np.int64).tolist()
    return dict(zip(KINDS, found, strict=True))
