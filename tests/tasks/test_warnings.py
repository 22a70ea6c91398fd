"""What people get wrong about their files is noticed, named and mendable."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import kldiv_cli
from kldiv_cli.errors import InputError, UnclearError, UsageError
from kldiv_cli.measures import _native
from tests.command import Kldiv

Array = npt.NDArray[np.float64]


def logits(rows: int = 6, classes: int = 5, seed: int = 1) -> Array:
    return 3 * np.random.default_rng(seed).normal(size=(rows, classes))


def probabilities(values: Array) -> Array:
    weights = np.exp(values)
    found: Array = weights / weights.sum(axis=1, keepdims=True)
    return found


S, T = logits(), logits() + 0.1 * logits(seed=2)
P, Q = probabilities(S), probabilities(T)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    found = {
        "s": S,
        "t": T,
        "p": P,
        "q": Q,
        "log-p": np.log(P),
        "log-q": np.log(Q),
        "off": 1.02 * P,
        "p1": P[:1],
        "q1": Q[:1],
        "t1": T[:1],
    }
    for name, values in found.items():
        np.save(tmp_path / f"{name}.npy", values)
    return {name: str(tmp_path / f"{name}.npy") for name in found}


class TestWarnings:
    def test_clean_logits_raise_none(self) -> None:
        assert kldiv_cli.compare(S, T).warnings == ()

    @pytest.mark.parametrize(
        ("reference", "candidate", "named"),
        [(P, T, ["reference"]), (S, Q, ["candidate"]), (P, Q, ["reference", "candidate"])],
        ids=["reference", "candidate", "both"],
    )
    def test_probabilities_taken_for_logits(
        self, reference: Array, candidate: Array, named: list[str]
    ) -> None:
        """Several rows are a question; a single one may be chance."""
        warnings = kldiv_cli.compare(reference[:1], candidate[:1]).warnings
        assert [re.findall(r"--(\w+)-input probs", warning) for warning in warnings] == [
            [side] for side in named
        ]
        assert all("these look like probabilities" in warning for warning in warnings)

    def test_one_row_that_does_not_sum_to_1_is_enough_to_be_logits(self) -> None:
        almost = P.copy()
        almost[-1] *= 1.5
        assert kldiv_cli.compare(almost, T).warnings == ()

    def test_log_probabilities_are_harmless_under_softmax_and_wrong_under_sigmoid(self) -> None:
        assert kldiv_cli.compare(np.log(P), np.log(Q)).warnings == ()
        with pytest.raises(UnclearError, match="log-probabilities of a softmax"):
            kldiv_cli.compare(np.log(P), T, mode="sigmoid")
        assert kldiv_cli.compare(np.log(P), T, mode="sigmoid", kind=("logits", None)).rows == 6
        warnings = kldiv_cli.compare(np.log(P[:1]), T[:1], mode="sigmoid").warnings
        assert len(warnings) == 1
        assert "log-probabilities" in warnings[0]
        assert "--mode softmax" in warnings[0]

    def test_identical_files(self) -> None:
        (warning,) = kldiv_cli.compare(S, S.copy()).warnings
        assert "the same numbers" in warning

    def test_a_difference_in_the_last_row_is_no_copy(self) -> None:
        rows = np.tile(S, (2000, 1))
        other = rows.copy()
        other[-1, -1] += 1
        assert kldiv_cli.compare(rows, other).warnings == ()

    def test_told_once_on_stderr_and_kept_in_json(
        self,
        files: dict[str, str],
        kldiv: Kldiv,
    ) -> None:
        code, out, err = kldiv("compare", files["p1"], files["t1"], "--format", "json")
        assert code == 0
        assert err.count("\n") == 1
        assert err.startswith(f"kldiv: warning: {files['p1']}: these look like probabilities")
        assert json.loads(out)["warnings"] == [err.removeprefix("kldiv: warning: ").strip()]

    def test_strict_makes_it_an_error_and_writes_nothing(
        self,
        files: dict[str, str],
        tmp_path: Path,
        kldiv: Kldiv,
    ) -> None:
        target = tmp_path / "out.csv"
        code, out, err = kldiv("compare", files["p1"], files["t1"], "--strict", "-o", str(target))
        assert (code, out) == (2, "")
        assert err.startswith(f"kldiv: error: {files['p1']}: these look like probabilities")
        assert not target.exists()

    def test_no_warn_is_silent(
        self,
        files: dict[str, str],
        kldiv: Kldiv,
    ) -> None:
        code, _, err = kldiv("compare", files["p1"], files["t1"], "--no-warn")
        assert (code, err) == (0, "")

    def test_strict_and_no_warn_contradict(
        self,
        files: dict[str, str],
        kldiv: Kldiv,
    ) -> None:
        code, out, err = kldiv("compare", files["s"], files["t"], "--strict", "--no-warn")
        assert (code, out) == (2, "")
        assert "--strict" in err


class TestKinds:
    def test_the_report_says_what_was_done(
        self,
        files: dict[str, str],
        kldiv: Kldiv,
    ) -> None:
        code, out, err = kldiv("compare", files["p"], files["log-q"], "--reference-input", "probs",
            "--candidate-input", "log-probs", "--smooth", "0.01",
        )  # fmt: skip
        assert (code, err) == (0, "")
        assert re.search(
            r"^input +p: probs, rows sum to 1 within \S+, divided by", out, re.MULTILINE
        )
        assert re.search(
            r"^input +q: log-probs, rows sum to 1 within \S+, divided by", out, re.MULTILINE
        )
        assert re.search(r"(?m)^smooth +q is \(1 - E\)\*q \+ E/5, E = 0\.01$", out)

    def test_json_says_it_too(self) -> None:
        result = kldiv_cli.compare(P.astype("f4"), Q, kind="probs", smooth=0.5)
        assert result.reference.kind == "probs"
        assert result.reference.sum_error == np.abs(P.astype("f4").astype("f8").sum(1) - 1).max()
        assert result.smooth == 0.5

    def test_one_kind_serves_both_sides(self) -> None:
        both = kldiv_cli.compare(P, Q, kind="probs").values["jeffreys"]
        assert both == pytest.approx(kldiv_cli.compare(S, T).values["jeffreys"], rel=1e-12)

    def test_rows_that_do_not_sum_to_1_name_the_worst_and_the_way_out(self) -> None:
        wrong = P.copy()
        wrong[2] *= 1.01
        wrong[4] *= 0.9
        with pytest.raises(InputError) as caught:
            kldiv_cli.compare(S, wrong, kind=("logits", "probs"))
        assert "row 4" in caught.value.what
        assert (
            f"found a sum of {wrong[4].sum()!r}".replace("np.float64", "")
            .replace("(", "")
            .replace(")", "")
            in caught.value.what
        )
        assert "--normalize" in caught.value.advice

    def test_normalize_divides(self) -> None:
        found = kldiv_cli.compare(1.02 * P, 0.7 * Q, kind="probs", normalize=True)
        assert found.values["jeffreys"] == pytest.approx(
            kldiv_cli.compare(P, Q, kind="probs").values["jeffreys"], rel=1e-12
        )
        assert found.candidate.sum_error == pytest.approx(0.3)

    @pytest.mark.parametrize("dtype", ["f2", "f4"])
    def test_rounding_of_the_type_is_no_error(self, dtype: str) -> None:
        found = kldiv_cli.compare(P.astype(dtype), Q.astype(dtype), kind="probs")
        assert 0 < (found.reference.sum_error or 0) < 1e-2

    def test_log_probabilities_must_sum_to_1_as_well(self) -> None:
        with pytest.raises(InputError, match="rows of log-probs that sum to 1"):
            kldiv_cli.compare(np.log(P) + 0.1, np.log(Q), kind="log-probs")

    def test_an_invalid_row_is_no_wrong_sum(self) -> None:
        broken = P.copy()
        broken[1] = np.nan
        found = kldiv_cli.compare(broken, Q, kind="probs", nan_policy="omit")
        assert (found.rows, found.invalid) == (5, 1)

    def test_a_negative_probability_is_named(self) -> None:
        with pytest.raises(
            InputError, match=r"row 0, class \d: expected a probability from 0 to 1"
        ):
            kldiv_cli.compare(S, T, kind="probs")

    def test_swapped_kinds_are_recognised(self) -> None:
        with pytest.raises(InputError) as caught:
            kldiv_cli.compare(S, Q, kind=("probs", "logits"))
        assert "swapped" in caught.value.advice

    @pytest.mark.parametrize(
        ("options", "word"),
        [
            ({"kind": "percent"}, "percent"),
            ({"kind": "probs", "smooth": 1.0}, "--smooth"),
            ({"kind": "probs", "smooth": -0.1}, "--smooth"),
            ({"normalize": True}, "--normalize"),
            ({"kind": "probs", "normalize": True, "mode": "sigmoid"}, "--normalize"),
        ],
        ids=["kind", "smooth-1", "smooth-negative", "normalize-logits", "normalize-sigmoid"],
    )
    def test_bad_options(self, options: dict[str, object], word: str) -> None:
        with pytest.raises(UsageError) as caught:
            kldiv_cli.compare(P, Q, **options)  # type: ignore[arg-type]
        assert word in caught.value.what


class TestSeveralMeasures:
    def test_each_is_an_entry_and_a_column(
        self,
        files: dict[str, str],
        tmp_path: Path,
        kldiv: Kldiv,
    ) -> None:
        target = tmp_path / "rows.npy"
        code, out, _ = kldiv("compare", files["s"], files["t"], "-m", "kl,gjs:0.1", "-m", "tv",
            "--format", "json", "-o", str(target), "--unit", "bits",
        )  # fmt: skip
        assert code == 0
        measures = json.loads(out)["measures"]
        assert list(measures) == ["kl", "gjs:0.1", "tv"]
        assert [measures[name]["unit"] for name in measures] == ["bits", "bits", None]
        columns = np.load(target)
        assert columns.shape == (6, 3)
        assert columns.sum(axis=0) == pytest.approx([measures[n]["total"] for n in measures])

    def test_they_are_the_same_alone_and_together(self) -> None:
        names = ["jeffreys", "kl", "reverse-kl", "js", "tv", "renyi:2", "entropy"]
        together = kldiv_cli.compare(S, T, measure=names)
        for name in names:
            alone = kldiv_cli.compare(S, T, measure=name)
            assert alone.measures[name] == together.measures[name]

    def test_limits_and_stat_may_name_one(
        self,
        files: dict[str, str],
        kldiv: Kldiv,
    ) -> None:
        code, out, err = kldiv("compare", files["s"], files["t"], "-m", "jeffreys,gjs:0.1",
            "--stat", "gjs:0.1:max", "--fail-above", "gjs:0.1:p99=0", "--fail-above", "mean=9",
        )  # fmt: skip
        expected = kldiv_cli.compare(S, T, measure=["gjs:0.1"]).measures["gjs:0.1"]
        assert code == 1
        assert float(out) == expected["max"]
        assert err.splitlines()[0].startswith("kldiv: limit exceeded: gjs:0.1:p99 ")
        assert err.splitlines()[1].startswith("kldiv: limit holds: jeffreys mean ")

    @pytest.mark.parametrize(
        ("words", "named"),
        [
            (["-m", "kl", "--stat", "js:mean"], "js"),
            (["-m", "kl", "--fail-above", "js:mean=1"], "js"),
            (["-m", "klx"], "klx"),
            (["-m", "gjs"], "gjs"),
            (["-m", "kl:2"], "kl"),
            (["-m", "gjs:x"], "gjs:x"),
            (["-m", "gjs:1"], "gjs:1"),
            (["-m", "renyi:1"], "renyi:1"),
            (["-m", ""], ""),
        ],
    )
    def test_bad_measures(
        self,
        words: list[str],
        named: str,
        files: dict[str, str],
        kldiv: Kldiv,
    ) -> None:
        code, out, err = kldiv("compare", files["s"], files["t"], *words)
        assert (code, out) == (2, "")
        assert err.count("\n") == 2
        assert named in err.splitlines()[0]


class TestOtherCommands:
    """Loss and verify see the same files as compare, and say the same of them."""

    @pytest.mark.parametrize("command", [["loss", "torch"], ["loss", "kd"], ["verify"]])
    def test_probabilities_taken_for_logits(
        self, command: list[str], files: dict[str, str], kldiv: Kldiv
    ) -> None:
        done = kldiv(*command, files["p1"], files["q1"])
        assert done.code == 0
        assert done.err.count("these look like probabilities") == 2
        assert kldiv(*command, files["p1"], files["q1"], "--no-warn").err == ""
        strict = kldiv(*command, files["p1"], files["q1"], "--strict")
        assert (strict.code, strict.out) == (2, "")
        assert strict.err.startswith(f"kldiv: error: {files['p1']}: these look like probabilities")

    def test_verify_names_no_option_that_it_has_not(
        self, files: dict[str, str], kldiv: Kldiv
    ) -> None:
        what = "these look like probabilities (every row lies in [0, 1] and sums to 1)"
        assert kldiv("verify", files["p"], files["q"]).err == "".join(
            f"kldiv: warning: {files[side]}: {what}, and are taken for logits\n" for side in "pq"
        )

    @pytest.mark.parametrize("name", ["torch", "vat", "kd", "r-drop", "keras"])
    def test_losses_take_probabilities(
        self, name: str, files: dict[str, str], kldiv: Kldiv
    ) -> None:
        def value(*words: str) -> float:
            done = kldiv("loss", name, *words, "--format", "json")
            assert (done.code, done.err) == (0, "")
            return float(json.loads(done.out)["value"])

        true = value(files["s"], files["t"])
        assert value(files["p"], files["q"], "--input", "probs") == pytest.approx(true, rel=1e-12)
        mixed = ("--reference-input", "probs", "--candidate-input", "log-probs")
        assert value(files["p"], files["log-q"], *mixed) == pytest.approx(true, rel=1e-12)

    def test_the_question_of_the_training_log(self) -> None:
        """The log says 0.0254 where the divergence is 0.1017."""
        prediction, label = [[0.2, 0.5, 0.2, 0.1]], [[0.3, 0.4, 0.1, 0.2]]
        found = kldiv_cli.loss("torch", label, prediction, kind="probs")
        assert found.value == pytest.approx(0.02542420749069, rel=1e-12)
        assert found.reference_value == pytest.approx(0.10169682996276, rel=1e-12)
        assert found.factor == 0.25

    def test_rows_that_do_not_sum_to_1_are_refused(self) -> None:
        with pytest.raises(InputError, match="expected rows of probs that sum to 1"):
            kldiv_cli.loss("torch", 1.02 * P, Q, kind="probs")

    def test_the_way_out_that_is_named_is_one(self, files: dict[str, str], kldiv: Kldiv) -> None:
        words = ("loss", "torch", files["off"], files["q"], "--input", "probs")
        done = kldiv(*words)
        assert (done.code, done.out) == (2, "")
        assert "--normalize" in done.err
        mended = kldiv(*words, "--normalize", "--format", "json")
        assert mended.code == 0
        true = kldiv_cli.loss("torch", P, Q, kind="probs").value
        assert json.loads(mended.out)["value"] == pytest.approx(true, rel=1e-12)

    def test_nothing_to_normalize_is_refused(self) -> None:
        with pytest.raises(UsageError, match="--normalize is for probabilities"):
            kldiv_cli.loss("torch", S, T, normalize=True)

    def test_an_unknown_kind_is_refused(self) -> None:
        with pytest.raises(UsageError, match="no kind of input is called 'percent'"):
            kldiv_cli.loss("torch", P, Q, kind="percent")  # type: ignore[arg-type]

    def test_an_invalid_probability_is_named(self) -> None:
        with pytest.raises(InputError, match="expected a probability from 0 to 1") as caught:
            kldiv_cli.loss("torch", S, T, kind="probs")
        assert caught.value.advice == "Say --reference-input logits if these are logits."


class TestOutputs:
    def test_a_full_standard_output_leaves_no_file(
        self, files: dict[str, str], tmp_path: Path
    ) -> None:
        target = tmp_path / "rows.csv"
        words = ["compare", files["s"], files["t"], "-o", str(target)]
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "kldiv_cli", *words],
                stdout=full,
                stderr=subprocess.PIPE,
                check=False,
            )
        assert done.returncode == 2
        assert not target.exists()
        assert not list(tmp_path.glob(".kldiv-*"))


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
def test_rows_that_do_not_count_look_like_nothing(kldiv: Kldiv, tmp_path: Path, mode: str) -> None:
    """Of no row everything is true: it would lie in [0, 1] and sum to 1."""
    np.save(tmp_path / "nan.npy", np.full((3, 4), np.nan))
    np.save(tmp_path / "q.npy", np.arange(12.0).reshape(3, 4))
    words = (tmp_path / "nan.npy", tmp_path / "q.npy", "--nan-policy", "propagate", "--mode", mode)
    done = kldiv("compare", *words)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("by", ["C", "NumPy"])
@pytest.mark.parametrize(
    ("mask", "logit", "mismatched"),
    [
        (-1e4, -999.0, True),
        (-1e4, -1000.0, False),
        (-1e4, -1001.0, False),
        (-1e4, -9999.0, False),
        (-9999.0, 0.0, False),
        (-1e30, -999.0, True),
        (-1e30, -1000.0, False),
    ],
)
def test_a_mask_lies_far_from_every_logit(
    mask: float, logit: float, mismatched: bool, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mask is at most -1e4 and a logit above -1e3: what lies between may be either."""
    monkeypatch.setenv("KLDIV_KERNELS", "" if by == "C" else "numpy")
    _native.load.cache_clear()
    s, t = S.copy(), T.copy()
    s[4, 2], t[4, 2] = mask, logit
    for sides in ((s, t), (t, s)):
        warnings = kldiv_cli.compare(*sides).warnings
        side = "reference" if sides[0] is s else "candidate"
        said = f"{side} array: mask mismatch: row 4, class 2 holds {mask:g} and {logit:g} on the "
        assert len(warnings) == mismatched
        assert all(warning.startswith(said) for warning in warnings), warnings
    _native.load.cache_clear()


@pytest.mark.parametrize("off", [-1.01e-3, -0.99e-3, 0.0, 0.9e-5, 1.1e-5])
def test_rows_that_sum_to_1_within_a_thousandth_look_like_probabilities(off: float) -> None:
    """No entry is above 1 but for rounding, whatever the row sums to."""
    rows = np.array([[0.25, 0.25, 0.25, 0.25 + off], [0.0, 0.0, 0.0, 1.0 + off]])
    warned = bool(kldiv_cli.compare(rows[1:], T[:1, :4]).warnings)
    assert warned == (-1e-3 < off < 1e-5)
    try:
        kldiv_cli.compare(rows, T[:2, :4])
    except UnclearError:
        assert warned
    else:
        assert not warned


def test_the_first_of_rows_that_are_equally_far_from_1_is_named() -> None:
    """Blocks are looked at one after the other: there are several of 40 000 rows of 40 classes."""
    p = np.full((40_000, 40), 1 / 40)
    q = p.copy()
    q[[17, 20_000, 39_999], 3] += 0.125
    with pytest.raises(InputError, match=r"found a sum of 1\.125 in row 17$"):
        kldiv_cli.compare(p, q, kind="probs")
