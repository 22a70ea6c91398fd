"""`kldiv loss` from the outside: exit code, standard output, standard error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kldiv_cli
from kldiv_cli.losses import LOSSES, flags
from tests.cli.test_startup import MAIN, loaded
from tests.command import Golden, Kldiv

MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
OCR = "samples/ocr-det-fp32.npy", "samples/ocr-det-int8.npy"
FIELDS = {"loss", "value", "components", "reduction", "denominator", "reference_value", "factor"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Small inputs, by name."""
    rows = np.array([[2.0, 1, 0, -1], [0, 1, 4, 2], [1, 1, 1, 1], [0, 0, 3, 1]])
    arrays: dict[str, Any] = {
        "p": rows,
        "q": rows + np.array([-0.5, 0.2, -0.3, 1.4]),
        "one-p": rows[:1],
        "one-q": [[1.5, 1.2, -0.3, 0.4]],
        "labels": np.arange(4),
        "short": np.arange(3),
        "high": np.arange(1, 5),
        "lacking": np.array([0, 1, 2, 2]),
        "out-p": [[1.0, -np.inf, 0.5]],
        "out-q": [[0.3, -np.inf, 0.1]],
        "nan": np.where(rows == 4, np.nan, rows),
        "plain": [[1.0, 2.0, 0.5]],
    }
    paths = {name: str(tmp_path / f"{name}.npy") for name in arrays}
    for name, array in arrays.items():
        np.save(paths[name], array)
    lines = [f"{','.join(map(str, row))},{i}" for i, row in enumerate(rows)]
    paths["table"] = str(tmp_path / "table.csv")
    Path(paths["table"]).write_text("\n".join(["a,b,c,d,truth", *lines]) + "\n", encoding="utf-8")
    return paths


class TestTable:
    def test_torch(self, kldiv: Kldiv, golden: Golden) -> None:
        done = kldiv("loss", "torch", *MAGIKA)
        assert (done.code, done.err) == (0, "")
        golden(done.out)

    def test_components(self, kldiv: Kldiv, files: dict[str, str], golden: Golden) -> None:
        words = ("loss", "dkd", files["one-p"], files["one-q"], "--labels", files["labels"])
        assert kldiv(*words).code == 2
        np.save(files["labels"], [0])
        result = kldiv(*words)
        assert (result.code, result.err) == (0, "")
        golden(result.out.split("\n", 5)[5])

    def test_a_loss_without_options(self, kldiv: Kldiv, files: dict[str, str]) -> None:
        result = kldiv("loss", "vat", files["p"], files["q"])
        assert "options      none\n" in result.out
        assert "factor       1 = value / divergence, whatever the rows hold\n" in result.out

    def test_nan_has_a_note_and_no_factor(self, kldiv: Kldiv, files: dict[str, str]) -> None:
        result = kldiv("loss", "torch", files["out-p"], files["out-q"], "--reduction", "sum")
        assert (result.code, result.err) == (0, "")
        assert "value        nan nats\n" in result.out
        assert "stands for   KL(p||q): 0.010799684562 nats per row on average\n" in result.out
        assert "factor       none\n" in result.out
        assert "note         torch multiplies 0 by infinity" in result.out

    @pytest.mark.parametrize("name", LOSSES)
    def test_fits_80_columns(self, name: str, kldiv: Kldiv, files: dict[str, str]) -> None:
        words = ("--labels", files["labels"]) if name == "dkd" else ()
        result = kldiv("loss", name, files["p"], files["q"], *words)
        assert (result.code, result.err) == (0, "")
        assert max(map(len, result.out.splitlines()[2:])) <= 80
        assert not any(line != line.rstrip() for line in result.out.splitlines())
        assert "\x1b" not in result.out


class TestJSON:
    @pytest.mark.parametrize("name", LOSSES)
    def test_holds_what_the_api_returns(
        self, name: str, kldiv: Kldiv, files: dict[str, str]
    ) -> None:
        labels = files["labels"] if name == "dkd" else None
        words = () if labels is None else ("--labels", labels)
        result = kldiv("loss", name, files["p"], files["q"], "--format", "json", *words)
        assert (result.code, result.err) == (0, "")
        found = json.loads(result.out)
        true = kldiv_cli.loss(name, files["p"], files["q"], labels=labels)
        assert set(found) >= FIELDS
        for field in (*FIELDS, "options", "rows", "classes", "skipped", "invalid"):
            assert found[field] == getattr(true, field)
        assert found["notes"] == list(true.notes)
        assert found["reference"]["path"] == files["p"]
        assert found["unit"] == "nats"

    def test_inf_and_nan_are_strings(self, kldiv: Kldiv, files: dict[str, str]) -> None:
        def value(name: str, *sides: str) -> tuple[object, object, object]:
            words = ("loss", name, *(files[side] for side in sides), "--format", "json")
            found = json.loads(kldiv(*words).out, parse_constant=pytest.fail)
            return found["value"], found["reference_value"], found["factor"]

        assert value("torch", "out-p", "out-q")[0::2] == ("nan", None)
        assert value("torch", "plain", "out-q") == ("inf", "inf", 1 / 3)


