"""Perplexity, KLD and token probabilities: against what llama.cpp printed, and from definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
from mpmath import mp, mpf

from kldiv_cli import compare
from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.measures import _native
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.evaluation import Evaluator
from kldiv_cli.pairing import Pairing
from kldiv_cli.results.language import PERCENTILES, Distribution, Estimate, LanguageResult
from kldiv_cli.results.tokens import CensoredRows, TokenRows, TokenSummary
from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.formats.llamacpp import open_llamacpp
from kldiv_cli.sources.labels.classes import Labels
from kldiv_cli.sources.labels.tokens import Tokens
from kldiv_cli.tasks.jobs.scores import Scored, score
from kldiv_cli.tasks.jobs.tokens import Scoring, scoring
from tests import llamacpp
from tests.llamacpp import NAMES, SAMPLES, random_logits, random_tokens, write
from tests.oracle import oracle, relative_error

Array = npt.NDArray[Any]

LOGITS: tuple[Kind, Kind] = ("logits", "logits")
MODELS = ("tiny-Q8_0", "tiny-Q4_0")
HALF_STEP = 16 / 65535 / 2
"""How far a log-probability in a file can be from the model's."""


def opened(path: Path) -> Source:
    return open_llamacpp(str(path), Layout())


def array(values: Array) -> Source:
    return ArraySource(values, Layout())


def result_of(
    reference: Source, candidate: Source, labels: Sequence[int] | None = None, kinds: Any = LOGITS
) -> LanguageResult:
    return summary_of(scoring_of(reference, candidate, labels, kinds)).result()


def scoring_of(
    reference: Source, candidate: Source, labels: Sequence[int] | None = None, kinds: Any = LOGITS
) -> Scoring:
    given = (
        None
        if labels is None
        else Labels("labels", np.asarray(labels, dtype=np.intp), np.shape(labels))
    )
    how = scoring(Pairing(reference, candidate), "softmax", kinds, given)
    assert how is not None
    return how


def summary_of(how: Scoring) -> TokenSummary:
    parts = tuple(
        how.rows(block, np.ones(len(block.reference), dtype=bool)) for block in how.pairing.blocks()
    )
    return TokenSummary(how.floor, parts)


def figures(result: LanguageResult) -> dict[str, tuple[float, float | None]]:
    """The result by llama.cpp's labels and in its units."""

    def both(found: Estimate, factor: float = 1) -> tuple[float, float]:
        return factor * found.value, factor * found.error

    def spread(what: str, found: Distribution, factor: float) -> dict[str, Any]:
        values = {f"{n} {what}": (factor * found.percentiles[k], None) for n, k in NAMES.items()}
        return values | {f"Mean {what}": both(found.mean, factor)}

    return {
        "Mean PPL(Q)": both(result.perplexity[1]),
        "Mean PPL(base)": both(result.perplexity[0]),
        "Cor(ln(PPL(Q)), ln(PPL(base)))": (100 * result.correlation, None),
        "Mean ln(PPL(Q)/PPL(base))": both(result.ln_ratio),
        "Mean PPL(Q)/PPL(base)": both(result.ratio),
        "Mean PPL(Q)-PPL(base)": both(result.difference),
        **spread("KLD", result.kld, 1),
        **spread("Δp", result.delta_p, 100),
        "RMS Δp": both(result.rms_delta_p, 100),
        "Same top p": both(result.same_top, 100),
    }


def assert_printed(
    found: tuple[float, float | None], printed: tuple[float, float | None], rel: float, digits: int
) -> None:
    """Equal to what was printed with so many decimals, within their rounding and rel."""
    for mine, theirs in zip(found, printed, strict=True):
        if theirs is not None:
            assert mine is not None
            assert abs(mine - theirs) <= 0.5001 * 10.0**-digits + rel * abs(mine)


def sample(name: str) -> dict[str, tuple[float, float | None]]:
    return figures(result_of(opened(SAMPLES / "tiny-f32.kld"), opened(SAMPLES / f"{name}.kld")))


