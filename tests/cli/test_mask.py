"""`--mask` and `--mask-means` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.command import Kldiv
from tests.sources import test_safetensors

CSV = "samples/magika-fp32-24.csv", "samples/magika-int8-24.csv"
MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
OCR = "samples/ocr-det-fp32.npy", "samples/ocr-det-int8.npy"
TEXT = "samples/ocr-det-text.npy"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A mask of all rows but one in four."""
    np.save(tmp_path / "rows.npy", np.arange(512) % 4 != 0)
    return tmp_path / "rows.npy"


def test_the_report_says_what_was_masked(kldiv: Kldiv, rows: Path) -> None:
    done = kldiv("compare", *MAGIKA, "--mask", rows, "--top", 1)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[4] == f"mask         {rows}  npy bool 512, true keeps"
    assert lines[5] == "masked       128 rows, and 0 of 82176 cells in those counted"
    assert lines[6] == "rows         384 counted, paired by position"
    dropped = kldiv("compare", *MAGIKA, "--mask", rows, "--mask-means", "drop").out.splitlines()
    assert dropped[5] == "masked       384 rows, and 0 of 27392 cells in those counted"


@pytest.mark.parametrize(
    ("name", "options"),
    [("magika-int8.npy", ("--classes", "100:200")), ("wide.npy", ("--truncate-classes",))],
)
@pytest.mark.parametrize("shape", [(512, 214), (214,), (1, 214)])
def test_cells_are_not_masked_where_classes_are_chosen(
    name: str, options: tuple[str, ...], shape: tuple[int, ...], kldiv: Kldiv, tmp_path: Path
) -> None:
    np.save(tmp_path / "m.npy", np.arange(np.prod(shape)).reshape(shape) % 3 > 0)
    np.save(tmp_path / "wide.npy", np.ones((512, 220)))
    candidate = f"samples/{name}" if name.startswith("magika") else tmp_path / name
    assert kldiv("compare", MAGIKA[0], candidate, *options, "--mask", tmp_path / "m.npy") == (
        2,
        "",
        (
            "kldiv: error: --mask says which cells enter, and --classes and --truncate-classes "
            "which classes\nLeave one of the two out, or mask whole rows.\n"
        ),
    )


def test_a_table_of_cells_where_classes_are_chosen(kldiv: Kldiv, tmp_path: Path) -> None:
    names = Path(CSV[0]).read_text().splitlines()[0].split(",")[1:]
    row = ",".join(["1"] * len(names))
    (tmp_path / "m.csv").write_text("\n".join([",".join(names), *[row] * 24]) + "\n")
    done = kldiv("compare", *CSV, "--classes", "100:200", "--mask", tmp_path / "m.csv")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("kldiv: error: --mask says which cells enter, and --classes ")


def test_masked_rows_are_blank(kldiv: Kldiv, rows: Path) -> None:
    done = kldiv("compare", *MAGIKA, "--mask", rows, "--format", "csv")
    lines = done.out.splitlines()
    assert [i for i, line in enumerate(lines[1:]) if line.endswith(",")] == list(range(0, 512, 4))


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
def test_json(kldiv: Kldiv, mode: str) -> None:
    words = ("--mode", mode, "--row-axes", 1, "--mask", TEXT, "--format", "json")
    found = json.loads(kldiv("compare", *OCR, *words).out)
    kept = np.load(TEXT).reshape(6, -1)
    assert found["masked"] == 0
    assert found["mask"] == {
        "path": TEXT,
        "format": "npy",
        "dtype": "bool",
        "shape": [6, 1, 64, 96],
        "notes": [],
        "means": "keep",
        "masked_cells": int((~kept).sum()),
        "cells": kept.size,
    }
    s, t = (np.load(path).reshape(6, -1).astype(np.longdouble) for path in OCR)
    wanted = []
    for i in range(6):
        x, y = s[i, kept[i]], t[i, kept[i]]
        if mode == "softmax":
            p, q = np.exp(x - x.max()), np.exp(y - y.max())
            p, q = p / p.sum(), q / q.sum()
        else:
            p, q = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(-y))
        wanted.append(((p - q) * (x - y)).sum())
    assert found["measures"]["jeffreys"]["mean"] == pytest.approx(float(np.mean(wanted)), rel=2e-14)


