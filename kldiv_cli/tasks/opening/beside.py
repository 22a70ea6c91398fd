"""Files that are given beside the two sides, in the order of the reference's."""

from __future__ import annotations

from dataclasses import dataclass

from kldiv_cli.errors import UnclearError
from kldiv_cli.sources.base import Composed, Source


@dataclass(frozen=True)
class Beside:
    """Puts the files, or arrays, of a mask or of labels in the order of the reference's.

    Parameters
    ----------
    what : str
        What the input is: "the mask".
    reference : Source
        The whole reference.
    by_place : bool
        Whether names say nothing.
    """

    what: str
    reference: Source
    by_place: bool

    def __call__(self, source: Source) -> Source:
        """Return the input in this order.

        Raises
        ------
        UnclearError
            Some files have names that the reference's have not.
        """
        lengths = {source.length, self.reference.length} - {None}
        if self.by_place or len(lengths) > 1 or not isinstance(source, Composed):
            return source
        from kldiv_cli.pairing.members import align  # noqa: PLC0415 - few inputs are many files

        try:
            found = align(self.reference, source, skip=False, by_place=False, wanted=None)
        except UnclearError as error:
            raise UnclearError(
                error.what,
                f"Say --by-place to take {self.what} in the order of its files, or give these the "
                "names of the reference's.",
            ) from error
        return found.candidate