OF_BOTH = (
    "Mean PPL(Q)",
    "Cor(ln(PPL(Q)), ln(PPL(base)))",
    "Mean ln(PPL(Q)/PPL(base))",
    "Mean PPL(Q)/PPL(base)",
    "Mean PPL(Q)-PPL(base)",
)
"""Made of log q of the scored tokens, of which the candidate's file censors more than 40."""
KLD = tuple(f"{name} KLD" for name in (*NAMES, "Mean") if name not in {"75.0%", "25.0%"})
NOISY = ("Median", "10.0%", "5.0%", "1.0%", "0.1%", "Minimum")
"""Percentiles of the nearly lossless Q8_0, a few 1e-6 to 1.4e-5 nats off by the rounding of
log q: that is up to 12 % where KLD is 1.1e-4."""
DELTA_P = tuple(f"{name} Δp" for name in (*NAMES, "Mean", "RMS"))


class TestAgainstWhatLlamaCppPrinted:
    """On the samples. Printed were 6 decimals of PPL and KLD, 3 of the percentages."""

    @pytest.mark.parametrize("name", MODELS)
    def test_every_printed_figure_is_compared(self, name: str) -> None:
        printed, found = llamacpp.printed(name), sample(name)
        compared = {*KLD, *DELTA_P, *OF_BOTH, "Mean PPL(base)", "Same top p"}
        assert set(printed) == compared
        assert len(printed) == 34
        assert {label for label, (_, error) in printed.items() if error is not None} == {
            label for label in printed if found[label][1] is not None
        }

    @pytest.mark.parametrize(
        ("name", "label"),
        [
            (name, label)
            for name in MODELS
            for label in KLD
            if name == "tiny-Q4_0" or label.removesuffix(" KLD") not in NOISY
        ],
    )
    def test_the_divergence_to_three_per_mille(self, name: str, label: str) -> None:
        assert_printed(sample(name)[label], llamacpp.printed(name)[label], 3e-3, 6)

    @pytest.mark.parametrize("label", KLD)
    @pytest.mark.parametrize("name", MODELS)
    def test_no_percentile_of_it_is_off_by_more_than_the_rounding(
        self, name: str, label: str
    ) -> None:
        """No row's KLD is off by more than half a step of log q, so no percentile is."""
        found, expected = sample(name)[label][0], llamacpp.printed(name)[label][0]
        assert abs(found - expected) < HALF_STEP / 4

    @pytest.mark.parametrize("name", MODELS)
    def test_same_top_p(self, name: str) -> None:
        assert_printed(sample(name)["Same top p"], llamacpp.printed(name)["Same top p"], 1e-9, 3)

    @pytest.mark.parametrize("name", MODELS)
    def test_the_perplexity_of_the_reference(self, name: str) -> None:
        label = "Mean PPL(base)"
        assert_printed(sample(name)[label], llamacpp.printed(name)[label], 1e-8, 6)

    @pytest.mark.parametrize("label", DELTA_P)
    @pytest.mark.parametrize("name", MODELS)
    def test_the_change_of_the_tokens_probability(self, name: str, label: str) -> None:
        assert_printed(sample(name)[label], llamacpp.printed(name)[label], 3e-3, 3)

    @pytest.mark.parametrize("label", OF_BOTH)
    @pytest.mark.parametrize("name", MODELS)
    def test_what_a_candidates_file_cannot_tell(self, name: str, label: str) -> None:
        """Of 43 and 44 of the 155 tokens the file says only that log q is at most its floor."""
        result = result_of(opened(SAMPLES / "tiny-f32.kld"), opened(SAMPLES / f"{name}.kld"))
        assert result.censored[1] is not None
        assert result.censored[1].targets == {"tiny-Q8_0": 43, "tiny-Q4_0": 44}[name]
        expected, _ = llamacpp.printed(name)[label]
        found, _ = sample(name)[label]
        if label.startswith("Cor"):
            assert found > 1.03 * expected
        else:
            assert found < 0.57 * expected


@pytest.mark.parametrize("window", [16, 24], ids=["llama.cpp", "ik_llama.cpp"])
@pytest.mark.parametrize("scale", [1.0, 3.0, 8.0])
@pytest.mark.parametrize("noise", [1e-3, 0.1, 3.0])
def test_a_model_that_was_not_written_to_a_file_gives_what_llama_cpp_prints(
    tmp_path: Path, scale: float, noise: float, window: float
) -> None:
    """Its logits, as an array, are what llama.cpp has when it prints: then every figure agrees."""
    logits, tokens = random_logits(4, 31, 301, scale), random_tokens(4, 64, 301)
    others = logits + np.float32(noise) * random_logits(4, 31, 301, 1, seed=1)
    base = write(tmp_path / "base.kld", logits, tokens, window)
    found = figures(result_of(opened(base), array(others)))
    expected = llamacpp.statistics(base.read_bytes(), others)
    assert set(found) == set(expected)
    for label, (value, error) in expected.items():
        assert found[label][0] == pytest.approx(value, rel=1e-9, abs=1e-13), label
        assert (found[label][1] is None) == (error is None)
        if error is not None:
            assert found[label][1] == pytest.approx(error, rel=1e-6, abs=1e-13), label


