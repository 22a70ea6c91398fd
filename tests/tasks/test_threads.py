"""Work on many items at once."""

import threading
from collections.abc import Iterator
from itertools import count, islice

import pytest

from kldiv_cli.tasks.executors.threads import available_threads, in_order


def pool() -> list[str]:
    """The names of the threads that work on items."""
    return [each.name for each in threading.enumerate() if each.name.startswith("kldiv")]


def name_of(_: int) -> str:
    return threading.current_thread().name


def test_results_stand_in_the_order_of_the_items() -> None:
    """Every item but those of the last thread waits until a later one is done."""
    threads = 8
    done = [threading.Event() for _ in range(400)]

    def work(item: int) -> int:
        if item % threads != threads - 1:
            assert done[item + 1].wait(10)
        done[item].set()
        return -item

    assert list(in_order(work, range(400), threads)) == [(item, -item) for item in range(400)]
    assert pool() == []


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("items", [0, 1, 2, 3, 30])
def test_every_item_comes_once(items: int, threads: int) -> None:
    assert list(in_order(str, range(items), threads)) == [(i, str(i)) for i in range(items)]


def test_items_are_worked_on_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=10)
    found = [place for _, place in in_order(lambda _: meeting.wait(), range(3), 3)]
    assert sorted(found) == [0, 1, 2]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_an_error_is_raised_where_its_item_stands(threads: int) -> None:
    def work(item: int) -> int:
        if item in {7, 9}:
            raise ValueError(f"item {item}")
        return item

    results = in_order(work, range(20), threads)
    assert [next(results) for _ in range(7)] == [(i, i) for i in range(7)]
    with pytest.raises(ValueError, match=r"^item 7$"):
        next(results)
    assert list(results) == []
    assert pool() == []


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_an_error_of_the_items_themselves(threads: int) -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("no third item")

    with pytest.raises(OSError, match=r"^no third item$"):
        list(in_order(str, items(), threads))
    assert pool() == []


def test_a_single_item_or_a_single_thread_costs_none() -> None:
    here = threading.current_thread().name
    assert list(in_order(name_of, [3], 8)) == [(3, here)]
    assert list(in_order(name_of, range(9), 1)) == [(i, here) for i in range(9)]
    assert all(name.startswith("kldiv") for _, name in in_order(name_of, range(9), 2))


def test_items_are_taken_in_the_calling_thread() -> None:
    items = (threading.current_thread().name for _ in range(20))
    assert {item for item, _ in in_order(str, items, 4)} == {threading.current_thread().name}


def test_closing_early_ends_the_threads_and_leaves_the_rest() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in count():
            taken.append(item)
            yield item

    results = in_order(lambda item: item, items(), 3)
    assert [next(results) for _ in range(4)] == [(i, i) for i in range(4)]
    assert pool() != []
    results.close()
    assert pool() == []
    assert len(taken) == 4 + 2 * 3


def test_there_is_a_thread() -> None:
    assert available_threads() >= 1


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("good", [1, 2, 3, 20])
def test_an_error_of_the_items_waits_for_those_before_it(threads: int, good: int) -> None:
    def items() -> Iterator[int]:
        yield from range(good)
        raise LookupError("no more")

    found = in_order(lambda x: x * x, items(), threads)
    assert list(islice(found, good)) == [(x, x * x) for x in range(good)]
    with pytest.raises(LookupError, match="no more"):
        next(found)

    def fails_at_first(x: int) -> int:
        if x == 0:
            raise ArithmeticError("first")
        return x

    with pytest.raises(ArithmeticError, match="first"):
        list(in_order(fails_at_first, items(), threads))
