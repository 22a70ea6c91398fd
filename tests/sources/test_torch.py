import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import BFLOAT16, Layout, Source
from kldiv_cli.sources.formats.torch import open_torch
from tests.command import ROOT
from tests.sources import pickles
from tests.sources.mutations import read, survive
from tests.sources.pickles import (
    FALSE,
    NONE,
    STOP,
    TRUE,
    VALUES,
    archive,
    call,
    mapping,
    name,
    number,
    numbers,
    storage,
    tensor,
    text,
    values,
)

Array = npt.NDArray[Any]

FILES = Path(__file__).parent / "torch_files"
CASES = ROOT / "tests" / "cases"
LOGITS = [[1.5, -2.25, 0.5], [3.0, 0.0, -1.0]]
ABSOLUTE = [[1.5, 2.25, 0.5], [3.0, 0.0, 1.0]]
NUMBERED = np.arange(24.0).reshape(4, 6)
SAVE = (
    "Where torch is installed: "
    "safetensors.torch.save_file({'logits': logits.contiguous()}, 'logits.safetensors')."
)


def open_file(path: Path, key: str | None = None, dtype: str | None = None) -> Source:
    return open_torch(str(path), Layout(key=key, dtype=dtype))


def complaint(path: Path, key: str | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        read(open_file(path, key))
    assert caught.value.what.startswith(f"{path}: ")
    return caught.value


def what(path: Path, key: str | None = None) -> str:
    return complaint(path, key).what.removeprefix(f"{path}: ")


@pytest.mark.parametrize("kind", ["float64", "float32", "float16"])
def test_floats_keep_their_values(kind: str) -> None:
    source = open_file(FILES / f"{kind}.pt")
    assert (source.format, source.dtype, source.shape) == ("torch", kind, (2, 3))
    assert read(source).tolist() == ABSOLUTE


@pytest.mark.parametrize("kind", ["int64", "int32", "int16", "int8", "uint8"])
def test_integers_keep_their_values(kind: str) -> None:
    source = open_file(FILES / f"{kind}.pt")
    assert (source.dtype, source.shape) == (kind, (2, 3))
    assert read(source).tolist() == [[1, 2, 0], [3, 0, 1]]


def test_bfloat16_keeps_its_bits() -> None:
    source = open_file(FILES / "bfloat16.pt")
    assert (source.dtype, source.shape) == ("bfloat16", (2, 3))
    found = read(source)
    assert found.dtype == BFLOAT16
    bits = found["bfloat16"].astype(np.uint32) << 16
    assert bits.view(np.float32).tolist() == ABSOLUTE


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("bool", "bool"),
        ("complex64", "complex64 (complex numbers)"),
        ("complex128", "complex128 (complex numbers)"),
    ],
)
def test_other_types_are_refused_by_name(kind: str, found: str) -> None:
    assert what(FILES / f"{kind}.pt") == f"expected real numbers, found {found}"


@pytest.mark.parametrize("kind", ["uint16", "float8"])
def test_types_that_torch_stores_in_another_way_are_refused(kind: str) -> None:
    error = complaint(FILES / f"{kind}.pt")
    called = kind if kind == "float8" else "a type that has no storage of its own in torch"
    assert error.what.endswith(f"expected floats of 16 bits or more or integers, found {called}")
    assert error.advice == (
        'Write it again: python -c "import sys, torch; torch.save(torch.load(sys.argv[1], '
        f"'cpu').float(), sys.argv[2])\" {FILES}/{kind}.pt {FILES}/{kind}-float32.pt"
    )


@pytest.mark.parametrize("file", ["dict.pt", "protocol_5.pt"])
def test_a_tensor_of_a_dict_is_taken_by_its_key(file: str) -> None:
    assert read(open_file(FILES / file, "logits")).tolist() == LOGITS
    assert read(open_file(FILES / file, "labels")).tolist() == [[0, 2]]


