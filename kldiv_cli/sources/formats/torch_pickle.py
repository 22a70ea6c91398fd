"""The pickle inside a PyTorch file, read as a description of tensors; nothing in it is run.

An unpickler calls what a pickle names. This one knows no more than the operations with which
`torch.save` writes tensors, dicts and plain values down, and the names that these go by: a name
stands for a record to be made here, any other is refused.

References
----------
.. [1] Python, pickletools, https://docs.python.org/3/library/pickletools.html
.. [2] PyTorch, serialization semantics,
   https://docs.pytorch.org/docs/stable/notes/serialization.html
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kldiv_cli.sources.formats import torch_numpy
from kldiv_cli.sources.formats.torch_numpy import DType, PickledArray, RefusedError, is_size

_REBUILD_TENSOR = "torch._utils._rebuild_tensor_v2"
_REBUILD_PARAMETER = "torch._utils._rebuild_parameter"
_ORDERED_DICT = "collections.OrderedDict"
_STORAGES = {
    "torch.DoubleStorage": "f8",
    "torch.FloatStorage": "f4",
    "torch.HalfStorage": "f2",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "i8",
    "torch.IntStorage": "i4",
    "torch.ShortStorage": "i2",
    "torch.CharStorage": "i1",
    "torch.ByteStorage": "u1",
    "torch.BoolStorage": "?",
    "torch.ComplexFloatStorage": "c8",
    "torch.ComplexDoubleStorage": "c16",
}
_NAMES = {_REBUILD_TENSOR, _REBUILD_PARAMETER, _ORDERED_DICT, *_STORAGES, *torch_numpy.NAMES}
_MOST_AXES = 64
_MOST_OPERATIONS = 1 << 22
_LONGEST = 100


class ClassError(RefusedError):
    """A pickle that holds an object of some class."""


@dataclass(frozen=True)
class Storage:
    """A run of values: their type, the key under which they lie, and how many there are."""

    dtype: str
    key: str
    count: int


@dataclass(frozen=True)
class Tensor:
    """A view that lies within its storage; offset and strides count values."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Name:
    """A name that is known."""

    name: str


def describe(pickle: bytes) -> object:
    """Return what a pickle holds: `Tensor`, `PickledArray`, dicts, lists, tuples, plain values.

    Raises
    ------
    RefusedError
        It holds something else; the message says what. A `ClassError` names a class.
    ValueError, LookupError, TypeError
        It is damaged.
    """
    machine = _Machine()
    for count, (operation, argument, _) in enumerate(pickletools.genops(pickle)):
        if count == _MOST_OPERATIONS:
            raise RefusedError(f"more than {_MOST_OPERATIONS} values and steps")
        step = _STEPS.get(operation.name)
        if step is None:
            raise RefusedError(f"the pickle operation {operation.name}")
        step(machine, argument)
    (result,) = machine.stack
    return result


