"""Limits on figures that files know in part: they hold where it is proved, and fail in doubt."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

import kldiv_cli
from kldiv_cli.errors import UsageError
from kldiv_cli.results.language import LanguageResult
from tests.cli.test_llamacpp_shards import split
from tests.command import Kldiv
from tests.llamacpp import SAMPLES, random_logits, random_tokens, write

P, Q8, Q4 = (str(SAMPLES / f"tiny-{name}.kld") for name in ("f32", "Q8_0", "Q4_0"))
Array = npt.NDArray[Any]


def language(*sides: Any, **options: Any) -> LanguageResult:
    found = kldiv_cli.compare(*sides, **options).language
    assert found is not None
    return found


class TestTheReadmesOwnExample:
    """llama.cpp, which had the whole of q, printed a ratio of 2.04."""

    WORDS = ("compare", P, Q8, "--fail-above", "ppl:ratio=1.01")

    def test_it_is_not_proved(self, kldiv: Kldiv) -> None:
        ratio = language(P, Q8).ratio.value
        assert 1.008 < ratio < 1.0081
        done = kldiv(*self.WORDS, "--stat", "kld:max", "--no-warn")
        assert done.code == 1
        assert done.err == (
            f"kldiv: limit not proved: ppl:ratio {ratio!r} <= 1.01: 43 tokens are censored in q: "
            "the ratio may be any larger; ppl-known:ratio has the 112 that both files know\n"
        )

    def test_table_and_markdown_say_so(self, kldiv: Kldiv) -> None:
        table, page = kldiv(*self.WORDS), kldiv(*self.WORDS, "--format", "markdown")
        assert table.code == page.code == 1
        ratio = language(P, Q8).ratio.value
        assert (
            f"\nlimit        ppl:ratio <= 1.01: NOT PROVED: {ratio!r}\n"
            "             43 tokens are censored in q: the ratio may be any larger;\n"
            "             ppl-known:ratio has the 112 that both files know\n"
        ) in table.out
        assert f"- limit: ppl:ratio \\<= 1.01: NOT PROVED: {ratio!r}\n" in page.out.replace(
            "&lt;", "\\<"
        )
        assert max(map(len, table.out.splitlines()[2:])) <= 80

    def test_a_program_sees_it(self, kldiv: Kldiv) -> None:
        done = kldiv(*self.WORDS, "--format", "json")
        (limit,) = json.loads(done.out)["limits"]
        assert (limit["exceeded"], limit["verdict"]) == (True, "not proved")
        assert (limit["least"], limit["most"]) == (0.0, "inf")
        assert limit["reservation"].startswith("43 tokens are censored in q: the ratio may be any")

    def test_it_may_pass(self, kldiv: Kldiv) -> None:
        done = kldiv(*self.WORDS, "--when-unsure", "pass", "--format", "json")
        assert done.code == 0
        assert done.err.startswith("kldiv: limit not proved (--when-unsure pass): ppl:ratio ")
        (limit,) = json.loads(done.out)["limits"]
        assert (limit["exceeded"], limit["verdict"]) == (False, "not proved")
        table = kldiv(*self.WORDS, "--when-unsure", "pass").out
        assert "\nlimit        ppl:ratio <= 1.01: not proved: 1.008" in table

    def test_fail_is_the_default(self, kldiv: Kldiv) -> None:
        assert kldiv(*self.WORDS, "--when-unsure", "fail") == kldiv(*self.WORDS)


class TestWhichWay:
    @pytest.mark.parametrize(
        ("limit", "code"),
        [
            ({"limits": {"ppl:candidate": 1.0}}, "exceeded"),
            ({"limits": {"ppl:candidate": 1e9}}, "not proved"),
            ({"lower_limits": {"ppl:candidate": 1.0}}, "holds"),
            ({"lower_limits": {"ppl:candidate": 1e9}}, "not reached"),
            ({"limits": {"ppl:reference": 1e9}}, "not proved"),
            ({"limits": {"ppl:ratio": 1.0}}, "exceeded"),
            ({"lower_limits": {"ppl:ratio": 0.5}}, "not proved"),
            ({"limits": {"ppl:ln-ratio": 0.5}}, "not proved"),
            ({"limits": {"ppl:difference": 1e5}}, "not proved"),
            ({"limits": {"ppl:difference": 1.0}}, "exceeded"),
            ({"limits": {"ppl:correlation": 0.9999}}, "not proved"),
            ({"limits": {"ppl:correlation": 1.0}}, "holds"),
            ({"limits": {"delta-p:rms": 0.01}}, "holds"),
            ({"limits": {"delta-p:mean": -2.1794e-05}}, "not proved"),
            ({"limits": {"delta-p:mean": -2.17e-05}}, "holds"),
            ({"lower_limits": {"delta-p:mean": -2.18e-05}}, "not proved"),
            ({"lower_limits": {"delta-p:mean": -2.19e-05}}, "holds"),
            ({"limits": {"kld:mean": 0.001292}}, "holds"),
            ({"limits": {"kld:mean": 0.0012915}}, "not proved"),
            ({"limits": {"kld:mean": 0.00129}}, "exceeded"),
            ({"lower_limits": {"kld:mean": 0.00129}}, "holds"),
            ({"limits": {"ppl-known:ratio": 1.02}}, "holds"),
            ({"limits": {"ppl-known:ratio": 1.01}}, "exceeded"),
            ({"lower_limits": {"same-top": 0.98}}, "holds"),
        ],
        ids=str,
    )
    def test_of_two_files(self, limit: dict[str, Any], code: str) -> None:
        found = kldiv_cli.compare(P, Q8, **limit)
        (judged,) = found.limits
        assert judged.verdict == code
        assert found.exceeded == (code != "holds")
        passing = kldiv_cli.compare(P, Q8, **limit, when_unsure="pass")
        assert passing.exceeded == (code in {"exceeded", "not reached"})

    @pytest.mark.parametrize("limit", ["limits", "lower_limits"])
    def test_a_limit_on_what_a_range_ends_at_holds(self, limit: str) -> None:
        ends = dict(zip(("lower_limits", "limits"), language(P, Q8).ranges["kld:p10"], strict=True))
        away = {"limits": 0.0, "lower_limits": math.inf}[limit]
        asked: dict[str, Any] = {limit: {"kld:p10": ends[limit]}}
        assert not kldiv_cli.compare(P, Q8, **asked).exceeded
        asked = {limit: {"kld:p10": math.nextafter(ends[limit], away)}}
        assert kldiv_cli.compare(P, Q8, **asked).exceeded

    def test_an_array_beside_a_file_is_exact_on_its_side(self, tmp_path: Path) -> None:
        """The candidate's array hides nothing, so the ratio cannot be larger."""
        logits = random_logits(3, 15, 500, scale=6.0)
        p = write(tmp_path / "p.kld", logits, random_tokens(3, 32, 500))
        found = kldiv_cli.compare(p, 1.01 * logits, limits={"ppl:ratio": 1e9})
        assert found.language is not None
        side = found.language.censored[0]
        assert side is not None
        assert side.targets > 0
        assert [limit.verdict for limit in found.limits] == ["holds"]
        below = kldiv_cli.compare(p, 1.01 * logits, lower_limits={"ppl:ratio": 1e-9})
        assert [limit.verdict for limit in below.limits] == ["not proved"]
        assert below.limits[0].reservation.startswith(
            f"{side.targets} tokens are censored in p: the ratio may be as small as 0.0; "
        )


