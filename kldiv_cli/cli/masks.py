"""``--mask`` and ``--mask-means``: which cells enter."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from kldiv_cli.errors import UsageError

_PART = "What of the files is compared"

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


def meaning(mask: str | None, means: Literal["keep", "drop"] | None) -> Literal["keep", "drop"]:
    """Return what a mask means; raise if that is said and there is none."""
    if mask is None and means is not None:
        raise UsageError(
            "--mask-means says what a mask means, and there is none",
            "Name the mask with --mask FILE, or leave it out.",
        )
    return means or "keep"
