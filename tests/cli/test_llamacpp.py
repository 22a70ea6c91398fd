"""Logits files of llama.cpp, on the command line and in Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli import compare, loss
from kldiv_cli.errors import InputError, KldivError
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.options.typed import NanPolicy
from tests.command import Kldiv
from tests.llamacpp import SAMPLES, decode, random_logits, random_tokens, write
from tests.sources.mutations import mutations

Array = npt.NDArray[Any]

REFERENCE, CANDIDATE = (str(SAMPLES / f"tiny-{name}.kld") for name in ("f32", "Q8_0"))

NOTE = "classes at a row's minimum lie there or below; counted as there"


def log_probs(path: str) -> Array:
    values, _ = decode(Path(path).read_bytes())
    return np.reshape(values, (5, 31, 1001))


def kl(log_p: Array, log_q: Array) -> Array:
    """KL(p||q) of rows divided by their sums, by its definition."""
    log_p, log_q = (
        x - np.log(np.exp(x.astype(np.longdouble)).sum(axis=-1, keepdims=True))
        for x in (log_p, log_q)
    )
    found: Array = (np.exp(log_p) * (log_p - log_q)).sum(axis=-1).ravel().astype(float)
    return found


class TestCompare:
    @pytest.mark.parametrize("kind", ["logits", "log-probs"])
    def test_the_measures_are_those_of_the_rows_divided_by_their_sums(self, kind: Kind) -> None:
        result = compare(REFERENCE, CANDIDATE, measure="kl", kind=kind)
        expected = kl(log_probs(REFERENCE), log_probs(CANDIDATE))
        np.testing.assert_allclose(result.values["kl"], expected, rtol=1e-12)
        for side in (result.reference, result.candidate):
            assert (side.format, side.kind, side.shape) == ("llamacpp", "log-probs", (5, 31, 1001))
            assert side.sum_error is not None
            assert 1e-5 < side.sum_error < 1e-4

    def test_beside_an_array_of_logits(self, tmp_path: Path) -> None:
        logits, tokens = random_logits(2, 3, 7), random_tokens(2, 8, 7)
        path = write(tmp_path / "x.kld", logits, tokens)
        result = compare(path, 2 * logits, measure="kl")
        assert (result.reference.kind, result.candidate.kind) == ("log-probs", "logits")
        expected = kl(logits.astype(float), 2 * logits.astype(float))
        np.testing.assert_allclose(result.values["kl"], expected, rtol=1e-3)

    def test_beside_an_array_of_probabilities(self, tmp_path: Path) -> None:
        logits, tokens = random_logits(2, 3, 7), random_tokens(2, 8, 7)
        path = write(tmp_path / "x.kld", logits, tokens)
        p = np.exp(logits.astype(float))
        p /= p.sum(axis=-1, keepdims=True)
        result = compare(path, p, kind=("logits", "probs"))
        assert (result.reference.kind, result.candidate.kind) == ("log-probs", "probs")
        assert result.measures["jeffreys"]["max"] < 1e-7

    def test_the_table_says_what_censored_classes_are_taken_for(self, kldiv: Kldiv) -> None:
        words = "samples/llamacpp/tiny-f32.kld", "samples/llamacpp/tiny-Q8_0.kld"
        code, out, err = kldiv("compare", *words)
        assert (code, err) == (0, "")
        assert (
            "\ncensored     classes at a row's minimum lie there or below; counted as there\n"
            in out
        )
        assert max(map(len, out.splitlines())) <= 80

    def test_beside_another_format_the_side_is_named(self, kldiv: Kldiv, tmp_path: Path) -> None:
        np.save(tmp_path / "q.npy", log_probs(CANDIDATE))
        code, out, err = kldiv("compare", REFERENCE, tmp_path / "q.npy")
        assert (code, err) == (0, "")
        assert (
            "\ncensored     p: classes at a row's minimum lie there or below; counted as there\n"
            in out
        )

    def test_probabilities_they_are_not(self, kldiv: Kldiv) -> None:
        result = kldiv("compare", REFERENCE, CANDIDATE, "--candidate-input", "probs")
        assert (result.code, result.out) == (2, "")
        assert result.err == (
            f"kldiv: error: {CANDIDATE}: expected a llama.cpp logits file, whose rows are "
            "log-probabilities, found --input probs\n"
            "Say --candidate-input log-probs of this side.\n"
        )

    def test_nor_labels_each_of_its_own(self, kldiv: Kldiv) -> None:
        result = kldiv("compare", REFERENCE, CANDIDATE, "--mode", "sigmoid")
        assert (result.code, result.out) == (2, "")
        assert result.err == (
            f"kldiv: error: {REFERENCE}: expected a llama.cpp logits file, whose rows are "
            "log-probabilities of a softmax, found --mode sigmoid\nSay --mode softmax.\n"
        )

    def test_a_row_whose_sum_is_not_1_is_damage(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = write(tmp_path / "x.kld", random_logits(2, 3, 7), random_tokens(2, 8, 7))
        content = bytearray(path.read_bytes())
        first = 84 + 24 * 4 + 8
        content[first : first + 14] = 14 * b"\xff"
        path.write_bytes(content)
        code, out, err = kldiv("compare", path, path)
        assert (code, out) == (2, "")
        assert err.startswith(
            f"kldiv: error: {path}: expected rows of log-probs that sum to 1 within "
            "0.000200788, found a sum of "
        )
        assert err.endswith(
            " in row 4\nThe file is damaged: write it again, or say --input log-probs --normalize "
            "to take it all the same.\n"
        )
        again = kldiv("compare", path, path, "--input", "log-probs", "--normalize", "--no-warn")
        assert (again.code, again.err) == (0, "")


def test_a_loss_takes_them_for_log_probabilities() -> None:
    result = loss("torch", REFERENCE, CANDIDATE, reduction="batchmean")
    assert (result.reference.kind, result.candidate.kind) == ("log-probs", "log-probs")
    expected = kl(log_probs(REFERENCE), log_probs(CANDIDATE)).sum() / 155
    assert result.reference_value == pytest.approx(expected, rel=1e-9)
    with pytest.raises(InputError, match="of a softmax, found --mode sigmoid"):
        loss("globalpointer", REFERENCE, CANDIDATE)


def test_inspected_they_need_no_option() -> None:
    guess = inspect(REFERENCE).guess
    assert (guess.kind, guess.mode, guess.options) == ("log-probs", "softmax", "")


@pytest.mark.parametrize("nan_policy", ["raise", "omit", "propagate"])
def test_a_damaged_file_is_compared_or_refused(tmp_path: Path, nan_policy: NanPolicy) -> None:
    """Whatever of it is damaged, no warning and no other error comes of it, and nothing wrong."""
    good = write(tmp_path / "good.kld", random_logits(2, 3, 7, 6), random_tokens(2, 8, 7))
    bad = tmp_path / "bad.kld"
    compared = 0
    for content in mutations(good.read_bytes(), seed=4, count=80):
        bad.write_bytes(content)
        try:
            result = compare(good, bad, nan_policy=nan_policy)
            inspect(bad)
        except KldivError as error:
            assert error.what.startswith(f"{bad}: ")  # noqa: PT017
        else:
            compared += 1
            assert not (result.values["jeffreys"] < 0).any()
            assert result.language is not None
            assert result.language.tokens == result.rows
    assert compared > 10


class TestInspect:
    PATH = "samples/llamacpp/tiny-f32.kld"

    def test_table(self, kldiv: Kldiv) -> None:
        code, out, err = kldiv("inspect", self.PATH)
        assert (code, err) == (0, "")
        assert out.startswith(
            f"file         {self.PATH}  llamacpp float64 5 x 31 x 1001\n"
            f"censored     {NOTE}\n"
            "             37453 cells, which hold at most 7.17075e-05 of a row\n"
            "classes      1001\n"
            "contexts     5 of 64 tokens (n_ctx), the second half scored\n"
            "token ids    142 different ones: 1, 396, 910, 934, 338, 330, 759, 630, ...\n"
            "rows         155 (5 x 31), a distribution in each\n"
            "looks like   log-probabilities: "
        )

    def test_json_by_what_the_file_holds(self, kldiv: Kldiv) -> None:
        code, out, err = kldiv("inspect", self.PATH, "--format", "json")
        assert (code, err) == (0, "")
        (found,) = json.loads(out)
        values = log_probs(REFERENCE).reshape(155, 1001)
        cells = (values == values.min(axis=1, keepdims=True)).sum(axis=1)
        held = (cells * np.exp(values.min(axis=1))).max()
        tokens = np.frombuffer(Path(REFERENCE).read_bytes(), "<i4", 5 * 64, 20)
        assert found["llamacpp"] == {
            "n_ctx": 64,
            "chunks": 5,
            "tokens": {"distinct": len(set(tokens.tolist())), "first": tokens[:8].tolist()},
            "censored": {"cells": int(cells.sum()), "held_max": pytest.approx(held, rel=1e-14)},
        }

    def test_as_few_tokens_as_are_shown(self, kldiv: Kldiv, tmp_path: Path) -> None:
        tokens = np.array([[6, 0, 0, 3]], np.int32)
        path = write(tmp_path / "x.kld", random_logits(1, 1, 7), tokens)
        out = kldiv("inspect", path).out
        assert "\n             0 cells, which hold at most 0 of a row\n" in out
        assert "\ntoken ids    3 different ones: 6, 0, 0, 3\n" in out

    def test_of_another_format_there_is_none(self, kldiv: Kldiv) -> None:
        out = kldiv("inspect", "samples/magika-fp32.npy", "--format", "json").out
        assert "llamacpp" not in json.loads(out)[0]
        assert inspect("samples/magika-fp32.npy").contexts is None

    def test_under_any_name(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "logits"
        path.write_bytes(Path(REFERENCE).read_bytes())
        assert (
            kldiv("inspect", path).out.splitlines()[1:]
            == (kldiv("inspect", self.PATH).out.splitlines()[1:])
        )


@pytest.mark.parametrize("side", ["reference", "candidate"])
@pytest.mark.parametrize("partner", ["file", "array"])
def test_a_row_without_a_largest_value_on_either_side_has_no_figures(
    tmp_path: Path, side: str, partner: str
) -> None:
    """A model that gave NaN leaves a scale of NaN; an array may hold nothing but -inf."""
    values, tokens = random_logits(1, 3, 6), random_tokens(1, 8, 6)
    whole, other = (write(tmp_path / f"{name}.kld", values, tokens) for name in "ab")
    if partner == "file":
        content = bytearray(other.read_bytes())
        at = 20 + 4 * 8 + 1 * (8 + 2 * 6)
        content[at : at + 4] = np.float32(np.nan).tobytes()
        other.write_bytes(content)
        broken: Any = other
    else:
        broken = values.copy()
        broken[0, 1] = -np.inf
    sides = (whole, broken) if side == "candidate" else (broken, whole)
    found = compare(*sides, nan_policy="propagate")
    assert found.language is not None
    assert found.invalid == 1
    language = found.language
    figures = (*language.perplexity, language.ln_ratio, language.kld.mean, language.delta_p.mean)
    assert [figure.value for figure in figures] == pytest.approx([np.nan] * 5, nan_ok=True)
    assert np.isnan(found.tokens["log_p"]).tolist() == [False, True, False]
    assert np.isnan(found.tokens["log_q"]).tolist() == [False, True, False]
    kept = compare(*sides, nan_policy="omit")
    assert kept.language is not None
    assert kept.language.tokens == 2
    assert np.isfinite([figure.value for figure in kept.language.perplexity]).all()