@pytest.mark.parametrize("file", ["dict.pt", "protocol_5.pt"])
def test_a_dict_of_several_lists_them(file: str) -> None:
    error = complaint(FILES / file)
    assert error.what == (
        f"{FILES / file}: expected one array, found 'logits' float32 (2, 3), 'labels' int64 (2,)"
    )
    assert error.advice == "Say which array with --key NAME."
    assert what(FILES / file, "epoch") == (
        "expected array 'epoch', found 'logits' float32 (2, 3), 'labels' int64 (2,)"
    )


def test_the_only_tensor_of_a_dict_needs_no_key() -> None:
    assert read(open_file(FILES / "one_of_dict.pt")).tolist() == LOGITS


def test_a_tensor_that_stands_alone_has_no_key() -> None:
    assert read(open_file(FILES / "float32.pt", "logits")).tolist() == ABSOLUTE


@pytest.mark.parametrize("file", ["parameter.pt", "requires_grad.pt", "without_crc.pt"])
def test_other_ways_to_hold_a_tensor(file: str) -> None:
    assert read(open_file(FILES / file)).tolist() == LOGITS


def test_the_state_of_a_module_is_a_dict() -> None:
    assert read(open_file(FILES / "state_dict.pth", "weight")).tolist() == LOGITS
    assert read(open_file(FILES / "state_dict.pth", "bias")).tolist() == [[7, 8]]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("whole", NUMBERED),
        ("transposed", NUMBERED.T),
        ("rows", NUMBERED[1:3]),
        ("columns", NUMBERED[:, 1:4]),
        ("steps", NUMBERED[::2, ::3]),
        ("expanded", np.broadcast_to(NUMBERED[1], (5, 6))),
        ("axes", NUMBERED.reshape(2, 2, 6).transpose(1, 0, 2)),
        ("narrow", NUMBERED[:, 2:3]),
    ],
)
def test_views_of_one_storage(key: str, expected: Array) -> None:
    source = open_file(FILES / "views.pt", key)
    assert source.shape == expected.shape
    for _ in range(2):
        assert read(source).tolist() == expected.reshape(-1, expected.shape[-1]).tolist()


def test_a_single_number_and_an_empty_tensor_are_refused() -> None:
    assert what(FILES / "views.pt", "one") == (
        "expected an array of logits, found a single number (shape ())"
    )
    assert what(FILES / "views.pt", "empty") == (
        "expected rows and classes, found none (shape (0, 6))"
    )


def test_the_storage_is_mapped_where_it_lies() -> None:
    block = next(iter(open_file(FILES / "float32.pt").blocks(2)))
    assert not block.values.flags.owndata
    assert not block.values.flags.writeable


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("sparse.pt", "the name torch._utils._rebuild_sparse_tensor"),
        ("negative.pt", "a tensor stored as the negative or conjugate of its values"),
    ],
)
def test_what_is_no_plain_tensor_is_refused(file: str, found: str) -> None:
    error = complaint(FILES / file)
    assert error.what == f"{FILES / file}: expected tensors and dicts of them, found {found}"
    assert error.advice == SAVE


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (FILES / "module.pt", "torch.nn.modules.linear.Linear"),
        (CASES / "mo_p.pt", "transformers.modeling_outputs.SequenceClassifierOutput"),
    ],
)
def test_an_object_is_refused_by_its_class(file: Path, found: str) -> None:
    error = complaint(file)
    assert error.what == (
        f"{file}: expected tensors and dicts of them, found an object of the class {found}"
    )
    assert error.advice == (
        "Save the tensor that it holds: torch.save(output.logits, 'logits.pt')."
    )


