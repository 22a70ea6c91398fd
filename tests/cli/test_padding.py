"""Padded rows and cells as people have them, from the outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kldiv_cli
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.padding import MaskBelow
from tests.command import Kldiv

CASES = Path("tests/cases")
HF = CASES / "hf_a.npy", CASES / "hf_b.npy"
"""Logits (3, 4, 7), of which three rows are -100."""
KEEP = CASES / "hf_keep.npy"
GP = CASES / "gp_a.npy", CASES / "gp_b.npy"
"""Span scores (2, 2, 6, 6), of which 82 cells are -1e12."""
SPANS = ("--mode", "sigmoid", "--row-axes", 1)
WARNING = (
    f"kldiv: warning: {HF[0]} and {HF[1]}: 3 rows hold -100 alone on both sides, as padding does, "
    "and count: --ignore-constant-rows leaves them out\n"
)


def figures(found: Comparison) -> dict[str, Any]:
    """All that was computed, to the last bit."""
    measures = {
        name: {stat: float(value).hex() for stat, value in each.values.items()}
        for name, each in found.measures.items()
    }
    values = {name: each.tobytes() for name, each in found.values.items()}
    return {"measures": measures, "values": values, "agreement": found.agreement}


class TestRowsOfLogits:
    def test_they_are_warned_of(self, kldiv: Kldiv) -> None:
        done = kldiv("compare", *HF)
        assert (done.code, done.err) == (0, WARNING)
        assert (
            "constant     3 rows of -100 on both sides; --ignore-constant-rows skips them\n"
            "rows         12 counted, paired by position\n"
            "             3 zero, 0 infinite, 0 skipped, 0 invalid\n"
        ) in done.out
        assert kldiv("compare", *HF, "--strict").code == 2

    def test_the_advice_leads_to_the_other_rows(self, kldiv: Kldiv) -> None:
        done = kldiv("compare", *HF, "--ignore-constant-rows")
        assert (done.code, done.err) == (0, "")
        assert (
            "constant     3 rows of -100 on both sides, left out (--ignore-constant-rows)\n"
            "rows         9 counted, paired by position\n"
            "             0 zero, 0 infinite, 3 skipped, 0 invalid\n"
        ) in done.out
        assert " 6 (1, 2)          skipped  -         -\n" in done.out
        done = kldiv("compare", *HF, "--ignore-constant-rows", "--stat", "mean")
        assert done == (0, "0.05456791760350791\n", "")

    @pytest.mark.parametrize("measure", [["jeffreys"], ["js", "kl", "renyi:2"]])
    @pytest.mark.parametrize("unit", ["nats", "bits"])
    def test_as_a_mask_given_by_hand(self, measure: list[str], unit: Any) -> None:
        options: Any = {"measure": measure, "unit": unit}
        found = kldiv_cli.compare(*HF, ignore_constant_rows=True, **options)
        by_hand = kldiv_cli.compare(*HF, mask=KEEP, **options)
        assert figures(found) == figures(by_hand)
        assert (found.rows, found.skipped, by_hand.masked) == (9, 3, 3)
        assert found.blank_rows.tolist() == by_hand.blank_rows.tolist()

    def test_json(self, kldiv: Kldiv) -> None:
        found = json.loads(kldiv("compare", *HF, "--format", "json").out)
        constant = {"rows": 3, "value": -100.0, "skipped": 0, "ignored": False}
        assert found["constant_rows"] == constant
        assert found["warnings"] == [WARNING.removeprefix("kldiv: warning: ").strip()]
        words = ("--format", "json", "--ignore-constant-rows")
        found = json.loads(kldiv("compare", *HF, *words).out)
        assert found["constant_rows"] == constant | {"skipped": 3, "ignored": True}
        assert (found["rows"], found["skipped"], found["warnings"]) == (9, 3, [])
        for command in (("verify",), ("loss", "torch")):
            found = json.loads(kldiv(*command, *HF, *words).out)
            assert found["constant_rows"] == constant | {"skipped": 3, "ignored": True}
            assert (found["rows"], found["skipped"]) == (9, 3)

    def test_rows_that_are_left_out_are_blank(self, kldiv: Kldiv) -> None:
        done = kldiv("compare", *HF, "--ignore-constant-rows", "--format", "csv")
        lines = done.out.splitlines()[1:]
        assert [i for i, line in enumerate(lines) if line.endswith(",")] == [6, 7, 11]

    def test_groups(self, kldiv: Kldiv) -> None:
        words = ("--ignore-constant-rows", "--group", "position", "--format", "json")
        found = json.loads(kldiv("compare", *HF, *words).out)
        counts = {each["name"]: (each["rows"], each["skipped"]) for each in found["groups"]}
        assert counts == {"0": (3, 0), "1": (3, 0), "2": (2, 1), "3": (1, 2)}
        for group in ("argmax", "confidence"):
            found = json.loads(kldiv("compare", *HF, *words[:2], group, *words[3:]).out)
            *others, none = found["groups"]
            assert (none["name"], none["rows"], none["skipped"]) == (None, 0, 3)
            assert sum(each["skipped"] for each in others) == 0

    @pytest.mark.parametrize("name", ["torch", "mxnet", "keras", "kd", "r-drop", "gkl"])
    def test_losses(self, name: str) -> None:
        found, by_hand = (
            kldiv_cli.loss(name, *HF, **option)
            for option in ({"ignore_constant_rows": True}, {"mask": KEEP})
        )
        assert (found.value, found.denominator) == (by_hand.value, by_hand.denominator)
        assert (found.rows, kldiv_cli.loss(name, *HF).rows) == (9, 12)
        assert "3 rows hold -100 alone" in kldiv_cli.loss(name, *HF).warnings[0]

    def test_loss_and_verify_say_so(self, kldiv: Kldiv) -> None:
        for command in (("verify",), ("loss", "torch")):
            done = kldiv(*command, *HF)
            assert done.err == WARNING
            assert (
                "constant     3 rows of -100 on both sides; --ignore-constant-rows skips"
                in done.out
            )
            done = kldiv(*command, *HF, "--ignore-constant-rows")
            assert done.err == ""
            assert "rows         9 counted, paired by position, 3 skipped, 0 invalid" in done.out


class TestCellsOfSpans:
    def test_they_decide_nothing(self, kldiv: Kldiv) -> None:
        done = kldiv("compare", *GP, *SPANS)
        assert (done.code, done.err) == (0, "")
        assert (
            "same sign    95.1613 % of cells (59 of 62)\n"
            "             without 82 cells of padding, the same on both sides\n"
        ) in done.out
        assert "constant" not in done.out
        mean = float(kldiv("compare", *GP, *SPANS, "--stat", "mean").out)
        assert mean == pytest.approx(0.0012253667894568, rel=2e-14)

    def test_json(self, kldiv: Kldiv) -> None:
        found = json.loads(kldiv("compare", *GP, *SPANS, "--format", "json").out)
        assert found["agreement"] == {"sign": 59 / 62, "padding": 82}

    def test_rows_of_nothing_else(self, kldiv: Kldiv, tmp_path: Path) -> None:
        """Under sigmoid they count, and are warned of; under softmax they are skipped."""
        files = []
        for path in GP:
            values = np.load(path)
            values[:, :, 4:] = -1e12
            files.append(tmp_path / path.name)
            np.save(files[-1], values)
        done = kldiv("compare", *files, "--mode", "sigmoid")
        assert done.err == (
            f"kldiv: warning: {files[0]} and {files[1]}: 8 rows hold -1e+12 alone on both sides, "
            "as padding does, and count: --ignore-constant-rows leaves them out\n"
        )
        done = kldiv("compare", *files)
        assert done.err == (
            f"kldiv: warning: {files[0]} and {files[1]}: 8 rows hold -1e+12 alone on both sides, "
            "as padding does, and are skipped: say --ignore-constant-rows if they are padding\n"
        )
        skipped = "constant     8 rows of -1e+12 on both sides, skipped as rows of -inf are\n"
        assert skipped in done.out
        assert "8 skipped, 0 invalid" in done.out
        done = kldiv("compare", *files, "--ignore-constant-rows")
        assert (done.code, done.err) == (0, "")
        assert "constant     8 rows of -1e+12 on both sides, left out (--ignore-const" in done.out
        assert "8 skipped, 0 invalid" in done.out


class TestLowCells:
    def test_they_are_masked(self, kldiv: Kldiv) -> None:
        done = kldiv("compare", *GP, *SPANS, "--mask-below", "-1e4")
        assert (done.code, done.err) == (0, "")
        assert (
            "mask below   -10000 or less on both sides\n"
            "masked       0 rows, and 82 of 144 cells in those counted\n"
            "             masked cells add nothing\n"
            "rows         2 counted, paired by position\n"
            "             0 zero, 0 infinite, 0 skipped, 0 invalid\n"
            "same sign    95.1613 % of cells (59 of 62)\n\n"
        ) in done.out

    @pytest.mark.parametrize("measure", [["jeffreys"], ["js", "kl", "tv"]])
    @pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
    @pytest.mark.parametrize("options", [{}, {"smooth": 0.1}, {"temperature": 2.0}, {"threads": 2}])
    def test_as_a_mask_given_by_hand(self, measure: list[str], mode: Any, options: Any) -> None:
        keep = ~(np.load(GP[0]) <= -1e11)
        options = {"measure": measure, "mode": mode, **options}
        found = kldiv_cli.compare(*GP, mask_below=-1e11, **options)
        by_hand = kldiv_cli.compare(*GP, mask=keep, **options)
        assert figures(found) == figures(by_hand)
        assert by_hand.mask is not None
        assert found.mask_below == MaskBelow(-1e11, by_hand.mask.cells, by_hand.mask.of)
        assert (found.rows, found.masked) == (by_hand.rows, by_hand.masked) == (20, 4)
        assert found.masked_rows is not None
        assert found.masked_rows.tolist() == np.ravel(~keep.any(axis=-1)).tolist()

    def test_beside_a_mask(self, kldiv: Kldiv, tmp_path: Path) -> None:
        mask = np.random.default_rng(0).random((2, 2, 6, 6)) < 0.6
        np.save(tmp_path / "m.npy", mask)
        keep = ~(np.load(GP[0]) <= -1e4)
        both = kldiv_cli.compare(*GP, mask=mask, mask_below=-1e4, mode="sigmoid", row_axes=1)
        by_hand = kldiv_cli.compare(*GP, mask=mask & keep, mode="sigmoid", row_axes=1)
        assert figures(both) == figures(by_hand)
        words = ("--mask", tmp_path / "m.npy", "--mask-below", "-1e4", "--format", "json")
        found = json.loads(kldiv("compare", *GP, *SPANS, *words).out)
        assert found["mask"]["masked_cells"] == (~mask).sum()
        low = {"value": -1e4, "masked_cells": (mask & ~keep).sum(), "cells": 144}
        assert found["mask_below"] == low
        out = kldiv("compare", *GP, *SPANS, *words[:4]).out
        assert f"mask below   -10000 or less on both sides, {low['masked_cells']} cells\n" in out
        assert f"and {(~(mask & keep)).sum()} of 144 cells in those counted" in out

    def test_losses(self, kldiv: Kldiv, tmp_path: Path) -> None:
        np.save(tmp_path / "m.npy", ~(np.load(GP[0]) <= -1e4))
        for name in ("globalpointer", "torch", "kd"):
            found, by_hand = (
                json.loads(kldiv("loss", name, *GP, "--format", "json", *words).out)
                for words in (("--mask-below", "-1e4"), ("--mask", tmp_path / "m.npy"))
            )
            low, mask = found.pop("mask_below"), by_hand.pop("mask")
            for each in (found, by_hand):
                each["warnings"] = [x.split(": ", 1)[1] for x in each["warnings"]]
            told = str(by_hand.pop("warnings")).replace("the mask keeps", "--mask-below keeps")
            assert str(found.pop("warnings")) == told
            assert low == {"value": -1e4, **{x: mask[x] for x in ("masked_cells", "cells")}}
            assert found == by_hand
        out = kldiv("loss", "globalpointer", *GP, "--mask-below", "-1e4").out
        assert (
            "mask below   -10000 or less on both sides\n"
            "masked       82 of 144 cells in the rows counted\n"
            "             rows are taken without them\n"
            "rows         2 counted, paired by position, 0 skipped, 0 invalid, 0 masked\n"
        ) in out

    def test_verify(self, kldiv: Kldiv) -> None:
        words = ("--mode", "sigmoid", "--mask-below", "-1e4", "--format", "json")
        found = json.loads(kldiv("verify", *GP, *words).out)
        assert (found["rows"], found["masked"], found["holds"]) == (20, 4, True)
        assert found["mask_below"] == {"value": -1e4, "masked_cells": 58, "cells": 120}

    def test_with_labels_and_groups(self) -> None:
        keep = ~(np.load(GP[0]) <= -1e4)
        labels = keep.argmax(axis=-1)
        options: Any = {"labels": labels, "group": "argmax"}
        found = kldiv_cli.compare(*GP, mask_below=-1e4, **options)
        by_hand = kldiv_cli.compare(*GP, mask=keep, **options)
        assert figures(found) == figures(by_hand)
        assert found.language is not None
        assert repr(found.language) == repr(by_hand.language)
        assert repr(found.groups) == repr(by_hand.groups)

    def test_nothing_is_left(self, kldiv: Kldiv) -> None:
        error = (
            f"{GP[0]}: expected cells to compare, found none: all are at or below 1e+09 on both "
            "sides\nSay a lower number with --mask-below, or leave it out.\n"
        )
        assert kldiv("compare", *GP, "--mask-below", "1e9") == (2, "", f"kldiv: error: {error}")

    def test_rows_padded_with_two_numbers(self, kldiv: Kldiv, tmp_path: Path) -> None:
        """-1e12 saved in half precision is -inf: the advice masks such rows."""
        values = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
        values[3] = -1e12
        np.save(tmp_path / "a.npy", values)
        with np.errstate(over="ignore"):
            np.save(tmp_path / "b.npy", values.astype(np.float16))
        files = tmp_path / "a.npy", tmp_path / "b.npy"
        error = (
            f"{files[1]}: row 3: expected a distribution, found nothing but -inf\n"
            "The other side is padding there, too: leave it out by --mask-below -10000.\n"
        )
        assert kldiv("compare", *files) == (2, "", f"kldiv: error: {error}")
        done = kldiv("compare", *files, "--mask-below", "-10000")
        assert (done.code, done.err) == (0, "")
        assert "masked       1 row, and 0 of 16 cells in those counted\n" in done.out

    def test_files_of_llama_cpp(self, kldiv: Kldiv, tmp_path: Path) -> None:
        """Tokens are scored among all classes, which no mask of cells leaves."""
        files = "samples/llamacpp/tiny-f32.kld", "samples/llamacpp/tiny-Q4_0.kld"
        done = kldiv("compare", *files, "--mask-below", -12)
        assert done.code == 0
        assert (
            "             tokens are scored among all classes, so here they are not\n" in done.out
        )
        np.save(tmp_path / "labels.npy", np.zeros(155, int))
        words = ("--mask-below", -12, "--labels", tmp_path / "labels.npy")
        error = (
            "--labels score tokens of a llama.cpp logits file among all classes, and --mask-below "
            "leaves some of them out\nLeave one of the two out, or mask whole rows.\n"
        )
        assert kldiv("compare", *files, *words) == (2, "", f"kldiv: error: {error}")

    def test_one_cell_is_left(self, kldiv: Kldiv, tmp_path: Path) -> None:
        """The advice leads to a comparison of two cells a row, and to one of labels."""
        values = np.array([[5.0, -20, -1e9], [3, -1e9, -20], [4, -20, -1e9]])
        np.save(tmp_path / "a.npy", values)
        np.save(tmp_path / "b.npy", values + np.array([0, 1, 0]))
        files = tmp_path / "a.npy", tmp_path / "b.npy"
        done = kldiv("compare", *files, "--mask-below", -10)
        assert done == (
            2,
            "",
            (
                f"kldiv: error: {files[0]}: expected two cells or more that --mask-below keeps of "
                "a row, found one in every row: under softmax its probability is always 1\nA lower "
                "number keeps more cells; kldiv compare --mode sigmoid takes every cell for a "
                "label of its own.\n"
            ),
        )
        assert kldiv("compare", *files, "--mask-below", -100).code == 0
        assert kldiv("compare", *files, "--mask-below", -10, "--mode", "sigmoid").code == 0

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (
                ("--mask-below", "nan"),
                "expected a number as --mask-below, found nan\n-1e4 is above what masks hold.\n",
            ),
            (
                ("--mask-below", "-1e4", "--input", "probs"),
                (
                    "--mask-below is for logits and log-probabilities, and there are "
                    "probabilities\nLeave it out: a probability of 0 on both sides adds nothing. "
                    "--mask masks any cell.\n"
                ),
            ),
        ],
    )
    def test_wrong_usage(self, kldiv: Kldiv, words: tuple[str, ...], error: str) -> None:
        assert kldiv("compare", *GP, *words) == (2, "", f"kldiv: error: {error}")

    def test_class_priors_need_all_classes(self, kldiv: Kldiv, tmp_path: Path) -> None:
        np.save(tmp_path / "labels.npy", np.zeros((2, 2, 6), int))
        words = ("--labels", tmp_path / "labels.npy", "--class-prior", "--mask-below", "-1e4")
        done = kldiv("loss", "gkl", *GP, *words)
        assert done.code == 2
        assert "and --mask-below leaves some of them out" in done.err


class TestInspect:
    def test_rows_of_one_number(self, kldiv: Kldiv) -> None:
        done = kldiv("inspect", HF[0])
        assert "rows         12 (3 x 4), a distribution in each\n" in done.out
        assert "             3 with nothing but -100\n" in done.out
        assert done.err == (
            f"kldiv: warning: {HF[0]}: 3 rows hold -100 alone, as padding does: "
            "--ignore-constant-rows of kldiv compare leaves them out where both sides have them\n"
        )
        (found,) = json.loads(kldiv("inspect", HF[0], "--format", "json").out)
        assert (found["rows"]["constant"], found["rows"]["constant_value"]) == (3, -100.0)

    def test_other_numbers_are_a_fact(self, kldiv: Kldiv, tmp_path: Path) -> None:
        values = np.random.default_rng(0).normal(size=(9, 4))
        values[[1, 2]], values[5] = 0, -100
        np.save(tmp_path / "x.npy", values)
        done = kldiv("inspect", tmp_path / "x.npy")
        assert "             3 with nothing but one number\n" in done.out
        assert done.err == ""
        values[7] = -1e9
        np.save(tmp_path / "y.npy", values)
        error = kldiv("inspect", tmp_path / "y.npy").err
        assert "2 rows hold -100 or a mask value alone, as padding does" in error
        np.save(tmp_path / "x.npy", values[:, :2])
        assert "with nothing but" not in kldiv("inspect", tmp_path / "x.npy").out
