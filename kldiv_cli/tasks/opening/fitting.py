"""Options that are for some kinds of input, where no input is of that kind."""

from __future__ import annotations

from kldiv_cli.errors import InputError, UsageError, a_few
from kldiv_cli.sources.base import Layout, Source

_KEYED = ".npz, .safetensors, .pt, .pth, .h5, .hdf5 and .json"


def check_pair(left: Source, right: Source, layout: Layout, candidate_key: str | None) -> None:
    """Raise a `UsageError` for what is said of two inputs and fits neither.

    ``candidate_key`` is the candidate's own, if it has one.
    """
    _check_keys(left, right, layout.key, candidate_key)
    _check_text(left, right, layout)
    if layout.class_axis is not None and left.class_axes is None and right.class_axes is None:
        raise UsageError(
            "--class-axis names an axis of arrays, and neither input is one",
            "Leave it out: tables and llama.cpp files say what their classes are.",
        )
    if layout.names_columns and not (left.is_table or right.is_table):
        raise UsageError(
            "--id, --columns and --drop are for tables, and neither input is one",
            "Leave them out.",
        )
    _check_dropped(left, right)


def check_one(source: Source, layout: Layout) -> None:
    """Raise an `InputError` for what is said of one input and does not fit it."""
    path, found = source.path, source.format
    if layout.names_columns and not source.is_table:
        raise InputError(
            f"{path}: expected a table for --id, --columns and --drop, found {found}",
            "Leave them out: an array has no columns.",
        )
    if layout.class_axis is not None and source.class_axes is None:
        raise InputError(
            f"{path}: expected an array for --class-axis, found {found}",
            "Leave it out: tables and llama.cpp files say what their classes are.",
        )
    _check_dropped(source)
    if layout.key is not None and not source.has_keys:
        raise InputError(
            f"{path}: expected arrays under names for --key, found {found}",
            f"Leave it out: only {_KEYED} files hold any.",
        )
    if layout.is_of_text and not source.is_delimited:
        raise InputError(
            f"{path}: expected delimited text for --no-header, --delimiter and "
            f"--decimal, found {found}",
            "Leave them out: only .csv and .tsv files have a header line and delimiters.",
        )
    if layout.dtype not in {None, source.dtype}:
        raise InputError(
            f"{path}: expected values of two raw bytes for --dtype {layout.dtype}, found "
            f"{source.dtype}",
            "Leave it out: the file says what it holds.",
        )


def _check_dropped(*sources: Source) -> None:
    """Raise where ``--drop`` names what no table has."""
    tables = [source for source in sources if source.columns is not None]
    missing = [source.columns.unmatched for source in tables if source.columns is not None]
    words = [word for word in missing[0] if all(word in x for x in missing)] if missing else []
    if words:
        raise InputError(
            f"{' and '.join(source.path for source in tables)}: expected columns for --drop, found "
            f"none for {a_few(words)}",
            "Check --drop against the files' column names.",
        )


def _check_keys(left: Source, right: Source, key: str | None, candidate_key: str | None) -> None:
    advice = f"Leave it out: only {_KEYED} files hold arrays under names."
    if candidate_key is not None and not right.has_keys:
        raise UsageError(
            f"--candidate-key names an array, and {right.path} holds none under names", advice
        )
    if key is None or left.has_keys or (candidate_key is None and right.has_keys):
        return
    if candidate_key is None:
        raise UsageError("--key names an array, and neither input holds any under names", advice)
    raise UsageError(f"--key names an array, and {left.path} holds none under names", advice)


def _check_text(left: Source, right: Source, layout: Layout) -> None:
    """Raise for what is said of text or raw bytes, where neither side holds any."""
    if layout.is_of_text and not (left.is_delimited or right.is_delimited):
        raise UsageError(
            "--no-header, --delimiter and --decimal are for delimited text, and neither input is "
            "any",
            "Leave them out: only .csv and .tsv files have a header line and delimiters.",
        )
    if layout.dtype is not None and layout.dtype not in {left.dtype, right.dtype}:
        raise UsageError(
            f"--dtype {layout.dtype} is for values of two raw bytes, and neither input holds any",
            "Leave it out: other files say what they hold.",
        )
