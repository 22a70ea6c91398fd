"""Which axes of an array may index its classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from kldiv_cli.errors import UnclearError
from kldiv_cli.sources.base import Source, Turnable, length_of, shown_shape
from kldiv_cli.sources.views.selected import whole

Shape = tuple[int | None, ...]
Fits = Callable[[Shape], bool]


def other_axes(source: Source) -> dict[int, Source]:
    """Return the axes that may index classes in place of the last, each with the array so turned.

    There are none of a table, and where the user says which axes index classes.
    """
    source = whole(source)
    if source.class_axes != (len(source.shape) - 1,) or not isinstance(source, Turnable):
        return {}
    turned = {axis: source.turned(axis) for axis, n in enumerate(source.shape[:-1]) if n != 1}
    return {axis: found for axis, found in turned.items() if found is not None}


def check_rows(source: Source, path: str, shape: Shape, what: str, fits: Fits) -> None:
    """Raise where there is one of something for each row only if another axis indexes classes.

    Parameters
    ----------
    source : Source
        What the rows are of.
    path, shape : str, tuple of int
        What lies beside it.
    what : str
        What it is called: "labels".
    fits : callable
        Tells whether it fits axes of rows.

    Raises
    ------
    UnclearError
        That is so.
    """
    source = whole(source)
    if fits(source.row_shape):
        return
    lengths = source.shape
    axes = [axis for axis in other_axes(source) if fits(lengths[:axis] + lengths[axis + 1 :])]
    if axes:
        rows = shown_shape(source.row_shape)
        raise unclear(
            source,
            axes,
            f"{path}: expected {rows} {what}, one per row, found {shown_shape(shape)}, as fits "
            f"classes along {along(axes)}",
            f", and give {rows} {what}",
        )


def one_each(shape: Shape) -> Fits:
    """Return what tells whether there is one of something for each row, along the axes or flat."""
    ours = [length for length in shape if length != 1]

    def fits(rows: Shape) -> bool:
        axes = [length for length in rows if length != 1]
        return ours == axes or (len(ours) <= 1 and length_of(shape) == length_of(rows))

    return fits


def check_names(left: Source, right: Source) -> None:
    """Raise where one side names as many classes as the other has along another axis only.

    Raises
    ------
    UnclearError
        That is so.
    """
    for array, table in ((left, right), (right, left)):
        names, count = table.class_names, prod(array.class_shape)
        shape = array.shape
        if names is None or array.class_names is not None or len(names) == count:
            continue
        if len(shape) != len(table.row_shape) + 1:
            continue
        axes = [
            axis
            for axis in other_axes(array)
            if shape[axis] == len(names)
            and table.length in (None, length_of(shape[:axis] + shape[axis + 1 :]))
        ]
        if axes:
            raise unclear(
                array,
                axes,
                f"{array.path}: expected {len(names)} classes, as {table.path} names, found "
                f"{count} along the last axis and {len(names)} along {along(axes)}",
                "",
            )


def along(axes: Sequence[int]) -> str:
    """Name axes for people."""
    return " and ".join(f"axis {axis}" for axis in axes)


def unclear(source: Source, axes: Sequence[int], what: str, last: str) -> UnclearError:
    """Return the question whether one of these axes of an array indexes its classes.

    ``what`` says what was found, and ``last`` what becomes of it where the last axis does.
    """
    options = " or ".join(f"--class-axis {axis}" for axis in axes)
    which = "that axis indexes" if len(axes) == 1 else "one of these indexes"
    return UnclearError(
        what,
        f"Say {options} where {which} classes, or --class-axis {len(source.shape) - 1} where the "
        f"last of {shown_shape(source.shape)} does{last}.",
    )