def test_a_candidates_file_that_censors_nothing_tells_its_perplexity(tmp_path: Path) -> None:
    logits, tokens = random_logits(4, 31, 301, 1.5), random_tokens(4, 64, 301)
    others = logits + np.float32(0.3) * random_logits(4, 31, 301, 1, seed=1)
    base = write(tmp_path / "base.kld", logits, tokens)
    candidate = write(tmp_path / "candidate.kld", others, tokens)
    result = result_of(opened(base), opened(candidate))
    assert [side.cells for side in result.censored if side] == [0, 0]
    found, expected = figures(result), llamacpp.statistics(base.read_bytes(), others)
    for label, (value, _) in expected.items():
        if "KLD" not in label:
            assert found[label][0] == pytest.approx(value, rel=1e-3, abs=1e-5), label
        else:
            assert found[label][0] == pytest.approx(value, abs=HALF_STEP), label


class TestCensored:
    """By hand: window 16, so that classes more than 16 below the first are censored."""

    P = (0.0, -1.0, -15.0, -17.0, -30.0)
    Q = (-0.5, 0.0, -40.0, -20.0, -3.0)

    def rows(self, tmp_path: Path, token: int) -> tuple[TokenRows, Array, Array]:
        tokens = np.full((1, 4), token)
        sides = []
        for name, row in (("p.kld", self.P), ("q.kld", self.Q)):
            path = write(tmp_path / name, np.array([[row]], np.float32), tokens)
            sides.append(opened(path))
        values = [next(iter(side.blocks(1))).values[0] for side in sides]
        return summary_of(scoring_of(sides[0], sides[1])).parts[0], values[0], values[1]

    def test_counts_bounds_and_what_the_candidate_hides(self, tmp_path: Path) -> None:
        rows, log_p, log_q = self.rows(tmp_path, 0)
        reference, candidate = rows.censored
        assert reference is not None
        assert candidate is not None
        assert (reference.cells.tolist(), candidate.cells.tolist()) == ([2], [2])
        assert reference.held[0] == pytest.approx(2 * math.exp(log_p.min()), rel=1e-14, abs=0)
        assert candidate.held[0] == pytest.approx(2 * math.exp(log_q.min()), rel=1e-14, abs=0)
        # Of the candidate's two censored classes, 2 and 3, p censors the second, which KLD skips.
        assert rows.blind[0] == pytest.approx(math.exp(log_p[2]), rel=1e-14, abs=0)

    def test_the_divergence_skips_what_the_reference_censors(self, tmp_path: Path) -> None:
        rows, log_p, log_q = self.rows(tmp_path, 0)
        terms = [math.exp(p) * (p - q) for p, q in zip(log_p, log_q, strict=True)]
        assert rows.kld[0] == pytest.approx(sum(terms[:3]), rel=1e-14)

    @pytest.mark.parametrize("token", range(5))
    def test_a_token_that_is_censored_is_known_as_such(self, tmp_path: Path, token: int) -> None:
        rows, log_p, log_q = self.rows(tmp_path, token)
        assert (rows.log_p[0], rows.log_q[0]) == (log_p[token], log_q[token])
        known = [side.target[0] for side in rows.censored if side is not None]
        assert known == [token in {3, 4}, token in {2, 3}]

    def test_a_side_without_a_window_has_none(self, tmp_path: Path) -> None:
        path = write(tmp_path / "p.kld", np.array([[self.P]], np.float32), np.zeros((1, 4)))
        other = array(np.array([[self.Q]]))
        first, second = result_of(opened(path), other), result_of(other, opened(path))
        assert first.censored[0] is not None
        assert (first.censored[1], first.blind_max, first.floor) == (None, 0, -16)
        assert (second.censored[0], second.floor) == (None, -16)
        assert second.censored[1] == first.censored[0]
        assert second.blind_max == pytest.approx(math.exp(-3) / 1.6563177)
        assert first.kld.mean.value > 0

    @pytest.mark.parametrize("side", ["reference", "candidate"])
    def test_a_class_that_an_array_beside_the_file_rules_out(
        self, tmp_path: Path, side: str
    ) -> None:
        """0 * inf would be NaN: where p = 0, and where the file censors what q rules out."""
        path = write(tmp_path / "x.kld", np.array([[self.P]], np.float32), np.zeros((1, 4)))
        values = np.array([[[0.1, 0.5, -14.0, -np.inf, -np.inf]]])
        sides = [opened(path), array(values)]
        if side == "reference":
            sides.reverse()
        kld = result_of(sides[0], sides[1]).kld.mean.value
        p, q = ([*map(float, next(iter(x.blocks(1))).values[0][:3])] for x in sides)
        p, q = ([x - math.log(sum(map(math.exp, row))) for x in row] for row in (p, q))
        expected = sum(math.exp(a) * (a - b) for a, b in zip(p, q, strict=True))
        assert kld == pytest.approx(expected, abs=HALF_STEP)

    def test_the_file_of_a_side_is_not_divided_by_its_sum(self, tmp_path: Path) -> None:
        """60000 classes at the floor would lower log p of the first by 0.0067."""
        logits = np.full((1, 1, 60_000), -40, np.float32)
        logits[0, 0, 17] = 3
        path = write(tmp_path / "p.kld", logits, np.full((1, 4), 17))
        result = result_of(opened(path), array(logits))
        assert result.perplexity[0].value == pytest.approx(1, abs=1e-6)
        assert result.censored[0] is not None
        assert result.censored[0].held_max == pytest.approx(59_999 * math.exp(-16), rel=1e-6)


