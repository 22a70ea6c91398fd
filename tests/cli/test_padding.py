"""Padded rows and cells as people have them, from the outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kldiv_cli
from kldiv_cli.results.comparison import Comparison
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
        assert done.err == ""
        assert (
            "constant     8 rows of -1e+12 on both sides, skipped as rows of -inf are\n" in done.out
        )
        assert "8 skipped, 0 invalid" in done.out
