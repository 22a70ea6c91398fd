"""Headers of .npy files are read without `ast`, which threads of CPython 3.11 cannot share."""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import kldiv_cli
from kldiv_cli.errors import InputError
from kldiv_cli.sources.formats.literals import literal
from kldiv_cli.sources.formats.npy_header import read_header

PACKAGE = Path(kldiv_cli.__file__).parent


def header_of(text: str) -> bytes:
    content = text.encode("latin-1")
    return b"\x93NUMPY\1\0" + len(content).to_bytes(2, "little") + content


@pytest.fixture
def eager() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager")
def test_many_threads_read_a_thousand_headers() -> None:
    """With `ast.literal_eval` some hundred headers were enough to call one damaged."""
    file = io.BytesIO()
    np.save(file, np.zeros((3, 4), np.float32))
    with ThreadPoolExecutor(16) as pool:
        found = pool.map(lambda _: read_header(io.BytesIO(file.getvalue()), "x.npy"), range(4000))
        assert {(header.shape, header.dtype) for header in found} == {((3, 4), np.dtype("f4"))}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.name)
def test_nothing_asks_ast(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.search(r"import ast\b|from ast\b|read_array_header|np\.load\(", text) is None


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }          \n",
        "{'shape':(3,),'descr':\"<f4\",'fortran_order':True}",
        "  {'a': (), 'b': (1), 'c': [1, 2,], 'd': [], 'e': {}, 'f': None, 'g': -1}",
        r"{'a': 'it\'s', 'b': '\xe9\u1234\\', 'c': [('x', '<f4'), (('t', 'n'), '<i2', (2, 3))]}",
        "((1, 2), ((3,),), [(4)])",
    ],
)
def test_literals_are_what_python_takes_them_for(text: str) -> None:
    assert literal(text) == ast.literal_eval(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "{",
            "{'a'}",
            "{'a': 1",
            "(1, 2",
            "1 2",
            "f()",
            "1 + 2",
            "{'a': b}",
            "'a",
            "{1: 2} x",
        ),
        *(
            "{1: 2} x",
            "{'a': 1}\0",
            "{'a': 1}\xa0",
            "(,)",
            "[1,,2]",
            "9" * 4400,
            "(" * 9000,
            "1_0",
            "--1",
        ),
    ],
)
def test_what_is_no_literal(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        literal(text)


@pytest.mark.parametrize(
    ("text", "shape", "order"),
    [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4L)}", (3, 4), "C"),
        ("{'descr': u'<f4', 'fortran_order': True, 'shape': ()}", (), "F"),
    ],
)
def test_headers_of_python_2(text: str, shape: tuple[int, ...], order: str) -> None:
    header = read_header(io.BytesIO(header_of(text)), "x.npy")
    assert (header.shape, header.order, header.dtype) == (shape, order, np.dtype("<f4"))
    assert header.size == len(header_of(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{'descr': '<f4', 'fortran_order': False}", "expected descr, fortran_order and shape"),
        ("{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}", "expected descr, fortran_order"),
        ("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), 'x': 1}", "found ['x'] too"),
        ("{'descr': '<f4', 'fortran_order': True, 'shape': (-1,)}", "expected lengths, found (-1,"),
        (f"{{'descr': '<f4', 'fortran_order': True, 'shape': ({1 << 63},)}}", "expected lengths"),
        ("{'descr': '<f4', 'fortran_order': True, 'shape': (True,)}", "expected lengths, found (T"),
        ("{'descr': '(2,3)<f4,i4', 'fortran_order': True, 'shape': (1,)}", "expected a type"),
        ("{'descr': 7, 'fortran_order': True, 'shape': (1,)}", "expected a type, found 7"),
    ],
)
def test_what_is_no_header(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_header(io.BytesIO(header_of(text)), "x.npy")
    start = "x.npy: expected an .npy header, found one that cannot be read ("
    assert caught.value.what.startswith(start)
    assert said in caught.value.what


def test_a_header_that_is_cut_off() -> None:
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }          \n"
    with pytest.raises(InputError, match=r"it ends after \d+ of \d+ bytes"):
        read_header(io.BytesIO(header_of(text)[:-3]), "x.npy")