class TestTheSameFile:
    @pytest.mark.parametrize("name", [*MODELS, "tiny-f32"])
    def test_nothing_differs(self, name: str) -> None:
        path = SAMPLES / f"{name}.kld"
        result = result_of(opened(path), opened(path))
        assert set(result.kld.percentiles.values()) == {0.0}
        assert set(result.delta_p.percentiles.values()) == {0.0}
        zero = Estimate(0.0, 0.0)
        assert result.kld.mean == result.delta_p.mean == result.rms_delta_p == zero
        assert result.ln_ratio == result.difference == zero
        assert (result.ratio, result.same_top) == (Estimate(1.0, 0.0), Estimate(1.0, 0.0))
        assert result.correlation == pytest.approx(1, rel=1e-14)
        assert result.perplexity[0] == result.perplexity[1]


class TestLabels:
    """Without a llama.cpp file: exact, over all classes."""

    S = 3 * np.random.default_rng(5).normal(size=(6, 11))
    T = S + 1e-6 * np.random.default_rng(6).normal(size=(6, 11))
    LABELS = (3, 0, 10, 5, 5, 7)

    def test_the_divergence_is_the_exact_one(self) -> None:
        rows = summary_of(scoring_of(array(self.S), array(self.T), self.LABELS)).parts[0]
        for found, s, t in zip(rows.kld.tolist(), self.S, self.T, strict=True):
            assert relative_error(found, oracle("kl", "softmax", s, t)) < 2e-14

    @pytest.mark.parametrize("dtype", ["f4", "f8"])
    def test_log_probabilities_of_the_tokens(self, dtype: str) -> None:
        s, t = self.S.astype(dtype), self.T.astype(dtype)
        rows = summary_of(scoring_of(array(s), array(t), self.LABELS)).parts[0]
        for found, logits in ((rows.log_p, s), (rows.log_q, t)):
            for value, row, label in zip(found.tolist(), logits, self.LABELS, strict=True):
                assert relative_error(value, log_softmax(row, label)) < 2e-15

    def test_the_probability_next_to_1_keeps_its_digits(self) -> None:
        s = np.array([[40.0, 0.0, 1.0]])
        result = result_of(array(s), array(s - [[0, 2, 2]]), [0])
        with mp.workdps(60):
            ln_ratio = float(log_softmax(s[0], 0) - log_softmax(s[0] - [0, 2, 2], 0))
        assert result.ln_ratio.value == pytest.approx(ln_ratio, rel=1e-14, abs=0)
        assert result.delta_p.mean.value == pytest.approx(-ln_ratio, rel=1e-14, abs=0)

    @pytest.mark.parametrize("delta", [1e-12, 1e-8, 1e-3])
    def test_models_that_hardly_differ_keep_their_digits(self, delta: float) -> None:
        t = self.S + delta * np.random.default_rng(6).normal(size=(6, 11))
        found = result_of(array(self.S), array(t), self.LABELS)
        with mp.workdps(60):
            logs = [
                [log_softmax(row, label) for row, label in zip(side, self.LABELS, strict=True)]
                for side in (self.S, t)
            ]
            ln_ratio = mp.fsum(a - b for a, b in zip(*logs, strict=True)) / 6
            of_p, of_q = (mp.exp(-mp.fsum(side) / 6) for side in logs)
            change = [mp.exp(b) - mp.exp(a) for a, b in zip(*logs, strict=True)]
            mean, square = mp.fsum(change) / 6, mp.fsum(x**2 for x in change) / 6
            for value, true in (
                (found.ln_ratio.value, ln_ratio),
                (found.difference.value, of_q - of_p),
                (found.delta_p.mean.value, mean),
                (found.delta_p.mean.error, mp.sqrt((square - mean**2) / 5)),
                (found.delta_p.percentiles["max"], max(change)),
                (found.delta_p.percentiles["min"], min(change)),
                (found.rms_delta_p.value, mp.sqrt(square)),
            ):
                assert relative_error(value, true) < 2e-14

    @pytest.mark.parametrize("mixed", [False, True], ids=["exact", "beside-a-file"])
    @pytest.mark.parametrize("kind", ["probs", "log-probs"])
    def test_probabilities_and_their_logarithms(
        self, tmp_path: Path, kind: Kind, mixed: bool
    ) -> None:
        logits = random_logits(2, 3, 7)
        p = np.exp(logits - logits.max(axis=2, keepdims=True)).astype(float)
        p /= p.sum(axis=2, keepdims=True)
        base: Source = array(p if kind == "probs" else np.log(p))
        other = array(random_logits(2, 3, 7, seed=1))
        labels = [0, 1, 2, 3, 4, 5]
        if mixed:
            path = write(tmp_path / "q.kld", random_logits(2, 3, 7, seed=1), random_tokens(2, 8, 7))
            other = opened(path)
        found = result_of(base, other, labels, (kind, "logits"))
        expected = result_of(array(logits), other, labels)
        for label, (value, _) in figures(expected).items():
            assert figures(found)[label][0] == pytest.approx(value, rel=1e-5, abs=1e-9), label

    def test_labels_overrule_the_tokens_of_a_file(self) -> None:
        source = opened(SAMPLES / "tiny-f32.kld")
        labels = list(range(155))
        rows = summary_of(scoring_of(source, source, labels)).parts[0]
        values = next(iter(source.blocks(155))).values
        np.testing.assert_array_equal(rows.log_p, values[range(155), labels][: len(rows.log_p)])

    def test_a_token_that_the_candidate_rules_out(self) -> None:
        t, labels = self.T.copy(), [*self.LABELS]
        labels[2] = int(t[2].argmax())
        t[2, labels[2]] = -np.inf
        result = result_of(array(self.S), array(t), labels)
        assert (result.perplexity[1].value, result.kld.mean.value) == (math.inf, math.inf)
        assert result.ln_ratio.value == math.inf
        assert math.isnan(result.ln_ratio.error)
        assert math.isnan(result.correlation)
        assert result.delta_p.percentiles["min"] < 0
        assert result.same_top.value == 5 / 6
        assert [result.kld.percentiles[name] for name in ("max", "p90", "p75")] == [
            *(math.inf, math.inf),
            pytest.approx(0, abs=1e-9),
        ]

    def test_a_token_that_both_rule_out(self) -> None:
        s, t = self.S.copy(), self.T.copy()
        s[2, 10] = t[2, 10] = -np.inf
        result = result_of(array(s), array(t), self.LABELS)
        assert [ppl.value for ppl in result.perplexity] == [math.inf, math.inf]
        assert math.isnan(result.ln_ratio.value)
        assert result.kld.mean.value < 1e-9
        assert abs(result.delta_p.mean.value) < 1e-5