class TestNoneAndAll:
    def files(self, folder: Path, place: int) -> tuple[Path, Path]:
        """Rows whose token has the largest logit or, 36 nats below it, the smallest one."""
        logits = random_logits(2, 3, 8, scale=1.0)
        logits[..., 0] = 6.0
        logits[..., 7] = -30.0
        tokens = np.full((2, 8), place, np.int32)
        p = write(folder / "p.kld", logits, tokens)
        return p, write(folder / "q.kld", random_logits(2, 3, 8, 1.0, seed=1) + logits, tokens)

    def test_no_token_is_censored(self, tmp_path: Path, kldiv: Kldiv) -> None:
        p, q = self.files(tmp_path, 0)
        words = ("compare", p, q, "--fail-above", "ppl:ratio=1.5")
        done = kldiv(*words)
        assert done.code == 0
        assert done.err.startswith("kldiv: limit holds: ppl:ratio ")
        assert "known to both" not in done.out
        found = json.loads(kldiv(*words, "--format", "json").out)["language"]
        assert not [name for name in found["ranges"] if name.startswith("ppl:")]
        assert found["known"]["ratio"] == found["ratio"]
        stats = kldiv("compare", p, q, "--stat", "ppl-known:ratio", "--stat", "ppl:ratio")
        assert len(set(stats.out.splitlines())) == 1

    def test_every_token_is(self, tmp_path: Path, kldiv: Kldiv) -> None:
        p, q = self.files(tmp_path, 7)
        done = kldiv("compare", p, q, "--fail-above", "ppl:ratio=9")
        assert done.code == 1
        assert done.err.endswith(": 6 tokens are censored in q: the ratio may be any larger\n")
        assert "\nknown to both  no token\n" in done.out
        known = kldiv("compare", p, q, "--fail-above", "ppl-known:ratio=9", "--stat", "kld:p1")
        assert known.code == 1
        assert "limit exceeded: ppl-known:ratio nan is not a number; limit 9.0" in known.err
        unsure = ("--when-unsure", "pass")
        assert kldiv("compare", p, q, "--fail-above", "ppl-known:ratio=9", *unsure).code == 1
        found = json.loads(kldiv("compare", p, q, "--format", "json").out)["language"]["known"]
        assert (found["tokens"], found["ratio"]["value"]) == (0, "nan")

    def test_one_token_is(self, tmp_path: Path, kldiv: Kldiv) -> None:
        logits = random_logits(1, 3, 8, scale=1.0)
        logits[0, 1, 7] = -60.0
        tokens = np.full((1, 8), 7, np.int32)
        p, q = (write(tmp_path / f"{name}.kld", logits, tokens) for name in "pq")
        done = kldiv("compare", p, q, "--fail-above", "ppl:ratio=9")
        assert "1 token is censored in q: the ratio may be any larger; " in done.err
        assert done.err.endswith("ppl-known:ratio has the 2 that both files know\n")


