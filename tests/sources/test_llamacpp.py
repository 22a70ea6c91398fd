"""llama.cpp logits files: what they say, and that a damaged one says nothing."""

from __future__ import annotations

import math
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.measures.distributions.exact import widen
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.formats.llamacpp import WINDOW, LlamaCppSource, open_llamacpp
from kldiv_cli.sources.labels.tokens import Tokens, check_tokens, tokens_of
from kldiv_cli.sources.views.choice import Choice
from tests.llamacpp import SAMPLES, decode, random_logits, random_tokens, write
from tests.sources.mutations import survive

Array = npt.NDArray[Any]

N_CTX, CLASSES, CHUNKS = 8, 7, 2
ROWS = 3


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small file with an odd vocabulary: 2 chunks of 3 rows of 7 classes, 20 + 64 + 144 bytes."""
    return write(
        tmp_path / "x.kld",
        random_logits(CHUNKS, ROWS, CLASSES, scale=6),
        random_tokens(CHUNKS, N_CTX, CLASSES),
    )


def opened(path: Path, row_axes: int | None = None) -> LlamaCppSource:
    return open_llamacpp(str(path), Layout(row_axes=row_axes))


def read(path: Path, rows: int = 1000) -> Array:
    blocks = [block.values for block in opened(path).blocks(rows)]
    assert all(0 < len(values) <= rows for values in blocks)
    return np.concatenate(blocks)


def complaint(path: Path) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.what.startswith(f"{path}: ")
    return caught.value.what.removeprefix(f"{path}: "), caught.value.advice


def change(path: Path, at: int, form: str, *values: float) -> None:
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, at, *values)
    path.write_bytes(content)


class TestRight:
    @pytest.mark.parametrize("name", ["tiny-f32", "tiny-Q8_0", "tiny-Q4_0"])
    def test_a_sample_is_read_as_one_reads_it_number_by_number(self, name: str) -> None:
        path = SAMPLES / f"{name}.kld"
        source = opened(path)
        assert source.shape == (5, 31, 1001)
        assert (source.row_shape, source.class_shape) == ((5, 31), (1001,))
        assert source.rows_expected == 155
        assert (source.format, source.dtype, source.kind) == ("llamacpp", "float64", "log-probs")
        assert (source.class_names, source.id_name) == (None, None)
        anything: Source = source
        assert anything.place_of(3) is None
        values, targets = decode(path.read_bytes())
        np.testing.assert_array_equal(read(path, 13), values)
        assert Tokens("", source.tokens).targets.tolist() == targets

    @pytest.mark.parametrize("n_ctx", [3, 4, 5, 8, 9])
    @pytest.mark.parametrize("classes", [1, 2, 3, 6, 7])
    def test_odd_and_even_vocabularies_and_contexts(
        self, tmp_path: Path, n_ctx: int, classes: int
    ) -> None:
        rows = n_ctx - 1 - n_ctx // 2
        logits = random_logits(3, rows, classes)
        path = write(tmp_path / "x.kld", logits, random_tokens(3, n_ctx, classes))
        values, targets = decode(path.read_bytes())
        source = opened(path)
        assert source.shape == (3, rows, classes)
        np.testing.assert_array_equal(read(path), values)
        assert Tokens("", source.tokens).targets.tolist() == targets

    def test_values_are_the_models_log_probabilities_to_half_a_step(self, tmp_path: Path) -> None:
        logits = random_logits(2, 3, 50, scale=2)
        path = write(tmp_path / "x.kld", logits, random_tokens(2, 8, 50))
        x = logits.reshape(6, 50).astype(float)
        true = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
        step = (x.max(axis=1) - x.min(axis=1)) / 65535
        assert (np.abs(read(path) - true).max(axis=1) <= step / 2 + 4e-6).all()

    @pytest.mark.parametrize("rows", [1, 2, 30, 31, 32, 155, 156])
    def test_blocks_of_any_size_give_the_same_rows_again_and_again(self, rows: int) -> None:
        source = opened(SAMPLES / "tiny-f32.kld")
        whole = widen(next(iter(source.blocks(155))).values)
        for _ in range(2):
            kept = [widen(block.values) for block in source.blocks(rows)]
            np.testing.assert_array_equal(np.concatenate(kept), whole)

    def test_rows_anywhere_in_the_file(self) -> None:
        source = opened(SAMPLES / "tiny-Q8_0.kld")
        whole = widen(source.at(range(155)).values)
        np.testing.assert_array_equal(widen(source.at(range(40, 42)).values), whole[40:42])
        places = np.array([0, 7, 154])
        np.testing.assert_array_equal(widen(source.at(places).values), whole[places])

    def test_all_rows_along_one_axis_for_a_partner_that_holds_them_so(self, path: Path) -> None:
        source = opened(path, row_axes=1)
        assert (source.shape, source.row_shape) == ((6, 7), (6,))
        np.testing.assert_array_equal(widen(next(iter(source.blocks(9))).values), read(path))
        assert opened(path, row_axes=2).shape == (2, 3, 7)

    def test_the_tokens_are_those_of_the_second_half_of_each_context(self, path: Path) -> None:
        tokens = random_tokens(CHUNKS, N_CTX, CLASSES)
        source = opened(path)
        np.testing.assert_array_equal(source.tokens, tokens)
        assert Tokens("", source.tokens).targets.tolist() == [*tokens[0, 5:8], *tokens[1, 5:8]]

    def test_the_array_is_mapped(self, path: Path) -> None:
        source = opened(path)
        assert not source.words.flags.owndata
        assert not source.words.flags.writeable

    def test_equal_logits_have_a_scale_of_0(self, tmp_path: Path) -> None:
        path = write(tmp_path / "x.kld", np.full((1, 1, 4), 2.5, np.float32), np.zeros((1, 4)))
        np.testing.assert_allclose(read(path), -math.log(4), rtol=1e-7)
        assert WINDOW.floors(read(path)).tolist() == [-math.inf]

    def test_there_are_no_class_names(self, path: Path) -> None:
        with pytest.raises(ValueError, match="no class names"):
            next(opened(path).blocks(1, ["a"]))

    @pytest.mark.parametrize("name", ["tiny-f32", "tiny-Q4_0"])
    def test_the_rows_sum_to_1_within_the_tolerance(self, name: str) -> None:
        off = np.abs(np.exp(read(SAMPLES / f"{name}.kld")).sum(axis=1) - 1).max()
        assert 1e-5 < off < 1e-4
        assert opened(SAMPLES / f"{name}.kld").sum_tolerance == pytest.approx(
            2e-4 + 1001 * math.exp(-16)
        )

    def test_censored_classes_can_make_a_row_sum_to_more_than_1(self, tmp_path: Path) -> None:
        logits = np.full((1, 1, 60_000), -40, np.float32)
        logits[0, 0, 17] = 3
        path = write(tmp_path / "x.kld", logits, random_tokens(1, 4, 60_000))
        off = float(np.exp(read(path)).sum() - 1)
        assert 0.99 * 59_999 * math.exp(-16) < off < opened(path).sum_tolerance


class TestCensored:
    def floor(self, tmp_path: Path, row: list[float], window: float = 16.0) -> tuple[float, Array]:
        logits = np.array([[row]], np.float32)
        path = write(tmp_path / "x.kld", logits, random_tokens(1, 4, len(row)), window)
        values = read(path)
        return float(WINDOW.floors(values)[0]), values[0]

    def test_below_the_window_nothing_is_known(self, tmp_path: Path) -> None:
        floor, values = self.floor(tmp_path, [0.0, -1.0, -15.9, -16.1, -80.0])
        assert (values == floor).tolist() == [False, False, False, True, True]
        assert floor == pytest.approx(-16 - math.log(1 + math.exp(-1)), abs=1e-5)

    def test_a_row_within_the_window_keeps_its_smallest_class(self, tmp_path: Path) -> None:
        floor, values = self.floor(tmp_path, [0.0, -1.0, -15.9])
        assert floor == -math.inf
        assert values[2] == pytest.approx(-15.9 - math.log(1 + math.exp(-1)), abs=1e-4)

    def test_the_wider_window_of_ik_llama_cpp(self, tmp_path: Path) -> None:
        floor, values = self.floor(tmp_path, [0.0, -16.1, -23.9, -24.1, -80.0], 24)
        assert (values == floor).tolist() == [False, False, False, True, True]
        assert floor == pytest.approx(-24, abs=1e-5)

    def test_in_it_the_smallest_class_of_a_row_between_the_windows_may_be(
        self, tmp_path: Path
    ) -> None:
        floor, values = self.floor(tmp_path, [0.0, -1.0, -20.0], 24)
        assert (values == floor).tolist() == [False, False, True]

    @pytest.mark.parametrize("offset", [-8190.1, -3e3, 0.1, 77.7, 3e3, 1e4])
    def test_the_windows_own_rounding_does_not_hide_it(self, tmp_path: Path, offset: float) -> None:
        floor, values = self.floor(tmp_path, [offset, offset - 5, offset - 40])
        assert (values == floor).tolist() == [False, False, True]

    def test_in_every_row_of_a_sample(self) -> None:
        values = read(SAMPLES / "tiny-f32.kld")
        np.testing.assert_array_equal(WINDOW.floors(values), values.min(axis=1))


class TestRefused:
    def test_another_file(self, tmp_path: Path) -> None:
        other = tmp_path / "x.kld"
        other.write_bytes(b"\x93NUMPY\x01\x00" + bytes(100))
        what, advice = complaint(other)
        assert what == (
            "expected a llama.cpp logits file, which begins with b'_logits_', found "
            r"b'\\x93NUMPY\\x01\\x00'".replace(r"\\", "\\")
        )
        assert advice == "Write it again with llama-perplexity --kl-divergence-base FILE."

    @pytest.mark.parametrize("length", range(228))
    def test_cut_off_at_any_byte(self, path: Path, length: int) -> None:
        whole = path.read_bytes()
        assert len(whole) == 228
        path.write_bytes(whole[:length])
        what, advice = complaint(path)
        if length < 8:
            assert what.startswith("expected a llama.cpp logits file, which begins with")
        elif length < 20:
            assert what == f"expected a header of 20 bytes, found {length}"
        else:
            assert what == (
                f"expected 228 bytes for 2 chunks of 3 rows of 7 classes (n_ctx 8), found {length}"
            )
            assert advice == (
                "The file is cut off: llama-perplexity does not notice a full disk. Write it again "
                "with llama-perplexity --kl-divergence-base FILE."
            )

    @pytest.mark.parametrize("more", [1, 2, 24, 4096])
    def test_longer_than_its_header_says(self, path: Path, more: int) -> None:
        path.write_bytes(path.read_bytes() + bytes(more))
        what, advice = complaint(path)
        assert what.endswith(f"(n_ctx 8), found {228 + more}")
        assert advice.startswith("The file is not what its header says. ")

    @pytest.mark.parametrize(
        ("at", "value", "found"),
        [
            (8, 2, "n_ctx 2, n_vocab 7 and n_chunk 2"),
            (8, 0, "n_ctx 0, n_vocab 7 and n_chunk 2"),
            (8, -8, "n_ctx -8, n_vocab 7 and n_chunk 2"),
            (12, 0, "n_ctx 8, n_vocab 0 and n_chunk 2"),
            (12, -7, "n_ctx 8, n_vocab -7 and n_chunk 2"),
            (16, 0, "n_ctx 8, n_vocab 7 and n_chunk 0"),
            (16, -2, "n_ctx 8, n_vocab 7 and n_chunk -2"),
        ],
    )
    def test_a_header_without_rows_or_classes(
        self, path: Path, at: int, value: int, found: str
    ) -> None:
        change(path, at, "<i", value)
        what, _ = complaint(path)
        assert what == (
            "expected n_ctx of at least 3, n_vocab and n_chunk of at least 1, found " + found
        )

    @pytest.mark.parametrize(
        ("header", "promised"),
        [
            # 2**31 rows of 2**17 + 4 words wrap around to 16 * 2**30 in 32 bits.
            ((2**16, 2**17, 2**16), 20 + 2**34 + 2 * 2**16 * 32767 * (2**17 + 4)),
            ((2**31 - 1, 2**31 - 1, 2**31 - 1), None),
            ((3, 7, 2**30), 20 + 12 * 2**30 + 24 * 2**30),
        ],
    )
    def test_absurd_sizes_are_multiplied_in_full(
        self, path: Path, header: tuple[int, int, int], promised: int | None
    ) -> None:
        change(path, 8, "<3i", *header)
        what, _ = complaint(path)
        assert re.match(r"expected \d+ bytes for \d+ chunks of \d+ rows", what)
        assert what.endswith("found 228")
        if promised is not None:
            assert what.startswith(f"expected {promised} bytes")
        else:
            assert int(what.split()[1]) > 2**93

    @pytest.mark.parametrize("token", [-1, 7, 2**31 - 1])
    def test_a_token_that_is_none(self, path: Path, token: int) -> None:
        change(path, 20 + 4 * (N_CTX + 3), "<i", token)
        what, advice = complaint(path)
        assert what == f"expected token ids from 0 to 6, found {token} in chunk 1, position 3"
        assert advice.startswith("The file is damaged. ")

    @pytest.mark.parametrize(
        ("scale", "least", "found"),
        [
            (-1e-4, -1.0, "scale -0.0001 and -7.5535"),
            (-1e-5, -0.9, "scale -1e-05 and -1.55535"),
            (1e-4, -3.0, "scale 0.0001 and 3.5535"),
            (1e-4, -9.0, "scale 0.0001 and -2.4465"),
            (math.inf, -9.0, "scale inf and inf"),
            (0.0, -math.inf, "scale 0 and -inf"),
        ],
    )
    def test_a_row_that_is_no_distribution(
        self, path: Path, scale: float, least: float, found: str
    ) -> None:
        change(path, 84 + 4 * 24, "<2f", scale, least)
        what, advice = complaint(path)
        assert what == (
            "row 4: expected a scale of 0 or more and a largest log-probability from -1.94591 to "
            f"0, found {found}"
        )
        assert advice.startswith("The file is damaged. ")

    def test_it_is_named_by_its_place_in_the_file(self, path: Path) -> None:
        change(path, 84 + 4 * 24, "<2f", -1e-4, -1.0)
        with pytest.raises(InputError, match=r"x\.kld: row 4: expected a scale of 0 or more"):
            opened(path).at(np.array([1, 4, 5]))

    @pytest.mark.parametrize("raw", ["0000c07f", "0100807f"], ids=["quiet", "signalling"])
    @pytest.mark.parametrize("at", [0, 4], ids=["scale", "minimum"])
    def test_nan_is_left_to_the_nan_policy(self, path: Path, at: int, raw: str) -> None:
        before = read(path)
        content = bytearray(path.read_bytes())
        content[84 + 24 + at : 84 + 24 + at + 4] = bytes.fromhex(raw)
        path.write_bytes(content)
        values = read(path)
        assert np.isnan(values[1]).all()
        np.testing.assert_array_equal(np.delete(values, 1, 0), np.delete(before, 1, 0))
        assert WINDOW.floors(values[1:2]).tolist() == [-math.inf]

    @pytest.mark.parametrize("row_axes", [-1, 0, 3])
    def test_other_row_axes(self, path: Path, row_axes: int) -> None:
        with pytest.raises(InputError) as caught:
            opened(path, row_axes)
        assert caught.value.what == (
            f"{path}: expected --row-axes 2 (chunks, rows) or 1 (all rows) for a llama.cpp logits "
            f"file, found {row_axes}"
        )


def as_decoded(content: bytes, values: Array) -> bool:
    return np.array_equal(values, decode(content)[0], equal_nan=True)


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_file_is_refused_or_read_as_what_it_then_is(path: Path, seed: int) -> None:
    answers = survive(path, seed, lambda path: open_llamacpp(path, Layout()), as_decoded)
    assert answers > 0


class TestTokens:
    def two(self, tmp_path: Path, ours: Array, theirs: Array) -> tuple[Tokens, Tokens]:
        paths = []
        for name, tokens in (("a.kld", ours), ("b.kld", theirs)):
            rows = tokens.shape[1] - 1 - tokens.shape[1] // 2
            logits = random_logits(len(tokens), rows, CLASSES)
            paths.append(write(tmp_path / name, logits, tokens))
        found = [tokens_of(opened(path)) for path in paths]
        assert found[0] is not None
        assert found[1] is not None
        return found[0], found[1]

    def test_the_same(self, tmp_path: Path) -> None:
        tokens = random_tokens(2, 8, CLASSES)
        check_tokens(*self.two(tmp_path, tokens, tokens), Choice())

    @pytest.mark.parametrize("position", [0, 4, 7], ids=["first", "unscored", "last"])
    def test_the_first_that_differs_is_named_scored_or_not(
        self, tmp_path: Path, position: int
    ) -> None:
        tokens = random_tokens(2, 8, CLASSES)
        other = tokens.copy()
        other[1, position:] = (tokens[1, position:] + 1) % CLASSES
        ours, theirs = self.two(tmp_path, tokens, other)
        with pytest.raises(InputError) as caught:
            check_tokens(ours, theirs, Choice())
        assert caught.value.what == (
            f"{tmp_path}/b.kld: expected the same tokens as {tmp_path}/a.kld, found "
            f"{tokens[1, position]} there and {other[1, position]} here in chunk 1, position "
            f"{position} ({8 - position} of 16 differ)"
        )
        assert caught.value.advice == (
            "Write both from the same text, with the same tokenizer, -c and --chunks."
        )

    def test_contexts_that_differ_in_length_though_not_in_rows(self, tmp_path: Path) -> None:
        ours, theirs = self.two(
            tmp_path, random_tokens(2, 8, CLASSES), random_tokens(2, 7, CLASSES)
        )
        assert ours.targets.shape == theirs.targets.shape
        with pytest.raises(InputError) as caught:
            check_tokens(ours, theirs, Choice())
        assert caught.value.what == (
            f"{tmp_path}/b.kld: expected contexts of 8 tokens (n_ctx) as in {tmp_path}/a.kld, "
            "found 7"
        )
