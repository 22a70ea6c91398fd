"""The keywords of the API as type checkers and editors see them; a test holds the table to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike

    from kldiv_cli.measures.distributions.kinds import Kind
    from kldiv_cli.measures.types import Mode
    from kldiv_cli.pairing.by_id import OnMissing
    from kldiv_cli.pairing.classes import Wanted
    from kldiv_cli.pairing.masks.mask import Means
    from kldiv_cli.sources.base import Decimal, RawType

    Input = str | os.PathLike[str] | ArrayLike
    Limits = Mapping[str, float] | Sequence[tuple[str, float]]

Unit = Literal["nats", "bits"]
NanPolicy = Literal["raise", "omit", "propagate"]
WhenUnsure = Literal["pass", "fail"]


class _Link(TypedDict, total=False):
    mode: Mode
    temperature: float


class _Kinds(TypedDict, total=False):
    kind: Kind | tuple[Kind | None, Kind | None] | None
    normalize: bool


class _Invalid(TypedDict, total=False):
    nan_policy: NanPolicy


class _Truth(TypedDict, total=False):
    labels: Input | None


class _Masks(TypedDict, total=False):
    mask: Input | None
    mask_means: Means | None
    mask_below: float | None
    ignore_constant_rows: bool


class _Chosen(TypedDict, total=False):
    rows: slice | str | None
    limit: int | None
    sample: int | None
    seed: int | None


class _Partners(TypedDict, total=False):
    on_missing: OnMissing
    by_place: bool


class _SomeClasses(TypedDict, total=False):
    classes: Wanted | None
    truncate_classes: bool


class _Measured(TypedDict, total=False):
    measure: str | Sequence[str]
    group: Input | None
    unit: Unit
    top: int
    limits: Limits
    lower_limits: Limits
    when_unsure: WhenUnsure


class _Tables(TypedDict, total=False):
    row_axes: int | None
    class_axis: int | None
    id_column: str | Sequence[str] | None
    columns: str | Sequence[str] | None
    drop: str | Sequence[str] | None
    key: str | None


class _OfEachSide(TypedDict, total=False):
    candidate_key: str | None
    reference_format: str | None
    candidate_format: str | None


class _Text(TypedDict, total=False):
    header: bool
    delimiter: str | None
    decimal: Decimal | None
    dtype: RawType | None


class _Threads(TypedDict, total=False):
    threads: int | None


class _Told(TypedDict, total=False):
    progress: Callable[[int, int | None], None] | None


class _Files(_Tables, _OfEachSide, _Text, _Threads, _Told, total=False):
    pass


class CompareOptions(
    _Link, _Kinds, _Invalid, _Truth, _Masks, _Chosen, _Partners, _SomeClasses, _Measured, _Files,
    total=False,
):  # fmt: skip
    """The keywords of `kldiv_cli.compare`."""

    smooth: float


class VerifyOptions(_Link, _Invalid, _Masks, _Chosen, _Partners, _SomeClasses, _Files, total=False):
    """The keywords of `kldiv_cli.tasks.verify.verify`."""


class LossOptions(
    _Kinds, _Invalid, _Truth, _Masks, _Chosen, _Partners, _SomeClasses, _Files, total=False
):
    """The keywords of `kldiv_cli.loss`: those of every loss, and those of kldiv's own losses."""

    reduction: Literal["mean", "batchmean", "sum", "sample", "cell"]
    log_target: bool
    raw_input: bool
    release: Literal["1.8", "1.9"]
    from_logits: bool
    alpha: float
    convention: Literal["paper", "bert", "vit", "keras"]
    beta: float
    lam: float
    reverse: bool
    temperature: float
    weight_temperature: float
    gamma: float
    class_prior: bool


class InspectOptions(_Chosen, _Tables, _Text, _Threads, _Told, total=False):
    """The keywords of `kldiv_cli.tasks.inspect.inspect`."""

    input_format: str | None
