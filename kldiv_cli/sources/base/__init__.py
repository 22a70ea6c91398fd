"""What every room of sources knows: sources and blocks, layouts, types of values."""

from __future__ import annotations

from kldiv_cli.sources.base.layout import LOGITS, Beside, Decimal, Expected, Layout, RawType
from kldiv_cli.sources.base.members import Composed, Member
from kldiv_cli.sources.base.numbers import (
    BFLOAT16,
    check_exact_integers,
    check_type,
    sum_tolerance,
)
from kldiv_cli.sources.base.source import (
    BLOCK_BYTES,
    STREAM_BYTES,
    Block,
    Bounds,
    Grouped,
    Indexed,
    Shards,
    Source,
    Turnable,
    beginning,
    length_of,
    shown_shape,
    stacked,
)

__all__ = [
    "BFLOAT16",
    "BLOCK_BYTES",
    "LOGITS",
    "STREAM_BYTES",
    "Beside",
    "Block",
    "Bounds",
    "Composed",
    "Decimal",
    "Expected",
    "Grouped",
    "Indexed",
    "Layout",
    "Member",
    "RawType",
    "Shards",
    "Source",
    "Turnable",
    "beginning",
    "check_exact_integers",
    "check_type",
    "length_of",
    "shown_shape",
    "stacked",
    "sum_tolerance",
]
