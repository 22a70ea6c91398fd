"""Which format a file has: its first bytes tell, or its name, or the user."""

from __future__ import annotations

from pathlib import Path

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats import FORMATS
from kldiv_cli.sources.formats.signatures import is_text
from kldiv_cli.sources.stores.pipes import is_pipe
from kldiv_cli.sources.stores.uris import path_of

COMPRESSED = (".gz", ".bz2", ".zst", ".lz4", ".xz")
"""What may follow the suffix of text."""
_UNSAID = Layout()


def recognise(
    path: str, first: bytes, codec: str | None = None, layout: Layout = _UNSAID
) -> tuple[str, tuple[str, ...]]:
    """Return the format of a file, and notes on how it was found.

    The content comes first, for a name may be wrong. The content of text does not tell: there the
    suffix decides.

    Parameters
    ----------
    path : str
        Its name, for its suffix and for messages.
    first : bytes
        Its first bytes, decompressed: `codecs.ENOUGH` of them, or all.
    codec : str or None
        What it is compressed with.
    layout : Layout
        What the user says of it.

    Raises
    ------
    InputError
        It is of no known format, or compressed and of one that is not read so.
    """
    suffix = suffix_of(path)
    found = named = None
    for others in (False, True):
        found = _by_content(first, others=others)
        named = FORMATS.first(lambda row: suffix in row.suffixes, others=others)
        if found or named:
            break
    name = found or named or _by_likeness(first, piped=is_pipe(path))
    if found is None:
        _check_known(path, first, layout, name=named, suffix=suffix)
    if name is None:
        raise _unknown(path, suffix, first, layout)
    if codec is not None and not FORMATS[name].may_be_compressed:
        raise InputError(
            f"{path}: expected {name} as it is, found it compressed with {codec}",
            f"Decompress it first: only {_compressed()} are read compressed.",
        )
    if found is not None and named not in {None, found}:
        return name, (f"format: {found}, as its content says, though its name ends in {suffix}",)
    return name, ()


def _check_known(path: str, first: bytes, layout: Layout, *, name: str | None, suffix: str) -> None:
    """Raise for a file that no format reads, whose first bytes or whose name tell what it is."""
    # What is read without errors needs no commands that would make it readable.
    from kldiv_cli.sources.formats import foreign as strange  # noqa: PLC0415
    from kldiv_cli.sources.formats.pickles import SUFFIXES, pickled  # noqa: PLC0415

    other = strange.foreign(first, may_be_zip=_is_zip(name))
    if other is None and name is None:
        if suffix in SUFFIXES:
            what, advice = pickled(path, first, suffix)
            raise LogitsError(f"{path}: expected {layout.expected.what}, found {what}", advice)
        other = None if is_text(first) else strange.foreign_by_name(suffix)
    if other is not None:
        kind = InputError if other.is_table else LogitsError
        what = f"{path}: expected {layout.expected.what}, found {other.what}"
        raise kind(what, other.remedy(path))


def check_told(path: str, first: bytes, codec: str | None, told: str, option: str) -> None:
    """Raise for a file that plainly is not what the user says; its reader checks the rest.

    ``first`` is decompressed. The first member of an archive need not tell the archive's format.
    """
    found = _other_than(told, first, codec)
    if found is not None:
        raise LogitsError(
            f"{path}: expected {told}, as {option} says, found {found}",
            f"Leave {option} out: most files say themselves what they are.",
        )


def _other_than(told: str, first: bytes, codec: str | None) -> str | None:
    """Return what a file plainly is; None where it may be what the user says."""
    row, found_text = FORMATS[told], is_text(first)
    if codec is not None and not row.may_be_compressed:
        return f"a file compressed with {codec}"
    if not first or (found_text if row.content is None else row.content(first)):
        return None
    found = _by_content(first, others=False)
    if row.is_zip and (_is_zip(found) or first.startswith(b"PK")):
        return None
    from kldiv_cli.sources.formats.foreign import foreign  # noqa: PLC0415 - of errors alone

    other = foreign(first, may_be_zip=True)
    if found is None and other is not None:
        return other.what
    return "text" if found is None and found_text else found


def _by_content(first: bytes, *, others: bool) -> str | None:
    """Return the format whose files begin so, those of other distributions included or not."""
    return FORMATS.first(lambda row: row.content and row.content(first), others=others)


def _by_likeness(first: bytes, *, piped: bool) -> str | None:
    """Return the format of text without a name that tells."""
    return FORMATS.first(
        lambda row: row.likely and (piped or not row.only_piped) and row.likely(first)
    )


def _compressed() -> str:
    """Name the formats whose files are read compressed."""
    names = [name for name, row in FORMATS.rows().items() if row.may_be_compressed]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _is_zip(name: str | None) -> bool:
    return name is not None and FORMATS[name].is_zip


def suffix_of(path: str) -> str:
    """Return the suffix of a name, without the suffix of a compressed file."""
    whole = Path(path_of(path))
    if whole.suffix.lower() in COMPRESSED:
        whole = whole.with_suffix("")
    return whole.suffix.lower()


def _unknown(path: str, suffix: str, first: bytes, layout: Layout) -> LogitsError:
    known = " ".join(suffix for row in FORMATS.rows().values() for suffix in row.suffixes)
    kind = "text" if is_text(first) else "binary data"
    advice = f"Say what it is with {layout.format_option}: {', '.join(FORMATS)}."
    if kind == "text":
        from kldiv_cli.sources.text.mistaken import guessed  # noqa: PLC0415 - loads PyArrow

        options = guessed(path, first, header=layout.header)
        if options is not None:
            said = f"{layout.format_option} csv {options}".strip()
            advice += f" As a table {said} reads it."
    return LogitsError(
        f"{path}: expected {layout.expected.what} that content or suffix tells ({known}), found "
        f"{kind} with " + (f"suffix {suffix!r}" if suffix else "no suffix"),
        advice,
    )