def log_softmax(row: Array, label: int) -> mpf:
    with mp.workdps(60):
        x = [mpf(float(value)) for value in row]
        return x[label] - mp.log(mp.fsum(mp.exp(value) for value in x))


class TestSmoothed:
    """The candidate is mixed with the uniform distribution: (1 - E) * q + E / classes."""

    S, T, LABELS = TestLabels.S, TestLabels.T, TestLabels.LABELS

    @pytest.mark.parametrize("weight", [1e-6, 0.1, 0.9])
    def test_every_figure_is_of_the_mixture(self, weight: float) -> None:
        how = replace(scoring_of(array(self.S), array(self.T), self.LABELS), smooth=weight)
        rows = summary_of(how).parts[0]
        for i, (s, t) in enumerate(zip(self.S, self.T, strict=True)):
            kld = oracle("kl", "softmax", s, t, smooth=weight)
            assert relative_error(float(rows.kld[i]), kld) < 2e-14
            with mp.workdps(50):
                p, q = ([mp.exp(mpf(float(x))) for x in row] for row in (s, t))
                of_p = p[self.LABELS[i]] / sum(p)
                of_q = (1 - mpf(weight)) * q[self.LABELS[i]] / sum(q) + mpf(weight) / 11
                assert relative_error(float(rows.log_q[i]), mp.log(of_q)) < 1e-14
                assert relative_error(float(rows.log_ratio[i]), mp.log(of_q / of_p)) < 2e-14

    def test_among_the_classes_that_a_mask_keeps(self) -> None:
        keep = np.ones(11, bool)
        keep[[1, 4]] = False
        options: Any = {"labels": np.array(self.LABELS), "smooth": 0.1}
        masked = compare(self.S, self.T, mask=keep, **options).language
        labels = np.searchsorted(np.flatnonzero(keep), self.LABELS)
        alone = compare(self.S[:, keep], self.T[:, keep], **(options | {"labels": labels})).language
        assert masked is not None
        assert alone is not None
        assert masked.kld.mean.value == pytest.approx(alone.kld.mean.value, rel=1e-14)
        assert masked.ln_ratio.value == pytest.approx(alone.ln_ratio.value, rel=1e-14)

    def test_of_a_file(self) -> None:
        how = scoring_of(opened(SAMPLES / "tiny-f32.kld"), opened(SAMPLES / "tiny-Q4_0.kld"))
        rows, plain = (summary_of(x).parts[0] for x in (replace(how, smooth=0.25), how))
        classes = next(iter(opened(SAMPLES / "tiny-f32.kld").blocks(1))).values.shape[1]
        np.testing.assert_allclose(
            np.exp(rows.log_q), 0.75 * np.exp(plain.log_q) + 0.25 / classes, rtol=1e-13
        )
        assert rows.log_p.tobytes() == plain.log_p.tobytes()
        assert (rows.kld > plain.kld).mean() > 0.9