class TestHowFilesLie:
    LIMIT = ("--fail-above", "ppl:ratio=1.01", "--fail-above", "kld:mean=0.0012915")

    def test_shards(self, tmp_path: Path, kldiv: Kldiv) -> None:
        p, q = split(SAMPLES / "tiny-f32.kld", tmp_path / "p", 2), tmp_path / "q"
        split(SAMPLES / "tiny-Q8_0.kld", q, 1, 4)
        parts, whole = kldiv("compare", p, q, *self.LIMIT), kldiv("compare", P, Q8, *self.LIMIT)
        assert (parts.code, parts.err) == (whole.code, whole.err)
        assert language(p, q) == language(P, Q8)

    @pytest.mark.parametrize("threads", ["1", "2", "7"])
    def test_threads(self, kldiv: Kldiv, threads: str) -> None:
        whole = kldiv("compare", P, Q8, *self.LIMIT)
        assert kldiv("compare", P, Q8, *self.LIMIT, "--threads", threads) == whole

    @pytest.mark.parametrize("words", [("--group", "position"), ("--format", "csv"), ("-m", "kl")])
    def test_limits_are_those_of_all_rows(self, kldiv: Kldiv, words: tuple[str, ...]) -> None:
        whole = kldiv("compare", P, Q8, *self.LIMIT)
        done = kldiv("compare", P, Q8, *self.LIMIT, *words)
        assert (done.code, done.err) == (whole.code, whole.err)

    def test_some_rows_know_all_their_tokens(self, kldiv: Kldiv) -> None:
        found = kldiv_cli.compare(P, Q8)
        assert found.language is not None
        rows = [i for i in range(155) if language(P, Q8, rows=slice(i, i + 1)).known.tokens == 1]
        assert len(rows) == found.language.known.tokens == 112
        first = rows[0]
        done = kldiv(
            *("compare", P, Q8, "--rows", f"{first}:{first + 1}", "--fail-above", "ppl:ratio=9")
        )
        assert done.code == 0
        assert done.err.startswith("kldiv: limit holds: ppl:ratio ")


