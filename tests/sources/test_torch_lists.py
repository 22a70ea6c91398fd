"""Lists, tuples and dicts of tensors, and NumPy arrays, in PyTorch files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.formats.torch import open_torch
from tests.command import ROOT
from tests.sources.mutations import read
from tests.sources.pickles import (
    FALSE,
    NONE,
    TRUE,
    archive,
    call,
    mapping,
    name,
    number,
    numbers,
    tensor,
    text,
    values,
)

CASES = ROOT / "tests" / "cases"
TORCH = ROOT / "tests" / "sources" / "torch_files"
MEAN = 0.012766845035995957
ONE = tensor((1, 3), (3, 1))
OTHER = tensor((1, 3), (3, 1), 3)


def items(*each: bytes) -> bytes:
    """A list."""
    return b"](" + b"".join(each) + b"e"


def numbered(each: dict[int, bytes]) -> bytes:
    """A dict of whole numbers."""
    return b"}(" + b"".join(number(key) + value for key, value in each.items()) + b"u"


def opened(path: Path, content: bytes, key: str | None = None) -> Source:
    return open_torch(str(archive(path / "x.pt", content)), Layout(key=key))


def complaint(path: Path, content: bytes, key: str | None = None) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        read(opened(path, content, key))
    return caught.value.what.removeprefix(f"{path / 'x.pt'}: "), caught.value.advice


def mean(*sides: Path, **options: Any) -> float:
    return float(compare(*sides, **options).measures["jeffreys"]["mean"])


def test_a_list_of_batches_is_one_input_after_the_other() -> None:
    found = compare(CASES / "list_p.pt", CASES / "list_q.pt")
    assert found.measures["jeffreys"]["mean"] == pytest.approx(MEAN, rel=1e-14, abs=0)
    assert (found.reference.arrays, found.reference.shape) == (3, (6, 11))
    assert read(open_torch(str(TORCH / "list.pt"), Layout())).shape == (4, 3)


def test_an_array_of_numpy_is_read_from_the_pickle() -> None:
    found = mean(CASES / "nparr_p.pt", CASES / "right_q.npy")
    assert found == pytest.approx(MEAN, rel=1e-14, abs=0)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        pytest.param(items(ONE, OTHER), None, id="list"),
        pytest.param(values(ONE, OTHER), None, id="tuple"),
        pytest.param(numbered({0: ONE, 1: OTHER}), None, id="dict"),
        pytest.param(numbered({10: OTHER, 2: ONE}), None, id="in-the-order-of-numbers"),
        pytest.param(items(values(ONE), values(OTHER)), None, id="lists-in-a-list"),
        pytest.param(mapping({"logits": items(ONE, OTHER), "n": NONE}), None, id="dict-of-a-list"),
        pytest.param(mapping({"logits": items(ONE, OTHER), "n": ONE}), "logits", id="key"),
        pytest.param(mapping({"b": numbered({1: ONE, 2: OTHER})}), None, id="dict-of-a-dict"),
        pytest.param(
            items(*(mapping({"y": number(1), "logits": x}) for x in (ONE, OTHER))),
            None,
            id="list-of-dicts",
        ),
        pytest.param(
            items(*(mapping({"y": NONE, "h": OTHER, "s": x}) for x in (ONE, OTHER))),
            "s",
            id="list-of-dicts-by-key",
        ),
        pytest.param(mapping({"x1": ONE, "x2": OTHER}), "x*", id="glob"),
        pytest.param(mapping({"x": mapping({"a": ONE, "b": OTHER})}), "x/*", id="dict-in-a-dict"),
    ],
)
def test_what_holds_tensors(tmp_path: Path, content: bytes, key: str | None) -> None:
    source = opened(tmp_path, content, key)
    assert (source.shape, source.arrays) == ((2, 3), 2)
    assert read(source).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert read(source).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_what_was_read_by_its_name_stays_so(tmp_path: Path) -> None:
    content = mapping({"hidden": items(ONE, NONE, OTHER), "logits": OTHER})
    assert read(opened(tmp_path, content)).tolist() == [[3, 4, 5]]


def test_lengths_may_differ(tmp_path: Path) -> None:
    assert opened(tmp_path, items(tensor(), OTHER)).shape == (3, 3)
    found = opened(tmp_path, items(tensor((1, 2, 3), (6, 3, 1)), tensor((1, 1, 3), (3, 3, 1))))
    assert found.shape == (3, 3)
    assert found.place_of(2) == "row 0 of '[1]'"


def test_what_does_not_belong_together_is_an_error(tmp_path: Path) -> None:
    what, advice = complaint(tmp_path, items(ONE, tensor((3, 2), (2, 1))))
    assert what == "expected rows of 3 classes in '[1]' as in '[0]', found rows of 2 classes"
    assert advice == "Name those that belong together by another glob; --key NAME takes one."
    itself = "Save the tensor itself: torch.save(logits, path)."
    assert complaint(tmp_path, values(ONE, NONE)) == (
        "expected tensors alone, found NoneType at [1]",
        itself,
    )
    held = mapping({"logits": items(ONE, number(3)), "more": items(ONE)})
    assert (
        complaint(tmp_path, held, "logits")[0] == "expected tensors alone, found int at logits[1]"
    )
    assert complaint(tmp_path, held)[0] == (
        "expected one array, found 'logits' 2 of float32 (1, 3), 'more' float32 (1, 3)"
    )


def test_a_list_that_stands_for_any_number_of_tensors_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kldiv_cli.sources.formats.torch_content._MOST", 100)
    lists = items(*[items(*[ONE] * 11)] * 10)
    assert complaint(tmp_path, lists)[0] == "expected at most 100 tensors, found more"


def test_the_parts_of_a_storage_are_checked_together(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.pt", items(ONE, OTHER))
    whole = path.read_bytes()
    at = whole.index(np.arange(6, dtype="<f4").tobytes())
    for place in (at + 4, at + 20):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="expected bytes with the CRC-32"):
            read(open_torch(str(path), Layout()))


def array(
    content: bytes,
    shape: tuple[int, ...] = (2, 3),
    code: str = "f4",
    order: str = "<",
    fortran: bytes = FALSE,
    module: str = "numpy._core.multiarray",
    version: int = 1,
    version_of_dtype: int = 3,
) -> bytes:
    """An array as NumPy pickles it."""
    new = call(f"{module}._reconstruct", name("numpy.ndarray"), numbers(0), b"C\x01b")
    minus = number(-1)
    state = values(number(version_of_dtype), text(order), NONE, NONE, NONE, minus, minus, number(0))
    dtype = call("numpy.dtype", text(code), FALSE, TRUE) + state + b"b"
    return new + values(number(version), numbers(*shape), dtype, fortran, content) + b"b"


def held(values: npt.NDArray[Any]) -> bytes:
    """Bytes, as the protocol 3 has them."""
    stored = values.tobytes()
    return b"B" + len(stored).to_bytes(4, "little") + stored


def encoded(values: npt.NDArray[Any]) -> bytes:
    """Bytes, as the protocol 2 has them."""
    return call("_codecs.encode", text(values.tobytes().decode("latin1")), text("latin1"))


NUMBERED = np.arange(6, dtype="<f4").reshape(2, 3)


@pytest.mark.parametrize("module", ["numpy._core.multiarray", "numpy.core.multiarray"])
@pytest.mark.parametrize("write", [held, encoded])
def test_arrays_of_numpy(tmp_path: Path, module: str, write: Any) -> None:
    assert read(opened(tmp_path, array(write(NUMBERED), module=module))).tolist() == [
        [0, 1, 2],
        [3, 4, 5],
    ]
    big = array(write(NUMBERED.astype(">f8")), code="f8", order=">", fortran=FALSE)
    assert read(opened(tmp_path, big)).tolist() == [[0, 1, 2], [3, 4, 5]]
    transposed = array(write(NUMBERED.T), fortran=TRUE)
    assert read(opened(tmp_path, transposed)).tolist() == [[0, 1, 2], [3, 4, 5]]
    several = mapping({"a": array(write(NUMBERED)), "b": items(array(write(NUMBERED)), tensor())})
    assert opened(tmp_path, several, "a").shape == (2, 3)
    assert opened(tmp_path, several, "b").shape == (4, 3)


def test_a_number_of_numpy_beside_a_tensor_is_let_go(tmp_path: Path) -> None:
    dtype = call("numpy.dtype", text("f8"), FALSE, TRUE)
    scalar = call("numpy._core.multiarray.scalar", dtype, b"C\x08" + bytes(8))
    assert read(opened(tmp_path, mapping({"loss": scalar, "logits": ONE}))).tolist() == [[0, 1, 2]]


REFUSED = "expected tensors and dicts of them, found "
UNREAD = "expected a NumPy array, found one that cannot be read "


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(array(held(NUMBERED), (2, 4)), UNREAD + "(24 bytes of float32", id="short"),
        pytest.param(array(held(NUMBERED), (1,)), UNREAD + "(24 bytes of float32", id="long"),
        pytest.param(array(held(NUMBERED), (1 << 62, 1 << 62)), UNREAD + "(24 bytes", id="huge"),
        pytest.param(
            array(held(NUMBERED), (-2, 3)), REFUSED + "a NumPy array whose shape is none", id="-2"
        ),
        pytest.param(
            array(held(NUMBERED), (1,) * 65), REFUSED + "a NumPy array whose shape is none", id="65"
        ),
        pytest.param(array(items(NONE)), REFUSED + "a NumPy array of objects", id="objects"),
        pytest.param(array(held(NUMBERED), code="O8"), "expected real numbers, found obj", id="O8"),
        pytest.param(array(held(NUMBERED), code="c8"), "expected real numbers, found comp", id="c"),
        pytest.param(array(held(NUMBERED), code="f3"), UNREAD + "(data type '<f3'", id="no-type"),
        pytest.param(array(held(NUMBERED), code="f4,f4"), REFUSED + "a call of numpy.dt", id="two"),
        pytest.param(
            array(held(NUMBERED), version=255), REFUSED + "a NumPy array in another", id="version"
        ),
        pytest.param(
            array(held(NUMBERED), version_of_dtype=255),
            REFUSED + "a NumPy type that is no plain",
            id="version-of-type",
        ),
        pytest.param(
            array(held(NUMBERED), order="?"), REFUSED + "a NumPy type that is no plain", id="order"
        ),
        pytest.param(
            call("numpy._core.multiarray._reconstruct", name("numpy.ndarray"), numbers(0), NONE),
            REFUSED + "a call of numpy._core.multiarray._reconstruct with other",
            id="reconstruct",
        ),
        pytest.param(
            call("numpy._core.multiarray._reconstruct", name("numpy.ndarray"), numbers(0), b"C\0"),
            UNREAD,
            id="no-state",
        ),
        pytest.param(call("_codecs.encode", text("x"), text("rot13")), REFUSED, id="rot13"),
        pytest.param(array(call("_codecs.encode", text("\u20ac"), text("latin1"))), UNREAD, id="€"),
    ],
)
def test_what_numpy_does_not_write_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    what, advice = complaint(tmp_path, content)
    assert what.startswith(found)
    assert advice