class TestRowsThatDoNotCount:
    S, T, LABELS = TestLabels.S, TestLabels.T, TestLabels.LABELS

    @pytest.mark.parametrize("side", ["array", "file"])
    def test_they_are_in_no_figure(self, tmp_path: Path, side: str) -> None:
        logits, tokens = random_logits(2, 3, 7), random_tokens(2, 8, 7)
        other = array(random_logits(2, 3, 7, seed=1))
        reference = array(logits)
        if side == "file":
            reference = opened(write(tmp_path / "p.kld", logits, tokens))
        counted = np.array([True, False, True, True, False, True])
        how = scoring_of(reference, other, [0, 1, 2, 3, 4, 5])
        block = next(how.pairing.blocks())
        every, some = how.rows(block, counted | True), how.rows(block, counted)
        for field in fields(TokenRows):
            if field.name != "censored":
                whole = getattr(every, field.name)[counted]
                np.testing.assert_array_equal(getattr(some, field.name), whole)
        if side == "file":
            mine, all_of_them = some.censored[0], every.censored[0]
            assert mine is not None
            assert all_of_them is not None
            np.testing.assert_array_equal(mine.held, all_of_them.held[counted])

    @pytest.mark.parametrize("side", ["array", "file", "reference-file"])
    def test_an_invalid_row_that_counts_makes_the_figures_nan(
        self, tmp_path: Path, side: str
    ) -> None:
        logits = random_logits(2, 3, 7)
        broken = logits.copy()
        broken[1, 1, 4] = np.nan
        file = write(tmp_path / "x.kld", logits, random_tokens(2, 8, 7))
        reference, candidate = {
            "array": (array(logits), array(broken)),
            "file": (opened(file), array(broken)),
            "reference-file": (array(broken), opened(file)),
        }[side]
        result = result_of(reference, candidate, [0, 1, 2, 3, 4, 5])
        assert math.isnan(result.kld.mean.value)
        assert all(math.isnan(result.kld.percentiles[name]) for name in PERCENTILES)
        assert math.isnan(result.perplexity[side != "reference-file"].value)
        assert math.isnan(result.rms_delta_p.value)
        assert result.tokens == 6
        assert 5 * result.same_top.value == pytest.approx(round(5 * result.same_top.value))

    def test_nothing_but_minus_inf_on_one_side_is_invalid_beside_a_file(
        self, tmp_path: Path
    ) -> None:
        logits = random_logits(2, 3, 7)
        file = write(tmp_path / "x.kld", logits, random_tokens(2, 8, 7))
        empty = logits.copy()
        empty[0, 2] = -np.inf
        rows = summary_of(scoring_of(opened(file), array(empty))).parts[0]
        assert np.isnan(rows.kld).tolist() == [False, False, True, False, False, False]


