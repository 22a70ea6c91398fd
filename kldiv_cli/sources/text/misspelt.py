"""Numbers in spellings that are not read: decimal commas, thousands separators."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from shlex import quote

from kldiv_cli.errors import InputError, LogitsError, UnclearError
from kldiv_cli.sources.stores.commands import rewriting
from kldiv_cli.sources.text.delimited import Delimited
from kldiv_cli.sources.text.spelling import is_cell, short

_FRACTION = re.compile(r"\s*[-+]?(\d*,\d+|\d+,)(e[-+]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_GROUPS = re.compile(r"\s*[-+]?\d{1,3}([, '\u2019\u00a0\u202f]\d{3})+(\.\d*)?\s*", re.ASCII)
"""Both of cells with a point before fractions, and so a comma between thousands."""


def check_spelling(
    text: Delimited, names: Sequence[str], columns: Mapping[str, Sequence[str]]
) -> None:
    """Raise where cells of text are numbers in another spelling.

    Parameters
    ----------
    text : Delimited
        The file.
    names : sequence of str
        All columns.
    columns : mapping of str to sequence of str
        Those that may be classes and do not hold numbers: their first cells, with points.

    Raises
    ------
    InputError
        Their commas are decimal marks, or they separate thousands.
    UnclearError
        They may be either.
    """
    found = {name: _odd(cells) for name, cells in columns.items() if _odd(cells)}
    odd = [cell for cells in found.values() for cell in cells]
    fractions = [cell for cell in odd if _FRACTION.fullmatch(cell)]
    groups = [cell for cell in odd if _GROUPS.fullmatch(cell)]
    if not odd or (len(found) == len(columns) == 1 and len(fractions) == len(groups)):
        return  # one column of text may hold ids
    name, cells = next(iter(found.items()))
    fault = text.first_fault(names, [name])
    if fault is None:
        fault = f"column {name!r}: expected a number, found {short(text.plain(cells[0]))}"
    error = _error(text, fault, len(fractions) < len(odd), len(groups) < len(odd))
    if len(columns) == 1:
        error.advice += f" If it holds row ids: --id {quote(name)}."
    raise error


def _error(text: Delimited, fault: str, has_groups: bool, has_fractions: bool) -> InputError:
    what, mark = f"{text.path}: {fault}", "," if text.decimal == "." else "."
    said = f"--decimal {mark}"
    if has_fractions and not has_groups:
        return LogitsError(what, f"Say {said} to read it so.").with_options(decimal=mark)
    advice = f"write the file without separators of thousands: {_without_separators(text, mark)}"
    if has_groups:
        return LogitsError(what, f"{advice[0].upper()}{advice[1:]}")
    return UnclearError(
        f"{what}, whose {mark!r} stands before a fraction or between thousands",
        f"Say {said} if it stands before fractions; if between thousands, {advice}",
    )


def _without_separators(text: Delimited, mark: str) -> str:
    said = [f"thousands='{mark}'"]
    said += [] if text.decimal == "." else [f"decimal='{text.decimal}'"]
    said += [] if text.delimiter == "," else [f"sep='{text.delimiter}'"]
    said += [] if text.header else ["header=None"]
    code = f"import pandas, sys; pandas.read_csv(sys.argv[1], {', '.join(said)})"
    header = "" if text.header else ", header=False"
    code = f"{code}.to_csv(sys.argv[2], index=False{header})"
    return rewriting(code, text.path, ".csv", "-plain")


def _odd(cells: Sequence[str]) -> list[str]:
    """Return the cells in another spelling, where most of a column are numbers in any."""
    filled = list(filter(None, cells))
    odd = [cell for cell in filled if _FRACTION.fullmatch(cell) or _GROUPS.fullmatch(cell)]
    return odd if 2 * (len(odd) + sum(map(is_cell, filled))) > len(filled) else []
