"""The axes of a mask beside those of the inputs."""

from __future__ import annotations

from kldiv_cli.errors import InputError

Lengths = tuple[int | None, ...]


def align(path: str, shape: Lengths, row_shape: Lengths, class_shape: tuple[int, ...]) -> Lengths:
    """Return the mask's length along every axis of the inputs; 1 where the mask is repeated.

    The mask's axes lie along the first axes of the inputs or along the last. Each is as long as the
    inputs' axis, or 1.

    Raises
    ------
    InputError
        They fit neither, or both.
    """
    whole: Lengths = row_shape + class_shape
    ones = (1,) * (len(whole) - len(shape))
    laid: dict[Lengths, None] = dict.fromkeys([shape + ones, ones + shape])
    fits = [
        lengths
        for lengths in laid
        if _fit(lengths, whole) and (None not in lengths or len(row_shape) == 1)
    ]
    if len(fits) == 1:
        return fits[0]
    if fits:
        first, last = map(_shown, fits)
        raise InputError(
            f"{path}: expected a mask that fits {_shown(whole)} in one way, found {_shown(shape)}, "
            "which fits the first axes and the last ones",
            f"Save it with the shape {first} for the first axes, or {last} for the last ones.",
        )
    raise _misfit(path, shape, whole, "the first or the last axes")


def align_around(
    path: str, shape: Lengths, whole: Lengths, axis: int
) -> tuple[Lengths, int | None]:
    """Return the same of inputs of which ``axis`` indexes classes, and this axis of the mask.

    The lengths are those along the axes of rows, and then along the classes. The mask's axes lie
    along the first axes of the inputs, along the last, along those of rows, or along the classes.
    None stands for a mask without an axis of classes.

    Raises
    ------
    InputError
        They fit none of these, or several.
    """
    missing = len(whole) - len(shape)
    ones = (1,) * missing
    laid: dict[Lengths, int | None] = {}
    if missing > 0:
        rows = shape + ones[1:]
        laid[(*rows[:axis], 1, *rows[axis:])] = None
        if len(shape) == 1:
            laid[(*(1,) * axis, *shape, *(1,) * (missing - axis))] = 0
    laid |= {
        shape + ones: axis if axis < len(shape) else None,
        ones + shape: axis - missing if axis >= missing else None,
    }
    fits = [lengths for lengths in laid if _fit(lengths, whole)]
    if len(fits) == 1:
        (found,) = fits
        return (*found[:axis], *found[axis + 1 :], found[axis]), laid[found]
    if fits:
        raise InputError(
            f"{path}: expected a mask that fits {_shown(whole)} in one way, found {_shown(shape)}, "
            f"which fits it in {len(fits)}",
            f"Save it with the shape that is meant: {' or '.join(map(_shown, fits))}.",
        )
    raise _misfit(path, shape, whole, "the first or the last axes, those of rows or of classes,")


def _misfit(path: str, shape: Lengths, whole: Lengths, axes: str) -> InputError:
    return InputError(
        f"{path}: expected a mask that fits {axes} of {_shown(whole)}, found {_shown(shape)}",
        "Each of its axes is as long as that of the inputs, or 1.",
    )


def _fit(lengths: Lengths, whole: Lengths) -> bool:
    return len(lengths) == len(whole) and all(
        mine == 1 or mine is None or other is None or mine == other
        for mine, other in zip(lengths, whole, strict=True)
    )


def _shown(shape: Lengths) -> str:
    return str(tuple("?" if n is None else n for n in shape)).replace("'", "")