class TestSummary:
    def summary(self) -> TokenSummary:
        how = scoring_of(opened(SAMPLES / "tiny-f32.kld"), opened(SAMPLES / "tiny-Q4_0.kld"))
        return summary_of(how)

    @pytest.mark.parametrize("seed", range(5))
    def test_any_split_is_the_whole_to_the_last_bit(self, seed: int) -> None:
        whole = self.summary()
        assert TokenSummary(-16.0, tuple(pieces(whole, seed))).result() == whole.result()

    @pytest.mark.parametrize("rows", [1, 2, 7, 100, 155])
    def test_rows_are_scored_alike_in_blocks_of_any_size(self, rows: int) -> None:
        sources = opened(SAMPLES / "tiny-f32.kld"), opened(SAMPLES / "tiny-Q8_0.kld")
        labels = Tokens("", open_llamacpp(str(SAMPLES / "tiny-f32.kld"), Layout()).tokens).targets
        values = [np.concatenate([b.values for b in s.blocks(155)]) for s in sources]
        found = [
            score(
                Scored(values[0][i : i + rows], "log-probs", floors(values[0][i : i + rows])),
                Scored(values[1][i : i + rows], "log-probs", floors(values[1][i : i + rows])),
                labels[i : i + rows],
            )
            for i in range(0, 155, rows)
        ]
        expected = summary_of(scoring_of(*sources)).result()
        assert TokenSummary(-16.0, tuple(found)).result() == expected

    def test_one_row_has_no_errors(self) -> None:
        result = result_of(array(TestLabels.S[:1]), array(TestLabels.T[:1]), [3])
        assert result.tokens == 1
        for found in (*result.perplexity, result.ln_ratio, result.kld.mean, result.same_top):
            assert math.isfinite(found.value)
            assert math.isnan(found.error)
        assert math.isnan(result.correlation)
        assert len({result.kld.percentiles[name] for name in PERCENTILES}) == 1

    def test_a_correlation_whose_squares_are_no_float64_is_not_told(self) -> None:
        s, t = np.array([[0.0, -1e200], [0.0, -1.0]]), np.array([[0.0, -2.0], [0.0, -1.0]])
        assert math.isnan(result_of(array(s), array(t), [1, 1]).correlation)

    def test_perplexity_beyond_float64_is_infinite(self) -> None:
        s = np.array([[0.0, -800.0], [0.0, -900.0]])
        result = result_of(array(s), array(s - [[0, 1]]), [1, 1])
        assert [ppl.value for ppl in result.perplexity] == [math.inf, math.inf]
        assert result.ln_ratio.value == pytest.approx(1)
        assert math.isnan(result.difference.value)

    def test_percentiles_are_interpolated(self) -> None:
        kld = np.array([4.0, 1.0, 2.0, 8.0])
        ones = np.ones(4)
        rows = TokenRows(-ones, -2 * ones, -ones, kld, ones.astype(bool), 0 * ones)
        found = TokenSummary(None, (rows,)).result().kld
        assert [found.percentiles[name] for name in ("min", "median", "max")] == [1, 3, 8]
        assert found.percentiles["p75"] == 5
        assert found.percentiles["p99"] == pytest.approx(8 - 4 * 0.03)
        assert found.mean.value == 3.75
        assert found.mean.error == pytest.approx(math.sqrt((85 / 4 - 3.75**2) / 3))


def floors(values: Array) -> Array:
    """The sample's rows all reach the window: each has its censored cells at its minimum."""
    return cast("Array", values.min(axis=1))


def pieces(whole: TokenSummary, seed: int) -> list[TokenRows]:
    """Cut a summary's rows into parts at random."""
    rng = np.random.default_rng(seed)
    found = []
    for part in whole.parts:
        cuts = [0, *sorted(rng.choice(np.arange(1, len(part.kld)), 4, replace=False)), None]
        for start, stop in pairwise(cuts):
            found.append(part_of(part, slice(start, stop)))
    return found


