"""What language-model people read: for llama.cpp files and for any two sides with labels."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.reports.files import staged
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.language import LanguageResult
from tests.command import Kldiv
from tests.llamacpp import SAMPLES, decode, random_logits, random_tokens, write

Array = npt.NDArray[Any]

REFERENCE, CANDIDATE = (str(SAMPLES / f"tiny-{name}.kld") for name in ("f32", "Q8_0"))
S = 3 * np.random.default_rng(0).normal(size=(40, 9))
T = S + np.random.default_rng(1).normal(size=(40, 9))
LABELS = np.random.default_rng(2).integers(0, 9, 40)
ADVICE = "Labels are the rows' classes, counted from 0: one integer per row, in the rows' order.\n"


def language(result: Comparison) -> LanguageResult:
    assert result.language is not None
    return result.language


def log_softmax(x: Array) -> Array:
    wide = x.astype(np.longdouble)
    found: Array = wide - np.log(np.exp(wide).sum(axis=1, keepdims=True))
    return found


def assert_by_definition(found: LanguageResult, s: Array, t: Array, labels: Array) -> None:
    rows = np.arange(len(labels))
    log_p, log_q = log_softmax(s), log_softmax(t)
    kld = (np.exp(log_p) * (log_p - log_q)).sum(axis=1)
    at_p, at_q = log_p[rows, labels], log_q[rows, labels]
    assert found.tokens == len(labels)
    assert found.floor is None
    assert found.perplexity[0].value == pytest.approx(float(np.exp(-at_p.mean())), rel=1e-13)
    assert found.perplexity[1].value == pytest.approx(float(np.exp(-at_q.mean())), rel=1e-13)
    assert found.kld.mean.value == pytest.approx(float(kld.mean()), rel=1e-13)
    assert found.kld.percentiles["p99"] == pytest.approx(float(np.percentile(kld, 99)), rel=1e-13)
    change = np.exp(at_q) - np.exp(at_p)
    assert found.delta_p.mean.value == pytest.approx(float(change.mean()), rel=1e-12)
    assert found.rms_delta_p.value == pytest.approx(float(np.sqrt((change**2).mean())), rel=1e-13)
    same = (s.argmax(axis=1) == t.argmax(axis=1)).mean()
    assert found.same_top.value == pytest.approx(float(same), rel=1e-15)


def table(path: Path, values: Array, rows: Iterable[int], *, labeled: bool = False) -> str:
    """Write rows of a table with ids, and with the labels in its column ``token``."""
    header = ["file", *(f"c{i}" for i in range(9)), *["token"] * labeled]
    lines = [[f"r{i}", *map(repr, values[i].tolist()), *[str(LABELS[i])] * labeled] for i in rows]
    path.write_text("\n".join(map(",".join, [header, *lines])), encoding="utf-8")
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """The reference, the candidate and the labels, as .npy files."""
    paths = tmp_path / "p.npy", tmp_path / "q.npy", tmp_path / "labels.npy"
    for path, values in zip(paths, (S, T, LABELS), strict=True):
        np.save(path, values)
    return paths


class TestWhatIsScored:
    def test_arrays(self) -> None:
        assert_by_definition(language(compare(S, T, labels=LABELS)), S, T, LABELS)

    def test_rows_with_several_axes(self) -> None:
        shape = (8, 5, 9)
        result = compare(S.reshape(shape), T.reshape(shape), labels=LABELS.reshape(shape[:2]))
        assert language(result) == language(compare(S, T, labels=LABELS))

    def test_a_column_of_the_reference_which_is_no_class_then(self, tmp_path: Path) -> None:
        sides = (
            table(tmp_path / "p.csv", S, range(40), labeled=True),
            table(tmp_path / "q.csv", T, range(39, -1, -1)),
        )
        result = compare(*sides, labels="token")
        assert (result.paired_by, result.classes) == ("id", 9)
        assert_by_definition(language(result), S, T, LABELS)

    def test_labels_overrule_the_tokens_of_files(self) -> None:
        values, targets = decode(Path(REFERENCE).read_bytes())
        assert language(compare(REFERENCE, CANDIDATE, labels=targets)) == language(
            compare(REFERENCE, CANDIDATE)
        )
        first = values.argmax(axis=1)
        likely = language(compare(REFERENCE, CANDIDATE, labels=first)).perplexity[0].value
        assert likely == pytest.approx(np.exp(-values.max(axis=1).mean()), rel=1e-12)

    def test_without_labels_and_tokens_nothing_is(self, kldiv: Kldiv, tmp_path: Path) -> None:
        np.save(tmp_path / "p.npy", S)
        assert compare(S, T).language is None
        found = kldiv("compare", tmp_path / "p.npy", tmp_path / "p.npy", "--format", "json").out
        assert "language" not in json.loads(found)

    @pytest.mark.parametrize("words", [("-m", "tv"), ("-m", "kl,js"), ("--unit", "bits")])
    def test_the_figures_do_not_depend_on_what_else_is_asked(
        self, words: tuple[str, ...], files: tuple[Path, ...], kldiv: Kldiv
    ) -> None:
        p, q, labels = files
        outputs = [
            json.loads(kldiv("compare", p, q, "--labels", labels, "--format", "json", *more).out)
            for more in ((), words)
        ]
        assert outputs[0]["language"] == outputs[1]["language"]
        assert outputs[0]["measures"] != outputs[1]["measures"]

    def test_nor_on_temperature(self) -> None:
        plain = language(compare(S, T, labels=LABELS))
        assert language(compare(S, T, labels=LABELS, temperature=2.0)) == plain

    def test_but_on_smoothing(self) -> None:
        plain = language(compare(S, T, labels=LABELS))
        smooth = language(compare(S, T, labels=LABELS, smooth=0.1))
        assert smooth.perplexity[0] == plain.perplexity[0]
        assert smooth.perplexity[1] != plain.perplexity[1]

    @pytest.mark.parametrize("threads", [2, 3, 8])
    def test_nor_on_the_number_of_threads_to_the_last_bit(self, threads: int) -> None:
        one = compare(REFERENCE, CANDIDATE, threads=1)
        several = compare(REFERENCE, CANDIDATE, threads=threads)
        assert language(several) == language(one)
        s, t = np.tile(S, (400, 9)), np.tile(T, (400, 9))
        labels = np.tile(LABELS, 400)
        assert language(compare(s, t, labels=labels, threads=threads)) == language(
            compare(s, t, labels=labels, threads=1)
        )


class TestRowsThatDoNotCount:
    def broken(self) -> tuple[Array, Array]:
        s, t = S.copy(), T.copy()
        s[3] = t[3] = -np.inf
        t[5, 2] = np.nan
        return s, t

    def test_skipped_and_left_out_rows_are_in_no_figure(self) -> None:
        s, t = self.broken()
        rest = np.delete(np.arange(40), [3, 5])
        found = language(compare(s, t, labels=LABELS, nan_policy="omit"))
        assert_by_definition(found, S[rest], T[rest], LABELS[rest])

    def test_propagated_ones_are_in_all_of_them(self) -> None:
        found = language(compare(*self.broken(), labels=LABELS, nan_policy="propagate"))
        assert found.tokens == 39
        assert np.isnan([found.kld.mean.value, found.perplexity[1].value]).all()


class TestParts:
    """Labels are those of the whole reference, whatever part of it is compared."""

    def test_rows_of_arrays(self) -> None:
        found = compare(S, T, labels=LABELS, rows="7:31")
        assert_by_definition(language(found), S[7:31], T[7:31], LABELS[7:31])
        np.testing.assert_array_equal(found.tokens["label"], LABELS[7:31])

    @pytest.mark.parametrize("column", [False, True], ids=["array", "column"])
    def test_rows_with_a_partner(self, tmp_path: Path, column: bool) -> None:
        theirs = [39, 3, 4, 17, 0, 20]
        result = compare(
            table(tmp_path / "p.csv", S, range(40), labeled=column),
            table(tmp_path / "q.csv", T, theirs),
            labels="token" if column else LABELS,
            on_missing="skip",
        )
        both = sorted(theirs)
        assert_by_definition(language(result), S[both], T[both], LABELS[both])
        np.testing.assert_array_equal(result.tokens["label"], LABELS[both])

    def test_rows_that_a_mask_keeps(self) -> None:
        kept = np.arange(40) % 3 > 0
        found = language(compare(S, T, labels=LABELS, mask=kept))
        assert_by_definition(found, S[kept], T[kept], LABELS[kept])

    @pytest.mark.parametrize("kind", ["logits", "probs", "log-probs"])
    @pytest.mark.parametrize("threads", [1, 3])
    def test_cells_that_a_mask_keeps(self, kind: Kind, threads: int) -> None:
        source = np.random.default_rng(8)
        kept = source.random(S.shape) < 0.5
        kept[range(40), LABELS] = True
        kept[[3, 9]] = False
        labels = np.where(kept.any(axis=1), LABELS, -100)
        s, t = (np.where(kept, x, np.nan) for x in (S, T))
        if kind != "logits":
            s, t = (np.exp(log_softmax(x)).astype(np.float64) for x in (S, T))
            s, t = (s, t) if kind == "probs" else (np.log(s), np.log(t))
        found = language(compare(s, t, labels=labels, mask=kept, kind=kind, threads=threads))
        rows = kept.any(axis=1)
        p, q = (np.where(kept, x, -20000.0)[rows] for x in (S, T))  # exp of which is 0
        assert_by_definition(found, p, q, LABELS[rows])

    def test_a_sample_of_files_with_the_tokens_of_its_rows(self, kldiv: Kldiv) -> None:
        words = "compare", REFERENCE, CANDIDATE, "--format", "csv"
        whole = kldiv(*words).out.splitlines()
        part = kldiv(*words, "--sample", 20, "--seed", 3).out.splitlines()
        assert len(part) == 21
        assert part == [whole[0], *(whole[int(line.split(",")[0]) + 1] for line in part[1:])]


class TestReports:
    def test_json(self, files: tuple[Path, ...], kldiv: Kldiv) -> None:
        p, q, labels = files
        code, out, err = kldiv("compare", p, q, "--labels", labels, "--format", "json")
        assert (code, err) == (0, "")
        found = json.loads(out)["language"]
        expected = language(compare(S, T, labels=LABELS))
        assert found["tokens"] == 40
        assert found["perplexity"]["candidate"]["value"] == expected.perplexity[1].value
        assert found["kld"]["p99.9"] == expected.kld.percentiles["p99.9"]
        assert found["censored"] == {"reference": None, "candidate": None}

    @pytest.mark.parametrize("smooth", [[], ["--smooth", "0.1"]])
    def test_the_table_names_it(
        self, smooth: list[str], files: tuple[Path, ...], kldiv: Kldiv
    ) -> None:
        p, q, labels = files
        code, out, err = kldiv("compare", p, q, "--labels", labels, *smooth)
        assert (code, err) == (0, "")
        title = "for language models: 40 tokens, or labels, T = 1"
        smoothed = ", q smoothed" if smooth else ""
        assert f"\n\n{title}{smoothed}, +- standard error\nPPL(q)         " in out
        assert max(map(len, out.splitlines()[2:])) <= 80

    def test_several_measures_stand_below_each_other_in_80_columns(
        self, files: tuple[Path, ...], kldiv: Kldiv
    ) -> None:
        p, q, labels = files
        measures = "kl,tv,skew-reverse-kl:0.123456"
        code, out, err = kldiv("compare", p, q, "--labels", labels, "-m", measures)
        assert (code, err) == (0, "")
        assert max(map(len, out.splitlines()[2:])) <= 80
        (block,) = (part for part in out.split("\n\n") if part.startswith("kl (nats)"))
        lines = block.splitlines()
        assert {line[31:33] for line in lines} == {"  "}
        assert [line[:31].rstrip() for line in lines if line[0] != " "] == [
            "kl (nats)",
            "tv",
            "skew-reverse-kl:0.123456 (nats)",
        ]
        words = [word for line in lines for word in line[33:].split()]
        assert [words.count(name) for name in ("total", "mean", "p99", "max")] == [3] * 4

    def test_of_a_reference_that_is_given_twice(self, kldiv: Kldiv) -> None:
        code, out, err = kldiv("compare", REFERENCE, REFERENCE, "--format", "markdown")
        assert code == 0
        assert err.endswith("hold the same numbers: is one a copy?\n")
        assert "\n- PPL(q): 746106 +- 193797 (a lower bound)\n- PPL(p): 746106 +- 193797 " in out
        assert "\n| percentiles | KLD(p\\|\\|q) (nats) | delta p = q - p of the token" in out
        assert "\n| 25 to 75 % | 0 to 0 | 0 to 0 |\n" in out


class TestRecords:
    def test_csv_of_a_sample(self, kldiv: Kldiv) -> None:
        out = kldiv("compare", REFERENCE, CANDIDATE, "--format", "csv").out
        rows = list(csv.DictReader(out.splitlines()))
        assert list(rows[0]) == [
            *("row", "axis0", "axis1", "jeffreys"),
            *("label", "log_p", "log_q", "censored_p", "censored_q"),
        ]
        for path, name in ((REFERENCE, "log_p"), (CANDIDATE, "log_q")):
            values, targets = decode(Path(path).read_bytes())
            least = (values[np.arange(155), targets] == values.min(axis=1)).tolist()
            assert [row[f"censored_{name[-1]}"] == "True" for row in rows] == least
            assert [int(row["label"]) for row in rows] == targets
            expected = values[np.arange(155), targets].tolist()
            assert [float(row[name]) for row in rows] == expected

    def test_rows_that_do_not_count(self, tmp_path: Path) -> None:
        s, t = S.copy(), T.copy()
        s[3] = t[3] = -np.inf
        t[5, 2] = np.nan
        result = compare(s, t, labels=LABELS, nan_policy="omit")
        np.testing.assert_array_equal(result.tokens["label"], LABELS)
        for side, name in ((S, "log_p"), (T, "log_q")):
            expected = log_softmax(side)[np.arange(40), LABELS].astype(float)
            expected[[3, 5]] = np.nan
            np.testing.assert_allclose(result.tokens[name], expected, rtol=1e-14)
        files = {suffix: str(tmp_path / f"rows{suffix}") for suffix in (".jsonl", ".parquet")}
        with staged(result, list(files.values())):
            pass
        lines = [*map(json.loads, Path(files[".jsonl"]).read_text(encoding="utf-8").splitlines())]
        table = pq.read_table(files[".parquet"]).to_pylist()
        for rows in (lines, table):
            assert rows[3]["label"] == LABELS[3]
            assert (rows[3]["jeffreys"], rows[3]["log_p"], rows[3]["log_q"]) == (None, None, None)
            assert rows[4]["log_q"] == result.tokens["log_q"][4]
        assert (lines[5]["log_p"], lines[5]["log_q"]) == ("nan", "nan")
        assert np.isnan([table[5]["log_p"], table[5]["log_q"]]).all()

    def test_in_order_whatever_the_number_of_threads(self) -> None:
        one, several = (compare(REFERENCE, CANDIDATE, threads=n).tokens for n in (1, 3))
        for name in ("label", "log_p", "log_q"):
            np.testing.assert_array_equal(several[name], one[name])

    def test_without_tokens_there_are_none(self) -> None:
        assert compare(S, T).tokens == {}


class TestRefused:
    @pytest.mark.parametrize(
        ("labels", "found"),
        [
            (LABELS[:-1], "expected 40 labels, one per row, found 39"),
            (
                LABELS + 9 * (np.arange(40) == 7),
                f"row 7: expected a label from 0 to 8, found {LABELS[7] + 9}",
            ),
            (LABELS + 0.5, f"row 0: expected an integer, found {LABELS[0]}.5"),
            (LABELS + 1e300 * (np.arange(40) == 3), "row 3: expected an integer, found 1e+300"),
            (np.where(np.arange(40) == 2, np.inf, 0), "row 2: expected an integer, found inf"),
            (np.full(40, 0.5, np.float16), "row 0: expected an integer, found 0.5"),
        ],
    )
    def test_labels_that_are_none(
        self, labels: Array, found: str, files: tuple[Path, ...], kldiv: Kldiv
    ) -> None:
        p, q, path = files
        np.save(path, labels)
        result = kldiv("compare", p, q, "--labels", path)
        assert (result.code, result.out) == (2, "")
        assert result.err == f"kldiv: error: {path}: {found}\n{ADVICE}"

    @pytest.mark.parametrize("shape", [(5, 8), (2, 4, 5), (8, 5, 1), (1, 40), (40,)], ids=str)
    def test_labels_of_other_axes(self, shape: tuple[int, ...]) -> None:
        s, t = S.reshape(8, 5, 9), T.reshape(8, 5, 9)
        if shape in {(5, 8), (2, 4, 5)}:
            found = " x ".join(map(str, shape))
            with pytest.raises(InputError) as caught:
                compare(s, t, labels=LABELS.reshape(shape))
            assert caught.value.what == (
                f"labels: expected 8 x 5 labels, one per row, found {found}"
            )
            return
        scored = language(compare(s, t, labels=LABELS.reshape(shape)))
        assert scored == language(compare(S, T, labels=LABELS))

    def test_under_sigmoid(self, files: tuple[Path, ...], kldiv: Kldiv) -> None:
        p, q, labels = files
        result = kldiv("compare", p, q, "--labels", labels, "--mode", "sigmoid")
        assert (result.code, result.out) == (2, "")
        assert result.err == (
            "kldiv: error: --labels score one class per row, and under sigmoid every cell is its "
            "own\nLeave --labels out, or say --mode softmax.\n"
        )

    def test_a_column_of_no_table(self, files: tuple[Path, ...], kldiv: Kldiv) -> None:
        p, q, _ = files
        result = kldiv("compare", p, q, "--labels", "token")
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith(
            f"kldiv: error: {p}: expected a table with the column of labels 'token', found an array"
        )

    def test_files_of_other_tokens(self, tmp_path: Path, kldiv: Kldiv) -> None:
        logits, tokens = random_logits(2, 3, 7), random_tokens(2, 8, 7)
        other = tokens.copy()
        other[1, 2] = (tokens[1, 2] + 1) % 7
        p = write(tmp_path / "p.kld", logits, tokens)
        q = write(tmp_path / "q.kld", logits, other)
        result = kldiv("compare", p, q)
        assert (result.code, result.out) == (2, "")
        assert result.err == (
            f"kldiv: error: {q}: expected the same tokens as {p}, found {tokens[1, 2]} there and "
            f"{other[1, 2]} here in chunk 1, position 2 (1 of 16 differ)\n"
            "Write both from the same text, with the same tokenizer, -c and --chunks.\n"
        )
