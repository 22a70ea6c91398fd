"""What of the files was not compared, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kldiv_cli.reports.words.members import named
from kldiv_cli.reports.words.parts import wrapped
from kldiv_cli.results.head import Head, Taken

if TYPE_CHECKING:
    from kldiv_cli.results.padding import ConstantRows
    from kldiv_cli.results.selection import ClassSelection, Discarded, Missing, Selection


def lines(head: Head) -> Iterator[tuple[str, str]]:
    """Say which classes and rows were compared, label by label; nothing where all were."""
    yield from taken(head)
    if head.constant_rows is not None:
        yield from wrapped("constant", _constant(head.constant_rows))


def taken(head: Taken) -> Iterator[tuple[str, str]]:
    """Say what of that is known before rows are read."""
    if head.class_selection is not None:
        yield from _classes(head.class_selection, head)
    if head.selection is not None:
        yield from wrapped("selected", _rows(head.selection, head.paired_by))
    if head.missing is not None:
        yield from wrapped("left out", _missing(head.missing, head))


def _classes(selection: ClassSelection, head: Taken) -> Iterator[tuple[str, str]]:
    p, q = selection.reference, selection.candidate
    of = str(p.of) if p.of == q.of else f"{p.of} in p, of {q.of} in q"
    yield from wrapped("classes", f"{selection.classes} of {of} ({', '.join(selection.options)})")
    if head.mode == "sigmoid":
        return
    if p.mean is not None or q.mean is not None:
        yield from wrapped("", "p and q are distributions over these; of a row's probability")
        yield from _probability(p, "p", head)
        yield from _probability(q, "q", head)
    if any(side.censored for side in head.sides):
        yield "", "tokens are scored among all classes, so here they are not"


def _probability(side: Discarded, name: str, head: Taken) -> Iterator[tuple[str, str]]:
    if side.of == head.classes:
        yield from wrapped("", f"{name} leaves out nothing")
    elif side.mean is not None and side.max is not None:
        most = f"mean {side.mean:.6g}, max {side.max:.6g}"
        yield from wrapped("", f"{name} leaves out {most}")


def _missing(missing: Missing, head: Taken) -> str:
    rows = f"{missing.only_reference} row{'' if missing.only_reference == 1 else 's'}"
    ours = theirs = ""
    if head.paired_members is not None:
        ours = named(head.paired_members.only_reference)
        theirs = named(head.paired_members.only_candidate)
    if head.selection is not None:
        return f"{rows} of these not in q{ours}"
    return f"{rows} only in p{ours}, {missing.only_candidate} only in q{theirs}"


def _rows(selection: Selection, paired_by: str) -> str:
    of = "an unknown number" if selection.of is None else str(selection.of)
    by_position = paired_by == "position"
    theirs = selection.of_candidate
    if by_position and selection.of is not None and theirs not in (None, selection.of):
        of += f" (of {theirs} in the candidate)"
    names = ("rows", "limit", "sample")
    options = ", ".join(f"--{name}" for name in names if getattr(selection, name) is not None)
    first, last = selection.first, selection.last
    rows = f"rows {f'from {first} on' if last is None else f'{first}..{last}'} of {of}"
    if selection.sample is None:
        return f"{rows} ({options})"
    return f"{selection.sample} drawn from {rows}, seed {selection.seed} ({options})"


def _constant(found: ConstantRows) -> str:
    number = "one number" if found.value is None else f"{found.value:g}"
    rows = f"{found.rows} {'row' if found.rows == 1 else 'rows'} of {number} on both sides"
    if found.ignored:
        return f"{rows}, left out (--ignore-constant-rows)"
    if found.skipped == found.rows:
        return f"{rows}, skipped as rows of -inf are"
    if found.skipped:
        return f"{rows}, {found.skipped} of them skipped; --ignore-constant-rows skips all"
    return f"{rows}; --ignore-constant-rows skips them"
