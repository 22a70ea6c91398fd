"""Reading ahead: a thread fetches the next items while the last ones are worked on."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from threading import enumerate as threads
from typing import Generic, TypeVar
from weakref import ref

_T = TypeVar("_T")

_PATIENCE = 0.5
"""How many seconds the thread waits for a wish before it looks whether anybody is left."""
_ONE_MORE = object()
_SMALL = 1 << 20
"""So many bytes are read sooner than a thread would begin to."""


def ahead(items: Generator[_T, None, None], size: int | None, depth: int = 2) -> Iterator[_T]:
    """Return the items, which a thread begins to fetch at once where they are not small.

    ``size`` is how many bytes all of them have; None where that is not known. ``depth`` is that of
    `Ahead`.
    """
    return items if size is not None and size <= _SMALL else Ahead(items, depth)


class Ahead(Iterator[_T], Generic[_T]):
    """The items of a generator, which a thread of its own begins to fetch at once.

    An error is raised in place of the item that failed. The thread ends after the last item, after
    an error, when this is closed, and when nobody holds this any more. It never keeps the
    interpreter from leaving.

    Parameters
    ----------
    items : generator
        What yields the items; nothing else may use it.
    depth : int
        How many items are fetched before the first of them is asked for.
    """

    def __init__(self, items: Generator[_T, None, None], depth: int = 2) -> None:
        self._ended = False
        self._wishes: SimpleQueue[object] = SimpleQueue()
        self._fetched: SimpleQueue[_T | _End] = SimpleQueue()
        for _ in range(depth):
            self._wishes.put(_ONE_MORE)
        # A callback in C: in one that is written in Python an interrupt would be lost.
        owner = ref(self, self._wishes.put)
        self._thread = _Reader(items, owner, self._wishes, self._fetched)
        self._thread.start()

    def __next__(self) -> _T:
        if self._ended:
            raise StopIteration
        try:
            item = self._fetched.get()
        except BaseException:
            self.close()
            raise
        if not isinstance(item, _End):
            self._wishes.put(_ONE_MORE)
            return item
        self.close()
        try:
            raise item.error
        finally:
            del item  # or the error would hold the frame that holds the error

    def close(self) -> None:
        """Stop, and wait until the item that is being fetched is there."""
        self._ended = True
        with suppress(Empty):
            while True:
                self._wishes.get_nowait()
        self._wishes.put(None)
        self._thread.join()


class _End:
    """Stands behind the last item, with what to raise in place of the next one."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Reader(Thread, Generic[_T]):
    """The thread; it must not hold the `Ahead`, which would never be let go."""

    def __init__(
        self,
        items: Generator[_T, None, None],
        owner: ref[Ahead[_T]],
        wishes: SimpleQueue[object],
        fetched: SimpleQueue[_T | _End],
    ) -> None:
        super().__init__(name="kldiv-reader")
        self._items, self._owner = items, owner
        self._wishes, self._fetched = wishes, fetched

    def run(self) -> None:
        """Fetch an item for every wish."""
        try:
            while self._is_wished():
                self._fetched.put(next(self._items))
        except BaseException as error:  # noqa: BLE001 - raised where the item is asked for
            self._fetched.put(_End(error))
        finally:
            self._items.close()

    def _is_wished(self) -> bool:
        """Wait for the next wish, and tell whether it is one."""
        while True:
            try:
                wish = self._wishes.get(timeout=_PATIENCE)
            except Empty:
                if _only_readers_are_left():
                    return False
            else:
                return wish is _ONE_MORE and self._owner() is not None


def _only_readers_are_left() -> bool:
    """Tell whether the interpreter waits for nothing but threads like this."""
    return not any(
        thread.is_alive() and not thread.daemon and not isinstance(thread, _Reader)
        for thread in threads()
    )