class TestOptions:
    """Every option reaches the loss."""

    @pytest.mark.parametrize(
        ("name", "words", "keywords"),
        [
            ("torch", ("--reduction", "batchmean"), {"reduction": "batchmean"}),
            ("torch", ("--reduction", "sum", "--log-target"), {"reduction": "sum"}),
            ("torch", ("--raw-input",), {"raw_input": True}),
            (
                "torch",
                ("--raw-input", "--log-target"),
                {"raw_input": True, "log_target": True},
            ),
            ("mxnet", ("--release", "1.9"), {"release": "1.9"}),
            ("mxnet", ("--from-logits",), {"from_logits": True}),
            ("mxnet", ("--no-from-logits",), {"from_logits": False}),
            ("r-drop", ("--alpha", "0.7", "--convention", "bert"), {"convention": "bert"}),
            ("r-drop", ("--convention", "keras"), {"alpha": 4.0, "convention": "keras"}),
            ("globalpointer", ("--reduction", "cell"), {"reduction": "cell"}),
            ("kd", ("--temperature", "4"), {"temperature": 4.0}),
            ("gjsd", ("--beta", "1", "--temperature", "0.9"), {"beta": 1.0, "temperature": 0.9}),
            ("distillm", ("--lambda", "0.3"), {"lam": 0.3}),
            ("distillm", ("--reverse",), {"reverse": True}),
            ("dkl", ("--alpha", "4", "--beta", "20"), {"alpha": 4.0, "beta": 20.0}),
            ("ikl", ("--weight-temperature", "3"), {"weight_temperature": 3.0}),
            ("gkl", ("--gamma", "0.5", "--temperature", "2"), {"gamma": 0.5, "temperature": 2.0}),
        ],
    )
    def test_of_a_loss(
        self,
        name: str,
        words: tuple[str, ...],
        keywords: dict[str, Any],
        kldiv: Kldiv,
        files: dict[str, str],
    ) -> None:
        given: dict[str, dict[str, Any]] = {
            "--log-target": {"log_target": True},
            "0.7": {"alpha": 0.7},
        }
        for word in words:
            keywords = {**given.get(word, {}), **keywords}
        result = kldiv("loss", name, files["p"], files["q"], "--format", "json", *words)
        assert (result.code, result.err) == (0, "")
        found = json.loads(result.out)
        true = kldiv_cli.loss(name, files["p"], files["q"], **keywords)
        assert (found["value"], found["options"]) == (true.value, dict(true.options))
        assert found["options"] != dict(kldiv_cli.loss(name, files["p"], files["q"]).options) or (
            words == ("--no-from-logits",)
        )

    def test_labels_of_a_file_and_of_a_column(self, kldiv: Kldiv, files: dict[str, str]) -> None:
        words = ("loss", "gkl", "--class-prior", "--format", "json", "--labels")
        first = kldiv(*words, files["labels"], files["p"], files["q"])
        second = kldiv(*words, "truth", files["table"], files["q"])
        assert (first.code, second.code) == (0, 0)
        assert json.loads(first.out)["value"] == json.loads(second.out)["value"]
        assert json.loads(second.out)["classes"] == 4

    def test_row_axes_nan_policy_and_columns(self, kldiv: Kldiv, files: dict[str, str]) -> None:
        whole = kldiv("loss", "vat", files["p"], files["q"], "--row-axes", "0", "--format", "json")
        assert json.loads(whole.out)["rows"] == 1
        words = ("loss", "vat", files["nan"], files["q"], "--format", "json")
        assert json.loads(kldiv(*words, "--nan-policy", "omit").out)["rows"] == 3
        assert json.loads(kldiv(*words, "--nan-policy", "propagate").out)["value"] == "nan"
        table = ("loss", "vat", files["table"], files["table"], "--format", "json")
        assert json.loads(kldiv(*table, "--columns", "a,b").out)["classes"] == 2
        assert json.loads(kldiv(*table, "--id", "truth").out)["paired_by"] == "id"

    def test_samples_of_globalpointer(self, kldiv: Kldiv) -> None:
        found = json.loads(kldiv("loss", "globalpointer", *OCR, "--format", "json").out)
        assert (found["rows"], found["classes"], found["denominator"]) == (6, 6144, 6)
        assert found["value"] == pytest.approx(6000.71, rel=1e-6)


