"""``--mask`` and ``--mask-means``: which cells enter."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

_PART = "What of the files is taken"

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