@pytest.mark.parametrize(
    "shape", [(6, 1), (6,), (6, 1, 64, 96), (64, 96), (1, 1, 64, 96), (96,)], ids=str
)
@pytest.mark.parametrize("row_axes", [1, 2, 3])
def test_shapes(kldiv: Kldiv, tmp_path: Path, shape: tuple[int, ...], row_axes: int) -> None:
    mask = np.random.default_rng(1).random(shape) < 0.7
    np.save(tmp_path / "m.npy", mask)
    words = ("--mode", "sigmoid", "--row-axes", row_axes, "--stat", "total")
    done = kldiv("compare", *OCR, *words, "--mask", tmp_path / "m.npy")
    assert (done.code, done.err) == (0, "")
    s, t = (np.load(path).astype(np.longdouble) for path in OCR)
    cells = (1 / (1 + np.exp(-s)) - 1 / (1 + np.exp(-t))) * (s - t)
    whole = mask.reshape(*shape, *[1] * (4 - len(shape))) if shape[0] == 6 else mask
    assert float(done.out) == pytest.approx(float((cells * whole).sum()), rel=1e-12)


@pytest.mark.parametrize("words", [("--mask-means", "drop"), ("--mask-means", "keep")])
def test_a_meaning_without_a_mask(kldiv: Kldiv, words: tuple[str, ...]) -> None:
    assert kldiv("compare", *MAGIKA, *words) == (
        2,
        "",
        (
            "kldiv: error: --mask-means says what a mask means, and there is none\n"
            "Name the mask with --mask FILE, or leave it out.\n"
        ),
    )


def test_a_mask_that_may_mean_two_things(kldiv: Kldiv, tmp_path: Path) -> None:
    for name in ("s", "t"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(len(name)).normal(size=(8, 8)))
    np.save(tmp_path / "m.npy", np.ones(8, dtype=bool))
    done = kldiv("compare", *(tmp_path / f"{x}.npy" for x in "st"), "--mask", tmp_path / "m.npy")
    assert done == (
        2,
        "",
        (
            f"kldiv: error: {tmp_path}/m.npy: expected a mask that fits (8, 8) in one way, "
            "found (8,), which fits the first axes and the last ones\n"
            "Save it with the shape (8, 1) for the first axes, or (1, 8) for the last ones.\n"
        ),
    )


def test_a_mask_that_fits_nowhere(kldiv: Kldiv, rows: Path) -> None:
    assert kldiv("compare", *OCR, "--mask", rows) == (
        2,
        "",
        (
            f"kldiv: error: {rows}: expected a mask that fits the first or the last axes of "
            "(6, 1, 64, 96), found (512,)\n"
            "Each of its axes is as long as that of the inputs, or 1.\n"
        ),
    )


def test_nothing_is_kept(kldiv: Kldiv, tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.zeros(512, dtype=bool))
    assert kldiv("compare", *MAGIKA, "--mask", tmp_path / "m.npy") == (
        2,
        "",
        (
            f"kldiv: error: {tmp_path / 'm.npy'}: expected cells to compare, found none: the mask "
            "leaves out every cell\n"
            "--mask-means says whether true cells enter (keep) or are left out (drop).\n"
        ),
    )


def test_logits_are_no_mask(kldiv: Kldiv) -> None:
    done = kldiv("compare", *MAGIKA, "--mask", MAGIKA[0])
    assert done.code == 2
    assert done.err.startswith(f"kldiv: error: {MAGIKA[0]}: cell [0, 0]: expected 0 or 1, found ")


def test_a_mask_is_not_overwritten(kldiv: Kldiv, rows: Path) -> None:
    before = rows.read_bytes()
    done = kldiv("compare", *MAGIKA, "--mask", rows, "-o", rows)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"kldiv: error: {rows}: expected a new output, found one that is an input\n"
        "Name another file.\n"
    )
    assert rows.read_bytes() == before