class TestErrors:
    @pytest.mark.parametrize(
        ("words", "what", "advice"),
        [
            (
                ("nope", "{p}", "{q}"),
                "no loss is called 'nope'",
                f"Known: {', '.join(LOSSES)}.",
            ),
            (
                ("torch",),
                "kldiv loss torch: expected REFERENCE and CANDIDATE, found neither",
                "Name two files of logits, or say 'kldiv loss' alone for the list.",
            ),
            (
                ("torch", "{p}"),
                "kldiv loss torch: expected REFERENCE and CANDIDATE, found only the first",
                "Name two files of logits, or say 'kldiv loss' alone for the list.",
            ),
            (
                ("kd", "{p}", "{q}", "--alpha", "1"),
                "the loss kd does not take --alpha",
                "Its options: --temperature.",
            ),
            (
                ("vat", "{p}", "{q}", "--labels", "{labels}"),
                "the loss vat does not take --labels",
                "Its options: none.",
            ),
            (
                ("torch", "{p}", "{q}", "--reduction", "cell"),
                "no --reduction is called 'cell'",
                "Known: mean, batchmean, sum.",
            ),
            (
                ("gjsd", "{p}", "{q}", "--beta", "2"),
                "expected --beta to be a finite number from 0 to 1, found 2",
                "Leave it out for the default.",
            ),
            (
                ("dkd", "{p}", "{q}"),
                "the loss dkd needs the true class of every row",
                "Give --labels FILE.npy, or --labels COLUMN of the reference table.",
            ),
            (
                ("dkd", "{p}", "{q}", "--labels", "{short}"),
                "{short}: expected 4 labels, one per row, found 3",
                None,
            ),
            (
                ("dkd", "{p}", "{q}", "--labels", "{high}"),
                "{high}: row 3: expected a label from 0 to 3, found 4",
                None,
            ),
            (
                ("gkl", "{p}", "{q}", "--class-prior", "--labels", "{lacking}"),
                "{lacking}: expected rows of every class, found none of class 3",
                None,
            ),
            (
                ("vat", "{nan}", "{q}"),
                "{nan}: row 1, class 2: expected a finite logit or -inf, found NaN",
                None,
            ),
            (("vat", "{p}", "{p}.npy"), "{p}.npy: expected a file, found nothing there", None),
        ],
    )
    def test_one_line_of_what_and_one_of_what_to_do(
        self,
        words: tuple[str, ...],
        what: str,
        advice: str | None,
        kldiv: Kldiv,
        files: dict[str, str],
    ) -> None:
        result = kldiv("loss", *(word.format(**files) for word in words))
        assert (result.code, result.out) == (2, "")
        first, second = result.err.splitlines()
        assert first == f"kldiv: error: {what.format(**files)}"
        assert advice is None or second == advice

    @pytest.mark.parametrize("words", [("--alpha", "x"), ("--format", "csv"), ("--release", "2")])
    def test_bad_usage(self, words: tuple[str, ...], kldiv: Kldiv, files: dict[str, str]) -> None:
        result = kldiv("loss", "mxnet", files["p"], files["q"], *words)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("kldiv: error: ")


class TestListing:
    def test_shows_formula_options_and_paper_of_each(self, kldiv: Kldiv) -> None:
        result = kldiv("loss")
        assert (result.code, result.err) == (0, "")
        lines = result.out.splitlines()
        text = " ".join(result.out.split())
        for name, entry in LOSSES.rows().items():
            assert f"{name} {entry.description} options: {' '.join(flags(name)) or 'none'}" in text
            assert entry.paper in text
        assert max(map(len, lines)) <= 80

    def test_help_names_every_option(self, kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "160")
        result = kldiv("loss", "--help")
        assert result.code == 0
        for name in LOSSES:
            for flag in flags(name):
                assert flag in result.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["loss"], ["0"]),
        (["loss", "--help"], ["0"]),
        (["loss", "nope", *MAGIKA], ["2"]),
        (["loss", "vat"], ["2"]),
        (["loss", "vat", *MAGIKA], ["0", "numpy"]),
        (["loss", "dkl", *MAGIKA, "--format", "json"], ["0", "numpy"]),
    ],
)
def test_loads_no_more_than_it_needs(words: list[str], expected: list[str]) -> None:
    assert loaded(MAIN, words) == expected


@pytest.mark.parametrize("words", [["--alpha", "3"], ["--format", "json"], ["--labels", "x.npy"]])
def test_options_without_a_loss_are_not_ignored(words: list[str], kldiv: Kldiv) -> None:
    done = kldiv("loss", *words)
    assert (done.code, done.out) == (2, "")
    assert "expected the NAME of a loss" in done.err
