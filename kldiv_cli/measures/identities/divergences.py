"""The inner product form of the Jeffreys divergence, under softmax and under sigmoid.

References
----------
.. [1] Su Jianlin, What should KL divergence look like under GlobalPointer?, 2022,
   spaces.ac.cn/archives/9039.
"""

from __future__ import annotations

import numpy as np

from kldiv_cli import measures
from kldiv_cli.measures.identities.base import LOSS, Distribution, Long, Route, Routes, Rows, times


def inner_product(rows: Rows) -> Routes:
    """Return <p-q, s-t>, both KLs by definition, the kernel's KLs, and the kernel's J."""
    p, q = rows.reference, rows.candidate
    inner = times(p.p - q.p, rows.d)
    inner[p.absent != q.absent] = np.inf
    size = times(p.blur + q.blur, np.abs(rows.d)) + times(np.abs(p.p - q.p), rows.d_blur)
    kl, reverse = direct_kl(p, q, rows.d, rows.d_blur), direct_kl(q, p, -rows.d, rows.d_blur)
    return Routes(
        (
            Route(inner.sum(axis=1), LOSS * size.sum(axis=1)),
            Route(kl.value + reverse.value, np.add(kl.slack, reverse.slack)),
            rows.kernel("softmax", ["kl", "reverse-kl"]),
            rows.kernel("softmax", ["jeffreys"]),
        )
    )


def direct_kl(p: Distribution, q: Distribution, d: Long, d_blur: Long) -> Route:
    """Return sum p * (log p - log q) in long double; d is p.x - q.x, with its error."""
    shift = p.log_partition - q.log_partition
    terms = times(p.p, d - shift)
    terms[q.absent & ~p.absent] = np.inf
    size = times(p.blur, np.abs(d) + np.abs(shift)) + times(p.p, d_blur)
    return Route(
        terms.sum(axis=1),
        LOSS * (size.sum(axis=1) + (p.log_partition_blur + q.log_partition_blur)[:, 0]),
    )


def sigmoid_form(rows: Rows) -> Routes:
    """Return the inner product, Bernoulli KLs by definition, and the kernel's KLs and J."""
    s, t = _cells(rows)
    one_sided = (np.isinf(s) | np.isinf(t)) & (s != t)
    equal = s == t
    # Every cell may be reflected: sigma(s) - sigma(t) = sigma(-t) - sigma(-s). Where both are
    # large the second form keeps the digits that the first one loses beside 1.
    reflected = s + t > 0
    a, b = np.where(reflected, -t, s), np.where(reflected, -s, t)
    inner = np.where(equal, np.longdouble(0), (_sigma(a) - _sigma(b)) * (a - b))
    blur = _sigma(a) * (1 + np.abs(a)) + _sigma(b) * (1 + np.abs(b))
    size = np.where(equal, np.longdouble(0), blur * np.abs(a - b))
    inner[one_sided] = np.inf
    kl, blur = np.zeros_like(s), np.zeros_like(s)
    for x, y in ((s, t), (t, s), (-s, -t), (-t, -s)):
        kl += times(_sigma(x), _log_sigma(x)) - times(_sigma(x), _log_sigma(y))
        surprise = -_log_sigma(x) - _log_sigma(y)
        blur += times(_sigma(x), surprise * (1 + np.abs(x)))
    kl[equal], kl[one_sided] = 0.0, np.inf
    blur[np.isinf(s) | np.isinf(t)] = 0.0
    return Routes(
        (
            Route(inner.sum(axis=1), LOSS * size.sum(axis=1)),
            Route(kl.sum(axis=1), LOSS * blur.sum(axis=1)),
            rows.kernel("sigmoid", ["kl", "reverse-kl"]),
            rows.kernel("sigmoid", ["jeffreys"]),
        )
    )


def two_classes(rows: Rows) -> Routes:
    """Return the kernel's softmax of [s, 0] and [t, 0], sigma and 1 - sigma, the kernel's cells.

    A cell of +inf, which has no softmax, is left out.
    """
    finite = ~(np.isposinf(rows.s) | np.isposinf(rows.t))
    s, t = (np.where(finite, x, 0) for x in (rows.s, rows.t))
    one, other = (np.stack([x.reshape(-1), np.zeros(x.size, x.dtype)], axis=1) for x in (s, t))
    pair = measures.prepare("softmax", one, other, rows.temperature)
    cells = measures.prepare("sigmoid", s, t, rows.temperature)
    shape = (len(s), -1)
    kernel = np.concatenate([pair.p.reshape(shape), pair.q.reshape(shape)], axis=1)
    bernoulli = np.concatenate(
        [np.moveaxis(x, 1, 2).reshape(shape) for x in (cells.p, cells.q)], axis=1
    )
    values, slacks = [], []
    for x in _cells(Rows(s, t, rows.temperature)):
        sigma = _sigma(x)
        blur = times(sigma, 1 + np.abs(x))
        values.append(np.stack([sigma, 1 - sigma], axis=2).reshape(shape))
        slacks.append(LOSS * np.stack([blur, 1 + blur], axis=2).reshape(shape))
    direct = Route(np.concatenate(values, axis=1), np.concatenate(slacks, axis=1))
    return Routes((Route(kernel), direct, Route(bernoulli)))


def _cells(rows: Rows) -> tuple[Long, Long]:
    temperature = np.longdouble(rows.temperature)
    return rows.s.astype(np.longdouble) / temperature, rows.t.astype(np.longdouble) / temperature


def _sigma(x: Long) -> Long:
    """Return 1 / (1 + exp(-x))."""
    sigma: Long = np.reciprocal(1 + np.exp(-x))
    return sigma


def _log_sigma(x: Long) -> Long:
    """Return log sigma(x) = -log(1 + exp(-x))."""
    softplus: Long = np.logaddexp(np.zeros_like(x), -x)
    return -softplus
