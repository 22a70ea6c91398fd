"""The summary as JSON: its schema, its validity, and that no digit is lost."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest

from kldiv_cli.reports import load
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.figures import Figure
from kldiv_cli.results.limits import Limit
from kldiv_cli.results.statistics import STATISTICS
from tests.command import Golden
from tests.reports import (
    HOSTILE,
    INF,
    LIMITS,
    MARKUP,
    NAMED,
    NAN,
    OMITTED,
    ONE_ROW,
    PROPAGATED,
    SIGMOID,
    SOFTMAX,
    VARIANTS,
    WARM,
    with_name,
)
from tests.results import changed


def text_of(comparison: Comparison) -> str:
    stream = StringIO()
    load("json")(comparison, stream)
    return stream.getvalue()


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def summary(comparison: Comparison) -> Any:
    return json.loads(text_of(comparison), parse_constant=refuse)


def back(value: Any) -> float:
    """A number as it was before it was written."""
    assert value in ("inf", "-inf", "nan") if isinstance(value, str) else math.isfinite(value)
    return float(value)


@pytest.mark.parametrize("name", VARIANTS)
class TestEveryVariant:
    def test_shown(self, name: str, golden: Golden) -> None:
        golden(text_of(VARIANTS[name]), "json")

    def test_has_the_keys_of_the_schema_and_no_others(self, name: str) -> None:
        comparison = VARIANTS[name]
        found = summary(comparison)
        assert set(found) == {
            *("schema", "reference", "candidate", "mode", "unit", "temperature", "rows"),
            *("classes", "skipped", "invalid", "measures", "agreement", "limits"),
            *("nan_policy", "paired_by", "warnings", "smooth"),
            *(("grouped_by", "groups") if comparison.groups is not None else ()),
            *(("mask", "masked") if comparison.mask is not None else ()),
        }
        extra = {"id", "class_columns"} if name == "named" else set()
        extra |= {"sum_error"} if "probabilities" in name else set()
        sides = {"path", "format", "dtype", "shape", "input", "notes", *extra}
        assert set(found["reference"]) == set(found["candidate"]) == sides
        assert list(found["measures"]) == list(comparison.measures)
        for measure in found["measures"].values():
            assert set(measure) == {
                *("definition", "total", "mean", "sem", "min", "median", "p90", "p95", "p99"),
                *("p99.9", "max", "max_row", "zero", "infinite", "unit"),
            }
        assert list(found["agreement"]) == ["sign" if comparison.mode == "sigmoid" else "argmax"]
        for limit in found["limits"]:
            assert set(limit) == {"stat", "above", "value", "exceeded", "verdict"}

    def test_says_what_the_comparison_says(self, name: str) -> None:
        comparison = VARIANTS[name]
        found = summary(comparison)
        assert found["schema"] == 1
        for side in ("reference", "candidate"):
            known = getattr(comparison, side)
            for key in ("path", "format", "dtype"):
                assert found[side][key] == getattr(known, key)
            assert found[side]["shape"] == list(known.shape)
            assert found[side].get("id") == known.id
            assert found[side].get("sum_error") == known.sum_error
            assert found[side]["input"] == known.kind
            assert found[side]["notes"] == list(known.notes)
        for key in (
            *("mode", "unit", "temperature", "rows", "classes", "skipped", "invalid"),
            *("nan_policy", "paired_by", "smooth"),
        ):
            assert found[key] == getattr(comparison, key), key
        (share,) = found["agreement"].values()
        assert share == comparison.agreement.share

    def test_says_what_the_mask_is(self, name: str) -> None:
        mask = VARIANTS[name].mask
        if mask is None:
            return
        assert summary(VARIANTS[name])["masked"] == VARIANTS[name].masked
        assert summary(VARIANTS[name])["mask"] == {
            "path": mask.path,
            "format": mask.format,
            "dtype": mask.dtype,
            "shape": list(mask.shape),
            "notes": list(mask.notes),
            "means": mask.means,
            "masked_cells": mask.cells,
            "cells": mask.of,
        }

    def test_keeps_every_digit(self, name: str) -> None:
        comparison = VARIANTS[name]
        for measure, known in comparison.measures.items():
            found = summary(comparison)["measures"][measure]
            assert {stat: repr(back(found[stat])) for stat in STATISTICS} == {
                stat: repr(known[stat]) for stat in STATISTICS
            }
            assert found["definition"] == comparison.definitions[measure]
            assert found["unit"] == comparison.units[measure]
            assert (found["max_row"], found["zero"], found["infinite"]) == (
                known.max_row,
                known.zero,
                known.infinite,
            )

    def test_is_ascii_and_ends_a_line(self, name: str) -> None:
        text = text_of(VARIANTS[name])
        assert text.isascii()
        assert text.endswith("}\n")


def test_infinities_and_nan_are_strings() -> None:
    omitted, propagated = (
        summary(comparison)["measures"]["jeffreys"] for comparison in (OMITTED, PROPAGATED)
    )
    assert [omitted[stat] for stat in ("total", "max", "sem", "min")] == ["inf", "inf", "nan", 0.0]
    assert {propagated[stat] for stat in STATISTICS} == {"nan"}
    assert summary(ONE_ROW)["measures"]["jeffreys"]["sem"] == "nan"


def test_types() -> None:
    found = summary(SIGMOID)
    assert found["reference"]["shape"] == [2, 3, 8, 8]
    assert type(found["temperature"]) is float
    for key in ("schema", "rows", "classes", "skipped", "invalid"):
        assert type(found[key]) is int, key
    for key in ("max_row", "zero", "infinite"):
        assert type(found["measures"]["jeffreys"][key]) is int, key
    assert summary(WARM)["temperature"] == 2.5


def test_the_id_column_is_named_where_there_is_one() -> None:
    found = summary(NAMED)
    assert (found["reference"]["id"], found["paired_by"]) == ("file", "id")


def test_limits_in_the_order_asked() -> None:
    holds: dict[str, Any] = {"exceeded": False, "verdict": "holds"}
    exceeded: dict[str, Any] = {"exceeded": True, "verdict": "exceeded"}
    assert summary(LIMITS)["limits"] == [
        {"stat": "mean", "above": 0.1, "value": 0.05144032875514403, **holds},
        {"stat": "max", "above": 0.5, "value": 0.75, **exceeded},
        {"stat": "p99.9", "above": 0.7, "value": 0.7, **holds},
        {"stat": "sem", "above": 1.0, "value": "nan", **exceeded},
    ]
    assert summary(SOFTMAX)["limits"] == []


@pytest.mark.parametrize(
    ("value", "above", "exceeded"),
    [
        (0.5, 0.5, False),
        (math.nextafter(0.5, 1), 0.5, True),
        (NAN, INF, True),
        (INF, INF, False),
        (INF, 1e308, True),
        (0.0, -1.0, True),
    ],
    ids=str,
)
def test_a_verdict_is_that_of_the_numbers_beside_it(
    value: float, above: float, exceeded: bool
) -> None:
    comparison = changed(SOFTMAX, limits=(Limit("mean", above, Figure(value, "nats")),))
    (limit,) = summary(comparison)["limits"]
    assert limit["exceeded"] is exceeded
    assert repr(back(limit["value"])) == repr(value)
    assert repr(back(limit["above"])) == repr(above)
    assert comparison.exceeded is exceeded


def test_nothing_decided_is_valid_json() -> None:
    undecided = changed(SIGMOID, agreement=replace(SIGMOID.agreement, same=0, of=0))
    assert summary(undecided)["agreement"] == {"sign": "nan"}


def test_warnings_are_told() -> None:
    comparison = changed(SOFTMAX, warnings=("p.npy: mask mismatch: row 1", "another"))
    assert summary(comparison)["warnings"] == ["p.npy: mask mismatch: row 1", "another"]


@pytest.mark.parametrize("name", [*HOSTILE, *MARKUP, 'quote"d', "\\", "\u7334", "\x00"], ids=ascii)
def test_names_come_back_as_they_were(name: str) -> None:
    found = summary(with_name(name))
    assert found["reference"]["path"] == found["candidate"]["path"] == name
    assert text_of(with_name(name)).isascii()


def test_groups_are_listed_with_all_they_have() -> None:
    comparison = VARIANTS["grouped"]
    found = summary(comparison)
    assert found["grouped_by"] == "column 'set' of fp32.npy"
    web, book, none = found["groups"]
    assert web["measures"]["jeffreys"].pop("mean") == "inf"
    assert list(web["measures"]["jeffreys"])[-3:] == ["max_row", "zero", "infinite"]
    assert {name: value for name, value in web.items() if name != "measures"} == {
        "name": "web",
        "rows": 2,
        "skipped": 0,
        "invalid": 0,
        "agreement": {"argmax": 0.5},
    }
    assert (book["name"], book["invalid"]) == ("a book", 1)
    assert book["measures"]["jeffreys"]["mean"] == 0.05144032875514403
    assert none == {
        "name": None,
        "rows": 0,
        "skipped": 1,
        "invalid": 0,
        "agreement": {"argmax": "nan"},
        "measures": {},
    }
    assert len(summary(VARIANTS["many-groups"])["groups"]) == 24