def part_of(rows: TokenRows, where: slice) -> TokenRows:
    sides = [
        None
        if side is None
        else CensoredRows(side.target[where], side.cells[where], side.held[where])
        for side in rows.censored
    ]
    plain = {f.name: getattr(rows, f.name)[where] for f in fields(rows) if f.name != "censored"}
    return replace(rows, **plain, censored=(sides[0], sides[1]))


class TestWhetherToScore:
    def test_two_arrays_have_no_tokens(self) -> None:
        pairing = Pairing(array(TestLabels.S), array(TestLabels.T))
        assert scoring(pairing, "softmax", LOGITS, None) is None

    def test_under_sigmoid_nothing_is_scored(self) -> None:
        source = opened(SAMPLES / "tiny-f32.kld")
        assert scoring(Pairing(source, source), "sigmoid", LOGITS, None) is None

    def test_labels_under_sigmoid_are_bad_usage(self) -> None:
        pairing = Pairing(array(TestLabels.S), array(TestLabels.T))
        labels = Labels("labels.npy", np.zeros(6, np.intp), (6,))
        with pytest.raises(UsageError) as caught:
            scoring(pairing, "sigmoid", LOGITS, labels)
        assert caught.value.what == (
            "--labels score one class per row, and under sigmoid every cell is its own"
        )
        assert caught.value.advice == "Leave --labels out, or say --mode softmax."

    @pytest.mark.parametrize("labels", [None, [0, 1, 2]])
    def test_files_of_different_texts_are_refused(self, tmp_path: Path, labels: Any) -> None:
        paths = [
            write(tmp_path / f"{seed}.kld", random_logits(1, 3, 7), random_tokens(1, 8, 7, seed))
            for seed in (0, 1)
        ]
        with pytest.raises(InputError, match="expected the same tokens as"):
            compare(*paths, labels=labels)


def test_what_is_censored_is_told_of_the_worst_row_and_of_all() -> None:
    one = np.full(3, -1.0)
    hidden = CensoredRows(
        np.array([False, True, True]), np.array([4, 0, 9], np.intp), np.array([0.25, 0.0, 0.125])
    )
    blind = np.array([0.5, 0.0, 0.25])
    rows = TokenRows(one, one, 0 * one, 0 * one, one < 0, blind, (None, hidden))
    result = TokenSummary(-16.0, (rows,)).result()
    assert (result.blind_max, result.blind_mean) == (0.5, 0.25)
    reference, candidate = result.censored
    assert reference is None
    assert candidate is not None
    assert (candidate.targets, candidate.cells) == (2, 13)
    assert (candidate.held_max, candidate.held_mean) == (0.25, 0.125)


@pytest.mark.skipif(_native.load() is None, reason="the C kernels are not built")
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("noise", [1e-12, 1e-4, 0.1, 1.0])
def test_rows_of_which_a_kernel_knows_the_partitions(noise: float, dtype: str) -> None:
    random = np.random.default_rng(5)
    s = 3 * random.standard_normal((24, 700))
    s[:3, 5] = 12.0, 25.0, 60.0  # one class ahead of all others
    s[4, :300] = -np.inf
    s = s.astype(dtype)
    t = (s + noise * random.standard_normal(s.shape)).astype(dtype)
    t[5] = s[5]
    labels = random.integers(0, 700, 24)
    labels[:3], labels[4] = 5, 7
    how = scoring_of(array(s), array(t), labels.tolist())
    block, all_rows = next(how.pairing.blocks()), np.ones(24, dtype=bool)
    evaluator = Evaluator([], "softmax", with_partitions=True)
    known = evaluator.evaluate(block.reference, block.candidate)
    assert known.partitions is not None
    assert (~np.isnan(known.partitions.reference)).sum() > (20 if noise in {1e-4, 0.1} else -1)
    found, expected = how.rows(block, all_rows, known), how.rows(block, all_rows)
    for field in ("log_p", "log_q", "kld"):
        mine = getattr(found, field)
        assert mine == pytest.approx(getattr(expected, field), rel=2e-14, abs=0), field
    assert found.same.tolist() == expected.same.tolist()
    # Two logarithms of sums are off by their last digits.
    assert found.log_ratio == pytest.approx(expected.log_ratio, rel=2e-14, abs=3e-15, nan_ok=True)
    assert found.log_ratio[5] == 0.0
