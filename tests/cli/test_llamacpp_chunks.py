"""Logits files of llama.cpp with different numbers of chunks, of which rows are chosen."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from kldiv_cli import compare, loss
from kldiv_cli.errors import InputError
from kldiv_cli.tasks.verify import verify
from tests.command import Kldiv
from tests.llamacpp import random_logits, random_tokens, write

CASES = Path(__file__).parents[1] / "cases"
LONG, SHORT = CASES / "k_p.kld", CASES / "k_ch.kld"
MEAN = 0.02787527208034755
TEXT = "Write both from the same text, with the same tokenizer, -c and --chunks."


def complaint(kldiv: Kldiv, *words: object) -> list[str]:
    done = kldiv("compare", *words)
    assert (done.code, done.out) == (2, "")
    return done.err.splitlines()


class TestRowsThatBothHave:
    @pytest.mark.parametrize(
        "options",
        [{"limit": 32}, {"rows": "0:32"}, {"rows": "0:32", "row_axes": 1}, {"limit": 32, "top": 1}],
        ids=str,
    )
    @pytest.mark.parametrize("sides", [(LONG, SHORT), (SHORT, LONG)], ids=["long", "short"])
    def test_the_chunks_in_common(self, sides: tuple[Path, Path], options: dict[str, Any]) -> None:
        found = compare(*sides, **options)
        assert found.measures["jeffreys"]["mean"] == pytest.approx(MEAN, rel=1e-14)
        assert found.rows == 32
        assert found.language is not None
        assert found.language.tokens == 32

    def test_the_tokens_are_those_of_the_rows(self) -> None:
        found = compare(LONG, SHORT, rows="16:32")
        whole = compare(LONG, LONG)
        assert found.tokens["label"].tolist() == whole.tokens["label"][16:32].tolist()

    def test_loss_and_verify_take_them_too(self) -> None:
        assert loss("kd", LONG, SHORT, limit=32, temperature=1).rows == 32
        assert verify(LONG, SHORT, limit=32).rows == 32


class TestAdvice:
    @pytest.mark.parametrize(
        ("said", "advised"),
        [
            ("", "--limit 32"),
            ("--sample 4", "--limit 32"),
            ("--rows 16:", "--rows 16:32"),
            ("--rows 0:-1", "--rows 0:32"),
            ("--rows 40:", "--rows 0:32"),
        ],
    )
    def test_it_is_the_option_to_type(self, kldiv: Kldiv, said: str, advised: str) -> None:
        what, advice = complaint(kldiv, LONG, SHORT, *shlex.split(said))
        assert what == (
            f"kldiv: error: {SHORT}: expected as many chunks as {LONG}, found 3 there and 2 here"
        )
        assert advice == f"Say {advised} to compare rows of the first 2 chunks, which both have."
        kept = "" if said.startswith("--rows") else said
        done = kldiv("compare", LONG, SHORT, *shlex.split(f"{kept} {advised}"))
        assert (done.code, done.err) == (0, "")

    def test_of_one_chunk(self, kldiv: Kldiv, tmp_path: Path) -> None:
        tokens = random_tokens(3, 8, 7)
        one = write(tmp_path / "one.kld", random_logits(1, 3, 7), tokens[:1])
        three = write(tmp_path / "three.kld", random_logits(3, 3, 7), tokens)
        what, advice = complaint(kldiv, one, three)
        assert what.endswith("found 1 there and 3 here")
        assert advice == "Say --limit 3 to compare rows of the first chunk, which both have."

    @pytest.mark.parametrize(
        "task", [lambda p, q: loss("kd", p, q), verify], ids=["loss", "verify"]
    )
    def test_loss_and_verify_say_it_too(self, task: Any) -> None:
        with pytest.raises(InputError, match="expected as many chunks as"):
            task(LONG, SHORT)


class TestRefused:
    def test_rows_that_one_of_them_lacks(self, kldiv: Kldiv) -> None:
        what, _ = complaint(kldiv, LONG, SHORT, "--rows", "16:40")
        assert what == f"kldiv: error: {SHORT}: expected row 39, found 32 rows"

    @pytest.mark.parametrize("sides", [(LONG, SHORT), (SHORT, LONG)], ids=["long", "short"])
    def test_as_many_rows_as_one_of_them_has_not(
        self, kldiv: Kldiv, sides: tuple[Path, Path]
    ) -> None:
        what, _ = complaint(kldiv, *sides, "--limit", "40")
        assert what == f"kldiv: error: {SHORT}: expected row 39, found 32 rows"
        assert compare(LONG, LONG, limit=400).rows == 48

    @pytest.mark.parametrize("options", [{}, {"limit": 3}], ids=str)
    @pytest.mark.parametrize("task", [compare, lambda p, q, **x: loss("kd", p, q, **x), verify])
    def test_other_tokens_in_the_chunks_in_common(
        self, tmp_path: Path, task: Any, options: dict[str, Any]
    ) -> None:
        tokens = random_tokens(3, 8, 7)
        other = tokens[:2].copy()
        other[1, 2] = (tokens[1, 2] + 1) % 7
        p = write(tmp_path / "p.kld", random_logits(3, 3, 7), tokens)
        q = write(tmp_path / "q.kld", random_logits(2, 3, 7), other)
        with pytest.raises(InputError) as caught:
            task(p, q, **options)
        assert caught.value.what == (
            f"{q}: expected the same tokens as {p}, found {tokens[1, 2]} there and {other[1, 2]} "
            "here in chunk 1, position 2 (1 of 16 differ)"
        )
        assert caught.value.advice == TEXT

    @pytest.mark.parametrize("words", [(), ("--limit", "3")])
    def test_contexts_of_another_length(
        self, kldiv: Kldiv, tmp_path: Path, words: tuple[str, ...]
    ) -> None:
        p = write(tmp_path / "p.kld", random_logits(2, 3, 7), random_tokens(2, 8, 7))
        q = write(tmp_path / "q.kld", random_logits(1, 3, 7), random_tokens(1, 7, 7))
        what, advice = complaint(kldiv, p, q, *words)
        assert what == (
            f"kldiv: error: {q}: expected contexts of 8 tokens (n_ctx) as in {p}, found 7"
        )
        assert advice == TEXT
