"""What a file is, as an object."""

from __future__ import annotations

from typing import Any

from kldiv_cli.reports.words import contents, objects
from kldiv_cli.results.inspection import Contexts, Inspection, Span, Unreadable

_KEYS = (
    *("schema", "path", "format", "dtype", "shape", "class_axes", "row_shape", "selection"),
    *(
        "class_shape",
        "shards",
        "passed_over",
        "arrays",
        "class_names",
        "holds",
        "id",
        "left_out",
        "notes",
        "guess",
        "rows",
        "cells",
    ),
    *("range", "mask_like", "row_sums", "logsumexp", "argmax", "entropy", "llamacpp", "warnings"),
)


def object_of(found: Inspection) -> dict[str, Any]:
    """Return what a file is; of one whose rows were not read, what it holds."""
    if not found.is_read:
        return {
            "schema": objects.SCHEMA,
            "path": found.file.path,
            "format": found.file.format,
            "holds": contents.objects(found.holds),
            "warnings": list(found.warnings),
        }
    file, guess, masks, rows = found.file, found.guess, found.mask_like, found.rows
    return objects.ordered(
        _KEYS,
        {
            **objects.head_object(found.head),
            **objects.side_object(file),
            "id": None if file.id is None else {"column": file.id, "first": list(found.ids)},
            **({"holds": contents.objects(found.holds)} if found.holds else {}),
            "guess": {
                "input": None if guess.kind == "labels" else guess.kind,
                "mode": guess.mode,
                "options": guess.options,
                "why": guess.why,
            },
            "rows": {
                "total": rows.total,
                "valid": rows.valid,
                "nan": rows.nan,
                "plus_inf": rows.plus_inf,
                "nothing_but_minus_inf": rows.empty,
                "first_nan": rows.first_nan,
                "first_plus_inf": rows.first_plus_inf,
                "first_nothing_but_minus_inf": rows.first_empty,
                "constant": rows.constant,
                "constant_value": rows.constant_value,
            },
            "cells": {
                "total": found.cells.total,
                "finite": found.cells.finite,
                "minus_inf": found.cells.minus_inf,
                "plus_inf": found.cells.plus_inf,
                "nan": found.cells.nan,
                "mask_like": masks.cells,
            },
            "range": _span_object(found.cells.span),
            "mask_like": {
                "at_most": masks.at_most,
                "range": _span_object(masks.span),
                "values": [{"value": value, "cells": count} for value, count in masks.values],
                "complete": masks.complete,
            },
            "row_sums": _span_object(found.sums),
            "logsumexp": _span_object(found.log_sums),
            "argmax": {
                "distinct": found.leaders.distinct,
                "most_frequent": [_leader(found, *leader) for leader in found.leaders.top],
            },
            "entropy": _entropy_object(found),
            **({} if found.contexts is None else {"llamacpp": _contexts_object(found.contexts)}),
        },
    )


def _contexts_object(contexts: Contexts) -> dict[str, Any]:
    return {
        "n_ctx": contexts.n_ctx,
        "chunks": contexts.chunks,
        "tokens": {"distinct": contexts.distinct, "first": list(contexts.first)},
        "censored": {"cells": contexts.censored, "held_max": contexts.held},
    }


def _leader(found: Inspection, index: int, count: int) -> dict[str, Any]:
    names = found.class_names
    return {
        "class": index,
        "name": None if names is None else names[index],
        "rows": count,
        "share": count / found.rows.valid,
    }


def _entropy_object(found: Inspection) -> dict[str, Any] | None:
    if found.entropy is None:
        return None
    entropy = found.entropy
    return {
        "of": entropy.of,
        "unit": "nats",
        "mean": entropy.mean,
        "min": entropy.low,
        "max": entropy.high,
    }


def error_object(found: Unreadable) -> dict[str, Any]:
    """Return why a file could not be read."""
    return {
        "schema": objects.SCHEMA,
        "path": found.path,
        "error": found.what,
        "advice": found.advice,
    }


def _span_object(span: Span | None) -> dict[str, float] | None:
    return None if span is None else {"min": span.low, "max": span.high}
