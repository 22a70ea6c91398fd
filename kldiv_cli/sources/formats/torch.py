"""PyTorch's .pt and .pth files, as torch 1.6 and later write them: read without torch.

Such a file is a zip archive. Its pickle describes the tensors; the storages are mapped where they
lie.

References
----------
.. [1] PyTorch, serialization semantics,
   https://docs.pytorch.org/docs/stable/notes/serialization.html
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from zipfile import ZIP_STORED, ZipInfo
from zlib import crc32

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.arrays.array import ArraySource, type_name
from kldiv_cli.sources.arrays.keys import narrower, quoted
from kldiv_cli.sources.arrays.mapped import Place, Stored, map_array, told_type, wrong_crc
from kldiv_cli.sources.arrays.zip import find_bytes, list_members
from kldiv_cli.sources.base import BFLOAT16, Layout, Source
from kldiv_cli.sources.formats.pickles import is_dict, pickled
from kldiv_cli.sources.formats.torch_content import chosen, dtype_of
from kldiv_cli.sources.formats.torch_numpy import PickledArray, RefusedError
from kldiv_cli.sources.formats.torch_pickle import ClassError, Tensor, describe
from kldiv_cli.sources.stores.codecs import ENOUGH
from kldiv_cli.sources.stores.commands import rewriting
from kldiv_cli.sources.views.joined import open_joined

_ADVICE = (
    "Where torch is installed: "
    "safetensors.torch.save_file({'logits': logits.contiguous()}, 'logits.safetensors')."
)
_LOAD = "torch.load(sys.argv[1], 'cpu')"
_AGAIN = "import sys, torch; torch.save(%s, sys.argv[2])"
_OLD_MAGIC = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
"""The number with which torch before 1.6 begins, as pickle writes it."""
_WITHOUT_STORAGE = "torch._utils._rebuild_tensor_v3"
_MOST_PICKLE = 1 << 28
_MOST_REPEATED = 1 << 32
"""How many values a tensor may have that repeats those of its storage: the file sets no limit."""
_ORDERS = {b"little": "<", b"big": ">"}


def open_torch(path: str, layout: Layout) -> Source:
    """Map what `torch.save` wrote: a tensor, or those of a list or a dict, one after the other.

    Of a dict the layout's key says which. A NumPy array is held, for the pickle holds it.

    Its CRC-32 is compared when all was read, unless torch was told to write none.

    Raises
    ------
    InputError
        The file was written by torch before 1.6, by TorchScript or as another pickle; it is
        damaged, or its pickle names anything but tensors; there is no such tensor, or several and
        no key; or the tensor is empty or holds no real numbers.
    """
    _check_kind(path, layout.expected.what)
    members = list_members(path, _ADVICE)
    folder = _find_folder(path, members)
    order = _read_order(path, members.get(f"{folder}/byteorder"))
    content = _describe(path, _read_member(path, members[f"{folder}/data.pkl"]))
    values, layout = chosen(path, layout, content)
    stored = {name: x.storage.key for name, x in values.items() if isinstance(x, Tensor)}
    first = {key: name for name, key in reversed(stored.items())}

    def open_one(name: str) -> ArraySource:
        value = values[name]
        if isinstance(value, PickledArray):
            return _in_pickle(path, layout, value)
        key = stored[name]
        storage = members.get(f"{folder}/data/{key}")
        if storage is None:
            raise LogitsError(
                f"{path}: expected storage {quoted(key)}, found none in the archive", _ADVICE
            )
        # The parts of one storage are checked together, when the first of them was read.
        return _map(path, layout, value, storage, order, is_checked=first[key] == name)

    return open_joined(path, list(values), open_one, narrower(layout))


def _check_kind(path: str, expected: str) -> None:
    """Raise for what torch before 1.6 wrote, and for everything else that is no zip archive."""
    with Path(path).open("rb") as file:
        head = file.read(ENOUGH)
    if head.startswith(b"PK"):
        return
    if _OLD_MAGIC in head[:64]:
        what = "the layout of torch before 1.6"
        advice = f"Write it again: {rewriting(_AGAIN % _LOAD, path, '.pt', '-new')}"
    elif head[:1] == b"\x80":
        what, advice = pickled(path, head, Path(path).suffix.lower())
        raise LogitsError(f"{path}: expected {expected}, found {what}", advice)
    else:
        what, advice = f"a file that begins with {head[:8]!r}", _ADVICE
    raise LogitsError(f"{path}: expected what torch 1.6 or later saves, found {what}", advice)


def _find_folder(path: str, members: Mapping[str, ZipInfo]) -> str:
    """Return the folder that torch puts everything into."""
    folders = [name[:-9] for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(folders) != 1:
        raise LogitsError(
            f"{path}: expected an archive with one data.pkl, as torch.save writes it, found "
            f"{len(folders) or 'none'}",
            _ADVICE,
        )
    (folder,) = folders
    if any(name.startswith((f"{folder}/code/", f"{folder}/constants.pkl")) for name in members):
        raise LogitsError(
            f"{path}: expected tensors, found a program (TorchScript)",
            "Run it, and save the logits that it returns: torch.save(logits, path).",
        )
    return folder


def _read_member(path: str, entry: ZipInfo) -> bytes:
    start, where = _find(path, entry), f"{path}: {quoted(entry.filename)}"
    if entry.file_size > _MOST_PICKLE:
        raise LogitsError(
            f"{where}: expected at most {_MOST_PICKLE} bytes, found {entry.file_size}", _ADVICE
        )
    with Path(path).open("rb") as file:
        file.seek(start)
        found = file.read(entry.file_size)
    if entry.CRC and crc32(found) != entry.CRC:
        raise wrong_crc(where, entry.CRC, crc32(found))
    return found


def _read_order(path: str, entry: ZipInfo | None) -> str:
    """Return how NumPy calls the byte order of the machine that wrote the storages."""
    name = b"little" if entry is None else _read_member(path, entry)  # none before torch 2.1
    if name not in _ORDERS:
        raise LogitsError(f"{path}: expected a byte order, found {name[:20]!r}", _ADVICE)
    return _ORDERS[name]


def _describe(path: str, pickle: bytes) -> object:
    try:
        return describe(pickle)
    except ClassError as error:
        raise LogitsError(
            f"{path}: expected tensors and dicts of them, found {error}",
            "Save the tensor that it holds: torch.save(output.logits, 'logits.pt').",
        ) from error
    except RefusedError as error:
        if _WITHOUT_STORAGE in f"{error}":
            raise _of_small_floats(path, pickle) from error
        raise LogitsError(
            f"{path}: expected tensors and dicts of them, found {error}", _ADVICE
        ) from error
    except Exception as error:  # whatever a damaged pickle makes the steps raise
        raise LogitsError(
            f"{path}: expected a pickle of tensors, found one that cannot be read "
            f"({(str(error) or type(error).__name__).splitlines()[0]})",
            _ADVICE,
        ) from error


def _of_small_floats(path: str, pickle: bytes) -> LogitsError:
    """Return the error of tensors of a type that torch before 2.1 had not: float8, uint16."""
    what = "float8" if b"float8_" in pickle else "a type that has no storage of its own in torch"
    value = _LOAD + ".float()"
    if is_dict(pickle):
        value = f"{{k: v.float() for k, v in {_LOAD}.items()}}"
    command = rewriting(_AGAIN % value, path, ".pt", "-float32")
    return LogitsError(
        f"{path}: expected floats of 16 bits or more or integers, found {what}",
        f"Write it again: {command}",
    )


def _find(path: str, entry: ZipInfo) -> int:
    """Return the byte at which a member begins, which torch always stores as it is."""
    where = f"{path}: {quoted(entry.filename)}"
    if entry.compress_type != ZIP_STORED:
        raise InputError(
            f"{where}: expected a zip member that is stored as it is, as torch writes it, found a "
            "compressed one",
            "Unpack the archive and zip it again without compression: zip -0 -r.",
        )
    return find_bytes(path, entry, where, _ADVICE)


def _in_pickle(path: str, layout: Layout, array: PickledArray) -> ArraySource:
    try:
        dtype = dtype_of(array, "<")
        told_type(dtype, layout, path)
        return ArraySource(array.values(dtype), layout, path, "torch", has_keys=True)
    except (TypeError, ValueError) as error:
        raise LogitsError(
            f"{path}: expected a NumPy array, found one that cannot be read ({error})", _ADVICE
        ) from error


def _map(
    path: str, layout: Layout, tensor: Tensor, entry: ZipInfo, order: str, *, is_checked: bool
) -> ArraySource:
    dtype, count = dtype_of(tensor, order), tensor.storage.count
    where = f"{path}: {quoted(entry.filename)}"
    if dtype == BFLOAT16 and order == ">":
        raise LogitsError(
            f"{path}: expected bfloat16 in little-endian byte order, found big-endian",
            "Save the logits as float32, which holds every bfloat16: torch.save(logits.float()).",
        )
    start = _find(path, entry)
    if entry.file_size != count * dtype.itemsize:
        raise LogitsError(
            f"{where}: expected {count} values of {type_name(dtype)}, found {entry.file_size} "
            "bytes",
            _ADVICE,
        )
    if prod(tensor.shape) > max(count, _MOST_REPEATED):
        raise LogitsError(
            f"{path}: expected at most {_MOST_REPEATED} values that repeat those stored, found "
            f"shape {tensor.shape} of {count} stored",
            "Save the values once, and compare these.",
        )
    strides = tuple(
        stride * dtype.itemsize if length > 1 else 0
        for length, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    first = start + tensor.offset * dtype.itemsize
    crc = entry.CRC if is_checked and entry.CRC else None
    place = Place(start, start + entry.file_size, first, crc)
    return map_array(path, "torch", layout, Stored(dtype, tensor.shape, strides=strides), place)