class TestMeasures:
    """What both files hide may make J 24 nats of it larger or smaller."""

    def test_means_that_hidden_classes_could_lift_over_the_limit(self, kldiv: Kldiv) -> None:
        found = kldiv_cli.compare(P, Q8)
        mean = found.measures["jeffreys"]
        assert found.hidden is not None
        least, most = mean.ranges["mean"]
        assert most == pytest.approx(mean["mean"] + 24 * found.hidden.mean, rel=1e-12)
        assert 0 < least < mean["mean"]
        for bound, code, verdict in (
            (most, 0, "holds"),
            (math.nextafter(most, 0), 1, "not proved"),
            (mean["mean"], 1, "not proved"),
            (math.nextafter(mean["mean"], 0), 1, "exceeded"),
        ):
            done = kldiv("compare", P, Q8, "--fail-above", f"mean={bound!r}")
            assert done.code == code
            assert done.err.startswith(f"kldiv: limit {verdict}: jeffreys mean {mean['mean']!r} ")
        words = ("compare", P, Q8, "--fail-above", "mean=0.0029")
        assert kldiv(*words).err.endswith(
            ": up to 7.18e-05 of a row is censored: it may be as large as "
            f"{most!r}; kld:mean depends on less of it\n"
        )
        assert kldiv(*words, "--when-unsure", "pass").code == 0

    def test_the_report_says_how_much_that_is(self, kldiv: Kldiv) -> None:
        found = kldiv_cli.compare(P, Q8, measure=["kl", "tv"])
        assert found.hidden is not None
        lines = [f"up to {found.hidden.most:.6g} of a row, {found.hidden.mean:.6g} on average"]
        for name, unit in (("kl", " (nats)"), ("tv", "")):
            least, most = found.measures[name].ranges["mean"]
            lines.append(f"mean {name} may be from {least:.6g} to {most:.6g}{unit}")
        out = kldiv("compare", P, Q8, "-m", "kl,tv").out
        assert "\nhidden       {}\n             {}\n             {}\n".format(*lines) in out
        page = json.loads(kldiv("compare", P, Q8, "-m", "kl,tv", "--format", "json").out)
        assert page["hidden"] == {"max": found.hidden.most, "mean": found.hidden.mean}
        for name, measure in found.measures.items():
            assert page["measures"][name]["ranges"] == {
                stat: {"least": least, "most": most}
                for stat, (least, most) in measure.ranges.items()
            }

    def test_a_number_alone(self, kldiv: Kldiv) -> None:
        least, most = kldiv_cli.compare(P, Q8).measures["jeffreys"].ranges["mean"]
        assert kldiv("compare", P, Q8, "--stat", "mean").err == (
            f"kldiv: jeffreys mean is off either way, at least {least!r}, at most {most!r}: "
            "up to 7.18e-05 of a row is censored\n"
        )

    def test_bits(self) -> None:
        nats, bits = (kldiv_cli.compare(P, Q8, measure="kl", unit=x) for x in ("nats", "bits"))
        for stat, ends in nats.measures["kl"].ranges.items():
            found = bits.measures["kl"].ranges[stat]
            assert found == pytest.approx([end / math.log(2) for end in ends], rel=1e-9)

    def test_a_measure_that_hidden_classes_may_make_infinite(self, kldiv: Kldiv) -> None:
        done = kldiv("compare", P, Q8, "-m", "renyi:2", "--fail-above", "mean=1e9")
        assert done.code == 1
        assert done.err.endswith(": up to 7.18e-05 of a row is censored: it may be any larger\n")

    @pytest.mark.parametrize(
        "options",
        [
            {"mask": np.broadcast_to(np.arange(1001) % 2 == 0, (155, 1001)), "row_axes": 1},
            {"classes": slice(0, 500)},
            {"smooth": 0.1},
            {"temperature": 2.0},
            {"rows": "3:9"},
            {"nan_policy": "omit"},
        ],
        ids=lambda options: next(iter(options)),
    )
    def test_with_other_options(self, options: dict[str, Any]) -> None:
        found = kldiv_cli.compare(P, Q8, **options)
        mean, (least, most) = (
            found.measures["jeffreys"]["mean"],
            found.measures["jeffreys"].ranges["mean"],
        )
        assert found.hidden is not None
        factor = 24 / options.get("temperature", 1.0)
        assert most == pytest.approx(mean + factor * found.hidden.mean, rel=1e-12)
        assert 0 < found.hidden.mean < found.hidden.most < 0.2
        assert least < mean

    def test_files_that_hold_every_class_have_nothing_to_say(self, kldiv: Kldiv) -> None:
        magika = "samples/magika-fp32.npy", "samples/magika-int8.npy"
        done = kldiv("compare", *magika, "--format", "json", "--fail-above", "mean=0.01")
        found = json.loads(done.out)
        assert "hidden" not in found
        assert "ranges" not in found["measures"]["jeffreys"]
        assert done.err.endswith("<= 0.01 nats\n")
        assert "\nhidden " not in kldiv("compare", *magika).out

    @pytest.mark.parametrize("threads", [1, 3])
    def test_threads_and_shards(self, tmp_path: Path, threads: int) -> None:
        p, q = split(SAMPLES / "tiny-f32.kld", tmp_path / "p", 2), tmp_path / "q"
        split(SAMPLES / "tiny-Q8_0.kld", q, 1, 4)
        parts, whole = kldiv_cli.compare(p, q, threads=threads), kldiv_cli.compare(P, Q8)
        assert parts.measures == whole.measures
        assert parts.hidden == whole.hidden


