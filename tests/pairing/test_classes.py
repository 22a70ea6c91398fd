"""Some classes of both sides: the numbers are theirs alone, and what is left out is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError, KldivError, UsageError
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.rows.discarded import discarded
from tests.command import Kldiv
from tests.pairing.test_pairing import logits, save
from tests.pairing.test_selection import write

Array = npt.NDArray[Any]

S, T = 3 * logits(9, 8), 3 * logits(9, 8, 1)
WIDE = np.concatenate([T, 3 * logits(9, 3, 2)], axis=1)
NAMES = [f"c{i}" for i in range(8)]
MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
CSV = "samples/magika-fp32-24.csv", "samples/magika-int8-24.csv"


def softmax(values: Array, temperature: float = 1.0) -> Array:
    x = values / temperature
    weights = np.exp(x - x.max(axis=1, keepdims=True))
    found: Array = weights / weights.sum(axis=1, keepdims=True)
    return found


def listed(folder: Path, *words: object) -> Path:
    path = folder / "classes.txt"
    path.write_text("".join(f"{word}\n" for word in words))
    return path


class TestClasses:
    @pytest.mark.parametrize("measure", ["jeffreys", "kl", "js", "entropy"])
    @pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
    @pytest.mark.parametrize(
        ("classes", "kept"),
        [
            (":3", [0, 1, 2]),
            ("2:5", [2, 3, 4]),
            ("-3:", [5, 6, 7]),
            (":", list(range(8))),
            (slice(4, None), [4, 5, 6, 7]),
            ([6, 1, 3], [1, 3, 6]),
            (np.array([6, 7]), [6, 7]),
        ],
        ids=str,
    )
    def test_the_numbers_are_those_of_the_classes_alone(
        self, classes: Any, kept: list[int], mode: Any, measure: str
    ) -> None:
        found = compare(S, T, classes=classes, mode=mode, measure=measure)
        alone = compare(S[:, kept], T[:, kept], mode=mode, measure=measure)
        np.testing.assert_array_equal(found.values[measure], alone.values[measure])
        assert (found.classes, found.class_shape) == (len(kept), (len(kept),))
        assert found.agreement == alone.agreement

    @pytest.mark.parametrize("kind", ["npy", "npy-fortran", "npz-deflated", "csv", "parquet"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_of_every_kind_of_file(self, dtype: Any, kind: str, tmp_path: Path) -> None:
        s, t = S.astype(dtype), T.astype(dtype)
        paths = write(tmp_path, "s", kind, s), write(tmp_path, "t", kind, t)
        found = compare(*paths, classes="1:6", rows="2:")
        expected = compare(s[2:, 1:6], t[2:, 1:6]).values["jeffreys"]
        np.testing.assert_allclose(found.values["jeffreys"], expected, rtol=1e-13)

    def test_indices_name_classes_that_have_no_names(self) -> None:
        found = compare(S, T, classes=[2, 5, 7])
        assert found.class_names == ("2", "5", "7")
        assert compare(S, T, classes=":5").class_names is None

    def test_a_fault_names_the_class_in_the_file(self) -> None:
        holes = S.copy()
        holes[4, 6] = np.nan
        assert compare(holes, T, classes=":6").rows == 9
        with pytest.raises(InputError, match="row 4, class '6': expected a finite logit"):
            compare(holes, T, classes="5:")

    @pytest.mark.parametrize("words", [("c6", "c1"), (6, 1)])
    def test_a_file_of_names_or_indices(self, words: tuple[object, ...], tmp_path: Path) -> None:
        found = compare(
            save(tmp_path / "a.csv", S, names=NAMES),
            save(tmp_path / "b.csv", T[:, ::-1], names=NAMES[::-1]),
            classes=listed(tmp_path, *words),
        )
        assert found.class_names == ("c1", "c6")
        np.testing.assert_array_equal(
            found.values["jeffreys"], compare(S[:, [1, 6]], T[:, [1, 6]]).values["jeffreys"]
        )

    def test_a_file_of_indices_in_npy(self, tmp_path: Path) -> None:
        np.save(tmp_path / "kept.npy", np.array([5, 2]))
        found = compare(S, T, classes=tmp_path / "kept.npy")
        assert found.class_names == ("2", "5")

    def test_names_that_are_numbers_are_names(self, tmp_path: Path) -> None:
        names = ["7", "6", "5", "4", "3", "2", "1", "0"]
        found = compare(
            save(tmp_path / "a.csv", S, names=names),
            save(tmp_path / "b.csv", T, names=names),
            classes=listed(tmp_path, "7", "6"),
        )
        np.testing.assert_array_equal(
            found.values["jeffreys"], compare(S[:, :2], T[:, :2]).values["jeffreys"]
        )

    def test_names_of_classes_that_are_left_out_may_differ(self, tmp_path: Path) -> None:
        found = compare(
            save(tmp_path / "a.csv", S[:, :3], names=["x", "y", "z"]),
            save(tmp_path / "b.csv", T[:, :3], names=["w", "y", "x"]),
            classes=["x", "y"],
        )
        np.testing.assert_array_equal(
            found.values["jeffreys"], compare(S[:, :2], T[:, [2, 1]]).values["jeffreys"]
        )


class TestTruncate:
    @pytest.mark.parametrize(("s", "t"), [(S, WIDE), (WIDE, S)], ids=["candidate", "reference"])
    def test_the_first_classes_of_both(self, s: Array, t: Array) -> None:
        found = compare(s, t, truncate_classes=True)
        np.testing.assert_array_equal(
            found.values["jeffreys"], compare(s[:, :8], t[:, :8]).values["jeffreys"]
        )
        selection = found.class_selection
        assert selection is not None
        longer = selection.candidate if t is WIDE else selection.reference
        shorter = selection.reference if t is WIDE else selection.candidate
        mass = softmax(WIDE)[:, 8:].sum(axis=1)
        assert longer.of == 11
        assert longer.mean == pytest.approx(mass.mean(), rel=1e-14)
        assert longer.max == pytest.approx(mass.max(), rel=1e-14)
        assert (shorter.of, shorter.mean, shorter.max) == (8, 0.0, 0.0)

    def test_by_name_those_in_common(self, tmp_path: Path) -> None:
        found = compare(
            save(tmp_path / "a.csv", S[:, :4], names=list("abcd")),
            save(tmp_path / "b.csv", WIDE[:, :5], names=list("xdbya")),
            truncate_classes=True,
        )
        assert found.class_names == ("a", "b", "d")
        np.testing.assert_array_equal(
            found.values["jeffreys"],
            compare(S[:, [0, 1, 3]], WIDE[:, [4, 2, 1]]).values["jeffreys"],
        )
        selection = found.class_selection
        assert selection is not None
        assert selection.reference.mean == pytest.approx(softmax(S[:, :4])[:, 2].mean(), rel=1e-14)
        assert selection.candidate.max == pytest.approx(
            softmax(WIDE[:, :5])[:, [0, 3]].sum(axis=1).max(), rel=1e-14
        )

    def test_names_on_one_side_are_matched_by_place(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.csv", S, names=NAMES)
        found = compare(path, WIDE, truncate_classes=True)
        assert found.class_names == tuple(NAMES)
        assert found.classes == 8

    def test_with_classes_these_are_chosen_of_those_that_both_have(self) -> None:
        found = compare(S, WIDE, classes="-2:", truncate_classes=True)
        assert found.class_names == ("6", "7")

    def test_rows_found_by_id_in_another_order(self, tmp_path: Path) -> None:
        ids = list("abcdefghi")
        found = compare(
            save(tmp_path / "a.csv", S, ids, NAMES),
            save(tmp_path / "b.csv", WIDE[::-1], ids[::-1], [*NAMES, "p", "q", "r"]),
            truncate_classes=True,
        )
        np.testing.assert_array_equal(
            found.values["jeffreys"], compare(S, WIDE[:, :8]).values["jeffreys"]
        )

    @pytest.mark.parametrize("threads", [1, 2])
    def test_of_more_rows_than_a_block_holds(self, threads: int) -> None:
        s, t = logits(30_000, 40), logits(30_000, 50, 1)
        found = compare(s, t, truncate_classes=True, threads=threads)
        selection = found.class_selection
        assert selection is not None
        mass = softmax(t)[:, 40:].sum(axis=1)
        assert selection.candidate.mean == pytest.approx(mass.mean(), rel=1e-13)
        assert selection.candidate.max == pytest.approx(mass.max(), rel=1e-13)


class TestDiscarded:
    @pytest.mark.parametrize("temperature", [1.0, 0.7, 3.0])
    @pytest.mark.parametrize("kind", ["logits", "log-probs", "probs"])
    def test_against_fifty_digits(self, kind: Kind, temperature: float) -> None:
        values = {"logits": S, "log-probs": np.log(softmax(S)), "probs": softmax(S)}[kind]
        out = np.array([False, True, False, False, True, False, False, True])
        found = discarded(values, out, kind, temperature)
        with mpmath.workdps(50):
            for row, share in zip(values.tolist(), found.tolist(), strict=True):
                logs = [mpmath.log(x) if kind == "probs" else mpmath.mpf(x) for x in row]
                weights = [mpmath.exp(x / mpmath.mpf(temperature)) for x in logs]
                part = mpmath.fsum(w for w, gone in zip(weights, out, strict=True) if gone)
                assert abs(share / (part / mpmath.fsum(weights)) - 1) < 1e-14

    @pytest.mark.parametrize("low", [-50.0, -300.7, -700.0])
    def test_a_tiny_share_has_all_its_digits(self, low: float) -> None:
        found = discarded(
            np.array([[300.3, 299.1, low + 300.3]]), np.array([False, False, True]), "logits", 1.0
        )
        with mpmath.workdps(50):
            x = [mpmath.mpf(v) for v in (300.3, 299.1, low + 300.3)]
            exact = mpmath.exp(x[2]) / mpmath.fsum(map(mpmath.exp, x))
            assert abs(found[0] / exact - 1) < 2e-14

    def test_absent_classes_hold_nothing(self) -> None:
        values = np.array([[0.0, -np.inf, 1.0], [-np.inf, 2.0, -np.inf]])
        found = discarded(values, np.array([False, True, False]), "logits", 1.0)
        assert found.tolist() == [0.0, 1.0]

    def test_rows_that_do_not_count_are_not_asked(self) -> None:
        s, t = S.copy(), WIDE.copy()
        s[3, 0] = t[5, 1] = np.nan
        found = compare(s, t, truncate_classes=True, nan_policy="omit")
        assert found.class_selection is not None
        counted = [0, 1, 2, 4, 6, 7, 8]
        assert found.class_selection.candidate.mean == pytest.approx(
            softmax(WIDE)[counted, 8:].sum(axis=1).mean(), rel=1e-14
        )

    def test_at_a_temperature(self) -> None:
        found = compare(S, WIDE, truncate_classes=True, temperature=2.5)
        assert found.class_selection is not None
        assert found.class_selection.candidate.mean == pytest.approx(
            softmax(WIDE, 2.5)[:, 8:].sum(axis=1).mean(), rel=1e-14
        )


class TestProbabilities:
    def test_whole_rows_sum_to_1_and_what_is_kept_is_divided_by_its_sum(self) -> None:
        p, q = softmax(S), softmax(T)
        found = compare(p, q, classes=":3", kind="probs")
        kept = [x[:, :3] / x[:, :3].sum(axis=1, keepdims=True) for x in (p, q)]
        expected = ((kept[0] - kept[1]) * np.log(kept[0] / kept[1])).sum(axis=1)
        np.testing.assert_allclose(found.values["jeffreys"], expected, rtol=1e-12)
        assert found.reference.sum_error is not None
        assert found.reference.sum_error < 1e-15
        assert found.class_selection is not None
        mass = p[:, 3:].sum(axis=1)
        assert found.class_selection.reference.mean == pytest.approx(mass.mean(), rel=1e-14)

    def test_whole_rows_that_do_not_are_an_error(self) -> None:
        p = softmax(S)
        p[4, 7] += 0.5
        with pytest.raises(InputError, match="in row 4"):
            compare(p, softmax(T), classes=":3", kind="probs")


class TestErrors:
    def test_without_the_option_it_is_named(self, kldiv: Kldiv, tmp_path: Path) -> None:
        paths = write(tmp_path, "a", "npy", S), write(tmp_path, "b", "npy", WIDE)
        code, out, err = kldiv("compare", *paths)
        assert (code, out) == (2, "")
        assert err == (
            f"kldiv: error: {paths[1]}: expected the same shapes as {paths[0]}, found 9 x 8 there "
            "and 9 x 11 here (8 and 11 classes)\n"
            "If one has classes more at the end, --truncate-classes keeps the first "
            "8 of both.\n"
        )

    @pytest.mark.parametrize(
        ("classes", "said"),
        [
            ("8:", "expected classes 8: (--classes), found 8 to choose from"),
            (":9", "expected classes :9 (--classes), found 8 to choose from"),
            ("-9:", "expected classes -9: (--classes), found 8 to choose from"),
            ("3:-5", "expected classes 3:-5 (--classes), found 8 to choose from"),
            (["x"], "classes: expected indices below 8, as reference array has, found 'x'"),
            ([8], "classes: expected indices below 8, as reference array has, found '8'"),
            ([-1], "classes: expected indices below 8, as reference array has, found '-1'"),
            ([1, 1], "classes: expected every class once, found '1' more than once"),
            (["1", "01"], "classes: expected every class once, found 1 again in another spelling"),
            ([], "classes: expected every class once, found none"),
        ],
        ids=str,
    )
    def test_classes_that_are_not_there(self, classes: Any, said: str) -> None:
        with pytest.raises(InputError) as caught:
            compare(S, T, classes=classes)
        assert said in caught.value.what
        assert caught.value.advice

    def test_names_that_are_numbers_beside_indices(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.csv", S[:, :3], names=["1", "2", "3"])
        with pytest.raises(InputError, match=r"expected names of classes, as .*, found '0'"):
            compare(path, path, classes=["0", "1"])

    def test_an_open_end_says_nothing_of_sides_that_differ(self) -> None:
        with pytest.raises(
            InputError, match="expected as many classes as reference array, found 8"
        ):
            compare(S, WIDE, classes="3:")
        assert compare(S, WIDE, classes="3:8").classes == 5

    def test_names_that_only_one_side_has(self, tmp_path: Path) -> None:
        a = save(tmp_path / "a.csv", S[:, :3], names=["x", "y", "z"])
        b = save(tmp_path / "b.csv", T[:, :3], names=["w", "y", "x"])
        with pytest.raises(InputError, match=r"found 'z' only in .*a\.csv"):
            compare(a, b, classes="1:")
        with pytest.raises(InputError, match="expected the same class names"):
            compare(a, b)
        assert compare(a, b, truncate_classes=True).classes == 2

    def test_nothing_in_common(self, tmp_path: Path) -> None:
        a = save(tmp_path / "a.csv", S[:, :2], names=["x", "y"])
        b = save(tmp_path / "b.csv", T[:, :2], names=["v", "w"])
        with pytest.raises(InputError, match="found none in common"):
            compare(a, b, truncate_classes=True)

    @pytest.mark.parametrize("keywords", [{"classes": ":2"}, {"truncate_classes": True}])
    def test_several_axes_of_classes(self, keywords: dict[str, Any]) -> None:
        s = S.reshape(9, 2, 4)
        with pytest.raises(UsageError, match="for rows with one axis of classes"):
            compare(s, s + 1, row_axes=1, **keywords)

    @pytest.mark.parametrize(
        "keywords", [{"labels": np.zeros(9, int)}, {"mask": np.ones((9, 8), bool)}]
    )
    def test_with_labels_or_a_mask_of_cells(self, keywords: dict[str, Any]) -> None:
        with pytest.raises(UsageError, match="--classes"):
            compare(S, T, classes=":3", **keywords)

    def test_a_mask_of_rows_is_none_of_cells(self) -> None:
        mask = np.arange(9) % 2 == 0
        found = compare(S, WIDE, truncate_classes=True, mask=mask)
        assert (found.rows, found.masked) == (5, 4)
        assert found.class_selection is not None
        assert found.class_selection.candidate.mean == pytest.approx(
            softmax(WIDE)[::2, 8:].sum(axis=1).mean(), rel=1e-14
        )

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "expected every class once, found none"),
            (b"\n\n", "expected every class once, found none"),
            (b"1\n1\n", "expected every class once, found '1' more than once"),
            (b"\xff\xfe", "expected a class per line, found: what is no UTF-8 text"),
            (b"1, 2\n", "expected indices below 8"),
        ],
    )
    def test_files_that_name_none(self, content: bytes, said: str, tmp_path: Path) -> None:
        path = tmp_path / "classes.txt"
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            compare(S, T, classes=path)
        assert caught.value.what.startswith(f"{path}: ")
        assert said in caught.value.what

    @pytest.mark.parametrize(
        ("words", "found"),
        [
            *(
                (words, "neither: there is no such file")
                for words in ("5", "no.txt", "1:2:3", "a:b")
            ),
            ("samples", "no file"),
        ],
    )
    def test_no_slice_and_no_file(self, words: str, found: str, kldiv: Kldiv) -> None:
        code, out, err = kldiv("compare", *MAGIKA, "--classes", words)
        assert (code, out) == (2, "")
        assert err == (
            f"kldiv: error: --classes: expected A:B or a file, found {words!r}, which is {found}\n"
            "Give a slice such as :1000, or a file with a class name or index per line, or an "
            ".npy file of indices.\n"
        )

    def test_floats_are_no_indices(self, tmp_path: Path) -> None:
        np.save(tmp_path / "kept.npy", np.array([0.5]))
        with pytest.raises(KldivError, match="expected an integer") as caught:
            compare(S, T, classes=tmp_path / "kept.npy")
        assert caught.value.advice.startswith("Give a slice such as :1000")


class TestReports:
    def test_the_table(self, kldiv: Kldiv) -> None:
        code, out, err = kldiv("compare", *MAGIKA, "--classes", "150:200", "--top", "1")
        assert (code, err) == (0, "")
        s, t = (np.load(path).astype(np.float64) for path in MAGIKA)
        p, q = (1 - softmax(x)[:, 150:200].sum(axis=1) for x in (s, t))
        lines = out.splitlines()
        assert lines[3:8] == [
            "softmax      p = softmax(s/T), q = softmax(t/T), 50 classes, T = 1",
            "classes      150..199 of 214 (--classes)",
            "             p and q are distributions over these; of a row's probability",
            f"             p leaves out mean {p.mean():.6g}, max {p.max():.6g}",
            f"             q leaves out mean {q.mean():.6g}, max {q.max():.6g}",
        ]
        assert lines[-1].split()[-2:] == ["165", "165"]
        assert max(map(len, lines)) <= 80

    def test_sides_of_different_width(self, kldiv: Kldiv, tmp_path: Path) -> None:
        paths = write(tmp_path, "a", "npy", S), write(tmp_path, "b", "npy", WIDE)
        out = kldiv("compare", *paths, "--truncate-classes").out
        assert "classes      0..7 of 8 in p, of 11 in q (--truncate-classes)\n" in out
        assert "\n             p leaves out nothing\n             q leaves out mean 0.3" in out
        page = kldiv("compare", *paths, "--truncate-classes", "--format", "markdown").out
        assert "- classes: 0..7 of 8 in p, of 11 in q (--truncate-classes)\n" in page

    def test_nothing_to_truncate_is_said(self, kldiv: Kldiv) -> None:
        plain = kldiv("compare", *MAGIKA).out.splitlines()
        out = kldiv("compare", *MAGIKA, "--truncate-classes").out.splitlines()
        assert [line.strip() for line in out if line not in plain] == [
            "classes      0..213 of 214 (--truncate-classes)",
            "p and q are distributions over these; of a row's probability",
            "p leaves out nothing",
            "q leaves out nothing",
        ]

    def test_under_sigmoid_cells_just_leave(self, kldiv: Kldiv) -> None:
        out = kldiv("compare", *MAGIKA, "--mode", "sigmoid", "--classes", ":9").out
        assert "\nclasses      0..8 of 214 (--classes)\nrows " in out

    def test_json(self, kldiv: Kldiv, tmp_path: Path) -> None:
        paths = write(tmp_path, "a", "npy", S), write(tmp_path, "b", "npy", WIDE)
        words = ("compare", *paths, "--truncate-classes", "--format", "json")
        found = json.loads(kldiv(*words).out)
        mass = discarded(WIDE, np.arange(11) >= 8, "logits", 1.0)
        assert found["classes"] == 8
        assert found["class_selection"] == {
            "classes": "0..7",
            "options": ["--truncate-classes"],
            "reference": {"of": 8, "mean": 0.0, "max": 0.0},
            "candidate": {"of": 11, "mean": mass.sum() / 9, "max": mass.max()},
        }
        sigmoid = json.loads(kldiv(*words, "--mode", "sigmoid").out)
        assert sigmoid["class_selection"]["candidate"] == {"of": 11, "mean": None, "max": None}

    def test_groups_are_named_by_the_classes_of_the_file(self) -> None:
        found = compare(S, T, classes="5:", group="argmax")
        assert found.groups is not None
        assert {group.name for group in found.groups.each} <= {"5", "6", "7"}

    def test_names_in_the_table(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = listed(tmp_path, "python", "rust", "c")
        out = kldiv("compare", *CSV, "--classes", path).out
        assert "classes      3 of 214 (--classes)\n" in out

    def test_tokens_of_llama_cpp_are_not_scored_among_some(self, kldiv: Kldiv) -> None:
        files = "samples/llamacpp/tiny-f32.kld", "samples/llamacpp/tiny-Q8_0.kld"
        out = kldiv("compare", *files, "--classes", ":1000").out
        assert "PPL" not in out
        assert "\n             tokens are scored among all classes, so here they are not\n" in out
        assert "classes      0..999 of 1001 (--classes)\n" in out


def test_indices_of_several_digits_in_a_file(tmp_path: Path) -> None:
    rows = [logits(3, 1200, seed) for seed in (0, 1)]
    kept = [7, 42, 100, 999, 1000, 1199]
    whole = compare(*rows, classes=listed(tmp_path, *kept), measure="kl")
    alone = compare(*(x[:, kept] for x in rows), measure="kl")
    assert whole.values["kl"].tolist() == alone.values["kl"].tolist()
    for index, length in ((1200, 4), (10**17, 18)):
        assert len(str(index)) == length
        with pytest.raises(InputError, match=f"indices below 1200, as .*, found '{index}'"):
            compare(*rows, classes=listed(tmp_path, 7, index))


@pytest.mark.parametrize("kind", ["logits", "probs"])
def test_the_mass_of_a_row_is_the_same_beside_any_rows(kind: Kind) -> None:
    values = np.random.default_rng(3).exponential(size=(300, 700)).astype(np.float32)
    out = np.arange(700) % 3 > 0
    whole = discarded(values, out, kind, 1.0)
    alone = [discarded(row[None], out, kind, 1.0)[0] for row in values]
    assert whole.tolist() == alone
    assert 0.6 < whole.mean() < 0.7
