"""What a file says of its columns: the index of pandas, the features of Hugging Face datasets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa


class Stated(NamedTuple):
    """What a file says.

    Parameters
    ----------
    ids : tuple of str
        The columns that hold the index of a data frame, one for each of its levels.
    labels : tuple of str
        The columns that hold labels.
    """

    ids: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def without(self, names: Collection[str]) -> Stated:
        """Return what it says of other columns."""
        ids, labels = ([x for x in own if x not in names] for own in self)
        return Stated(tuple(ids), tuple(labels))


def stated(schema: pa.Schema) -> Stated:
    """Return what the metadata of a schema says of columns that it has."""
    metadata = schema.metadata or {}
    known = set(schema.names)
    return Stated(
        tuple(name for name in _index(metadata.get(b"pandas")) if name in known),
        tuple(name for name in _labels(metadata.get(b"huggingface")) if name in known),
    )


def _index(text: bytes | None) -> Iterator[str]:
    """Yield the columns of the index; an index that merely counts has none."""
    levels = _at(_parsed(text), "index_columns")
    if isinstance(levels, list):
        yield from (level for level in levels if isinstance(level, str))


def _labels(text: bytes | None) -> Iterator[str]:
    features = _at(_parsed(text), "info", "features")
    if isinstance(features, Mapping):
        yield from (name for name, kind in features.items() if _at(kind, "_type") == "ClassLabel")


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _parsed(text: bytes | None) -> Any:
    """Return what a text of JSON holds; None where it holds something else."""
    if text is None:
        return None
    import json  # noqa: PLC0415 - few tables say anything

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