def test_a_column_of_a_table(kldiv: Kldiv, tmp_path: Path) -> None:
    ids = [line.split(",")[0] for line in Path(CSV[0]).read_text().splitlines()]
    keep = ["keep", *("01"[i % 3 > 0] for i in range(24))]
    lines = [f"{i},{k}\n" for i, k in zip(ids, keep, strict=True)]
    (tmp_path / "m.csv").write_text("".join(lines))
    done = kldiv("compare", *CSV, "--mask", tmp_path / "m.csv", "--format", "jsonl")
    assert (done.code, done.err) == (0, "")
    values = [json.loads(line)["jeffreys"] for line in done.out.splitlines()]
    assert [i for i, value in enumerate(values) if value is None] == list(range(0, 24, 3))
    lines = kldiv("compare", *CSV, "--mask", tmp_path / "m.csv").out.splitlines()
    at = lines.index(f"mask         {tmp_path}/m.csv  csv float64 24 x 1, true keeps")
    assert lines[at + 1 : at + 3] == [
        "             row id: column 'file', the only one that is not numeric",
        "masked       8 rows, and 0 of 3424 cells in those counted",
    ]
    lines = kldiv("compare", *CSV, "--mask", tmp_path / "m.csv", "--limit", 4).out.splitlines()
    assert f"mask         {tmp_path}/m.csv  csv float64 ? x 1, true keeps" in lines


LLAMACPP = "samples/llamacpp/tiny-f32.kld", "samples/llamacpp/tiny-Q8_0.kld"
UNSCORED = "             tokens are scored among all classes, so here they are not"


class TestTokens:
    def test_those_of_masked_rows_are_left_out(self, kldiv: Kldiv, tmp_path: Path) -> None:
        kept = (np.arange(155) % 5 > 0).reshape(5, 31)
        np.save(tmp_path / "m.npy", kept)
        found = json.loads(
            kldiv("compare", *LLAMACPP, "--mask", tmp_path / "m.npy", "--format", "json").out
        )
        assert (found["rows"], found["masked"]) == (124, 31)
        assert found["language"]["tokens"] == 124

    def test_they_are_not_scored_among_part_of_the_classes(
        self, kldiv: Kldiv, tmp_path: Path
    ) -> None:
        np.save(tmp_path / "m.npy", np.arange(1001) < 900)
        done = kldiv("compare", *LLAMACPP, "--mask", tmp_path / "m.npy")
        assert (done.code, done.err) == (0, "")
        assert UNSCORED in done.out.splitlines()
        assert "perplexity" not in done.out

    def test_labels_of_files_are_refused_with_a_mask_of_classes(
        self, kldiv: Kldiv, tmp_path: Path
    ) -> None:
        np.save(tmp_path / "m.npy", np.arange(1001) < 900)
        np.save(tmp_path / "labels.npy", np.zeros((5, 31), int))
        words = ("--mask", tmp_path / "m.npy", "--labels", tmp_path / "labels.npy")
        assert kldiv("compare", *LLAMACPP, *words) == (
            2,
            "",
            (
                "kldiv: error: --labels score tokens of a llama.cpp logits file among all classes, "
                "and --mask leaves some of them out\n"
                "Leave one of the two out, or mask whole rows.\n"
            ),
        )

    def test_labels_go_with_a_mask_of_classes(self, kldiv: Kldiv, tmp_path: Path) -> None:
        s, t = (np.load(path) for path in MAGIKA)
        kept = np.arange(214) % 3 > 0
        labels = np.where(kept, s, -np.inf).argmax(axis=1)
        np.save(tmp_path / "m.npy", kept)
        np.save(tmp_path / "labels.npy", labels)
        for name, values in (("s", s), ("t", t)):
            np.save(tmp_path / f"{name}.npy", values[:, kept])
        np.save(tmp_path / "l.npy", np.cumsum(kept)[labels] - 1)
        words = ("--mask", tmp_path / "m.npy", "--labels", tmp_path / "labels.npy")
        masked = kldiv("compare", *MAGIKA, *words)
        sides = tmp_path / "s.npy", tmp_path / "t.npy"
        alone = kldiv("compare", *sides, "--labels", tmp_path / "l.npy")
        assert (masked.code, masked.err) == (0, "")
        blocks = [done.out.split("\n\n")[1:3] for done in (masked, alone)]
        assert "same top p" in "".join(blocks[0])
        assert blocks[0] == blocks[1]
        lines = masked.out.splitlines()
        assert lines[5:8] == [
            "masked       0 rows, and 36864 of 109568 cells in those counted",
            "             p and q are distributions over the classes that are kept",
            "             tokens are scored among these",
        ]
        assert max(map(len, lines[5:])) <= 80

    def test_a_label_that_is_masked(self, kldiv: Kldiv, tmp_path: Path) -> None:
        np.save(tmp_path / "m.npy", np.arange(214) < 200)
        np.save(tmp_path / "labels.npy", np.arange(512) % 203)
        words = ("--mask", tmp_path / "m.npy", "--labels", tmp_path / "labels.npy")
        assert kldiv("compare", *MAGIKA, *words) == (
            2,
            "",
            (
                f"kldiv: error: {tmp_path}/labels.npy: row 200: expected a label that the mask "
                "keeps, found 200, which it leaves out\n"
                "Keep the class of its label in every row, or leave the row out as a whole.\n"
            ),
        )

    def test_labels_go_with_a_mask_of_rows(self, kldiv: Kldiv, rows: Path, tmp_path: Path) -> None:
        labels = np.load(MAGIKA[0]).argmax(axis=1)
        kept = np.load(rows)
        np.save(tmp_path / "labels.npy", labels)
        np.save(tmp_path / "s.npy", np.load(MAGIKA[0])[kept])
        np.save(tmp_path / "t.npy", np.load(MAGIKA[1])[kept])
        np.save(tmp_path / "l.npy", labels[kept])
        masked = kldiv("compare", *MAGIKA, "--mask", rows, "--labels", tmp_path / "labels.npy")
        sides = tmp_path / "s.npy", tmp_path / "t.npy"
        alone = kldiv("compare", *sides, "--labels", tmp_path / "l.npy")
        blocks = [done.out.split("\n\n")[1:3] for done in (masked, alone)]
        assert "same top p" in "".join(blocks[0])
        assert blocks[0] == blocks[1]


