"""Several logits files of llama.cpp as one input: their chunks and tokens follow each other."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError, UnclearError
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.tasks.inspect import inspect
from tests.command import Kldiv
from tests.llamacpp import SAMPLES, random_logits, random_tokens, write
from tests.results import changed

REFERENCE, CANDIDATE = SAMPLES / "tiny-f32.kld", SAMPLES / "tiny-Q4_0.kld"


def split(path: Path, folder: Path, *ends: int) -> Path:
    """Cut a file into several: chunks up to each end, and the rest."""
    content = path.read_bytes()
    n_ctx, classes, chunks = struct.unpack_from("<3i", content, 8)
    rows = 20 + 4 * chunks * n_ctx
    size = (len(content) - rows) // chunks
    folder.mkdir()
    for number, (start, stop) in enumerate(zip((0, *ends), (*ends, chunks), strict=True)):
        parts = (
            content[:8] + struct.pack("<3i", n_ctx, classes, stop - start),
            content[20 + 4 * n_ctx * start : 20 + 4 * n_ctx * stop],
            content[rows + size * start : rows + size * stop],
        )
        (folder / f"part-{number}.kld").write_bytes(b"".join(parts))
    return folder


def same(found: Comparison, whole: Comparison) -> None:
    """Check that all numbers are those of the whole files."""
    assert found.language == whole.language
    assert found.measures == whole.measures
    assert (found.row_shape, found.agreement, found.top) == (
        whole.row_shape,
        whole.agreement,
        whole.top,
    )
    of_each_row = {"label", "log_p", "log_q", "censored_p", "censored_q"}
    assert found.tokens.keys() == whole.tokens.keys() == of_each_row
    for name, values in whole.tokens.items():
        np.testing.assert_array_equal(found.tokens[name], values)
    assert found.warnings == whole.warnings


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, Path]:
    return split(REFERENCE, tmp_path / "p", 2), split(CANDIDATE, tmp_path / "q", 1, 4)


class TestRight:
    @pytest.mark.parametrize("cut", ["reference", "candidate", "both"])
    @pytest.mark.parametrize("options", [{}, {"row_axes": 1}, {"threads": 1}], ids=str)
    def test_the_numbers_of_the_whole_files(
        self, cut: str, options: dict[str, Any], parts: tuple[Path, Path]
    ) -> None:
        sides = (
            parts[0] if cut != "candidate" else REFERENCE,
            parts[1] if cut != "reference" else CANDIDATE,
        )
        found = compare(*sides, **options)
        same(found, compare(REFERENCE, CANDIDATE, **options))
        assert (found.reference.shards, found.candidate.shards) == (
            2 if cut != "candidate" else None,
            3 if cut != "reference" else None,
        )
        assert found.reference.shape == ((155,) if "row_axes" in options else (5, 31)) + (1001,)

    @pytest.mark.parametrize(
        "options",
        [
            {"rows": "50:100"},
            {"sample": 30, "seed": 2},
            {"limit": 62},
            {"mask": np.arange(155).reshape(5, 31) % 3 > 0},
            {"group": "position"},
        ],
        ids=["rows", "sample", "limit", "mask", "group"],
    )
    def test_part_of_the_rows(self, options: dict[str, Any], parts: tuple[Path, Path]) -> None:
        found, whole = compare(*parts, **options), compare(REFERENCE, CANDIDATE, **options)
        same(found, whole)
        if found.groups is not None and whole.groups is not None:
            assert found.groups.each == whole.groups.each

    def test_what_they_are(self, parts: tuple[Path, Path]) -> None:
        found, whole = inspect(parts[0]), inspect(REFERENCE)
        assert found.contexts == whole.contexts
        assert changed(found, file=whole.file, entropy=whole.entropy) == whole
        assert (found.file.shape, found.file.shards) == ((5, 31, 1001), 2)

    def test_a_quoted_glob_on_the_command_line(
        self, kldiv: Kldiv, parts: tuple[Path, Path]
    ) -> None:
        words = ("compare", f"{parts[0]}/part-*.kld", parts[1], "--format", "json")
        done = kldiv(*words)
        assert (done.code, done.err) == (0, "")
        found = json.loads(done.out)
        whole = json.loads(kldiv("compare", REFERENCE, CANDIDATE, "--format", "json").out)
        assert found["language"] == whole["language"]
        assert (found["reference"]["shards"], found["candidate"]["shards"]) == (2, 3)
        table = kldiv(*words[:3]).out.splitlines()
        assert table[0] == (
            f"reference p  {parts[0]}/part-*.kld  llamacpp float64 5 x 31 x 1001 in 2 files"
        )


class TestRefused:
    def complaint(self, path: Path, other: Path) -> tuple[str, str]:
        with pytest.raises(InputError) as caught:
            compare(path, other)
        return caught.value.what, caught.value.advice

    def test_other_tokens(self, parts: tuple[Path, Path]) -> None:
        # Its chunks are in another order: natural order puts part-2 before part-10.
        (parts[1] / "part-0.kld").rename(parts[1] / "part-10.kld")
        what, advice = self.complaint(REFERENCE, parts[1])
        assert what == (
            f"{parts[1]}: expected the same tokens as {REFERENCE}, found 1 there and 98 here in "
            "chunk 0, position 0 (315 of 320 differ)"
        )
        assert advice == "Write both from the same text, with the same tokenizer, -c and --chunks."

    def test_too_few_chunks(self, parts: tuple[Path, Path]) -> None:
        (parts[0] / "part-1.kld").unlink()
        what, advice = self.complaint(parts[0], CANDIDATE)
        assert what == (
            f"{CANDIDATE}: expected as many chunks as {parts[0]}, found 2 there and 5 here"
        )
        assert advice == "Say --limit 62 to compare rows of the first 2 chunks, which both have."
        assert compare(parts[0], CANDIDATE, limit=62).rows == 62

    @pytest.mark.parametrize(
        ("n_ctx", "classes", "expected", "found"),
        [
            (9, 7, "shape ? x 3 x 7", "shape ? x 4 x 7"),
            (8, 6, "shape ? x 3 x 7", "shape ? x 3 x 6"),
        ],
        ids=["contexts", "vocabulary"],
    )
    def test_files_that_cannot_be_joined(
        self, n_ctx: int, classes: int, expected: str, found: str, tmp_path: Path
    ) -> None:
        folder = tmp_path / "p"
        folder.mkdir()
        one = write(folder / "a.kld", random_logits(2, 3, 7), random_tokens(2, 8, 7))
        rows = n_ctx - 1 - n_ctx // 2
        write(folder / "b.kld", random_logits(1, rows, classes), random_tokens(1, n_ctx, classes))
        assert self.complaint(folder, one)[0] == (
            f"{folder}/b.kld: expected {expected} as in {folder}/a.kld, found {found}"
        )

    def test_contexts_that_differ_in_length_though_not_in_rows(self, tmp_path: Path) -> None:
        folder = tmp_path / "p"
        folder.mkdir()
        one = write(folder / "a.kld", random_logits(2, 3, 7), random_tokens(2, 8, 7))
        write(folder / "b.kld", random_logits(2, 3, 7), random_tokens(2, 7, 7))
        whole = write(tmp_path / "q.kld", random_logits(4, 3, 7), random_tokens(4, 8, 7))
        what = f"{folder}/b.kld: expected contexts of 8 tokens (n_ctx) as in {one}, found 7"
        assert self.complaint(folder, whole)[0] == what
        with pytest.raises(InputError) as caught:
            inspect(folder)
        assert caught.value.what == what

    def test_a_part_that_is_cut_off(self, kldiv: Kldiv, parts: tuple[Path, Path]) -> None:
        path = parts[0] / "part-1.kld"
        path.write_bytes(path.read_bytes()[:-2])
        done = kldiv("compare", parts[0], CANDIDATE)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"kldiv: error: {path}: expected ")
        assert len(done.err.splitlines()) == 2


def test_tokens_of_files_that_both_sides_have(tmp_path: Path) -> None:
    p, q = split(REFERENCE, tmp_path / "p", 2, 4), split(CANDIDATE, tmp_path / "q", 2, 4)
    (q / "part-1.kld").unlink()
    with pytest.raises(UnclearError, match=r"only there \('part-1.kld'\) beside 2"):
        compare(p, q)
    found = compare(p, q, on_missing="skip")
    whole = compare(REFERENCE, CANDIDATE)
    rows = found.row_numbers
    assert rows is not None
    each = len(whole.values["jeffreys"]) // 5
    assert rows.tolist() == [*range(2 * each), *range(4 * each, 5 * each)]
    for name in ("label", "log_p", "log_q"):
        np.testing.assert_array_equal(found.tokens[name], whole.tokens[name][rows])
