"""Both sides of comparisons within a process: ours with any options, and torch at its best."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, Literal

from tests.bench.base import Setting, Side
from tests.bench.inputs import WIDE, Kind, Size
from tests.bench.processes import fastest, worker

Where = Literal["mapped", "memory"]
Prepare = Callable[[Setting], Side]

ALL_THREE = "jeffreys", "kl", "reverse-kl"
SIX = *ALL_THREE, "js", "tv", "hellinger"
THE_REST = (
    "gjs:0.1",
    "skew-kl:0.1",
    "skew-reverse-kl:0.1",
    "renyi:2",
    "cross-entropy",
    "entropy",
    "entropy-candidate",
)
ALL = *SIX, *THE_REST

_HUGE_PAGES = "glibc.malloc.hugetlb=1"


def compared(
    *measures: str,
    size: Size = WIDE,
    files_of: Kind = "float32.npy",
    where: Where = "mapped",
    files: tuple[str, ...] = (),
    threads: int = 2,
    **options: Any,
) -> Prepare:
    """Return our side: `kldiv_cli.compare`, or the loss that an option names."""

    def prepare(setting: Setting) -> Side:
        beside = {name: str(getattr(setting.inputs, name)(size)) for name in files}
        told: dict[str, Any] = {**options, **beside, "threads": threads}
        if measures:
            told["measure"] = measures
        paths = setting.inputs.pair(size, files_of)
        return worker(setting, sys.executable, "ours", where, *paths, json.dumps(told))

    return prepare


def torch(form: str, dtype: str = "float32", where: Where = "mapped") -> Prepare:
    """Return torch's side: its fastest spelling and block, with huge pages where they help."""

    def prepare(setting: Setting) -> Side:
        def side(tunables: str) -> Side:
            words = (form, dtype, where, *setting.inputs.pair(WIDE))
            peer = "peers.torch_blocked"
            return worker(setting, setting.torch_python, peer, *words, tunables=tunables)

        return fastest(("", side("")), ("huge pages", side(_HUGE_PAGES)))

    return prepare
