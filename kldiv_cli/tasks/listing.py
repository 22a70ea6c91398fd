"""What a file holds, also where an option has to say what is meant."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from kldiv_cli.errors import InputError, UnclearError
from kldiv_cli.results.head import Head, Side
from kldiv_cli.results.inspection import Guess, Holding, Inspection
from kldiv_cli.sources.base.contents import Held, Listing
from kldiv_cli.sources.stores.uris import hidden
from kldiv_cli.tasks.jobs.inspecting import Tallies
from kldiv_cli.tasks.opening.sides import Input
from kldiv_cli.tasks.remarks import remark


def holdings(listing: Listing, questions: Sequence[UnclearError] = ()) -> tuple[Holding, ...]:
    """Return what a file holds; what a question is about is unclear."""
    doubts = {name: why for question in questions for name, why in question.doubts.items()}
    return tuple(_holding(held, doubts) for held in listing.held)


def _holding(held: Held, doubts: dict[str, str]) -> Holding:
    found = Holding(held.name, held.type, held.shape, held.role, held.why, held.arrays)
    if held.role == "class" and held.name in doubts:
        return replace(found, role="unclear", why=doubts[held.name])
    return found


def unread(file: Input, listing: Listing, error: InputError) -> Inspection:
    """Return what is known of a file whose rows were not read.

    Parameters
    ----------
    file : path
        The file.
    listing : Listing
        What it holds.
    error : InputError
        What other commands would say.
    """
    path = hidden(os.fspath(file)) if isinstance(file, (str, os.PathLike)) else "array"
    nothing = Tallies()
    return Inspection(
        head=Head(
            sides=(Side(path, listing.format, "", ()),),
            mode="softmax",
            nan_policy="omit",
            paired_by="position",
            rows=0,
            skipped=0,
            invalid=0,
            class_shape=(),
            row_shape=(),
            file_row_shape=None,
            class_names=None,
            warnings=(remark(error),),
        ),
        ids=(),
        guess=Guess(None, None, "", "other commands would stop at the file"),
        cells=nothing.cells.result(),
        mask_like=nothing.cells.masks.result(),
        rows=nothing.rows.result(),
        sums=None,
        log_sums=None,
        leaders=nothing.distributions.leaders.result(),
        entropy=None,
        holds=holdings(listing),
        is_read=False,
    )
