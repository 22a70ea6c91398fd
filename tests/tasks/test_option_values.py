"""Arguments from Python: what stands for a number, a name or a path, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kldiv_cli import compare, loss
from kldiv_cli.errors import KldivError, UsageError
from kldiv_cli.tasks.verify import verify
from tests.command import ROOT

RNG = np.random.default_rng(20261124)
S = RNG.normal(size=(40, 6))
T = S + 0.1 * RNG.normal(size=S.shape)
ODD: list[Any] = [
    *(5, -1, 0, 5.0, 2.5, float("nan"), True, np.int64(5), np.float64(5), np.True_, 10**30, 1j),
    *("5", "", "text", "a\0b", "\udc80", np.str_("text"), b"text", Path("nosuch"), Decimal("0.5")),
    *((0, 100), (), [1, 2], ["a", "b"], [[1], [2, 3]], {"a": 1}, {1}, range(3), slice(0.5, 3)),
    *(np.arange(6), np.array(5), np.arange(6) + 0.5, object(), int, Fraction(1, 2)),
    *({"mean": "x"}, {1: 2}, [("mean", 1, 2)]),
]
"""What somebody may hand over by mistake, or at least in another type than the one meant."""


class Device:
    """An array of which NumPy makes none, as of a tensor with a gradient."""

    def __array__(self, *_: object, **__: object) -> None:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


def complaint(call: Callable[..., object], *sides: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(UsageError) as caught:
        call(*sides, **arguments)
    return caught.value.what, caught.value.advice


class TestPlainNumbers:
    @pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint16, np.array])
    def test_integers_of_numpy_are_integers(self, kind: Callable[[int], Any]) -> None:
        numbers = {"sample": 5, "seed": 3, "limit": 20, "top": 2, "row_axes": 1, "threads": 2}
        plain = compare(S, T, **numbers)  # type: ignore[arg-type]
        found = compare(S, T, **{name: kind(x) for name, x in numbers.items()})
        assert found.row_numbers is not None
        assert plain.row_numbers is not None
        assert found.row_numbers.tolist() == plain.row_numbers.tolist()
        assert found.selection == plain.selection
        assert found.measures == plain.measures

    def test_a_selection_keeps_none_of_numpys_types(self) -> None:
        numbers: dict[str, Any] = {"sample": np.int64(5), "seed": np.int64(3)}
        found = compare(S, T, **numbers).selection
        assert found is not None
        assert (type(found.sample), type(found.seed)) == (int, int)

    @pytest.mark.parametrize("end", [3, np.int64(3)])
    def test_slices_too(self, end: Any) -> None:
        assert compare(S, T, rows=slice(None, end)).rows == 3
        assert compare(S, T, classes=slice(end)).classes == 3

    @pytest.mark.parametrize("kind", [float, np.float64, np.float32, Fraction, Decimal, np.array])
    def test_any_real_number_is_a_number(self, kind: Callable[[float], Any]) -> None:
        found = compare(S, T, temperature=kind(0.5), smooth=kind(0.25), limits={"mean": kind(0.5)})
        assert (found.temperature, found.smooth, found.limits[0].above) == (0.5, 0.25, 0.5)
        assert type(found.temperature) is float
        assert found.measures == compare(S, T, temperature=0.5, smooth=0.25).measures

    def test_options_of_a_loss_too(self) -> None:
        four: Any = np.float32(4)
        found = loss("kd", S, T, temperature=four)
        assert found.value == loss("kd", S, T, temperature=4.0).value

    def test_text_of_numpy_is_text(self) -> None:
        words: dict[str, Any] = {"unit": np.str_("bits"), "measure": np.array(["kl", "js"])}
        found = compare(S, T, **words)
        assert repr(found.unit) == "'bits'"
        assert list(found.measures) == ["kl", "js"]

    def test_columns_are_any_row_of_names(self) -> None:
        paths = [ROOT / "samples" / f"magika-{x}-24.csv" for x in ("fp32", "int8")]
        names = ["python", "javascript", "java"]
        plain = compare(*paths, columns=names)
        assert plain.class_names == tuple(names)
        assert compare(*paths, columns=np.array(names)).measures == plain.measures  # type: ignore[arg-type]


INTEGER, SLICE, TEXT = "an integer", "a slice, or A:B as text", "text"
PLACES = "a slice, a path, or a list of names or indices"
PAIRS = "pairs of a statistic and a number"
WRONG: list[tuple[str, Any, str, str, str]] = [
    ("limit", 5.0, INTEGER, "5.0", "1000"),
    ("sample", "5", INTEGER, "'5'", "1000"),
    ("threads", 2.5, INTEGER, "2.5", "1"),
    ("top", True, INTEGER, "True", "10"),
    ("top", None, INTEGER, "None", "10"),
    ("top", "n" * 70, INTEGER, f"'{'n' * 59}...", "10"),
    ("rows", (0, 100), SLICE, "(0, 100)", "slice(0, 100)"),
    ("rows", slice, SLICE, "<class 'slice'>", "slice(0, 100)"),
    ("rows", slice(0.5, 3), SLICE, "slice(0.5, 3, None)", "slice(0, 100)"),
    ("classes", 5, PLACES, "5", "slice(0, 100)"),
    ("classes", [1.5], PLACES, "[1.5]", "slice(0, 100)"),
    ("temperature", "2", "a number", "'2'", "2.0"),
    ("smooth", np.ones(3), "a number", "ndarray of shape (3,)", "0.01"),
    ("header", "no", "True or False", "'no'", "False"),
    ("columns", 5, "a name or a list of them", "5", "['yes', 'no']"),
    ("columns", [1, 2], "a name or a list of them", "[1, 2]", "['yes', 'no']"),
    ("drop", [1, 2], "a name or a list of them", "[1, 2]", "['label', 'fold']"),
    ("id_column", 0, "a name or a list of them", "0", "'id'"),
    ("mode", None, TEXT, "None", "'softmax'"),
    ("measure", None, "a name or a list of them", "None", "['kl', 'js']"),
    ("kind", ("probs",), "a name, or one for each side", "('probs',)", "('logits', 'probs')"),
    ("limits", "mean=0.1", PAIRS, "'mean=0.1'", "{'mean': 0.01}"),
    ("lower_limits", 0.99, PAIRS, "0.99", "{'same-argmax': 0.99}"),
    ("limits", {"mean": "x"}, PAIRS, "{'mean': 'x'}", "{'mean': 0.01}"),
    ("mask", {1}, "a path or an array of booleans", "{1}", "'mask.npy'"),
    ("group", {1}, "a word, a column, a path or an array", "{1}", "'argmax'"),
    ("labels", b"a", "a path, a column or an array of integers", "b'a'", "'labels.npy'"),
    ("progress", 5, "a function", "5", "print"),
]


@pytest.mark.parametrize(("name", "value", "expected", "found", "example"), WRONG)
def test_what_is_expected_is_said(
    name: str, value: object, expected: str, found: str, example: str
) -> None:
    assert complaint(compare, S, T, **{name: value}) == (
        f"{name}: expected {expected}, found {found}",
        f"Say for example {name}={example}.",
    )


def test_sides_that_are_nothing() -> None:
    advice = "Say for example reference='a.npy'."
    assert complaint(compare, None, T) == (
        "reference: expected a path or an array, found None",
        advice,
    )
    assert complaint(compare, reference={"a": 1}, candidate=T) == (
        "reference: expected a path or an array, found {'a': 1}",
        advice,
    )


@pytest.mark.parametrize("name", ["labels", "group", "mask"])
def test_an_empty_name_is_no_file(name: str) -> None:
    assert complaint(compare, S, T, **{name: ""}) == (
        f"--{name}: expected a name, found an empty one",
        "Give that of a file.",
    )


@pytest.mark.parametrize("name", ["reference", "candidate", "labels", "group", "mask"])
def test_what_numpy_makes_no_array_of(name: str) -> None:
    sides: dict[str, Any] = {"reference": S, "candidate": T}
    with pytest.raises(KldivError, match=r"found what NumPy makes none of .*requires grad"):
        compare(**sides | {name: Device()})
    with pytest.raises(KldivError, match="found what NumPy makes no array of"):
        compare(**sides | {name: [[1], [2, 3]]})


def odd_arguments() -> Iterator[tuple[Callable[..., Any], str]]:
    """Every argument of every function, and options of losses."""
    for call in (compare, verify, loss):
        for x in signature(call).parameters.values():
            if x.kind != Parameter.VAR_KEYWORD:
                yield call, x.name
    yield from ((loss, name) for name in ("reduction", "release", "alpha", "lam", "class_prior"))


@pytest.mark.parametrize(("call", "name"), list(odd_arguments()))
def test_whatever_is_handed_over_ends_in_a_result_or_in_advice(
    call: Callable[..., Any], name: str
) -> None:
    sides: dict[str, Any] = {"reference": S[:6], "candidate": T[:6]}
    if call is loss:
        sides["name"] = "torch"
    ended = 0
    for value in ODD:
        if name == "progress" and callable(value):  # which is called, and may raise anything
            continue
        try:
            call(**sides | {name: value})
        except KldivError:
            ended += 1
    assert ended > 0


def test_signatures_are_those_of_the_functions() -> None:
    assert list(signature(compare).parameters)[:3] == ["reference", "candidate", "mode"]
    with pytest.raises(TypeError, match="unexpected keyword argument 'temprature'"):
        compare(S, T, temprature=2)  # type: ignore[call-arg]
    by_place: Any = "softmax"
    with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
        compare(S, T, by_place)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'candidate'"):
        compare(S)  # type: ignore[call-arg]


def test_an_array_is_called_by_its_side() -> None:
    with pytest.raises(KldivError) as caught:
        compare(S, T[:, :4])
    assert caught.value.what == (
        "candidate array: expected the same shapes as reference array, found 40 x 6 there and "
        "40 x 4 here (6 and 4 classes)"
    )
    found = compare(S, T)
    assert (found.reference.path, found.candidate.path) == ("reference array", "candidate array")
