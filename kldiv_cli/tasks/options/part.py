"""Rows of the table: what of the files is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kldiv_cli.tasks.options import checks, rules
from kldiv_cli.tasks.options.row import PART, Options, option

if TYPE_CHECKING:
    from kldiv_cli.pairing.by_id import OnMissing
    from kldiv_cli.pairing.classes import Wanted
    from kldiv_cli.pairing.masks.mask import Means


_DRAWN = (
    "So many of these rows, drawn without replacement and in the file's order. The draw depends on "
    "the seed, 0 by default, and on nothing else."
)


class Masks(Options):
    """Which cells enter."""

    mask: Any = option(
        None,
        rules.BOOLEANS,
        "'mask.npy'",
        flags=("--mask",),
        metavar="FILE",
        panel=PART,
        help="Which cells enter: booleans, or 0 and 1. Its axes are the first ones of the files "
        "(rows), their last ones (classes) or all, each as long as theirs or 1. Its rows go with "
        "REFERENCE's by position.",
        kind="path or array_like of bool, optional",
        doc="Which cells enter; the others leave softmax, sums and agreement on both sides, and "
        "rows of which none enters leave every denominator. True and false or 1 and 0. Its axes "
        "are the first ones of the inputs or the last ones, each as long as theirs or 1. Its rows "
        "are the reference's, by position.",
        docs={
            "verify": "Which cells enter, as in `kldiv_cli.compare`; the others are in no "
            "identity.",
            "loss": "Which rows or cells enter, as in `kldiv_cli.compare`: the loss is that of "
            "rows of only the cells that are kept. Rows that are left out, and cells where a loss "
            "divides by their number, leave the denominators.",
        },
    )
    mask_means: Means | None = option(
        None,
        rules.TEXT,
        "'drop'",
        flags=("--mask-means",),
        words=("keep", "drop"),
        noun="meaning of a mask",
        panel=PART,
        help="keep: what is true in the mask enters. drop: it is left out (padding masks).",
        shown="keep",
        kind='{"keep", "drop"}, optional',
        doc="Whether true cells enter, as they do by default, or are left out as those of a "
        "padding mask are.",
    )
    mask_below: float | None = option(
        None,
        rules.NUMBER,
        "-1e4",
        flags=("--mask-below",),
        metavar="V",
        typed=float,
        check=checks.mask_below,
        panel=PART,
        help="Leave out cells at or below V on both sides too: masks that are written into logits, "
        "as -1e4 or -1e12.",
        kind="float, optional",
        doc="Cells at or below it on both sides are masked as well: logits into which masks were "
        "written, as -1e4 or -1e12. It is rounded to the type of each side.",
    )
    ignore_constant_rows: bool = option(
        False,
        rules.FLAG,
        "True",
        flags=("--ignore-constant-rows",),
        typed=bool,
        panel=PART,
        help="Leave out rows of 3 and more cells that hold one number on both sides, as padding "
        "does.",
        kind="bool",
        doc="Whether rows of 3 and more cells that hold one number, the same in every cell of both "
        "sides, are skipped: padding, such as rows of -100 or 0.",
    )


class Chosen(Options):
    """Which rows are read."""

    rows: slice | str | None = option(
        None,
        rules.ROWS,
        "slice(0, 100)",
        flags=("--rows",),
        metavar="A:B",
        panel=PART,
        help="Only these rows of REFERENCE, as in Python, and the same ones of CANDIDATE; no more "
        "of the files is read than they need.",
        alone="Only these rows of every file, as in Python; no more of it is read than they need.",
        kind="slice or str, optional",
        doc='Only these rows, as in Python and without a step: ``slice(100, 200)`` or "100:200". '
        "Rows are counted along all axes of rows, those of the reference; the candidate's are "
        "found by id or stand at the same places. No more of the files is read than these need.",
        docs={
            "inspect": "Only these rows, as in Python and without a step: ``slice(100, 200)`` or "
            '"100:200", counted along all axes of rows. No more of the file is read than these '
            "need.",
            "loss": "Only these rows, as in `kldiv_cli.compare`: the loss is that of files of "
            "these rows. The length of the first axis counts its entries that have any.",
        },
    )
    limit: int | None = option(
        None,
        rules.WHOLE,
        "1000",
        flags=("--limit",),
        metavar="N",
        typed=int,
        panel=PART,
        help="At most the first N of the rows.",
        kind="int, optional",
        doc="At most so many of these rows, from the first on.",
    )
    sample: int | None = option(
        None,
        rules.WHOLE,
        "1000",
        flags=("--sample",),
        metavar="N",
        typed=int,
        panel=PART,
        help="N of the rows, drawn without replacement, in the file's order.",
        kind="int, optional",
        doc=_DRAWN,
    )
    seed: int | None = option(
        None,
        rules.WHOLE,
        "1",
        flags=("--seed",),
        metavar="S",
        typed=int,
        panel=PART,
        help="What the draw of --sample depends on.",
        shown="0",
        kind="int, optional",
        doc=_DRAWN,
    )


class Partners(Options):
    """Rows, and files, on one side only."""

    on_missing: OnMissing = option(
        "error",
        rules.TEXT,
        "'skip'",
        flags=("--on-missing",),
        words=("error", "skip"),
        noun="way with missing rows",
        panel=PART,
        help="A row id, or a file of two folders, on one side only is an error, or is left out and "
        "counted.",
        kind='{"error", "skip"}',
        doc="What a row id, or a file of two folders, on one side only is: an error, or something "
        "to leave out and count.",
    )
    by_place: bool = option(
        False,
        rules.FLAG,
        "True",
        flags=("--by-place",),
        typed=bool,
        panel=PART,
        help="Pair the rows of folders in the order of their files, whatever these are called.",
        kind="bool",
        doc="Pair the rows of folders in the order of their files, whatever these are called; by "
        "default files of one name are paired.",
    )


class SomeClasses(Options):
    """Which classes enter."""

    classes: Wanted | None = option(
        None,
        rules.CLASSES,
        "slice(0, 100)",
        flags=("--classes",),
        metavar="A:B|FILE",
        panel=PART,
        help="Only these classes: a slice of places, or a file with a name or index per line.",
        kind="slice, str, path or sequence, optional",
        doc='Only these classes: a slice of places ("0:1000"), names or indices, or a file of '
        "them. Under softmax p and q are distributions over these alone; the result says how much "
        "probability the others hold.",
        docs={
            "verify": "Only these classes, as in `kldiv_cli.compare`: the identities are those of "
            "files of these alone.",
            "loss": "Only these classes, as in `kldiv_cli.compare`: the loss is that of files of "
            "these alone. Not with labels, which name classes of the whole file.",
        },
    )
    truncate_classes: bool = option(
        False,
        rules.FLAG,
        "True",
        flags=("--truncate-classes",),
        typed=bool,
        panel=PART,
        help="Where one side has more classes, leave out those that the other lacks.",
        kind="bool",
        doc="Where one side has more classes, compare the first ones, as many as the other has; "
        "where both have names, those in common.",
    )
