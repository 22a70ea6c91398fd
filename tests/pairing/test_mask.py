"""Masks: what stays is measured as if the rest had never been there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

import kldiv_cli
from kldiv_cli import Comparison
from kldiv_cli.errors import InputError, UnclearError, UsageError
from kldiv_cli.measures import _native
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.rows.absence import without
from kldiv_cli.pairing import Pairing
from kldiv_cli.pairing.masks.axes import align
from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.base import BFLOAT16, Block, Layout
from kldiv_cli.sources.formats.parquet import open_parquet
from kldiv_cli.sources.labels import side_input
from kldiv_cli.tasks.opening.masking import masked
from kldiv_cli.tasks.opening.sides import layout_of, open_pairing
from kldiv_cli.tasks.options import Compare
from tests.family import FAMILY, MODES, Mode, complaints, truths

Array = npt.NDArray[Any]
INF, NAN = np.inf, np.nan
ROWS, CLASSES = 7, 12
KINDS: tuple[Kind, ...] = ("logits", "probs", "log-probs")


def draw(*shape: int, seed: int = 1, scale: float = 2.0) -> Array:
    return np.random.default_rng(seed).normal(0, scale, shape)


def mask_of(*shape: int, seed: int = 3, share: float = 0.6) -> npt.NDArray[np.bool_]:
    """A mask that keeps at least two cells of every row and drops at least one."""
    kept = np.random.default_rng(seed).random(shape) < share
    kept[..., :2] = True
    kept[..., -1] = False
    return kept


def pair(kind: Kind = "logits", mode: Mode = "softmax") -> tuple[Array, Array]:
    s, t = draw(ROWS, CLASSES), draw(ROWS, CLASSES) + draw(ROWS, CLASSES, seed=2, scale=0.3)
    if kind == "logits":
        return s, t
    if mode == "sigmoid":
        p, q = (1 / (1 + np.exp(-x)) for x in (s, t))
    else:
        p, q = (np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for x in (s, t))
    return (p, q) if kind == "probs" else (np.log(p), np.log(q))


def compare(s: Any, t: Any, mask: Any = None, **options: Any) -> Comparison:
    return kldiv_cli.compare(s, t, mask=mask, **options)


def assert_close(found: Comparison, alone: Sequence[Comparison]) -> None:
    """Row i of one comparison is the only row of the i-th other one."""
    for name, values in found.values.items():
        wanted = [float(other.values[name][0]) for other in alone]
        np.testing.assert_allclose(values, wanted, rtol=2e-14, atol=0, err_msg=name)
    assert found.agreement.same == sum(other.agreement.same for other in alone)
    assert found.agreement.of == sum(other.agreement.of for other in alone)


@pytest.fixture(params=["", "numpy"], ids=["c", "numpy"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Either kind of kernel."""
    monkeypatch.setenv(_native.VARIABLE, request.param)
    _native.load.cache_clear()
    if not request.param and not _native.load():
        pytest.skip("no C extension")
    yield request.param
    _native.load.cache_clear()


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("smooth", [0.0, 0.1])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
class TestMaskedIsRemoved:
    """Every measure says of the kept cells what it says where the others were never written."""

    def test_the_same_cells_of_each_row(
        self, mode: Mode, kind: Kind, smooth: float, temperature: float
    ) -> None:
        s, t = pair(kind, mode)
        kept = mask_of(CLASSES)
        options: dict[str, Any] = {
            "mode": mode,
            "smooth": smooth,
            "temperature": temperature,
            "measure": FAMILY,
        }
        found = compare(s, t, kept, kind=kind, normalize=False, **options)
        normalize = kind != "logits" and mode == "softmax"
        removed = compare(s[:, kept], t[:, kept], kind=kind, normalize=normalize, **options)
        for name in FAMILY:
            np.testing.assert_allclose(
                found.values[name], removed.values[name], rtol=2e-14, atol=0, err_msg=name
            )
        assert found.agreement == removed.agreement

    def test_other_cells_in_each_row(
        self, mode: Mode, kind: Kind, smooth: float, temperature: float
    ) -> None:
        s, t = pair(kind, mode)
        kept = mask_of(ROWS, CLASSES)
        options: dict[str, Any] = {
            "mode": mode,
            "kind": kind,
            "smooth": smooth,
            "temperature": temperature,
            "measure": FAMILY,
        }
        found = compare(s, t, kept, **options)
        options["normalize"] = kind != "logits" and mode == "softmax"
        alone = [compare(s[i : i + 1, k], t[i : i + 1, k], **options) for i, k in enumerate(kept)]
        assert_close(found, alone)


@pytest.mark.parametrize("mode", MODES)
def test_values_are_those_of_the_kept_cells_in_exact_arithmetic(mode: Mode) -> None:
    s, t = pair()
    kept = mask_of(ROWS, CLASSES)
    found = compare(s, t, kept, mode=mode, measure=FAMILY)
    for row, k in enumerate(kept):
        values = {name: float(found.values[name][row]) for name in FAMILY}
        assert complaints(values, truths(FAMILY, mode, s[row, k], t[row, k])) == []


def in_type(values: Array, name: str) -> Array:
    if name != "bfloat16":
        return values.astype(name)
    return (values.astype("<f4").view("<u4") >> 16).astype("<u2").view(BFLOAT16)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["float16", "float32", "float64", ">f4", "int16", "bfloat16"])
