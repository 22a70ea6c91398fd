"""What a PyTorch file holds: a tensor, or tensors in dicts, lists and tuples, by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from kldiv_cli.errors import InputError, LogitsError, a_few
from kldiv_cli.sources.arrays.array import type_name
from kldiv_cli.sources.arrays.contents import Kind, tell_taken
from kldiv_cli.sources.arrays.keys import beside, choose, quoted
from kldiv_cli.sources.base import BFLOAT16, Layout
from kldiv_cli.sources.formats.torch_numpy import PickledArray
from kldiv_cli.sources.formats.torch_pickle import Tensor

Value = Tensor | PickledArray
Path = tuple[str | int, ...]
"""The keys and places that lead to a value."""
_SHOWN = 3
_DEEPEST = 2
_MOST = 1 << 17
"""How many arrays are one input at most: a few lists in one list may stand for any number."""
_ITSELF = "Save the tensor itself: torch.save(logits, path)."


def chosen(path: str, layout: Layout, content: object) -> tuple[dict[str, Value], Layout]:
    """Return the arrays that are the input, in their order, by what messages call them.

    The layout says what is beside them.

    A list, a tuple and a dict of whole numbers are one input. A dict has names, and so has what it
    holds. Of a list of dicts each name is one input.

    Raises
    ------
    InputError
        There is no array, or several under names and the layout's key names none; or a list holds
        something else beside arrays.
    """
    if isinstance(content, Value):
        return {"": content}, layout
    if not isinstance(content, (dict, list, tuple)) or content in ([], ()):
        raise LogitsError(
            f"{path}: expected a tensor or a dict of tensors, found {type(content).__name__}",
            _ITSELF,
        )
    groups: dict[str, dict[Path, object]] = {}
    for count, (keys, value) in enumerate(_values(content)):
        if count == _MOST:
            raise LogitsError(
                f"{path}: expected at most {_MOST} tensors, found more", "Join them: torch.cat."
            )
        name = "/".join(key for key in keys if isinstance(key, str))
        groups.setdefault(name, {})[keys] = value
    if content and not groups:
        raise _nothing(path, content)
    alone = {name: group for name, group in groups.items() if [*group] == [(name,)]}
    offered = alone if alone and layout.key is None else groups
    if [*offered] == [""]:
        names = [""]
        tell_taken(_kind(offered[""]), layout)
    else:
        names = choose(path, layout, offered, lambda name: _kind(offered[name]))
        layout = beside(layout, names, offered, lambda name: _kind(offered[name]))
    taken = {}
    for name in names:
        for keys, value in offered[name].items():
            if not isinstance(value, Value):
                raise LogitsError(
                    f"{path}: expected tensors alone, found {type(value).__name__} at "
                    f"{shown(keys)}",
                    _ITSELF,
                )
            taken[shown(keys)] = value
    return taken, layout


def shown(keys: Path) -> str:
    """Write how a value is reached, as in logits[3]."""
    first, *rest = (f"[{key}]" for key in keys)
    return (keys[0] if isinstance(keys[0], str) else first) + "".join(rest)


def dtype_of(value: Value, order: str) -> np.dtype[Any]:
    """Return the type of the numbers; ``order`` is that of the machine that wrote storages.

    Raises
    ------
    TypeError
        NumPy knows no type of that name.
    """
    if isinstance(value, PickledArray):
        return np.dtype(value.dtype)
    code = value.storage.dtype
    return BFLOAT16 if code == "bfloat16" else np.dtype(order + code)


def _values(content: object, keys: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield every array and where it is; also what stands beside arrays in a list and is none."""
    if len(keys) == _DEEPEST:
        return
    items = _items(content)
    is_list = any(isinstance(value, Value) for _, value in items) and isinstance(items[0][0], int)
    for key, value in items:
        if isinstance(value, Value) or (is_list and not isinstance(value, (dict, list, tuple))):
            yield (*keys, key), value
        else:
            yield from _values(value, (*keys, key))


def _items(content: object) -> list[tuple[str | int, Any]]:
    """Return what a container holds; whole numbers as keys are taken in their order."""
    if isinstance(content, dict):
        numbered = all(isinstance(key, int) for key in content)
        return sorted(content.items(), key=_first) if numbered else [*content.items()]
    return [*enumerate(content)] if isinstance(content, (list, tuple)) else []


def _first(item: tuple[Any, Any]) -> Any:
    return item[0]


def _kind(group: Mapping[Path, object]) -> Kind:
    value = next(value for value in group.values() if isinstance(value, Value))
    return Kind(type_name(dtype_of(value, "<")), value.shape, len(group))


def _nothing(path: str, content: object) -> InputError:
    """Return the error of what holds something else, or tensors deeper than they are looked for."""
    if not isinstance(content, dict):
        return LogitsError(
            f"{path}: expected a tensor or a dict of tensors, found {type(content).__name__}",
            _ITSELF,
        )
    items = _items(content)
    held = ", ".join(f"{_key(name)} ({_words(x)})" for name, x in items[:_SHOWN])
    more = f", ... ({len(items)} in all)" if len(items) > _SHOWN else ""
    return LogitsError(f"{path}: expected tensors under names, found {held}{more}", _ITSELF)


def _key(name: object) -> str:
    return quoted(name) if isinstance(name, str) else repr(name)


def _words(value: object) -> str:
    if not isinstance(value, dict):
        return type(value).__name__
    return "dict of " + a_few([str(name) for name in value]) if value else "empty dict"
