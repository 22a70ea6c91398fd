"""The options that say what of the files is compared."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

_PART = "What of the files is taken"

Rows = Annotated[
    str | None,
    typer.Option(
        "--rows",
        metavar="A:B",
        help="Only these rows of REFERENCE, as in Python, and the same ones of CANDIDATE; no more "
        "of the files is read than they need.",
        rich_help_panel=_PART,
    ),
]
RowsOfEach = Annotated[
    str | None,
    typer.Option(
        "--rows",
        metavar="A:B",
        help="Only these rows of every file, as in Python; no more of it is read than they need.",
        rich_help_panel=_PART,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", metavar="N", help="At most the first N of the rows.", rich_help_panel=_PART
    ),
]
Sample = Annotated[
    int | None,
    typer.Option(
        "--sample",
        metavar="N",
        help="N of the rows, drawn without replacement, in the file's order.",
        rich_help_panel=_PART,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="S",
        help="What the draw of --sample depends on.",
        show_default="0",
        rich_help_panel=_PART,
    ),
]
OnMissing = Annotated[
    Literal["error", "skip"],
    typer.Option(
        "--on-missing",
        help="A row id on one side only is an error, or is left out and counted.",
        rich_help_panel=_PART,
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        "--classes",
        metavar="A:B|FILE",
        help="Only these classes: a slice of places, or a file with a name or index per line.",
        rich_help_panel=_PART,
    ),
]
TruncateClasses = Annotated[
    bool,
    typer.Option(
        "--truncate-classes",
        help="Where one side has more classes, leave out those that the other lacks.",
        rich_help_panel=_PART,
    ),
]
Mask = Annotated[
    str | None,
    typer.Option(
        "--mask",
        metavar="FILE",
        help="Which cells enter: booleans, or 0 and 1. Its axes are the first ones of the files "
        "(rows), their last ones (classes) or all, each as long as theirs or 1. Its rows go with "
        "REFERENCE's by position.",
        rich_help_panel=_PART,
    ),
]
MaskMeans = Annotated[
    Literal["keep", "drop"] | None,
    typer.Option(
        "--mask-means",
        help="keep: what is true in the mask enters. drop: it is left out (padding masks).",
        show_default="keep",
        rich_help_panel=_PART,
    ),
]
