"""Whether two files are of one kind, so that their rows can be those of one input."""

from __future__ import annotations

from kldiv_cli.errors import InputError, a_few
from kldiv_cli.sources.base import Source, shown_shape
from kldiv_cli.sources.stores.folders import Files


def check_alike(first: Source, other: Source, files: Files) -> None:
    """Raise an `InputError` unless the rows of two files can be those of one input."""
    for ours, theirs in zip(_traits(first), _traits(other), strict=True):
        if ours != theirs:
            raise InputError(
                f"{other.path}: expected {ours} as in {first.path}, found {theirs}", files.advice
            )
    known, found = set(first.class_names or ()), set(other.class_names or ())
    differences = [
        f"{a_few(sorted(names))} {word}"
        for names, word in ((known - found, "missing"), (found - known, "besides"))
        if names
    ]
    if differences:
        raise InputError(
            f"{other.path}: expected the classes of {first.path}, found "
            + " and ".join(differences),
            files.advice,
        )


def _traits(source: Source) -> tuple[str, ...]:
    """Return what the files of one input have in common, beside the names of classes."""
    named, column, group = source.class_names is not None, source.id_name, source.group_name
    shape = (None, *source.row_shape[1:], *(() if named else source.class_shape))
    return (
        f"format {source.format}",
        f"type {source.dtype}",
        "no row-id column" if column is None else f"row-id column {column!r}",
        "no column of groups" if group is None else f"column {group!r} of groups",
        "class names" if named else "no class names",
        f"shape {shown_shape(shape)}",
    )