@dataclass
class _Machine:
    """The state of the reading: values, the places of marks among them, and the memo."""

    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self, count: int | None = None) -> list[Any]:
        """Take so many values off the stack, or all above the last mark."""
        height = self.marks.pop() if count is None else len(self.stack) - count
        if not 0 <= height <= len(self.stack):
            raise ValueError("fewer values than are asked for")
        found = self.stack[height:]
        del self.stack[height:]
        return found

    def remember(self, place: int | None) -> None:
        self.memo[len(self.memo) if place is None else place] = self.stack[-1]

    def extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise TypeError("values for something that is no list")
        target.extend(values)

    def update(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict:
            raise TypeError("items for something that is no dict")
        for name, value in zip(items[::2], items[1::2], strict=True):
            if type(name) not in (str, int):
                raise RefusedError(f"a dict with a key that is a {type(name).__name__}")
            target[name] = value

    def call(self) -> None:
        callee, arguments = self.pop(2)
        if type(callee) is not _Name or type(arguments) is not tuple:
            raise TypeError("a call of something that has no name")
        self.push(_made(callee.name, arguments))

    def set_state(self) -> None:
        """Fill in an array or its type.

        What an ordered dict remembers beside its items is forgotten: versions of modules.
        """
        (state,) = self.pop(1)
        if isinstance(self.stack[-1], (PickledArray, DType)):
            self.stack[-1].set_state(state)
        elif type(state) is not dict or type(self.stack[-1]) is not dict:
            raise RefusedError("an object with a state")


def _named(module: object, name: object) -> _Name:
    full = f"{module}.{name}" if type(module) is str and type(name) is str else "that is no text"
    if full in _NAMES:
        return _Name(full)
    if full.rpartition(".")[2][:1].isupper():
        raise ClassError(f"an object of the class {full[:_LONGEST]}")
    raise RefusedError(f"the name {full[:_LONGEST]}")


def _made(name: str, arguments: tuple[Any, ...]) -> object:
    """Return the record that a call describes."""
    if name == _ORDERED_DICT and not arguments:
        return {}
    found = torch_numpy.made(name, arguments)
    if found is not None:
        return found
    if name == _REBUILD_PARAMETER:
        match arguments:
            case (Tensor() as tensor, bool(), dict()):
                return tensor
    if name == _REBUILD_TENSOR:
        match arguments:
            case (
                Storage() as storage,
                offset,
                tuple(shape),
                tuple(strides),
                bool(),
                dict(),
                *more,
            ):
                # More than this marks a view of the negative or the conjugate of what is stored.
                if any(more):
                    raise RefusedError("a tensor stored as the negative or conjugate of its values")
                return _tensor(storage, offset, shape, strides)
    raise RefusedError(f"a call of {name} with other arguments than PyTorch writes")


def _tensor(
    storage: Storage, offset: Any, shape: tuple[Any, ...], strides: tuple[Any, ...]
) -> Tensor:
    if not all(map(is_size, (offset, *shape, *strides))):
        raise RefusedError("a tensor whose offset, shape and strides are no sizes")
    if len(shape) != len(strides) or len(shape) > _MOST_AXES:
        raise RefusedError(f"a tensor with {len(shape)} axes and {len(strides)} strides")
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if 0 not in shape and last >= storage.count:
        raise RefusedError(f"a tensor with {last + 1} values in a storage of {storage.count}")
    return Tensor(storage, offset, shape, strides)


def _storage(identity: object) -> Storage:
    """Return the storage that a persistent id stands for."""
    match identity:
        case ("storage", _Name(name), str(key), str(), int(count)):
            if name in _STORAGES and is_size(count):
                return Storage(_STORAGES[name], key, count)
    raise RefusedError("a reference to something that is no storage")


_LITERALS = ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE")
_BYTES = ("SHORT_BINBYTES", "BINBYTES", "BINBYTES8")
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), lambda _machine, _argument: None),
    **dict.fromkeys((*_LITERALS, *_BYTES), _Machine.push),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(value=True),
    "NEWFALSE": lambda machine, _: machine.push(value=False),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop())),
    "TUPLE1": lambda machine, _: machine.push(tuple(machine.pop(1))),
    "TUPLE2": lambda machine, _: machine.push(tuple(machine.pop(2))),
    "TUPLE3": lambda machine, _: machine.push(tuple(machine.pop(3))),
    "APPEND": lambda machine, _: machine.extend(machine.pop(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.pop()),
    "SETITEM": lambda machine, _: machine.update(machine.pop(2)),
    "SETITEMS": lambda machine, _: machine.update(machine.pop()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.remember),
    **dict.fromkeys(
        ("BINGET", "LONG_BINGET"), lambda machine, place: machine.push(machine.memo[place])
    ),
    "GLOBAL": lambda machine, pair: machine.push(_named(*pair.split(" ", 1))),
    "STACK_GLOBAL": lambda machine, _: machine.push(_named(*machine.pop(2))),
    "BINPERSID": lambda machine, _: machine.push(_storage(*machine.pop(1))),
    "REDUCE": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.set_state(),
}
"""What each operation does; an operation that is not here is refused."""
