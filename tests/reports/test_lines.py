"""Lines of text: the same bytes by C and by Python, whose repr says what they are."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest

from kldiv_cli.reports import load
from kldiv_cli.reports.words.lines import CHUNK
from kldiv_cli.results import _native
from kldiv_cli.results.comparison import Comparison
from tests.reports import HOSTILE, NAMED, VARIANTS, with_name
from tests.reports.test_cells import MORE_HOSTILE, everywhere
from tests.results import changed

HAS_C = pytest.mark.skipif(_native.load() is None, reason="no C extension")
RNG = np.random.default_rng(20)
EVERY_POWER = 2.0 ** np.arange(-1074, 1024)
DECIMALS = np.array([float(f"1e{exponent}") for exponent in range(-323, 309)])
EDGES = np.concatenate([EVERY_POWER, DECIMALS])
FLOATS = {
    "bits": RNG.integers(0, 1 << 64, 20_000, dtype=np.uint64).view(np.float64),
    "measured": RNG.lognormal(-5, 5, 20_000),
    "float32": RNG.lognormal(-5, 5, 20_000).astype(np.float32).astype(np.float64),
    "edges": np.concatenate([EDGES, -EDGES]),
    "beside": np.concatenate([np.nextafter(EDGES, 0), np.nextafter(EDGES, np.inf)]),
    "round": RNG.integers(0, 10**6, 20_000) * 10.0 ** RNG.integers(-300, 300, 20_000),
    "decimals": RNG.integers(-(10**7), 10**7, 20_000) / 10.0 ** RNG.integers(0, 12, 20_000),
    "whole": RNG.integers(-(1 << 60), 1 << 60, 20_000).astype(np.float64),
    "least": np.arange(1, 5000) * 5e-324,
    "others": np.array([0.0, -0.0, np.nan, np.inf, -np.inf, -np.nan]),
}


@HAS_C
@pytest.mark.parametrize("name", FLOATS)
def test_a_float_is_written_as_repr_has_it(name: str) -> None:
    native = _native.load()
    assert native is not None
    words = b"", b"nan", b"inf", b"-inf"
    found = native.lines((b"", b" "), (FLOATS[name],), None, words, _native.powers())
    assert found.split() == list(map(repr, FLOATS[name].tolist()))


@HAS_C
def test_an_integer_is_written_as_it_is() -> None:
    native = _native.load()
    assert native is not None
    some = RNG.integers(0, 1 << 63, 2000, dtype=np.int64) >> RNG.integers(0, 63, 2000)
    values = np.concatenate([some, -some, [0, -(1 << 63), (1 << 63) - 1, 9, 10, 99, 100]])
    found = native.lines((b"<", b">"), (values,), None, (b"",) * 4, _native.powers())
    assert found == "".join(f"<{value}>" for value in values.tolist())


@HAS_C
@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ((np.zeros(2), np.zeros(3)), ValueError),
        ((np.zeros(2), ["a"]), ValueError),
        ((np.zeros(2, np.float32), np.zeros(2)), TypeError),
        ((np.zeros(2), [1, 2]), TypeError),
        ((np.zeros(2),), ValueError),
    ],
    ids=["lengths", "texts", "type", "no-text", "pieces"],
)
def test_columns_that_do_not_fit_are_refused(columns: tuple[object, ...], error: type) -> None:
    native = _native.load()
    assert native is not None
    with pytest.raises(error):
        native.lines((b"",) * 3, columns, None, (b"",) * 4, _native.powers())  # type: ignore[arg-type]


STRANGE = {
    "many": changed(
        NAMED,
        values={"jeffreys": RNG.lognormal(size=CHUNK + 3), "kl": np.full(CHUNK + 3, np.nan)},
        skipped_rows=np.arange(CHUNK + 3) % 5 == 0,
        masked_rows=np.arange(CHUNK + 3) % 7 == 0,
        ids=np.array([f"{i}é" for i in range(CHUNK + 3)], object),
    ),
    "{}": with_name("{0} %s {"),
    "mixed": changed(NAMED, ids=np.array([None, True, 1.5, "a,b", 1 << 70, *range(19)], object)),
    "unsigned": changed(NAMED, ids=np.arange(24, dtype=np.uint64) + (1 << 63)),
    "short": changed(NAMED, ids=np.arange(24, dtype=np.int16) - 9),
    "floats": changed(NAMED, ids=np.linspace(0, 1, 24)),
}
HOSTILES = {name: everywhere(name) for name in (*HOSTILE, *MORE_HOSTILE, "x\udcff")}


@HAS_C
@pytest.mark.parametrize("report", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize(
    "comparison",
    [*VARIANTS.values(), *STRANGE.values(), *HOSTILES.values()],
    ids=map(ascii, (*VARIANTS, *STRANGE, *HOSTILES)),
)
def test_python_writes_the_same(
    comparison: Comparison, report: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_c, by_python = StringIO(newline=""), StringIO(newline="")
    load(report)(comparison, by_c)
    monkeypatch.setenv("KLDIV_KERNELS", "numpy")
    load(report)(comparison, by_python)
    assert by_c.getvalue() == by_python.getvalue()