class TestRecords:
    def test_a_token_that_is_censored_is_marked(self, tmp_path: Path, kldiv: Kldiv) -> None:
        paths = [tmp_path / f"rows{suffix}" for suffix in (".jsonl", ".parquet", ".csv")]
        words = [word for path in paths for word in ("-o", path)]
        assert kldiv("compare", P, Q8, "--rows", "0:20", *words).code == 0
        lines = [json.loads(line) for line in paths[0].read_text().splitlines()]
        table = pq.read_table(paths[1]).to_pylist()
        tokens = kldiv_cli.compare(P, Q8, rows="0:20").tokens
        for side in "pq":
            name = f"censored_{side}"
            expected = tokens[name].tolist()
            assert 0 < sum(expected) < 20
            assert [line[name] for line in lines] == expected
            assert [line[name] for line in table] == expected
            assert {line[name] for line in lines if line[f"log_{side}"] > -15} == {False}

    def test_of_a_side_that_holds_every_class_there_is_nothing_to_say(self, tmp_path: Path) -> None:
        logits = random_logits(2, 3, 7)
        p = write(tmp_path / "p.kld", logits, random_tokens(2, 8, 7))
        assert list(kldiv_cli.compare(p, logits).tokens) == [
            *("label", "log_p", "log_q", "censored_p")
        ]


