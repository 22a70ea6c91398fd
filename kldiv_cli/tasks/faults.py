"""What is wrong with the rows of a pairing, in the user's words."""

from __future__ import annotations

from kldiv_cli.errors import InputError
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.distributions.kinds import Kind, looks_like
from kldiv_cli.measures.rows.faults import first_invalid
from kldiv_cli.measures.types import MASK, Mode
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.tasks.kept.part import RowCounts
from kldiv_cli.tasks.kept.seen import Constants


def nothing_left(
    pairing: Pairing, counts: RowCounts, constants: Constants, *, ignored: bool
) -> InputError:
    """Return the error of files without a row that counts.

    ``ignored`` says whether rows of one number are left out because somebody asked for it.
    """
    if not counts.masked or counts.skipped or counts.invalid:
        return _nothing_counts(pairing, counts, constants, ignored=ignored)
    if pairing.mask is None or pairing.mask_below is not None:
        where = "" if pairing.mask is None else " where the mask keeps them"
        return InputError(
            f"{pairing.reference.path}: expected cells to compare, found none: all are at or below "
            f"{pairing.mask_below:g} on both sides{where}",
            "Say a lower number with --mask-below, or leave it out.",
        )
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
    elif kinds[here] != "logits" and fault.cell is not None and fault.found != "NaN":
        from kldiv_cli.tasks.causes import cell_advice  # noqa: PLC0415 - few files are wrong

        advice = cell_advice(getattr(pairing, fault.side), kinds, here, mode)
    elif fault.cell is None and "probs" not in kinds and (other[row] <= MASK).all():
        advice = f"The other side is padding there, too: leave it out by --mask-below {MASK:g}."
    place = pairing.place(fault.side, block, fault.row, fault.cell)
    within = " in the cells that the mask keeps"
    part = within if fault.cell is None and block.kept is not None else ""
    return InputError(
        f"{getattr(pairing, fault.side).path}: {place}: expected {fault.expected}, found "
        f"{fault.found}{part}",
        advice,
    )


def _nothing_counts(
    pairing: Pairing, counts: RowCounts, constants: Constants, *, ignored: bool
) -> InputError:
    """Return the error of two sides without a row that counts."""
    why = "nothing but -inf or one number" if constants.skipped.rows else "nothing but -inf"
    advice = "Check what wrote the files: no row is a distribution on both sides."
    if ignored and constants.skipped.rows:
        advice = "Leave --ignore-constant-rows out to count rows of one number as well."
    return InputError(
        f"{pairing.reference.path}: expected rows to compare, found none that counts "
        f"({counts.skipped} skipped, {why}; {counts.invalid} invalid"
        + (f"; {counts.masked} masked)" if counts.masked else ")"),
        advice,
    )
