"""What this process does with its memory."""

from __future__ import annotations

import mmap
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PLENTY = 1 << 62
_SYSTEM = Path("/")


class Mapping(mmap.mmap):
    """A mapped file that is only read, so that its pages can be given back at any time."""


def let_go(values: NDArray[Any], address: int, size: int) -> None:
    """Give back the pages of so many bytes from an address on, if these lie in a `Mapping`.

    Parameters
    ----------
    values : array
        The array that holds them.
    address, size : int
        Where they lie in memory, and how many they are.
    """
    base: Any = values
    while isinstance(base, np.ndarray):
        base = base.base
    if not isinstance(base, Mapping) or not hasattr(mmap, "MADV_DONTNEED"):
        return
    start = address - address_of(np.frombuffer(base, np.uint8))
    first, last = -(-start // mmap.PAGESIZE), (start + size) // mmap.PAGESIZE
    if 0 <= first < last and start + size <= len(base):
        with suppress(OSError):  # a system that takes no advice keeps them longer
            base.madvise(mmap.MADV_DONTNEED, first * mmap.PAGESIZE, (last - first) * mmap.PAGESIZE)


def address_of(values: NDArray[Any]) -> int:
    """Return where the first value of an array lies in memory."""
    found: int = values.__array_interface__["data"][0]
    return found


def available(system: Path = _SYSTEM) -> int:
    """Return how many bytes this process can still take without swapping or being killed.

    The least of what Linux says is available and what the process's control groups (containers,
    batch systems) allow; elsewhere the memory of the machine.

    Parameters
    ----------
    system : Path
        Where ``proc`` and ``sys`` are.
    """
    found = [_PLENTY, *_machine(system), *_groups(system)]
    return max(0, min(found))


def _machine(system: Path) -> list[int]:
    with suppress(OSError):
        said = re.search(r"\bMemAvailable: *(\d+) kB", (system / "proc/meminfo").read_text())
        return [1024 * int(said[1])] if said else []
    with suppress(ValueError, OSError):
        return [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    return []


def _groups(system: Path) -> list[int]:
    """Return what is left of the limits of the process's group and of those around it."""
    found = []
    root = system / "sys/fs/cgroup"
    with suppress(OSError):
        for line in (system / "proc/self/cgroup").read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds not in ("", "memory"):
                continue
            names = ("memory.max", "memory.current", "inactive_file")
            top = root
            if kinds:
                top = root / "memory"
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            folder = top / path.lstrip("/")
            for place in (folder, *folder.parents):
                if place.is_relative_to(top):
                    found += _left(place, *names)
    return found


def _left(group: Path, limit: str, used: str, reclaimable: str) -> list[int]:
    with suppress(OSError, ValueError):
        most, taken = (int((group / name).read_text()) for name in (limit, used))
        cache = re.search(rf"\b{reclaimable} (\d+)\b", (group / "memory.stat").read_text())
        return [most - taken + (int(cache[1]) if cache else 0)]
    return []


def keep_freed_memory() -> None:
    """Let the C library keep what blocks free for the next ones.

    glibc gives the top of its heap back after every block and takes it again page by page, which
    costs twice the arithmetic. Freeing one large array raises the size from which it does so.
    """
    with suppress(MemoryError):
        np.empty(30 << 20, dtype=np.uint8)