class TestInvalidRows:
    """Under "propagate" they count, and decide nothing."""

    S = np.random.default_rng(0).normal(size=(10, 5))

    def broken(self) -> Array:
        t = self.S.copy()
        t[0, 0] = np.nan
        return t

    @pytest.mark.parametrize(
        ("mode", "stat"), [("softmax", "same-argmax"), ("sigmoid", "same-sign")]
    )
    def test_the_share_that_agrees(self, mode: Any, stat: str) -> None:
        for bound, verdict, words in (
            (0.9, "holds", "an upper bound, at least 0.9"),
            (0.95, "not proved", "invalid rows decide nothing: it may be as small as 0.9"),
        ):
            found = kldiv_cli.compare(
                *(self.S, self.broken()),
                mode=mode,
                nan_policy="propagate",
                lower_limits={stat: bound},
            )
            (limit,) = found.limits
            assert (limit.value, limit.verdict, limit.reservation) == (1.0, verdict, words)

    def test_the_same_top(self) -> None:
        found = kldiv_cli.compare(
            *(self.S, self.broken()),
            labels=[0] * 10,
            nan_policy="propagate",
            lower_limits={"same-top": 0.95, "kld:mean": 0.0},
            limits={"mean": math.inf},
        )
        assert {limit.stat: limit.verdict for limit in found.limits} == {
            "same-top": "not proved",
            "kld:mean": "not reached",
            "mean": "exceeded",
        }

    def test_rows_that_are_left_out_on_purpose_are_in_no_figure(self) -> None:
        found = kldiv_cli.compare(
            *(self.S, self.broken()), nan_policy="omit", lower_limits={"same-argmax": 1.0}
        )
        assert [limit.verdict for limit in found.limits] == ["holds"]

    def test_the_report_says_it(self, kldiv: Kldiv, tmp_path: Path) -> None:
        np.save(tmp_path / "p.npy", self.S)
        np.save(tmp_path / "q.npy", self.broken())
        words = ("compare", tmp_path / "p.npy", tmp_path / "q.npy", "--nan-policy", "propagate")
        assert ("\nsame argmax  100 % of rows (9 of 9), 90 to 100 % with invalid rows\n") in kldiv(
            *words
        ).out
        found = json.loads(kldiv(*words, "--format", "json").out)["agreement"]
        assert found == {"argmax": 1.0, "least": 0.9, "most": 1.0}


class TestWhatOptionsChoose:
    """Figures over the rows or classes that an option chooses are exact for these."""

    def test_classes_that_are_left_out(self) -> None:
        s = np.random.default_rng(1).normal(size=(10, 6))
        found = kldiv_cli.compare(s, s[:, :5] + 0.1, truncate_classes=True, limits={"mean": 1e-9})
        assert [limit.verdict for limit in found.limits] == ["holds"]
        assert found.class_selection is not None
        assert found.class_selection.reference.max is not None
        assert found.class_selection.reference.max > 0.01

    def test_rows_without_a_partner(self, tmp_path: Path) -> None:
        rows = {"a": "0.5,1.25", "b": "-2.5,0.75", "c": "1.5,-0.25", "d": "0.25,0.5"}
        for name, ids in (("p", "abc"), ("q", "bcd")):
            lines = [f"{x},{rows[x]}" for x in ids]
            (tmp_path / f"{name}.csv").write_text("\n".join(["id,x,y", *lines, ""]))
        found = kldiv_cli.compare(
            *(tmp_path / "p.csv", tmp_path / "q.csv"), on_missing="skip", limits={"mean": 1.0}
        )
        assert [limit.verdict for limit in found.limits] == ["holds"]
        assert found.missing is not None
        assert (found.missing.only_reference, found.missing.only_candidate) == (1, 1)


class TestUsage:
    def test_no_such_way(self, kldiv: Kldiv) -> None:
        done = kldiv("compare", P, Q8, "--when-unsure", "maybe")
        assert done.code == 2
        with pytest.raises(UsageError, match="'maybe'"):
            kldiv_cli.compare(P, Q8, when_unsure="maybe")  # type: ignore[arg-type]

    def test_figures_of_known_tokens_where_none_are_scored(self, kldiv: Kldiv) -> None:
        magika = "samples/magika-fp32.npy", "samples/magika-int8.npy"
        for words in (("--stat", "ppl-known:ratio"), ("--fail-below", "ppl-known:ratio=1")):
            done = kldiv("compare", *magika, *words)
            assert (done.code, done.out) == (2, "")
            assert done.err.startswith(
                "kldiv: error: ppl-known:ratio: expected tokens that are scored, found none\n"
            )

    def test_the_figures_of_known_tokens_have_names(self, kldiv: Kldiv) -> None:
        done = kldiv("compare", P, Q8, "--stat", "ppl-known:rato")
        assert done.err == (
            "kldiv: error: no statistic is called 'ppl-known:rato'\n"
            "Known: ppl-known:candidate, ppl-known:reference, ppl-known:ratio, ppl-known:ln-ratio, "
            "ppl-known:difference, ppl-known:correlation.\n"
        )
