"""A pass over a table that was begun before it is known what for."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from kldiv_cli.sources.base import Block


class Begun:
    """The blocks of a pass, the first of which are looked at before.

    Parameters
    ----------
    blocks : generator
        What reads them.
    """

    def __init__(self, blocks: Generator[Block, None, None]) -> None:
        self._seen: list[Block] = []
        self._rest = blocks
        self._error: BaseException | None = None

    def look(self) -> Iterator[Block]:
        """Yield blocks, which `take` yields all the same."""
        yield from self._seen
        while (block := self._read()) is not None:
            self._seen.append(block)
            yield block

    def _read(self) -> Block | None:
        try:
            return next(self._rest, None)
        except BaseException as error:
            self._error = error
            raise

    def take(self) -> Generator[Block, None, None]:
        """Yield all blocks, and hold none of them any longer; what went wrong does so again."""
        self._seen.reverse()
        while self._seen:
            yield self._seen.pop()
        if self._error is not None:
            raise self._error
        yield from self._rest