def test_every_type_of_number_is_masked(name: str, mode: Mode) -> None:
    s, t = (in_type(x, name) for x in pair())
    kept = mask_of(CLASSES)
    found = compare(s, t, kept, mode=mode)
    removed = compare(s[:, kept].copy(), t[:, kept].copy(), mode=mode)
    np.testing.assert_allclose(
        found.values["jeffreys"], removed.values["jeffreys"], rtol=2e-14, atol=0
    )


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_leaving_out_keeps_the_type_and_the_original(name: str) -> None:
    values = np.ones((2, 3), name)
    found = without(values, np.array([[True, False, True], [True, True, True]]))
    assert found.dtype == values.dtype
    assert found.tolist() == [[1, -INF, 1], [1, 1, 1]]
    assert values.tolist() == [[1] * 3] * 2


def test_where_all_is_kept_nothing_is_copied() -> None:
    values = np.ones((2, 3))
    assert without(values, np.ones((2, 1), dtype=bool)) is values


class TestCounts:
    def test_rows_and_cells(self) -> None:
        s, t = pair()
        kept = np.ones((ROWS, CLASSES), dtype=bool)
        kept[2] = False
        kept[4, :5] = False
        found = compare(s, t, kept)
        assert (found.rows, found.masked, found.skipped, found.invalid) == (ROWS - 1, 1, 0, 0)
        assert found.mask is not None
        assert (found.mask.cells, found.mask.of) == (5, (ROWS - 1) * CLASSES)
        assert found.masked_rows is not None
        assert np.flatnonzero(found.masked_rows).tolist() == [2]
        assert np.isnan(found.values["jeffreys"]).tolist() == (np.arange(ROWS) == 2).tolist()
        assert found.blank_rows.tolist() == (np.arange(ROWS) == 2).tolist()
        assert (found.top[2].masked, found.top[2].counted, found.top[2].skipped) == (
            True,
            False,
            False,
        )

    def test_a_masked_row_leaves_every_denominator(self) -> None:
        s, t = pair()
        kept = np.arange(ROWS) % 3 != 1
        found, alone = compare(s, t, kept), compare(s[kept], t[kept])
        assert found.measures["jeffreys"].values == alone.measures["jeffreys"].values
        assert found.agreement == alone.agreement
        assert found.masked == ROWS - kept.sum()

    def test_a_row_without_kept_cells_is_masked_and_one_of_minus_inf_skipped(self) -> None:
        s, t = pair()
        s[1, 2:] = t[1, 2:] = -INF
        kept = np.ones((ROWS, CLASSES), dtype=bool)
        kept[1, :2] = False
        kept[3] = False
        found = compare(s, t, kept)
        assert (found.rows, found.masked, found.skipped) == (ROWS - 2, 1, 1)
        assert found.skipped_rows[1]

    def test_agreement_is_of_kept_cells(self) -> None:
        s, t = np.array([[5.0, 1, -1, 2]]), np.array([[5.0, -1, -1, 3]])
        found = compare(s, t, [[False, True, True, True]], mode="sigmoid")
        assert (found.agreement.same, found.agreement.of) == (2, 3)
        found = compare(s, t, [[False, True, True, True]])
        assert found.top[0].argmax == (3, 3)

    def test_blocks_make_no_difference(self) -> None:
        s, t = draw(3000, 500), draw(3000, 500, seed=2)
        kept = mask_of(3000, 500)
        kept[::7] = False
        one = compare(s, t, kept, threads=1)
        two = compare(s, t, kept, threads=3)
        assert one.masked == two.masked == len(range(0, 3000, 7))
        assert one.mask == two.mask
        assert one.mask is not None
        counted = kept[kept.any(axis=1)]
        assert (one.mask.cells, one.mask.of) == (int((~counted).sum()), counted.size)
        assert one.measures == two.measures

    def test_no_mask_leaves_no_trace(self) -> None:
        found = compare(*pair())
        assert (found.mask, found.masked, found.masked_rows) == (None, 0, None)
        assert found.blank_rows is found.skipped_rows


class TestMeaning:
    def test_drop_is_the_opposite_of_keep(self) -> None:
        s, t = pair()
        kept = mask_of(ROWS, CLASSES)
        one, other = compare(s, t, kept), compare(s, t, ~kept, mask_means="drop")
        assert (one.values["jeffreys"] == other.values["jeffreys"]).all()
        assert one.mask is not None
        assert other.mask is not None
        assert (one.mask.means, other.mask.means) == ("keep", "drop")
        assert one.mask.cells == other.mask.cells

    @pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float64", ">f4"])
    def test_every_type_of_0_and_1(self, dtype: str) -> None:
        s, t = pair()
        kept = mask_of(ROWS, CLASSES)
        found = compare(s, t, kept.astype(dtype))
        assert (found.values["jeffreys"] == compare(s, t, kept).values["jeffreys"]).all()

    def test_an_unknown_meaning(self) -> None:
        with pytest.raises(UsageError, match="no meaning of a mask is called 'hide'"):
            compare(*pair(), np.ones(CLASSES), mask_means="hide")

    @pytest.mark.parametrize("means", ["keep", "drop"])
    def test_a_meaning_without_a_mask(self, means: Literal["keep", "drop"]) -> None:
        with pytest.raises(UsageError, match="--mask-means says what a mask means, and there is"):
            compare(*pair(), mask_means=means)


R, C = (6, 1), (64, 96)


