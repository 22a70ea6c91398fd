"""What is wrong with the rows of a pairing, in the user's words."""

from __future__ import annotations

from kldiv_cli.errors import InputError
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.distributions.kinds import Kind, looks_like
from kldiv_cli.measures.rows.faults import first_invalid
from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing import BlockPair, Pairing


def nothing_left(pairing: Pairing, skipped: int, invalid: int, masked: int) -> InputError:
    """Return the error of files without a row that counts; ``masked`` rows keep no cell."""
    if pairing.mask is None or not masked or skipped or invalid:
        return nothing_counts(pairing, skipped, invalid, masked)
    of = " of these rows" if pairing.leaves_rows_out else ""
    return InputError(
        f"{pairing.mask.source.path}: expected cells to compare, found none: the mask leaves out "
        f"every cell{of}",
        "--mask-means says whether true cells enter (keep) or are left out (drop).",
    )


def invalid_row(
    mode: Mode,
    block: BlockPair,
    row: int,
    pairing: Pairing,
    kinds: tuple[Kind, Kind] = ("logits", "logits"),
) -> InputError:
    """Return the error that names an invalid row of a block, given what its numbers are."""
    values = real(block.reference), real(block.candidate)
    fault = first_invalid(mode, *values, row, kinds)
    advice = (
        "Leave such rows out with --nan-policy omit, or let them show with --nan-policy propagate."
    )
    here = 0 if fault.side == "reference" else 1
    other = values[1 - here]
    if kinds[0] != kinds[1] and kinds[here] != "logits" and looks_like(other, kinds[here]):
        advice = (
            f"The other side looks like {kinds[here]}: are --reference-input and "
            "--candidate-input swapped?"
        )
    elif kinds[here] != "logits":
        advice = f"Say --{fault.side}-input logits if these are logits."
    place = pairing.place(fault.side, block, fault.row, fault.cell)
    within = " in the cells that the mask keeps"
    part = within if fault.cell is None and block.kept is not None else ""
    return InputError(
        f"{getattr(pairing, fault.side).path}: {place}: expected {fault.expected}, found "
        f"{fault.found}{part}",
        advice,
    )


def nothing_counts(pairing: Pairing, skipped: int, invalid: int, masked: int = 0) -> InputError:
    """Return the error of two sides without a row that counts."""
    return InputError(
        f"{pairing.reference.path}: expected rows to compare, found none that counts "
        f"({skipped} skipped, nothing but -inf; {invalid} invalid"
        + (f"; {masked} masked)" if masked else ")"),
        "Check what wrote the files: no row is a distribution on both sides.",
    )
