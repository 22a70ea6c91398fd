"""Changes of delimited text and of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from tests.attack.mutation.bytewise import changed
from tests.attack.mutation.trees import (
    NUMBERS,
    Json,
    dumped,
    encoded,
    text_changed,
    tree_changed,
    word,
)

Cells = list[list[str]]


def delimited(content: bytes, dice: Random) -> bytes:
    """Change cells, quotes, separators, line ends, or the encoding of a table."""
    text = content.decode("utf-8", "replace")
    delimiter = max(
        "\t;, |", key=lambda c: min(line.count(c) for line in text.splitlines() or [""])
    )
    lines = [line.split(delimiter) for line in text.splitlines()]
    if not lines or dice.random() < 0.2:
        return encoded(text_changed(text, dice))
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        lines = dice.choice(_OF_CELLS)(lines, dice) or [[""]]
    between = dice.choice((delimiter,) * 12 + (",", ";", "\t", "|", " ", "  ", ", ", "::"))
    end = dice.choice(("\n",) * 12 + ("\r\n", "\r", "\n\n", "\n\r", " \n"))
    text = end.join(between.join(cells) for cells in lines) + dice.choice(
        (end, end, end, "", end * 2)
    )
    codec = dice.choice(("utf-8",) * 15 + ("utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"))
    return text.encode(codec, "surrogatepass" if codec != "cp1252" else "replace")


def _one_cell(lines: Cells, dice: Random) -> Cells:
    i = dice.randrange(len(lines))
    j = dice.randrange(len(lines[i]) or 1)
    cell = lines[i][j : j + 1]
    text = cell[0] if cell else ""
    new = dice.choice(
        (
            lambda: dice.choice(NUMBERS),
            lambda: dice.choice(NUMBERS),
            lambda: "",
            lambda: word(dice),
            lambda: f'"{text}"',
            lambda: f'"{text}',
            lambda: f'{text}"',
            lambda: f" {text} ",
            lambda: f'"{text}""{text}"',
            lambda: text.replace(".", ","),
            lambda: text + dice.choice(NUMBERS),
        )
    )()
    line = [*lines[i][:j], new, *lines[i][j + 1 :]]
    return [*lines[:i], line, *lines[i + 1 :]]


def _every_cell(lines: Cells, dice: Random) -> Cells:
    form = dice.choice(
        ('"{}"', " {}", "{} ", "'{}'", "{}0", "{}e0", "+{}", "{}%", "{}f", "{}\u00a0")
    )
    start = dice.choice((0, 1))
    return [*lines[:start], *([form.format(cell) for cell in line] for line in lines[start:])]


def _column(lines: Cells, dice: Random) -> Cells:
    j = dice.randrange(max(map(len, lines)) or 1)
    if dice.random() < 0.5:
        return [line[:j] + line[j + 1 :] for line in lines]
    if dice.random() < 0.5:
        return [[*line[:j], *line[j : j + 1] * 2, *line[j + 1 :]] for line in lines]
    new = dice.choice(
        (str, lambda _: dice.choice(NUMBERS), lambda _: word(dice), lambda i: f"r{i}")
    )
    return [[*line[:j], new(i), *line[j:]] for i, line in enumerate(lines)]


def _line(lines: Cells, dice: Random) -> Cells:
    i = dice.randrange(len(lines))
    new: Cells = dice.choice(
        (
            lambda: [lines[i]] * 2,
            lambda: [[""]],
            lambda: [lines[i][:-1]],
            lambda: lines[:0],
            lambda: [[*lines[i], "1"]],
            lambda: [["# x"], lines[i]],
            lambda: [lines[0]],
            lambda: [lines[i]] * 300,
            lambda: [lines[i][::-1]],
        )
    )()
    return [*lines[:i], *new, *lines[i + 1 :]]


_OF_CELLS: tuple[Callable[[Cells, Random], Cells], ...] = (
    *(_one_cell, _one_cell, _one_cell, _every_cell, _column, _line),
)


def document(content: bytes, dice: Random) -> bytes:
    """Change a JSON document by its values, by its words, or by its bytes."""
    if dice.random() < 0.3:
        return encoded(text_changed(content.decode("utf-8", "replace"), dice))
    try:
        value: Json = json.loads(content)
    except ValueError:
        return changed(content, dice)
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        value = tree_changed(value, dice)
    return encoded(dumped(value, dice))


def lines_of_json(content: bytes, dice: Random) -> bytes:
    """Change a line of JSON, or every line the same way."""
    lines = content.splitlines()
    if not lines or dice.random() < 0.1:
        return encoded(text_changed(content.decode("utf-8", "replace"), dice))
    if dice.random() < 0.3:
        seed = dice.random()
        lines = [document(line, Random(seed)) for line in lines]  # noqa: S311 - to be repeated
    else:
        i = dice.randrange(len(lines))
        new = dice.choice(([document(lines[i], dice)],) * 6 + ([], [lines[i]] * 2, [b""], [b" "]))
        lines[i : i + 1] = new
    end = dice.choice((b"\n",) * 12 + (b"\r\n", b"\n\n", b"\r", b" "))
    return end.join(lines) + dice.choice((end, b""))
