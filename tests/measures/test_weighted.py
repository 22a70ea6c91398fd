"""The spread of steps by C, against 60 digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mpmath import exp, fsum, mp, mpf

from kldiv_cli.measures import _native
from kldiv_cli.measures.weighted import spread_of
from tests.oracle import relative_error

pytestmark = pytest.mark.skipif(not _native.load(), reason="there are no C kernels here")
Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(8)
S = RNG.normal(0, 3, (6, 700))
NOISE = RNG.normal(0, 1, S.shape)
CASES = {
    "close": (S, S + 1e-9 * NOISE),
    "far": (S, S + 30 * NOISE),
    "one-ahead": (S + 40 * (np.arange(700) == 3), S + NOISE),
    "heaviest-moves": (S, S + 1e-7 * NOISE + (np.arange(700) == S.argmax(axis=1)[:, None])),
    "offset": (S + 1000, S + 1e-9 * NOISE - 500),
    "float32": (S.astype(np.float32), (S + NOISE).astype(np.float32)),
    "float16": (S.astype(np.float16), (S + 0.1 * NOISE).astype(np.float16)),
    "absent": (np.where(NOISE > 1, -np.inf, S), np.where(NOISE > 1, -np.inf, S + NOISE)),
    "narrow": (S[:, :3], S[:, :3] + NOISE[:, :3]),
}


def truth(s: Array, t: Array, temperature: float, power: float) -> tuple[mpf, mpf]:
    with mp.workdps(60):
        pairs = [(mpf(float(a)), mpf(float(b))) for a, b in zip(s, t, strict=True) if a > -np.inf]
        grown = [exp(a / temperature) for a, _ in pairs]
        u = [(w / fsum(grown)) ** power for w in grown]
        mean = fsum(w * (b - a) for w, (a, b) in zip(u, pairs, strict=True)) / fsum(u)
        errors = (w * (b - a - mean) ** 2 for w, (a, b) in zip(u, pairs, strict=True))
        return fsum(errors) / fsum(u), fsum(u)


@pytest.mark.parametrize("instruction_set", _native.instruction_sets())
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("temperature", "power"), [(1.0, 1.0), (0.7, 1.0), (4.0, 0.5), (1.0, 0.0)])
def test_is_the_definition(
    case: str,
    temperature: float,
    power: float,
    instruction_set: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kernels = _native.load(instruction_set)
    monkeypatch.setattr(_native, "load", lambda: kernels)
    s, t = CASES[case]
    found = spread_of(s, t, temperature, power)
    assert found is not None
    assert not found.unsettled.any()
    for row in range(0, len(s), 3):
        variance, weight = truth(s[row], t[row], temperature, power)
        assert relative_error(found.variance[row], variance) < 1e-14
        assert relative_error(found.weight[row], weight) < 1e-14


def test_equal_steps_do_not_spread() -> None:
    s = np.round(S * 8) / 8
    found = spread_of(s, s + 0.3, 1.0)
    assert found is not None
    assert (found.variance < 1e-30).all()
    found = spread_of(s, s + 2, 1.0)
    assert found is not None
    assert not found.variance.any()


@pytest.mark.parametrize("place", [0, 699])
@pytest.mark.parametrize("value", [-np.inf, np.inf, np.nan, 1e200])
def test_what_numpy_has_to_see(place: int, value: float) -> None:
    t = S + NOISE
    t[2, place] = value
    found = spread_of(S, t, 1.0)
    assert found is not None
    assert np.flatnonzero(found.unsettled).tolist() == [2]
