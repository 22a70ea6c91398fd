"""The registry of measures: what it names exists, says what it is, and refuses what is wrong."""

import math
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest

from kldiv_cli.errors import UsageError
from kldiv_cli.measures import MEASURES, load, prepare
from kldiv_cli.measures.base import Measure
from kldiv_cli.measures.types import Mode
from tests.family import FAMILY, MODES

PLAIN = [name for name in MEASURES if MEASURES[name].parameter is None]
PARAMETERS = {
    name: entry.parameter.name
    for name, entry in MEASURES.rows().items()
    if entry.parameter is not None
}
EXAMPLES = {name.partition(":")[0]: name for name in FAMILY}


def refused(name: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(name)
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.what + caught.value.advice
    return caught.value


@pytest.mark.parametrize("name", FAMILY)
def test_a_measure_says_what_it_is(name: str) -> None:
    measure = load(name)
    assert isinstance(measure, Measure)
    assert measure.name == name
    assert set(measure.formula) == set(get_args(Mode))
    for words in (measure.title, *measure.formula.values(), measure.range, measure.reference):
        assert words.strip() == words
        assert words
        assert words.isprintable()
    assert measure.edges
    assert measure.range.startswith("[0, ")
    assert any(digit in measure.reference for digit in "12"), "a year or a number"


@pytest.mark.parametrize("name", FAMILY)
def test_values_lie_in_the_range(name: str) -> None:
    rng = np.random.default_rng(17)
    top = load(name).range.removeprefix("[0, ").partition("]")[0]
    bounds = {"1": 1.0, "ln 2": math.log(2)}
    for mode in MODES:
        rows = load(name).rows(prepare(mode, *(20 * rng.standard_normal((2, 40, 1, 1))[..., 0])))
        assert (rows >= 0).all()
        assert (rows <= bounds.get(top, math.inf)).all()


@pytest.mark.parametrize("name", FAMILY)
def test_only_distances_have_no_unit(name: str) -> None:
    assert load(name).has_unit == (name not in {"tv", "hellinger"})


@pytest.mark.parametrize("name", FAMILY)
def test_additive_is_what_adds_up_over_independent_cells(name: str) -> None:
    """Two cells are one distribution over four outcomes, whose logits are sums."""
    s, t = (0.7, -1.2), (-0.4, 0.9)
    joint_s, joint_t = ((0.0, x[0], x[1], x[0] + x[1]) for x in (s, t))
    cells = load(name).rows(prepare("sigmoid", np.array([s]), np.array([t])))[0]
    joint = load(name).rows(prepare("softmax", np.array([joint_s]), np.array([joint_t])))[0]
    assert (cells == pytest.approx(joint, rel=1e-12)) == load(name).additive


def test_the_registry_describes_every_measure() -> None:
    assert set(EXAMPLES) == set(MEASURES)
    assert {*PLAIN, *PARAMETERS} == set(MEASURES)
    for name in PLAIN:
        assert MEASURES[name].description
        assert (MEASURES.usage(name), MEASURES.example(name)) == (name, name)
    for name, parameter in PARAMETERS.items():
        assert parameter.isupper()
        assert parameter in MEASURES[name].description
        assert MEASURES.usage(name) == f"{name}:{parameter}"
        assert load(MEASURES.example(name)).name == MEASURES.example(name)


@pytest.mark.parametrize("name", ["", "kl2", "KL", " kl", "kl ", "gjs:0.1:2x", "jeffrey", "nope:1"])
def test_an_unknown_name_is_refused(name: str) -> None:
    kind = name.partition(":")[0]
    if kind in MEASURES:
        assert "expected a number" in refused(name).what
        return
    error = refused(name)
    assert repr(kind) in error.what
    assert all(MEASURES.usage(known) in error.advice for known in MEASURES)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_missing_parameter_is_refused(name: str) -> None:
    error = refused(name)
    assert MEASURES.usage(name) in error.what
    assert f"kldiv measures {name}" in error.advice


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("rest", [":", ":1", ":x"])
def test_a_superfluous_parameter_is_refused(name: str, rest: str) -> None:
    error = refused(name + rest)
    assert f"expected the measure {name}, found {name + rest!r}" in error.what


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize(
    "text", ["", "x", "0,1", "1e", "--1", "0.1 0.2", "½", " 0.1", "0.1 ", "1_0"]
)
def test_what_is_no_number_is_refused(name: str, text: str) -> None:
    error = refused(f"{name}:{text}")
    assert f"expected a number as {PARAMETERS[name]}" in error.what
    assert repr(text) in error.what


@pytest.mark.parametrize("name", PARAMETERS)
def test_numbers_of_very_many_digits_are_refused(name: str) -> None:
    assert load(f"{name}:{'0.5':0<80}").name == f"{name}:{'0.5':0<80}"
    error = refused(f"{name}:{'0.5':0<5000}")
    assert f"expected at most 80 characters as {PARAMETERS[name]}, found 5000" in error.what


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(("gjs", text) for text in ("0", "1", "-0.1", "1.1", "nan", "inf", "-inf", "-0")),
        *((name, x) for name in ("skew-kl", "skew-reverse-kl") for x in ("1", "-0.1", "2")),
        *((name, x) for name in ("skew-kl", "skew-reverse-kl") for x in ("nan", "inf", "-inf")),
        *(("renyi", text) for text in ("0", "1", "1.0", "-1", "-0.5", "nan", "-inf", "-0")),
    ],
)
def test_a_parameter_out_of_its_range_is_refused(name: str, wrong: str) -> None:
    error = refused(f"{name}:{wrong}")
    assert f"{name}:{wrong}: expected {PARAMETERS[name]}" in error.what
    assert f"found {float(wrong):g}" in error.what


@pytest.mark.parametrize(
    "name",
    [
        *("gjs:1e-300", "gjs:.5", "gjs:0.9999999", "gjs:1e-1"),
        *("skew-kl:0", "skew-kl:-0", "skew-kl:0.999999", "skew-reverse-kl:1e-9"),
        *("renyi:1e-300", "renyi:0.9999999", "renyi:1e308", "renyi:Infinity", "renyi:+2"),
    ],
)
def test_a_parameter_inside_its_range_is_taken_as_typed(name: str) -> None:
    measure = load(name)
    assert measure.name == name
    both = prepare("softmax", np.array([[2.0, 1.0, 0.0]]), np.array([[1.0, 1.5, 0.0]]))
    assert 0 < measure.rows(both)[0] < math.inf


def test_listing_the_measures_imports_no_numpy() -> None:
    script = (
        "import sys\n"
        "from kldiv_cli.measures import MEASURES, load\n"
        "from kldiv_cli.errors import UsageError\n"
        "print([MEASURES.usage(name) for name in MEASURES])\n"
        "for wrong in ('nope', 'kl:1', 'gjs'):\n"
        "    try:\n"
        "        load(wrong)\n"
        "    except UsageError:\n"
        "        pass\n"
        "sys.exit(int('numpy' in sys.modules or 'pyarrow' in sys.modules))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)