class TestShapes:
    @pytest.mark.parametrize(
        ("shape", "rows", "classes", "lengths"),
        [
            ((6, 1), R, C, (6, 1, 1, 1)),
            ((6,), R, C, (6, 1, 1, 1)),
            ((6, 1, 1, 1), R, C, (6, 1, 1, 1)),
            ((6, 1, 64, 96), R, C, (6, 1, 64, 96)),
            ((64, 96), R, C, (1, 1, 64, 96)),
            ((1, 1, 64, 96), R, C, (1, 1, 64, 96)),
            ((96,), R, C, (1, 1, 1, 96)),
            ((64, 1), R, C, (1, 1, 64, 1)),
            ((6, 1, 64, 1), R, C, (6, 1, 64, 1)),
            ((1,), R, C, (1, 1, 1, 1)),
            ((6, 1), (6, 1, 64), (96,), (6, 1, 1, 1)),
            ((64, 96), (6, 1, 64), (96,), (1, 1, 64, 96)),
            ((8,), (8,), (5,), (8, 1)),
            ((5,), (8,), (5,), (1, 5)),
            ((8, 1), (8,), (8,), (8, 1)),
            ((1, 8), (8,), (8,), (1, 8)),
            ((8, 8), (8,), (8,), (8, 8)),
            ((5,), (1,), (5,), (1, 5)),
            ((None, 1), (None,), (5,), (None, 1)),
            ((9,), (None,), (5,), (9, 1)),
            ((None, 5), (8,), (5,), (None, 5)),
        ],
        ids=str,
    )
    def test_fits_in_one_way(
        self,
        shape: tuple[int | None, ...],
        rows: tuple[int | None, ...],
        classes: tuple[int, ...],
        lengths: tuple[int | None, ...],
    ) -> None:
        assert align("m.npy", shape, rows, classes) == lengths

    @pytest.mark.parametrize(
        ("shape", "rows", "classes", "whole", "first", "last"),
        [
            ((8,), (8,), (8,), "(8, 8)", "(8, 1)", "(1, 8)"),
            ((5,), (None,), (5,), "(?, 5)", "(5, 1)", "(1, 5)"),
            ((4, 6), (4, 6), (4, 6), "(4, 6, 4, 6)", "(4, 6, 1, 1)", "(1, 1, 4, 6)"),
            ((6, 1), (6, 2), (6, 3), "(6, 2, 6, 3)", "(6, 1, 1, 1)", "(1, 1, 6, 1)"),
            ((1, 8), (8, 8), (8,), "(8, 8, 8)", "(1, 8, 1)", "(1, 1, 8)"),
        ],
        ids=str,
    )
    def test_two_ways_are_refused(
        self,
        shape: tuple[int, ...],
        rows: tuple[int | None, ...],
        classes: tuple[int, ...],
        whole: str,
        first: str,
        last: str,
    ) -> None:
        with pytest.raises(InputError) as caught:
            align("m.npy", shape, rows, classes)
        shown = str(shape)
        assert caught.value.what == (
            f"m.npy: expected a mask that fits {whole} in one way, found {shown}, which fits the "
            "first axes and the last ones"
        )
        assert caught.value.advice == (
            f"Save it with the shape {first} for the first axes, or {last} for the last ones."
        )

    @pytest.mark.parametrize(
        "shape", [(7,), (6, 64), (1, 6), (6, 1, 64, 96, 1), (6, 2), (None, 96)], ids=str
    )
    def test_no_way_is_refused(self, shape: tuple[int | None, ...]) -> None:
        with pytest.raises(InputError) as caught:
            align("m.npy", shape, R, C)
        shown = str(shape).replace("None", "?")
        assert caught.value.what == (
            "m.npy: expected a mask that fits the first or the last axes of (6, 1, 64, 96), found "
            + shown
        )
        assert caught.value.advice == "Each of its axes is as long as that of the inputs, or 1."

    @pytest.mark.parametrize(
        "shape",
        [
            *((4, 3, 5, 6), (4, 3), (5, 6), (1, 1, 5, 6), (4, 1, 5, 6), (4, 1, 1, 1), (4, 3, 5, 1)),
            *((1, 3, 5, 6), (1, 3, 1, 1), (4, 3, 1, 6), (3, 5, 6), (4,), (6,), (1, 1, 1, 1)),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("row_axes", [1, 2, 3])
    def test_cells_are_those_of_broadcasting(self, shape: tuple[int, ...], row_axes: int) -> None:
        s, t = draw(4, 3, 5, 6), draw(4, 3, 5, 6, seed=2)
        mask = np.random.default_rng(4).random(shape) < 0.5
        mask.flat[0] = True
        whole = np.zeros(s.shape, dtype=bool)
        leading = len(shape) < 4 and shape[0] == 4
        whole[:] = mask.reshape(shape + (1,) * (4 - len(shape))) if leading else mask
        options: dict[str, Any] = {"row_axes": row_axes, "mode": "sigmoid"}
        found = compare(s, t, mask, **options)
        full = compare(s, t, whole, **options)
        np.testing.assert_array_equal(found.values["jeffreys"], full.values["jeffreys"])
        assert found.masked == full.masked
        assert found.mask is not None
        assert full.mask is not None
        assert found.mask.cells == full.mask.cells


def opened(reference: Array, candidate: Array, row_axes: int | None = None) -> Pairing:
    asked = Compare(reference=reference, candidate=candidate, row_axes=row_axes)
    return open_pairing(asked, layout_of(asked))


def kept_blocks(
    shape: tuple[int, ...], mask: Array, row_axes: int, block_bytes: int = 1
) -> list[npt.NDArray[np.bool_] | None]:
    values = draw(*shape)
    pairing = masked(opened(values, values, row_axes), mask, "keep")
    return [block.kept for block in pairing.blocks(block_bytes)]


class TestStreaming:
    def test_a_mask_as_large_as_the_inputs_is_read_block_by_block(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read: list[int] = []
        blocks = ArraySource.blocks

        def spy(self: ArraySource, rows: int, classes: Any = None) -> Iterator[Block]:
            for block in blocks(self, rows, classes):
                if self.path == "mask":
                    read.append(len(block))
                yield block

        monkeypatch.setattr(ArraySource, "blocks", spy)
        mask = mask_of(40, 6)
        pieces = kept_blocks((40, 6), mask, 1, 6 * 8 * 4)
        assert read == [4] * 10
        assert [len(x) for x in pieces if x is not None] == [4] * 10
        assert (np.concatenate([x for x in pieces if x is not None]) == mask).all()

    @pytest.mark.parametrize("block_bytes", [1, 24 * 8, 10**6])
    @pytest.mark.parametrize(
        "shape", [(4, 1, 5, 6), (4, 5, 5, 6), (1, 5, 5, 6), (1, 1, 5, 6), (4, 5), (1, 5, 1, 1)]
    )
    def test_rows_that_repeat(self, shape: tuple[int, ...], block_bytes: int) -> None:
        mask = np.random.default_rng(5).random(shape) < 0.5
        pieces = kept_blocks((4, 5, 5, 6), mask, 2, block_bytes)
        found = np.concatenate([x for x in pieces if x is not None])
        whole = np.broadcast_to(mask.reshape(shape + (1,) * (4 - len(shape))), (4, 5, 5, 6))
        assert (found == whole.reshape(20, -1)).all()

    def test_what_repeats_at_the_end_is_not_held(self) -> None:
        values = draw(4, 5, 6)
        pairings = {
            shape: masked(opened(values, values, 2), np.ones(shape), "keep")
            for shape in ((4, 5, 6), (4, 1, 6), (1, 1, 6), (1, 5, 6), (4, 5))
        }
        held = {}
        for shape, pairing in pairings.items():
            assert pairing.mask is not None
            held[shape] = pairing.mask.held is not None
        assert [shape for shape, whole in held.items() if whole] == [(1, 5, 6), (4, 5)]

    def test_without_a_mask_the_pairing_is_as_it_was(self) -> None:
        pairing = opened(*pair())
        assert masked(pairing, None, None) is pairing
        assert pairing.mask is None
        assert next(iter(pairing.blocks())).kept is None


class TestInvalidCells:
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("value", [NAN, INF, -INF, -1e12])
    @pytest.mark.usefixtures("kernels")
    def test_what_stands_in_masked_cells_makes_no_difference(
        self, mode: Mode, value: float
    ) -> None:
        s, t = pair()
        kept = mask_of(ROWS, CLASSES)
        wanted = compare(s, t, kept, mode=mode)
        t[~kept] = value
        found = compare(s, t, kept, mode=mode)
        assert (found.values["jeffreys"] == wanted.values["jeffreys"]).all()
        assert found.warnings == ()
        assert found.agreement == wanted.agreement

    def test_masked_rows_may_hold_anything(self) -> None:
        s, t = pair()
        kept = np.ones(ROWS, dtype=bool)
        kept[3] = False
        s[3] = NAN
        t[3, 1] = INF
        assert compare(s, t, kept).masked == 1

    def test_a_kept_nan_is_an_error(self) -> None:
        s, t = pair()
        kept = mask_of(ROWS, CLASSES)
        s[2, 1] = NAN
        with pytest.raises(InputError, match="array: row 2, class 1: expected a finite"):
            compare(s, t, kept)

    def test_a_side_with_nothing_in_the_kept_cells(self) -> None:
        s, t = pair()
        kept = mask_of(ROWS, CLASSES)
        t[2, kept[2]] = -INF
        with pytest.raises(InputError) as caught:
            compare(s, t, kept)
        assert caught.value.what == (
            "candidate array: row 2: expected a distribution, found nothing but -inf in the cells "
            "that the mask keeps"
        )

    def test_mask_mismatches_are_those_of_kept_cells(self) -> None:
        s, t = pair()
        kept = np.ones((ROWS, CLASSES), dtype=bool)
        t[1, 4] = t[5, 2] = -1e12
        kept[1, 4] = False
        (warning,) = compare(s, t, kept).warnings
        assert "row 5, class 2" in warning
        assert "(1 such cell in all)" in warning

    def test_equal_kept_cells_are_told(self) -> None:
        s, t = pair()
        kept = mask_of(CLASSES)
        t[:, kept] = s[:, kept]
        (warning,) = compare(s, t, kept).warnings
        assert warning == (
            "reference array and candidate array hold the same numbers where the mask keeps them: "
            "is one a copy?"
        )

    def test_probabilities_are_still_noticed(self) -> None:
        p, q = pair("probs")
        with pytest.raises(UnclearError, match="expected logits, found probabilities"):
            compare(p, q, mask_of(CLASSES))
        found = compare(p[:1], q[:1], mask_of(CLASSES)).warnings
        assert [("these look like probabilities" in text) for text in found] == [True, True]


class TestProbabilities:
    def test_the_whole_row_has_to_sum_to_1(self) -> None:
        p, q = pair("probs")
        kept = mask_of(CLASSES)
        found = compare(p, q, kept, kind="probs")
        assert found.reference.sum_error is not None
        assert found.reference.sum_error < 1e-12
        q[3, -1] += 0.5
        with pytest.raises(InputError, match=r"expected rows of probs that sum to 1 .* in row 3"):
            compare(p, q, kept, kind="probs")

    @pytest.mark.parametrize("kind", ["probs", "log-probs"])
    @pytest.mark.parametrize("value", [NAN, INF])
    def test_a_row_with_no_number_in_a_masked_cell_has_no_sum(
        self, kind: Literal["probs", "log-probs"], value: float
    ) -> None:
        p, q = pair(kind)
        kept = mask_of(CLASSES)
        wanted = compare(p, q, kept, kind=kind)
        q[3, -1] = value
        found = compare(p, q, kept, kind=kind)
        np.testing.assert_allclose(
            found.values["jeffreys"], wanted.values["jeffreys"], rtol=2e-14, atol=0
        )

    def test_a_masked_log_probability_beyond_all_bounds(self) -> None:
        p, q = pair("log-probs")
        q[3, -1] = 2000.0
        with pytest.raises(InputError, match="found a sum of inf in row 3"):
            compare(p, q, mask_of(CLASSES), kind="log-probs")

    @pytest.mark.parametrize("kinds", [("logits", "probs"), ("probs", "log-probs")])
    @pytest.mark.parametrize("mode", MODES)
    def test_either_side_may_be_of_another_kind(self, mode: Mode, kinds: tuple[Kind, Kind]) -> None:
        s, t = pair(kinds[0], mode)[0], pair(kinds[1], mode)[1]
        kept = mask_of(ROWS, CLASSES)
        found = compare(s, t, kept, kind=kinds, mode=mode, measure=FAMILY)
        wanted = compare(*pair(), kept, mode=mode, measure=FAMILY)
        for name in FAMILY:
            np.testing.assert_allclose(found.values[name], wanted.values[name], rtol=1e-12)

    def test_other_rows_are_still_summed(self) -> None:
        p, q = pair("probs")
        q[3, -1] = NAN
        q[5, -1] += 0.5
        with pytest.raises(InputError, match="in row 5"):
            compare(p, q, mask_of(CLASSES), kind="probs")


class TestErrors:
    @pytest.mark.parametrize(
        ("value", "shown"), [(0.5, "0.5"), (2, "2"), (-1, "-1"), (NAN, "NaN"), (-1e9, "-1e+09")]
    )
    def test_what_is_neither_0_nor_1(self, value: float, shown: str) -> None:
        mask = np.ones((ROWS, CLASSES))
        mask[4, 3] = mask[5, 1] = value
        with pytest.raises(InputError) as caught:
            compare(*pair(), mask)
        assert caught.value.what == f"mask: cell [4, 3]: expected 0 or 1, found {shown}"
        assert caught.value.advice == (
            "Save it as booleans, true where a cell enters; with --mask-means drop, where it does "
            "not."
        )

    @pytest.mark.parametrize("shape", [(ROWS,), (ROWS, 1), (1, CLASSES), (CLASSES,)], ids=str)
    def test_the_place_is_the_masks_own(self, shape: tuple[int, ...]) -> None:
        mask = np.ones(shape)
        mask.flat[4] = 3
        place = ", ".join(str(int(i)) for i in np.unravel_index(4, shape))
        with pytest.raises(InputError, match=rf"mask: cell \[{place}\]: expected 0 or 1, found 3"):
            compare(*pair(), mask)

    @pytest.mark.parametrize(("means", "value"), [("keep", False), ("drop", True)])
    def test_nothing_selected(self, means: Literal["keep", "drop"], value: bool) -> None:
        with pytest.raises(InputError) as caught:
            compare(*pair(), np.full(ROWS, value), mask_means=means)
        assert caught.value.what == (
            "mask: expected cells to compare, found none: the mask leaves out every cell"
        )
        assert caught.value.advice == (
            "--mask-means says whether true cells enter (keep) or are left out (drop)."
        )

    def test_nothing_selected_of_the_rows_that_are_wanted(self) -> None:
        with pytest.raises(InputError, match=r"the mask leaves out every cell of these rows$"):
            compare(*pair(), np.arange(ROWS) > 2, rows="0:2")

    def test_nothing_is_left_to_count(self) -> None:
        s, t = pair()
        s[:3] = t[:3] = -INF
        with pytest.raises(InputError, match=r"\(3 skipped, nothing but -inf; 0 invalid; 4 masked"):
            compare(s, t, np.arange(ROWS) < 3)

    @pytest.mark.parametrize(
        ("mask", "found"),
        [
            (np.array("x"), "<U1 (text)"),
            (np.array([1j]), "complex128 (complex numbers)"),
            (np.empty((0, 3)), "none (shape (0, 3))"),
            (np.array(True), "a single number (shape ())"),
        ],
    )
    def test_no_mask_at_all(self, mask: Array, found: str) -> None:
        with pytest.raises(InputError) as caught:
            compare(*pair(), mask)
        assert caught.value.what.startswith("mask: expected ")
        assert caught.value.what.endswith(f"found {found}")
        assert caught.value.advice == (
            "A mask is one array, or a table with columns, of true and false or of 0 and 1 (JSON "
            "lines hold 0 and 1 only): one per row or one per cell."
        )


class TestFiles:
    """Masks in every kind of file."""

    @pytest.fixture
    def kept(self) -> npt.NDArray[np.bool_]:
        return mask_of(ROWS, CLASSES)

    def assert_masks(self, path: Path, kept: Array, s: Any = None, t: Any = None) -> Comparison:
        ours, theirs = pair()
        s, t = (ours if s is None else s), (theirs if t is None else t)
        found = compare(s, t, path)
        wanted = compare(ours, theirs, kept)
        np.testing.assert_array_equal(found.values["jeffreys"], wanted.values["jeffreys"])
        assert found.masked == wanted.masked
        return found

    @pytest.mark.parametrize("dtype", ["bool", "uint8", "float32"])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_npy(self, tmp_path: Path, kept: Array, dtype: str, order: Literal["C", "F"]) -> None:
        np.save(tmp_path / "m.npy", np.asarray(kept.astype(dtype), order=order))
        found = self.assert_masks(tmp_path / "m.npy", kept)
        assert found.mask is not None
        assert (found.mask.format, found.mask.dtype, found.mask.shape) == (
            "npy",
            dtype,
            (ROWS, CLASSES),
        )

    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_npz(self, tmp_path: Path, kept: Array, save: Any) -> None:
        save(tmp_path / "m.npz", mask=kept)
        self.assert_masks(tmp_path / "m.npz", kept)

    def test_npz_of_several(self, tmp_path: Path, kept: Array) -> None:
        np.savez(tmp_path / "m.npz", a=kept, b=kept)
        with pytest.raises(InputError) as caught:
            compare(*pair(), tmp_path / "m.npz")
        assert "expected one array, found 'a' bool (7, 12), 'b' bool (7, 12)" in caught.value.what
        assert "--key" not in caught.value.advice

    def test_safetensors(self, tmp_path: Path, kept: Array) -> None:
        header = (
            f'{{"m":{{"dtype":"BOOL","shape":[{ROWS},{CLASSES}],'
            f'"data_offsets":[0,{kept.nbytes}]}}}}'
        ).encode()
        path = tmp_path / "m.safetensors"
        path.write_bytes(len(header).to_bytes(8, "little") + header + kept.tobytes())
        self.assert_masks(path, kept)

    def test_a_byte_that_is_no_boolean(self, tmp_path: Path, kept: Array) -> None:
        np.save(tmp_path / "m.npy", kept)
        raw = bytearray((tmp_path / "m.npy").read_bytes())
        raw[-1] = 7
        (tmp_path / "m.npy").write_bytes(raw)
        with pytest.raises(InputError, match=r"cell \[6, 11\]: expected 0 or 1, found 7"):
            compare(*pair(), tmp_path / "m.npy")

    def test_booleans_are_still_no_logits(self, tmp_path: Path, kept: Array) -> None:
        np.save(tmp_path / "m.npy", kept)
        with pytest.raises(InputError, match="expected real numbers, found bool"):
            compare(tmp_path / "m.npy", tmp_path / "m.npy")

    def test_a_csv_column_of_rows(self, tmp_path: Path) -> None:
        rows = np.arange(ROWS) % 2 == 0
        (tmp_path / "m.csv").write_text("keep\n" + "".join(f"{int(x)}\n" for x in rows))
        self.assert_masks(tmp_path / "m.csv", rows)

    def test_a_csv_mask_of_the_wrong_length(self, tmp_path: Path) -> None:
        for rows in (1, ROWS - 1, ROWS + 1):
            (tmp_path / "m.csv").write_text("keep\n" + "1\n" * rows)
            with pytest.raises(InputError) as caught:
                compare(*pair(), tmp_path / "m.csv")
            assert caught.value.what == (
                f"{tmp_path / 'm.csv'}: expected {ROWS} rows, as reference array has, found {rows}"
            )

    @pytest.mark.parametrize("rows", [ROWS - 1, ROWS + 1])
    @pytest.mark.parametrize("axes", [1, 2])
    def test_a_mask_of_the_wrong_length_for_a_csv(
        self, tmp_path: Path, rows: int, axes: int
    ) -> None:
        path = write_csv(tmp_path / "s.csv", pair()[0])
        mask = np.ones(rows) if axes == 1 else np.ones((rows, CLASSES))
        with pytest.raises(InputError, match=f"mask: expected {ROWS} rows, .* found {rows}"):
            compare(path, path, mask)

    def test_csv_classes_go_by_name(self, tmp_path: Path, kept: Array) -> None:
        s, t = pair()
        ours, theirs = write_csv(tmp_path / "s.csv", s), write_csv(tmp_path / "t.csv", t)
        backwards = [f"c{i}" for i in reversed(range(CLASSES))]
        text = ",".join(backwards) + "\n"
        text += "".join(",".join(str(int(x)) for x in row[::-1]) + "\n" for row in kept)
        (tmp_path / "m.csv").write_text(text)
        self.assert_masks(tmp_path / "m.csv", kept, ours, theirs)
        (tmp_path / "m.csv").write_text(text.replace("c3", "c99"))
        with pytest.raises(InputError, match=r"m.csv: expected the class names of .*, found 'c99'"):
            compare(ours, theirs, tmp_path / "m.csv")

    def test_a_wrong_cell_of_a_table(self, tmp_path: Path) -> None:
        (tmp_path / "m.csv").write_text("keep\n" + "1\n" * 4 + "0.5\n" + "1\n" * (ROWS - 5))
        with pytest.raises(
            InputError, match=r"m.csv: row 4, line 6, column 'keep': expected 0 or 1, found 0.5"
        ):
            compare(*pair(), tmp_path / "m.csv")

    def test_parquet(self, tmp_path: Path, kept: Array) -> None:
        table = pa.table({f"c{i}": kept[:, i].astype(np.int8) for i in range(CLASSES)})
        pq.write_table(table, tmp_path / "m.parquet")
        self.assert_masks(tmp_path / "m.parquet", kept)

    def test_a_file_that_holds_fewer_rows_than_it_says(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pq.write_table(pa.table({"keep": [1] * (ROWS - 2)}), tmp_path / "m.parquet")

        def lying(path: Path, layout: Layout) -> Any:
            return replace(open_parquet(str(path), layout), rows=ROWS)

        monkeypatch.setattr(side_input, "open_source", lying)
        with pytest.raises(InputError, match="expected 7 rows, as reference array has, found 5"):
            compare(*pair(), tmp_path / "m.parquet")

    @pytest.mark.parametrize(
        ("true", "false"), [("True", "False"), ("TRUE", "FALSE"), ("true", "false")]
    )
    def test_csv_columns_of_words(self, tmp_path: Path, kept: Array, true: str, false: str) -> None:
        kept[:, 3] = False
        words = np.where(kept, true, false)
        lines = [",".join(f"c{i}" for i in range(CLASSES)), *map(",".join, words)]
        (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
        self.assert_masks(tmp_path / "m.csv", kept)

    def test_a_csv_column_of_words_beside_ids(self, tmp_path: Path) -> None:
        rows = np.arange(ROWS) % 3 > 0
        spelled = np.where(rows, "true", "False")  # which hands of two kinds wrote
        lines = ["file,keep", *(f"f{i},{word}" for i, word in enumerate(spelled))]
        (tmp_path / "m.tsv").write_text("\n".join(lines).replace(",", "\t"))
        self.assert_masks(tmp_path / "m.tsv", rows)

    def test_a_csv_column_of_words_with_an_index_as_pandas_writes_it(self, tmp_path: Path) -> None:
        rows = np.arange(ROWS) % 2 == 0
        lines = [",keep", *(f"{i},{keep}" for i, keep in enumerate(rows.tolist()))]
        assert lines[1:3] == ["0,True", "1,False"]
        (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
        self.assert_masks(tmp_path / "m.csv", rows)

    def test_csv_columns_of_words_and_columns_of_numbers(self, tmp_path: Path, kept: Array) -> None:
        words = np.where(kept, "true", "false")
        words[:, ::2] = np.where(kept, "1", "0")[:, ::2]
        lines = [",".join(f"c{i}" for i in range(CLASSES)), *map(",".join, words)]
        (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
        self.assert_masks(tmp_path / "m.csv", kept)

    @pytest.mark.parametrize(
        ("cells", "line", "expected", "found"),
        [
            (["True", "1", "True", "True", "False", "True", "True"], 3, "true or false", "'1'"),
            (["1", "0", "True", "1", "1", "1", "0"], 4, "a number", "'True'"),
            (["true"] * 6 + [" true"], 8, "true or false", "' true'"),
            (["true"] * 6 + ["yes"], 8, "true or false", "'yes'"),
        ],
        ids=["a number", "a word", "a space", "another word"],
    )
    def test_a_csv_column_of_words_and_numbers(
        self, tmp_path: Path, cells: list[str], line: int, expected: str, found: str
    ) -> None:
        (tmp_path / "m.csv").write_text("\n".join(["keep", *cells]) + "\n")
        with pytest.raises(InputError) as caught:
            compare(*pair(), tmp_path / "m.csv")
        assert caught.value.what == (
            f"{tmp_path / 'm.csv'}: line {line}, column 'keep': expected {expected}, found {found}"
        )
        assert caught.value.advice == (
            "A column of a mask holds true and false, or 1 and 0, from its first line to its last."
        )

    def test_a_word_that_is_missing(self, tmp_path: Path) -> None:
        (tmp_path / "m.csv").write_text("id,keep\n" + "".join(f"{i},True\n" for i in range(6)))
        with (tmp_path / "m.csv").open("a") as file:
            file.write("6,\n")
        with pytest.raises(
            InputError, match="row 6, line 8, column 'keep': expected 0 or 1, found NaN"
        ):
            compare(*pair(), tmp_path / "m.csv")

    def test_words_without_a_header(self, tmp_path: Path) -> None:
        (tmp_path / "m.csv").write_text("True\n" * ROWS)
        with pytest.raises(InputError, match="line 1: expected column names, found 'True'"):
            compare(*pair(), tmp_path / "m.csv")

    def test_words_are_still_no_logits(self, tmp_path: Path) -> None:
        (tmp_path / "m.csv").write_text("a,b\n1,True\n2,False\n")
        with pytest.raises(InputError) as caught:
            compare(tmp_path / "m.csv", tmp_path / "m.csv", None, id_column="a")
        assert caught.value.what == (
            f"{tmp_path / 'm.csv'}: expected numbers beside the row id 'a', found column 'b' of "
            "type string"
        )

    @pytest.mark.parametrize("suffix", ["parquet", "arrow"])
    @pytest.mark.parametrize(
        "kind",
        [pa.list_(pa.bool_()), pa.large_list(pa.bool_()), pa.list_(pa.bool_(), CLASSES)],
        ids=["list", "large list", "fixed-size list"],
    )
    def test_lists_of_booleans(
        self, tmp_path: Path, kept: Array, suffix: str, kind: pa.DataType
    ) -> None:
        path = tmp_path / f"m.{suffix}"
        write = pq.write_table if suffix == "parquet" else feather.write_feather
        write(pa.table({"keep": pa.array(kept.tolist(), kind)}), path)
        self.assert_masks(path, kept)

    @pytest.mark.parametrize("suffix", ["parquet", "arrow"])
    @pytest.mark.parametrize("axes", ["rows", "cells"])
    def test_columns_of_booleans(self, tmp_path: Path, kept: Array, suffix: str, axes: str) -> None:
        path = tmp_path / f"m.{suffix}"
        if axes == "rows":
            kept = np.arange(ROWS) % 3 > 0
            table = pa.table({"file": [f"f{i}" for i in range(ROWS)], "keep": kept})
        else:
            table = pa.table({f"c{i}": kept[:, i] for i in range(CLASSES)})
        if suffix == "parquet":
            pq.write_table(table, path)
        else:
            feather.write_feather(table, path)
        self.assert_masks(path, kept)

    def test_a_boolean_that_is_missing(self, tmp_path: Path) -> None:
        table = pa.table({"keep": [True, None, *[True] * (ROWS - 2)]})
        pq.write_table(table, tmp_path / "m.parquet")
        with pytest.raises(InputError, match="row 1, column 'keep': expected 0 or 1, found NaN"):
            compare(*pair(), tmp_path / "m.parquet")

    def test_ids_have_to_be_the_references_in_its_order(self, tmp_path: Path) -> None:
        s, t = pair()
        ids = [f"row-{i}" for i in range(ROWS)]
        order = [3, 1, 0, 2, 6, 5, 4]
        ours = write_csv(tmp_path / "s.csv", s, ids)
        theirs = write_csv(tmp_path / "t.csv", t[order], [ids[i] for i in order])
        keep = [1, 0, 1, 1, 0, 1, 1]
        mask = tmp_path / "m.csv"
        mask.write_text("id,keep\n" + "".join(f"{i},{k}\n" for i, k in zip(ids, keep, strict=True)))
        self.assert_masks(mask, np.array(keep), ours, theirs)
        ids[2], ids[3] = ids[3], ids[2]
        mask.write_text("id,keep\n" + "".join(f"{i},{k}\n" for i, k in zip(ids, keep, strict=True)))
        with pytest.raises(InputError) as caught:
            compare(ours, theirs, mask)
        assert caught.value.what == (
            f"{mask}: expected the reference's rows in its order, found 'row-3' in row 2, which is "
            "'row-2' there"
        )

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="expected a file, found nothing there"):
            compare(*pair(), tmp_path / "none.npy")


def write_csv(path: Path, values: Array, ids: Sequence[str] | None = None) -> Path:
    lines = [",".join([*(["id"] if ids else []), *(f"c{i}" for i in range(values.shape[1]))])]
    for i, row in enumerate(values):
        lines.append(",".join([*([ids[i]] if ids else []), *(repr(float(x)) for x in row)]))
    path.write_text("\n".join(lines) + "\n")
    return path


class TestSelectedRows:
    """A mask goes with all rows of the files, whatever rows of them are compared."""

    @pytest.mark.parametrize(
        "choice",
        [{"rows": "10:40"}, {"rows": "-7:"}, {"limit": 9}, {"sample": 11, "seed": 3}],
        ids=str,
    )
    @pytest.mark.parametrize("axes", ["rows", "cells", "classes"])
    @pytest.mark.parametrize("kind", ["array", "npy", "npz", "csv"])
    def test_cells_are_those_of_the_rows_places(
        self, tmp_path: Path, choice: dict[str, Any], axes: str, kind: str
    ) -> None:
        s, t = draw(60, CLASSES), draw(60, CLASSES, seed=2)
        kept = mask_of(60, CLASSES) if axes == "cells" else mask_of(1, CLASSES)
        if axes == "rows":
            kept = (np.arange(60) % 3 > 0)[:, None]
        path = tmp_path / f"m.{kind}"
        if kind == "npy":
            np.save(path, kept)
        elif kind == "npz":
            np.savez_compressed(path, kept)
        elif kind == "csv":
            write_csv(path, np.broadcast_to(kept, (60, kept.shape[1])).astype(float))
        found = compare(s, t, kept if kind == "array" else path, **choice)
        rows = found.row_numbers
        assert rows is not None
        whole = np.broadcast_to(kept, s.shape)
        alone = compare(s[rows], t[rows], whole[rows])
        np.testing.assert_array_equal(found.values["jeffreys"], alone.values["jeffreys"])
        assert found.masked == alone.masked
        assert found.mask is not None
        assert alone.mask is not None
        assert (found.mask.cells, found.mask.of) == (alone.mask.cells, alone.mask.of)

    @pytest.mark.parametrize("shape", [(4, 5, 1, 6), (4, 1, 5, 6), (4, 1, 1, 1), (1, 5, 1, 1)])
    def test_axes_are_those_of_the_files(self, shape: tuple[int, ...]) -> None:
        s, t = draw(4, 5, 5, 6), draw(4, 5, 5, 6, seed=2)
        mask = np.random.default_rng(5).random(shape) < 0.6
        options: dict[str, Any] = {"mode": "sigmoid", "row_axes": 2}
        found = compare(s, t, mask, rows="3:17", **options)
        every = compare(s, t, mask, **options)
        np.testing.assert_array_equal(found.values["jeffreys"], every.values["jeffreys"][3:17])

    def test_ids_are_looked_up_before_the_mask(self, tmp_path: Path) -> None:
        s, t = pair()
        ids = [f"row-{i}" for i in range(ROWS)]
        ours = write_csv(tmp_path / "s.csv", s, ids)
        theirs = write_csv(tmp_path / "t.csv", t[::-1], ids[::-1])
        mask = tmp_path / "m.csv"
        mask.write_text("id,keep\n" + "".join(f"{x},{int(i != 4)}\n" for i, x in enumerate(ids)))
        found = compare(ours, theirs, mask, rows="2:6")
        assert found.masked_rows is not None
        assert found.masked_rows.tolist() == [False, False, True, False]
        wanted = compare(s, t).values["jeffreys"][[2, 3, 5]]
        np.testing.assert_array_equal(found.values["jeffreys"][[0, 1, 3]], wanted)
        mask.write_text("id,keep\n" + "".join(f"x{i},1\n" for i in range(ROWS)))
        with pytest.raises(InputError, match="found 'x2' in row 2, which is 'row-2' there"):
            compare(ours, theirs, mask, rows="2:6")

    def test_a_wrong_cell_is_named_by_its_own_place(self) -> None:
        mask = np.ones((ROWS, CLASSES))
        mask[5, 3] = 2
        with pytest.raises(InputError, match=r"mask: cell \[5, 3\]: expected 0 or 1, found 2"):
            compare(*pair(), mask, rows="4:")
        assert compare(*pair(), mask, rows=":5").rows == 5

    def test_a_mask_that_ends_before_the_rows(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "s.csv", pair()[0])
        with pytest.raises(InputError, match=r"mask: expected 6 rows or more, .* found 4"):
            compare(path, path, np.ones((4, CLASSES)), rows="3:6")
        assert compare(path, path, np.ones((6, CLASSES)), rows="3:6").rows == 3


def test_rows_of_different_length_are_no_mask() -> None:
    with pytest.raises(InputError, match="mask: expected rows of one length, found what NumPy"):
        compare(*pair(), [[True], [True, False]])
