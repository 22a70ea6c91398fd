"""Changes of bytes that know nothing of what the bytes mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Literal

SIZES = (1, 2, 4, 8)
LONGEST = 1 << 16
Change = Callable[[bytes, Random], bytes]


def extreme(dice: Random, most: int, near: int) -> int:
    """Return a number up to ``most`` that lies at an edge, or near to one that is there."""
    edges = (0, 1, 2, most, most - 1, most >> 1, (most >> 1) + 1, near - 1, near + 1, 2 * near)
    chosen = dice.choice((*edges, dice.randint(0, most), 1 << dice.randrange(64)))
    return min(max(chosen, 0), most)


def changed(content: bytes, dice: Random, others: Sequence[bytes] = ()) -> bytes:
    """Change a place or a few, in one of many ways; ``others`` are files to take pieces from."""
    while True:
        change = dice.choice(_CHANGES)
        content = change(content, dice) if content else dice.randbytes(3)
        if others and dice.random() < 0.1:
            content = _spliced(content, dice.choice(others), dice)
        if dice.random() < 0.6:
            return content[: 4 * LONGEST]


def within(content: bytes, part: slice, dice: Random, change: Change = changed) -> bytes:
    """Change that part of the bytes alone."""
    start, stop, _ = part.indices(len(content))
    return content[:start] + change(content[start:stop], dice) + content[stop:]


def _spliced(content: bytes, other: bytes, dice: Random) -> bytes:
    at, after = dice.randint(0, len(content)), dice.randint(0, len(other))
    return content[:at] + other[after:]


def _flip(content: bytes, dice: Random) -> bytes:
    at = dice.randrange(len(content))
    return _put(content, at, bytes([content[at] ^ (1 << dice.randrange(8))]))


def _byte(content: bytes, dice: Random) -> bytes:
    return _put(content, dice.randrange(len(content)), dice.randbytes(1))


def _number(content: bytes, dice: Random) -> bytes:
    size = dice.choice(SIZES)
    at = dice.randrange(len(content))
    if dice.random() < 0.5:
        at -= at % size
    order: Literal["little", "big"] = dice.choice(("little", "little", "little", "big"))
    near = int.from_bytes(content[at : at + size], order)
    return _put(content, at, extreme(dice, (1 << 8 * size) - 1, near).to_bytes(size, order))


def _cut(content: bytes, dice: Random) -> bytes:
    return content[: dice.randrange(len(content))]


def _drop(content: bytes, dice: Random) -> bytes:
    at, size = _piece(content, dice)
    return content[:at] + content[at + size :]


def _double(content: bytes, dice: Random) -> bytes:
    at, size = _piece(content, dice)
    times = dice.choice((2, 2, 3, 40))
    return content[:at] + content[at : at + size] * times + content[at + size :]


def _copy(content: bytes, dice: Random) -> bytes:
    at, size = _piece(content, dice)
    to = dice.randrange(len(content))
    return _put(content, to, content[at : at + size])


def _swap(content: bytes, dice: Random) -> bytes:
    (a, size), b = _piece(content, dice), dice.randrange(len(content))
    first, second = content[a : a + size], content[b : b + size]
    return _put(_put(content, a, second), b, first)


def _fill(content: bytes, dice: Random) -> bytes:
    at, size = _piece(content, dice)
    return _put(content, at, bytes([dice.choice((0, 255, 32, 128))]) * size)


def _append(content: bytes, dice: Random) -> bytes:
    more = dice.choice((b"\0", b"\n", dice.randbytes(9), content[:LONGEST], bytes(1000)))
    return content + more


def _put(content: bytes, at: int, piece: bytes) -> bytes:
    return content[:at] + piece + content[at + len(piece) :]


def _piece(content: bytes, dice: Random) -> tuple[int, int]:
    size = min(dice.choice((1, 2, 4, 8, 16, 64, 512)), len(content))
    return dice.randrange(len(content)), size


_CHANGES = (
    *(_flip, _byte, _number, _number, _number, _cut),
    *(_drop, _double, _copy, _swap, _fill, _append),
)
