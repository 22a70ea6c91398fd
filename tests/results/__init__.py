"""Results made of others."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

from kldiv_cli.results.base import Result
from kldiv_cli.results.head import Head, Side

R = TypeVar("R", bound=Result)
_OF_HEAD = {field.name for field in fields(Head)}


def head(*sides: Side) -> Head:
    """24 rows of 4 classes, all of which count."""
    return Head(
        sides=sides,
        mode="softmax",
        nan_policy="raise" if len(sides) > 1 else "omit",
        paired_by="position",
        rows=24,
        skipped=0,
        invalid=0,
        class_shape=(4,),
        row_shape=(24,),
    )


def changed(result: R, **changes: Any) -> R:
    """A result with other attributes, whether they are its own or its head's."""
    labels = ("file",) if len(result.head.sides) == 1 else ("reference", "candidate")
    sides = dict(zip(labels, result.head.sides, strict=True))
    own = {name: new for name, new in changes.items() if name in vars(result)}
    rest = {name: new for name, new in changes.items() if name not in own}
    sides |= {name: new for name, new in rest.items() if name in labels}
    of_head = {name: new for name, new in rest.items() if name in _OF_HEAD}
    assert len(own) + len(of_head) + sum(name in labels for name in rest) == len(changes)
    head = replace(result.head, **{"sides": tuple(sides.values()), **of_head})
    return replace(result, **{"head": head, **own})
