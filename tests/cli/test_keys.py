"""Files that hold arrays under names, on the command line and in Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli import compare, loss
from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.sources.formats import FORMATS
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify
from tests.command import ROOT, Kldiv
from tests.sources import test_safetensors
from tests.sources.test_what_a_source_says import sources

Array = npt.NDArray[Any]

TORCH = ROOT / "tests" / "sources" / "torch_files"
LOGITS = np.array([[1.5, -2.25, 0.5], [3.0, 0.0, -1.0]], np.float32)
"""What the files of torch_files/ hold, or their absolute values."""
OTHERS = np.array([[1.25, -2.5, 1.0], [2.0, 0.5, -3.0]], np.float32)
ADVICE = (
    "Leave it out: only .npz, .safetensors, .pt, .pth, .h5, .hdf5 and .json files hold arrays "
    "under names."
)


def save_npy(path: Path, array: Array) -> Path:
    np.save(path, array)
    return path


def save_npz(path: Path, **arrays: Array) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def save_deflated(path: Path, **arrays: Array) -> Path:
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path


SAVE: dict[str, tuple[str, Callable[..., Path]]] = {
    "npz": ("x.npz", save_npz),
    "npz-deflated": ("x.NPZ", save_deflated),
    "safetensors": ("x.safetensors", test_safetensors.save),
}


@pytest.fixture
def others(tmp_path: Path) -> Path:
    return save_npy(tmp_path / "others.npy", OTHERS)


@pytest.fixture
def npy(tmp_path: Path) -> Path:
    return save_npy(tmp_path / "logits.npy", LOGITS)


def stat(kldiv: Kldiv, *words: object) -> str:
    code, out, err = kldiv("compare", *words, "--stat", "total")
    assert (code, err) == (0, "")
    return out


@pytest.mark.parametrize("kind", SAVE)
def test_a_file_compares_as_the_same_numbers_in_npy(
    kldiv: Kldiv, tmp_path: Path, npy: Path, others: Path, kind: str
) -> None:
    name, save = SAVE[kind]
    if name == "x.NPZ":
        save(tmp_path / "x.npz", logits=LOGITS).rename(tmp_path / name)
    else:
        save(tmp_path / name, logits=LOGITS)
    expected = stat(kldiv, npy, others)
    assert float(expected) > 0.1
    assert stat(kldiv, tmp_path / name, others) == expected
    assert stat(kldiv, tmp_path / name, others, "--key", "logits") == expected
    assert stat(kldiv, others, tmp_path / name) == stat(kldiv, others, npy)


@pytest.mark.parametrize("name", ["parameter.pt", "one_of_dict.pt", "without_crc.pt"])
def test_a_torch_file_compares_as_the_same_numbers_in_npy(
    kldiv: Kldiv, npy: Path, others: Path, name: str
) -> None:
    assert stat(kldiv, TORCH / name, others) == stat(kldiv, npy, others)


def test_a_pth_file_is_one_of_torch(kldiv: Kldiv, npy: Path, others: Path) -> None:
    found = stat(kldiv, TORCH / "state_dict.pth", others, "--key", "weight")
    assert found == stat(kldiv, npy, others)


@pytest.mark.parametrize(
    ("name", "key"), [("bfloat16.pt", None), ("kinds.safetensors", "bfloat16")]
)
def test_bfloat16_compares_as_the_float32_that_it_stands_for(
    kldiv: Kldiv, tmp_path: Path, others: Path, name: str, key: str | None
) -> None:
    exact = save_npy(tmp_path / "exact.npy", np.abs(LOGITS))
    path = TORCH / name
    words = [] if key is None else ["--key", key]
    assert stat(kldiv, path, others, *words) == stat(kldiv, exact, others)
    found = compare(path, others, key=key)
    assert found.reference.dtype == "bfloat16"
    assert found.measures["jeffreys"]["total"] > 0.1
    assert verify(path, others, key=key).holds
    assert loss("torch", path, others, key=key).value == loss("torch", exact, others).value
    span = inspect(path, key=key).cells.span
    assert span is not None
    assert (span.low, span.high) == (0.0, 3.0)


def test_probabilities_in_bfloat16_sum_to_1_as_closely_as_it_can_say(tmp_path: Path) -> None:
    p = np.full((2, 300), np.float32(1 / 300))
    bits = (p.view(np.uint32) >> 16).astype(np.uint16)  # cut off: 300 cells that sum to 0.996
    shape = test_safetensors.entry("BF16", p.shape, 0, bits.nbytes)
    path = test_safetensors.write(tmp_path / "p.safetensors", {"p": shape}, bits.tobytes())
    found = compare(path, path, kind="probs")
    assert found.measures["jeffreys"]["total"] == 0
    narrow = (np.full((2, 300), 0.0031).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    test_safetensors.write(path, {"p": shape}, narrow.tobytes())
    with pytest.raises(InputError, match=r"rows of probs that sum to 1 within 0\.05"):
        compare(path, path, kind="probs")


def several(tmp_path: Path) -> Path:
    return save_npz(tmp_path / "several.npz", teacher=LOGITS, student=OTHERS)


def test_two_arrays_of_one_file_are_compared(
    kldiv: Kldiv, tmp_path: Path, npy: Path, others: Path
) -> None:
    path = several(tmp_path)
    keys = ("--key", "teacher", "--candidate-key", "student")
    assert stat(kldiv, path, path, *keys) == stat(kldiv, npy, others)
    both = {"key": "teacher", "candidate_key": "student"}
    expected = compare(npy, others).measures["jeffreys"]["total"]
    assert compare(path, path, **both).measures["jeffreys"]["total"] == expected  # type: ignore[arg-type]
    assert stat(kldiv, npy, path, "--candidate-key", "student") == stat(kldiv, npy, others)
    assert stat(kldiv, path, others, "--key", "teacher") == stat(kldiv, npy, others)
    assert stat(kldiv, npy, path, "--key", "student") == stat(kldiv, npy, others)


@pytest.mark.parametrize("words", [("verify",), ("loss", "torch"), ("loss", "globalpointer")])
def test_other_commands_take_keys(
    kldiv: Kldiv, tmp_path: Path, npy: Path, others: Path, words: tuple[str, ...]
) -> None:
    path = several(tmp_path)
    keys = ("--key", "teacher", "--candidate-key", "student", "--format", "json")
    found = kldiv(*words, path, path, *keys)
    expected = kldiv(*words, npy, others, "--format", "json")
    assert (found.code, found.err) == (0, expected.err)
    results = [json.loads(run.out) for run in (found, expected)]
    for result in results:
        del result["reference"], result["candidate"]
    assert results[0] == results[1]


def test_inspect_takes_a_key(kldiv: Kldiv, tmp_path: Path, npy: Path) -> None:
    path = several(tmp_path)
    code, out, err = kldiv("inspect", path, "--key", "student")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].endswith("npz float32 2 x 3")
    assert "-3 to 2 (finite cells)" in out
    code, out, err = kldiv("inspect", npy, "--key", "student")
    assert (code, out) == (2, "")
    assert err == (
        f"kldiv: error: {npy}: expected arrays under names for --key, found npy\n"
        "Leave it out: only .npz, .safetensors, .pt, .pth, .h5, .hdf5 and .json files hold any.\n"
    )


LISTED = "'teacher' float32 (2, 3), 'student' float32 (2, 3)"


@pytest.mark.parametrize(
    ("words", "expected", "option"),
    [
        ((), "one array", "--key"),
        (("--candidate-key", "student"), "one array", "--key"),
        (("--key", "nobody"), "array 'nobody'", "--key"),
        (("--key", "teacher", "--candidate-key", "nobody"), "array 'nobody'", "--candidate-key"),
    ],
    ids=["none", "none-of-the-reference", "wrong", "wrong-of-the-candidate"],
)
def test_a_key_that_takes_no_array_is_an_error(
    kldiv: Kldiv, tmp_path: Path, words: tuple[str, ...], expected: str, option: str
) -> None:
    path = several(tmp_path)
    code, out, err = kldiv("compare", path, path, *words)
    assert (code, out) == (2, "")
    assert err == (
        f"kldiv: error: {path}: expected {expected}, found {LISTED}\n"
        f"Say which array with {option} NAME.\n"
    )


def test_a_key_that_only_the_candidate_lacks_names_the_candidates_option(
    kldiv: Kldiv, tmp_path: Path
) -> None:
    path, other = several(tmp_path), save_npz(tmp_path / "other.npz", teacher_2=LOGITS)
    code, out, err = kldiv("compare", path, other, "--key", "teacher")
    assert (code, out) == (2, "")
    assert err == (
        f"kldiv: error: {other}: expected array 'teacher', found 'teacher_2' float32 (2, 3)\n"
        "Say which array with --candidate-key NAME.\n"
    )


@pytest.mark.parametrize("run", [compare, verify], ids=lambda run: run.__name__)
def test_a_key_where_nothing_has_a_name_is_an_error(
    tmp_path: Path, npy: Path, others: Path, run: Callable[..., object]
) -> None:
    path = save_npz(tmp_path / "one.npz", logits=LOGITS)

    def complaint(*sides: Path | Array, **keys: str) -> str:
        with pytest.raises(UsageError) as caught:
            run(*sides, **keys)
        assert caught.value.advice == ADVICE
        return caught.value.what

    neither = "--key names an array, and neither input holds any under names"
    assert complaint(npy, others, key="a") == neither
    assert complaint(LOGITS, OTHERS, key="a") == neither
    csv = ROOT / "samples" / "magika-fp32-24.csv"
    assert complaint(csv, csv, key="a") == neither
    assert complaint(npy, path, key="a", candidate_key="logits") == (
        f"--key names an array, and {npy} holds none under names"
    )
    assert complaint(path, npy, key="logits", candidate_key="a") == (
        f"--candidate-key names an array, and {npy} holds none under names"
    )


def test_every_format_with_keys_is_named_in_the_advice(tmp_path: Path) -> None:
    found = [name for name, source in sources(tmp_path).items() if source.has_keys]
    keyed = [suffix for name in FORMATS if name in found for suffix in FORMATS[name].suffixes]
    assert keyed == [".npz", ".safetensors", ".pt", ".pth", ".h5", ".hdf5"]
    assert all(suffix in ADVICE for suffix in keyed)