def test_the_layout_before_torch_1_6_is_refused() -> None:
    error = complaint(FILES / "old_layout.pt")
    assert error.what.endswith(
        ": expected what torch 1.6 or later saves, found the layout of torch before 1.6"
    )
    assert error.advice.endswith(f"{FILES}/old_layout.pt {FILES}/old_layout-new.pt")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_other_pickles_are_refused(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(pickle.dumps({"logits": LOGITS}, protocol))
    error = complaint(path)
    assert error.what == f"{path}: expected logits, found a pickle of Python"
    assert "numpy.savez(sys.argv[2], **pickle.load(" in error.advice


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\1\0v\0{", b"PK", b"(lp0\nF1.0\na."])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    assert what(path).startswith("expected ")


def test_torchscript_is_refused() -> None:
    error = complaint(FILES / "torchscript.pt")
    assert error.what.endswith(": expected tensors, found a program (TorchScript)")
    assert error.advice == "Run it, and save the logits that it returns: torch.save(logits, path)."


def test_the_assembler_writes_what_torch_does(tmp_path: Path) -> None:
    """Otherwise the hostile files below would be refused for another reason."""
    source = open_file(archive(tmp_path / "x.pt", tensor()))
    assert read(source).tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    "module", ["os", "posix", "subprocess", "builtins", "torch", "torch._utils", "collections"]
)
def test_no_name_is_looked_up(tmp_path: Path, module: str) -> None:
    path = archive(tmp_path / "x.pt", call(f"{module}.system", text("true")))
    error = complaint(path)
    assert error.what == (
        f"{path}: expected tensors and dicts of them, found the name {module}.system"
    )
    assert error.advice == SAVE


class Command:
    """Pickled, it runs a command when it is unpickled."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.words,)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"logits": [x]}], ids=["bare", "inside"])
def test_nothing_is_run(tmp_path: Path, protocol: int, wrap: Any) -> None:
    trace = tmp_path / "trace"
    dumped = pickle.dumps(wrap(Command(f"touch {trace}")), protocol)
    pickle.loads(dumped)  # noqa: S301 - to show that it would
    assert trace.exists()
    trace.unlink()
    error = complaint(archive(tmp_path / "x.pt", dumped.removesuffix(STOP)))
    assert ": expected tensors and dicts of them, found the " in error.what
    assert not trace.exists()


EVIL = call("os.system", text("true"))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(tensor(held=EVIL), "the name os.system", id="as-storage"),
        pytest.param(tensor((2, 3), (3, 1), 0, None, EVIL), "the name os.system", id="as-metadata"),
        pytest.param(mapping({"x": EVIL}), "the name os.system", id="as-value"),
        pytest.param(
            call("collections.OrderedDict") + EVIL + b"b", "the name os.system", id="state"
        ),
        pytest.param(
            values(text("os"), text("system")) + text("os") + text("system") + b"\x93",
            "the name os.system",
            id="stack",
        ),
        pytest.param(number(1) + number(2) + b"\x93", "the name that is no text", id="no-text"),
        pytest.param(
            name("torch.FloatStorage.__new__"), "the name torch.FloatStorage.__new__", id="dotted"
        ),
        pytest.param(tensor() + b"}b", "an object with a state", id="tensor-with-state"),
        pytest.param(b"}" + text("x") + b"b", "an object with a state", id="state-that-is-no-dict"),
        pytest.param(b"](\x8f", "the pickle operation EMPTY_SET", id="operation"),
        pytest.param(b"\x82\x01", "the pickle operation EXT1", id="extension"),
        pytest.param(b"(I1\nios\nsystem\n", "the pickle operation INT", id="text-operation"),
        pytest.param(
            call("collections.OrderedDict", values()),
            "a call of collections.OrderedDict with other arguments than PyTorch writes",
            id="ordered-dict-of-something",
        ),
        pytest.param(
            call("torch.FloatStorage", number(6)),
            "a call of torch.FloatStorage with other arguments than PyTorch writes",
            id="call-of-a-storage",
        ),
        pytest.param(
            call("torch._utils._rebuild_parameter", number(1), TRUE, b"}"),
            "a call of torch._utils._rebuild_parameter with other arguments than PyTorch writes",
            id="parameter-of-something",
        ),
        pytest.param(
            call("torch._utils._rebuild_tensor_v2", storage()),
            "a call of torch._utils._rebuild_tensor_v2 with other arguments than PyTorch writes",
            id="tensor-of-too-little",
        ),
        pytest.param(
            b"}" + values() + NONE + b"s", "a dict with a key that is a tuple", id="tuple-as-key"
        ),
        pytest.param(text("0") + b"Q", "a reference to something that is no storage", id="id"),
        pytest.param(
            storage("collections.OrderedDict"),
            "a reference to something that is no storage",
            id="storage-of-another-kind",
        ),
        pytest.param(
            storage(count=-1), "a reference to something that is no storage", id="negative-count"
        ),
        pytest.param(
            storage(count=1 << 63), "a reference to something that is no storage", id="huge-count"
        ),
    ],
)
def test_a_pickle_of_anything_else_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    path = archive(tmp_path / "x.pt", content)
    assert what(path) == f"expected tensors and dicts of them, found {found}"


SIZES = "a tensor whose offset, shape and strides are no sizes"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(tensor((2, 4), (3, 1)), "a tensor with 7 values in a storage of 6", id="row"),
        pytest.param(tensor((3, 3), (3, 1)), "a tensor with 9 values in a storage of 6", id="rows"),
        pytest.param(tensor((2, 3), (4, 1)), "a tensor with 7 values in a storage of 6", id="far"),
        pytest.param(tensor(offset=1), "a tensor with 7 values in a storage of 6", id="offset"),
        pytest.param(tensor((1,), (1,), 6), "a tensor with 7 values in a storage of 6", id="end"),
        pytest.param(tensor(offset=-1), SIZES, id="negative-offset"),
        pytest.param(tensor((2, 3), (-3, 1)), SIZES, id="negative-stride"),
        pytest.param(tensor((-2, 3), (3, 1)), SIZES, id="negative-shape"),
        pytest.param(tensor((1 << 63, 3)), SIZES, id="huge-shape"),
        pytest.param(tensor((2, 3), (1 << 70, 1)), SIZES, id="huge-stride"),
        pytest.param(
            tensor((1 << 40, 1 << 40), (3, 1)),
            f"a tensor with {3 * ((1 << 40) - 1) + (1 << 40)} values in a storage of 6",
            id="large-shape",
        ),
        pytest.param(tensor((2, 3), (1,)), "a tensor with 2 axes and 1 strides", id="strides"),
        pytest.param(tensor((1,) * 65, (1,) * 65), "a tensor with 65 axes and 65 strides", id="65"),
    ],
)
def test_a_tensor_lies_within_its_storage(tmp_path: Path, content: bytes, found: str) -> None:
    path = archive(tmp_path / "x.pt", content)
    assert what(path) == f"expected tensors and dicts of them, found {found}"


def test_shapes_are_integers(tmp_path: Path) -> None:
    rebuild = "torch._utils._rebuild_tensor_v2"
    shape = values(TRUE, number(3))
    arguments = storage(), number(0), shape, numbers(3, 1), FALSE, b"}"
    assert what(archive(tmp_path / "x.pt", call(rebuild, *arguments))).endswith(SIZES)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"R", id="call-of-nothing"),
        pytest.param(number(1) + b"R", id="call-of-one-value"),
        pytest.param(number(1) + values() + b"R", id="call-of-a-number"),
        pytest.param(name("collections.OrderedDict") + b"}R", id="call-with-a-dict"),
        pytest.param(b"t", id="no-mark"),
        pytest.param(b"(h\x07t", id="nothing-remembered"),
        pytest.param(b"q\x00", id="nothing-to-remember"),
        pytest.param(number(1) + number(2), id="two-results"),
        pytest.param(b"(", id="an-open-mark"),
        pytest.param(b"}(" + text("x") + b"u", id="odd-items"),
        pytest.param(b"](" + number(1) + b"u", id="items-of-a-list"),
        pytest.param(b"}" + number(1) + b"a", id="values-of-a-dict"),
        pytest.param(b"cos.system\n\n", id="no-module"),
        pytest.param(b"c\xff\n\xff\n", id="name-that-is-no-text"),
        pytest.param(b"X\xff\xff\xff\x7f", id="long-text"),
        pytest.param(b"\x95" + b"\xff" * 8, id="long-frame"),
        pytest.param(b"\x8a\xff", id="long-number"),
        pytest.param(b"\xfe", id="unknown-operation"),
    ],
)
def test_a_damaged_pickle_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    assert "expected " in what(archive(tmp_path / "x.pt", content))


@pytest.mark.parametrize("content", [b"]" * 100_000, b"(" * 100_000, b"}" * 100_000 + b"t"])
def test_deep_nesting_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    assert "expected " in what(archive(tmp_path / "x.pt", content))


def test_tuples_in_tuples_are_let_go_without_harm(tmp_path: Path) -> None:
    content = b")" + b"\x85" * 200_000
    assert what(archive(tmp_path / "x.pt", content)).endswith("found tuple")
    assert what(archive(tmp_path / "x.pt", b"}" + content + NONE + b"s")).endswith(
        "a dict with a key that is a tuple"
    )


def test_a_memo_far_away_takes_no_room(tmp_path: Path) -> None:
    content = tensor() + b"r\xff\xff\xff\xff" + b"q\x00"
    assert read(open_file(archive(tmp_path / "x.pt", content))).shape == (2, 3)


def test_a_pickle_that_is_too_long_to_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kldiv_cli.sources.formats.torch._MOST_PICKLE", 1000)
    path = archive(tmp_path / "x.pt", text("x" * 1000))
    assert what(path) == "'archive/data.pkl': expected at most 1000 bytes, found 1006"


def test_a_pickle_of_millions_of_steps_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kldiv_cli.sources.formats.torch_pickle._MOST_OPERATIONS", 1000)
    path = archive(tmp_path / "x.pt", b"](" + NONE * 1000 + b"e")
    assert what(path).endswith("found more than 1000 values and steps")


def test_what_repeats_its_values_endlessly_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.pt", tensor((1 << 40, 3), (0, 1)))
    assert what(path) == (
        "expected at most 4294967296 values that repeat those stored, found shape "
        "(1099511627776, 3) of 6 stored"
    )


def test_strides_of_axes_of_one_are_not_looked_at(tmp_path: Path) -> None:
    source = open_file(archive(tmp_path / "x.pt", tensor((1, 6), ((1 << 63) - 1, 1))))
    assert read(source).tolist() == [[0, 1, 2, 3, 4, 5]]


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("kind", ["Float", "Double", "Half", "Long", "Byte"])
def test_the_byte_order_is_honoured(tmp_path: Path, kind: str, order: str) -> None:
    code = {"Float": "f4", "Double": "f8", "Half": "f2", "Long": "i8", "Byte": "u1"}[kind]
    content = np.arange(6).astype({"little": "<", "big": ">"}[order] + code).tobytes()
    path = archive(
        tmp_path / "x.pt",
        tensor(held=storage(f"torch.{kind}Storage")),
        {"data/0": content, "byteorder": order.encode()},
    )
    source = open_file(path)
    assert source.dtype == np.dtype(code).name
    assert read(source).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_another_byte_order_is_refused(tmp_path: Path) -> None:
    members = {"data/0": pickles.VALUES, "byteorder": b"middle"}
    path = archive(tmp_path / "x.pt", tensor(), members)
    assert what(path) == "expected a byte order, found b'middle'"


def test_bfloat16_of_a_big_endian_machine_is_refused(tmp_path: Path) -> None:
    members = {"data/0": bytes(12), "byteorder": b"big"}
    path = archive(tmp_path / "x.pt", tensor(held=storage("torch.BFloat16Storage")), members)
    assert what(path) == "expected bfloat16 in little-endian byte order, found big-endian"


@pytest.mark.parametrize("size", [0, 20, 23, 25, 48])
def test_a_storage_has_the_size_that_the_pickle_says(tmp_path: Path, size: int) -> None:
    path = archive(tmp_path / "x.pt", tensor(), {"data/0": bytes(size)})
    assert what(path) == f"'archive/data/0': expected 6 values of float32, found {size} bytes"


@pytest.mark.parametrize("key", ["1", "../0", "/etc/passwd", "", "0\n"])
def test_a_storage_lies_in_the_archive(tmp_path: Path, key: str) -> None:
    path = archive(tmp_path / "x.pt", tensor(held=storage(key=key)))
    assert what(path) == f"expected storage {key!r}, found none in the archive".replace(
        "\\\\", "\\"
    )


def test_a_compressed_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.pt", tensor(), compression=zipfile.ZIP_DEFLATED)
    error = complaint(path)
    assert error.what == (
        f"{path}: 'archive/data.pkl': expected a zip member that is stored as it is, as torch "
        "writes it, found a compressed one"
    )
    assert error.advice == "Unpack the archive and zip it again without compression: zip -0 -r."


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.pt", tensor())
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("archive/data/0", bytes(24))
    assert what(path) == ("expected every zip member once, found 'archive/data/0' more than once")


@pytest.mark.parametrize(
    ("folders", "found"), [((), "none"), (("a", "b"), "2")], ids=["none", "two"]
)
def test_there_is_one_pickle(tmp_path: Path, folders: tuple[str, ...], found: str) -> None:
    path = tmp_path / "x.pt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("data.pkl", tensor() + STOP)
        for folder in folders:
            file.writestr(f"{folder}/data.pkl", tensor() + STOP)
    assert what(path) == (
        f"expected an archive with one data.pkl, as torch.save writes it, found {found}"
    )


@pytest.mark.parametrize("content", [NONE, number(3), b"]", b")", values(NONE)])
def test_a_plain_value_is_no_tensor(tmp_path: Path, content: bytes) -> None:
    assert "expected a tensor or a dict of tensors, found " in what(
        archive(tmp_path / "x.pt", content)
    )


def test_a_dict_without_tensors_is_an_error(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.pt", mapping({"epoch": number(3), "best": NONE}))
    error = complaint(path)
    assert error.what == (
        f"{path}: expected tensors under names, found 'epoch' (int), 'best' (NoneType)"
    )
    assert error.advice == "Save the tensor itself: torch.save(logits, path)."
    assert what(archive(tmp_path / "y.pt", mapping({}))) == "expected arrays, found none"


def test_what_a_dict_holds_is_said_where_tensors_lie_too_deep(tmp_path: Path) -> None:
    inner = mapping({"logits": mapping({"x": tensor()}), "labels": NONE})
    names = {"epoch": number(3), "none": mapping({}), "outputs": inner, "more": number(1)}
    path = archive(tmp_path / "x.pt", mapping(names))
    error = complaint(path)
    assert error.what == (
        f"{path}: expected tensors under names, found 'epoch' (int), 'none' (empty dict), "
        "'outputs' (dict of 'logits', 'labels'), ... (4 in all)"
    )
    assert error.advice == "Save the tensor itself: torch.save(logits, path)."


def test_a_name_cannot_move_the_cursor_nor_fill_the_screen(tmp_path: Path) -> None:
    content = mapping({"\x1b[2J\n": tensor(), "x" * 100_000: tensor()})
    assert what(archive(tmp_path / "x.pt", content)) == (
        f"expected one array, found '\\x1b[2J\\n' float32 (2, 3), '{'x' * 60}...' float32 (2, 3)"
    )


def test_a_name_that_is_refused_is_cut(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.pt", name(f"os.{'x' * 100_000}"))
    assert what(path) == f"expected tensors and dicts of them, found the name os.{'x' * 97}"


def test_an_archive_that_was_zipped_again_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    with zipfile.ZipFile(FILES / "dict.pt") as old, zipfile.ZipFile(path, "w") as new:
        new.mkdir("dict")
        for member in sorted(old.namelist()):
            new.writestr(member, old.read(member))
    assert read(open_file(path, "logits")).tolist() == LOGITS


def test_bfloat16_may_be_said_of_what_says_so_itself() -> None:
    source = open_file(FILES / "bfloat16.pt", dtype="bfloat16")
    assert source.dtype == "bfloat16"


def damaged(folder: Path, file: str, member: str) -> Path:
    """Copy a file with one bit of the last byte of a member changed."""
    whole = bytearray((FILES / file).read_bytes())
    with zipfile.ZipFile(FILES / file) as archive:
        content = archive.read(member)
    whole[whole.index(content) + len(content) - 1] ^= 1
    path = folder / file
    path.write_bytes(whole)
    return path


CRC = r"expected bytes with the CRC-32 [0-9a-f]{8}, as the archive says, found [0-9a-f]{8}"


def test_a_damaged_storage_is_an_error(tmp_path: Path) -> None:
    error = complaint(damaged(tmp_path, "float32.pt", "float32/data/0"))
    assert re.fullmatch(f".*: {CRC}", error.what)
    assert error.advice == "The file is damaged: copy it again, or check what wrote it."


@pytest.mark.parametrize("key", ["whole", "transposed", "rows", "columns", "expanded"])
def test_a_damaged_storage_is_an_error_for_every_view(tmp_path: Path, key: str) -> None:
    path = damaged(tmp_path, "views.pt", "views/data/0")
    assert re.fullmatch(CRC, what(path, key))


def test_a_damaged_pickle_is_found_by_its_checksum(tmp_path: Path) -> None:
    path = damaged(tmp_path, "float32.pt", "float32/data.pkl")
    assert re.fullmatch(f"'float32/data.pkl': {CRC}", what(path))


def test_the_checksum_is_compared_before_the_last_block(tmp_path: Path) -> None:
    blocks = open_file(damaged(tmp_path, "float32.pt", "float32/data/0")).blocks(1)
    assert next(blocks).values.tolist() == ABSOLUTE[:1]
    with pytest.raises(InputError, match=CRC):
        next(blocks)


def test_what_torch_wrote_without_checksums_is_read_without(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    whole = (FILES / "without_crc.pt").read_bytes()
    path.write_bytes(whole.replace(np.float32(1.5).tobytes(), np.float32(2.5).tobytes()))
    assert read(open_file(path)).tolist() == [[2.5, -2.25, 0.5], [3.0, 0.0, -1.0]]


def test_a_damaged_file_gives_an_error_or_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes((FILES / "one_of_dict.pt").read_bytes())
    answers = survive(
        path,
        0,
        lambda path: open_torch(path, Layout()),
        lambda _, found: found.tolist() == LOGITS,
    )
    assert answers > 0


def test_a_damaged_file_without_checksums_gives_an_error_or_other_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes((FILES / "without_crc.pt").read_bytes())
    answers = survive(
        path,
        1,
        lambda path: open_torch(path, Layout()),
        lambda whole, found: 0 < found.nbytes <= len(whole) or found.strides[0] == 0,
    )
    assert answers > 0


class TestTensors:
    """In Python, where torch is installed."""

    @pytest.mark.parametrize("part", [np.s_[:], np.s_[::2, 1:]], ids=["whole", "strided"])
    def test_bfloat16_is_read_as_it_is(self, part: Any) -> None:
        torch = pytest.importorskip("torch")
        values = torch.randn(2, 20, 5, generator=torch.Generator().manual_seed(1)).bfloat16()
        sides = [side[part] for side in values]
        found = compare(*sides)
        expected = compare(*(side.float() for side in sides))
        assert (found.reference.dtype, found.reference.shape) == ("bfloat16", tuple(sides[0].shape))
        np.testing.assert_array_equal(found.values["jeffreys"], expected.values["jeffreys"])

    @pytest.mark.parametrize("device", ["cpu", "meta"])
    def test_a_tensor_that_numpy_cannot_read(self, device: str) -> None:
        torch = pytest.importorskip("torch")
        tensor = torch.ones(2, 3, device=device, requires_grad=True)
        with pytest.raises(InputError) as caught:
            compare(tensor, tensor)
        assert caught.value.what.startswith(
            "reference array: expected an array, found what NumPy makes none of ("
        )
        assert caught.value.advice == (
            "Of a PyTorch tensor, give tensor.detach().cpu().float().numpy()."
        )


@pytest.mark.parametrize("member", ["code/__torch__.py", "code/x/y.py", "constants.pkl"])
def test_one_mark_of_a_program_is_enough(tmp_path: Path, member: str) -> None:
    """What torch.jit wrote has them all; one that was packed again may not."""
    members = {"data/0": VALUES, member: b"x"}
    assert what(archive(tmp_path / "x.pt", tensor(), members)) == (
        "expected tensors, found a program (TorchScript)"
    )
    beside = {"data/0": VALUES, f"other-{member}": b"x"}
    assert open_file(archive(tmp_path / "y.pt", tensor(), beside)).shape == (2, 3)