@pytest.mark.parametrize("group", ["argmax", "confidence"])
def test_masked_rows_are_counted_in_groups(kldiv: Kldiv, rows: Path, group: str) -> None:
    words = ("--mask", rows, "--group", group, "--format", "json")
    found = json.loads(kldiv("compare", *MAGIKA, *words).out)
    *groups, none = found["groups"]
    assert (none["name"], none["rows"], none["skipped"], none["masked"]) == (None, 0, 0, 128)
    assert [each["masked"] for each in groups] == [0] * len(groups)
    assert sum(each["rows"] for each in groups) == 384


def test_masked_rows_have_their_position(kldiv: Kldiv, tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", (np.arange(155) % 31 > 0).reshape(5, 31))
    words = ("--mask", tmp_path / "m.npy", "--group", "position")
    found = json.loads(kldiv("compare", *LLAMACPP, *words, "--format", "json").out)
    assert [each["masked"] for each in found["groups"]] == [5, *[0] * 30]
    assert [each["rows"] for each in found["groups"]] == [0, *[5] * 30]
    assert "  masked  " in kldiv("compare", *LLAMACPP, *words).out


def test_groups_are_by_the_top_class_of_the_kept(kldiv: Kldiv, tmp_path: Path) -> None:
    kept = np.arange(214) < 100
    np.save(tmp_path / "m.npy", kept)
    words = ("--mask", tmp_path / "m.npy", "--group", "argmax", "--format", "json")
    found = json.loads(kldiv("compare", *MAGIKA, *words).out)
    top = np.load(MAGIKA[0])[:, kept].argmax(axis=1)
    names, counts = np.unique(top, return_counts=True)
    wanted = {str(name): int(count) for name, count in zip(names, counts, strict=True)}
    assert {each["name"]: each["rows"] for each in found["groups"]} == wanted


class TestLoss:
    """`kldiv loss` takes masks of rows and of cells."""

    def test_the_rest_is_as_if_alone(self, kldiv: Kldiv, rows: Path, tmp_path: Path) -> None:
        kept = np.load(rows)
        for name, path in zip("st", MAGIKA, strict=True):
            np.save(tmp_path / f"{name}.npy", np.load(path)[kept])
        alone = tuple(tmp_path / f"{name}.npy" for name in "st")
        for name in ("torch", "mxnet", "keras", "r-drop", "kd", "gjsd", "dkl"):
            masked = json.loads(
                kldiv("loss", name, *MAGIKA, "--mask", rows, "--format", "json").out
            )
            wanted = json.loads(kldiv("loss", name, *alone, "--format", "json").out)
            for key in ("value", "components", "denominator", "reference_value", "rows"):
                assert masked[key] == wanted[key], (name, key)
            assert (masked["masked"], masked["mask"]["path"]) == (128, str(rows))
            assert "masked" not in wanted

    def test_the_table(self, kldiv: Kldiv, rows: Path) -> None:
        words = ("--mask", rows, "--mask-means", "drop")
        lines = kldiv("loss", "torch", *MAGIKA, *words).out.splitlines()
        assert lines[4] == f"mask         {rows}  npy bool 512, true drops"
        assert lines[5] == (
            "rows         128 counted, paired by position, 0 skipped, 0 invalid, 384 masked"
        )

    def test_masked_rows_may_hold_anything(self, kldiv: Kldiv, tmp_path: Path) -> None:
        s, t = np.ones((3, 2)), np.zeros((3, 2))
        s[1] = np.nan
        np.save(tmp_path / "s.npy", s)
        np.save(tmp_path / "t.npy", t)
        np.save(tmp_path / "m.npy", np.array([True, False, True]))
        words = (tmp_path / "s.npy", tmp_path / "t.npy", "--mask", tmp_path / "m.npy")
        done = kldiv("loss", "torch", *words, "--format", "json")
        assert (done.code, done.err) == (0, "")
        found = json.loads(done.out)
        assert (found["value"], found["rows"], found["masked"], found["invalid"]) == (0, 2, 1, 0)

    def test_samples_of_globalpointer(self, kldiv: Kldiv, tmp_path: Path) -> None:
        np.save(tmp_path / "m.npy", np.array([1, 0, 1, 1, 0, 1]))
        words = ("--mask", tmp_path / "m.npy", "--format", "json")
        found = json.loads(kldiv("loss", "globalpointer", *OCR, *words).out)
        assert (found["rows"], found["masked"]) == (4, 2)

    def test_labels_of_masked_rows(self, kldiv: Kldiv, tmp_path: Path, rows: Path) -> None:
        kept = np.load(rows)
        labels = np.arange(512) % 214
        np.save(tmp_path / "alone.npy", labels[kept])
        np.save(tmp_path / "labels.npy", np.where(kept, labels, -100))
        for name, path in zip("st", MAGIKA, strict=True):
            np.save(tmp_path / f"{name}.npy", np.load(path)[kept])
        cut = (tmp_path / "s.npy", tmp_path / "t.npy", "--labels", tmp_path / "alone.npy")
        words = (*MAGIKA, "--labels", tmp_path / "labels.npy")
        for loss in (("dkd",), ("dkl", "--class-prior"), ("gkl", "--class-prior", "--gamma", 0.5)):
            found = kldiv("loss", *loss, *words, "--mask", rows, "--format", "json")
            wanted = kldiv("loss", *loss, *cut, "--format", "json")
            assert (found.code, found.err, wanted.err) == (0, "", "")
            for key in ("value", "components", "reference_value"):
                assert json.loads(found.out)[key] == json.loads(wanted.out)[key], (loss, key)
        assert kldiv("loss", "dkd", *words) == (
            2,
            "",
            (
                f"kldiv: error: {tmp_path}/labels.npy: row 0: expected a label from 0 to 213, "
                "found -100\n"
                "Leave rows without a label out: --mask FILE, true for every row that has one.\n"
            ),
        )

    def test_cells(self, kldiv: Kldiv) -> None:
        done = kldiv("loss", "globalpointer", *OCR, "--mask", TEXT, "--reduction", "cell")
        assert (done.code, done.err) == (0, "")
        s, t, kept = (np.load(path) for path in (*OCR, TEXT))
        s, t = s[kept].astype(np.longdouble), t[kept].astype(np.longdouble)
        total = ((1 / (1 + np.exp(-s)) - 1 / (1 + np.exp(-t))) * (s - t)).sum()
        lines = done.out.splitlines()
        assert max(map(len, lines)) <= 80
        assert lines[5:14] == [
            f"mask         {TEXT}  npy bool 6 x 1 x 64 x 96, true keeps",
            "masked       28501 of 36864 cells in the rows counted",
            "             rows are taken without them",
            "rows         6 counted, paired by position, 0 skipped, 0 invalid, 0 masked",
            "",
            f"value        {float(total / 8363):.12g} nats",
            "reduction    mean over the cells that are kept: sum / 8363",
            "denominator  8363",
            "stands for   J = KL(p||q) + KL(q||p): " + lines[13].split(": ")[1],
        ]
        done = kldiv("loss", "globalpointer", *OCR, "--mask", TEXT, "--format", "json")
        found = json.loads(done.out)
        assert found["value"] == pytest.approx(float(total / 6), rel=2e-14)
        assert (found["masked"], found["mask"]["masked_cells"], found["mask"]["cells"]) == (
            0,
            28501,
            36864,
        )

    def test_rows_of_a_selection(self, kldiv: Kldiv, rows: Path) -> None:
        words = ("--mask", rows, "--rows", "100:400", "--sample", 40, "--seed", 3)
        done = kldiv("loss", "kd", *MAGIKA, *words)
        assert (done.code, done.err) == (0, "")
        lines = done.out.splitlines()
        assert lines[4:6] == [
            "selected     40 drawn from rows 100..399 of 512, seed 3 (--rows, --sample)",
            f"mask         {rows}  npy bool 512, true keeps",
        ]
        compared = kldiv("compare", *MAGIKA, *words, "-m", "kl", "--format", "json")
        masked = json.loads(compared.out)["masked"]
        assert lines[6] == (
            f"rows         {40 - masked} counted, paired by position, 0 skipped, 0 invalid, "
            f"{masked} masked"
        )
        found = json.loads(kldiv("loss", "kd", *MAGIKA, *words, "--format", "json").out)
        assert found["value"] == json.loads(compared.out)["measures"]["kl"]["mean"]
        assert found["selection"] == json.loads(compared.out)["selection"]

    def test_nothing_is_kept(self, kldiv: Kldiv, tmp_path: Path) -> None:
        np.save(tmp_path / "m.npy", np.ones(512, dtype=bool))
        done = kldiv("loss", "torch", *MAGIKA, "--mask", tmp_path / "m.npy", "--mask-means", "drop")
        assert done.code == 2
        assert "found none: the mask leaves out every cell\n" in done.err

    def test_a_meaning_without_a_mask(self, kldiv: Kldiv) -> None:
        done = kldiv("loss", "torch", *MAGIKA, "--mask-means", "keep")
        assert done.code == 2
        assert "--mask-means says what a mask means, and there is none" in done.err

    def test_without_a_loss(self, kldiv: Kldiv, rows: Path) -> None:
        done = kldiv("loss", "--mask", rows)
        assert (done.code, done.out) == (2, "")
        assert "expected the NAME of a loss for these options, found none" in done.err


def test_a_mask_of_bfloat16(kldiv: Kldiv, tmp_path: Path) -> None:
    """Ones and zeros may have any type, also one that NumPy lacks."""
    kept = np.arange(512) % 4 != 0
    np.save(tmp_path / "x.npy", kept)
    header = {"x": test_safetensors.entry("BF16", (512,), 0, 1024)}
    words = np.where(kept, 0x3F80, 0).astype("<u2").tobytes()
    path = test_safetensors.write(tmp_path / "x.safetensors", header, words)
    found, expected = (
        kldiv("compare", *MAGIKA, "--mask", mask, "--stat", "total")
        for mask in (path, tmp_path / "x.npy")
    )
    assert (found.code, found.err) == (0, "")
    assert found.out == expected.out
