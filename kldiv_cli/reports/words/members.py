"""What is said of the files, or arrays, that the inputs consist of, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kldiv_cli.errors import a_few

if TYPE_CHECKING:
    from kldiv_cli.results.members import PairedMembers

_SHOWN = 10
"""So many names are listed."""


def paired(members: PairedMembers) -> str:
    """Say how the files, or arrays, of both sides were paired."""
    left_out = len(members.only_reference), len(members.only_candidate)
    ours, theirs = (
        f"{count - out} {what}{'' if count - out == 1 else 's'}"
        for count, out, what in zip(members.of, left_out, members.what, strict=True)
    )
    if ours == theirs:
        return f"{ours}, paired by {members.paired_by}"
    if members.what[0] == members.what[1]:
        theirs = theirs.partition(" ")[0]
    return f"{ours} against {theirs}, paired by {members.paired_by}"


def named(names: tuple[str, ...]) -> str:
    """Name those that were left out, in brackets; nothing where there are none."""
    return f" ({a_few(list(names), _SHOWN)})" if names else ""
