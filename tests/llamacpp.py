"""llama.cpp's side of a logits file, written from its source: the writer, and what it prints.

In NumPy's float32 where llama.cpp computes in float, with its sums of squares.
"""

from __future__ import annotations

import re
import struct
from math import exp, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
F32 = np.float32

SAMPLES = Path(__file__).parents[1] / "samples" / "llamacpp"

PERCENTILES = {
    "99.9%": 0.999,
    "99.0%": 0.99,
    "95.0%": 0.95,
    "90.0%": 0.9,
    "75.0%": 0.75,
    "Median": 0.5,
    "25.0%": 0.25,
    "10.0%": 0.1,
    "5.0%": 0.05,
    "1.0%": 0.01,
    "0.1%": 0.001,
}
NAMES = {"Maximum": "max", "Median": "median", "Minimum": "min"} | {
    name: f"p{name.removesuffix('%').removesuffix('.0')}" for name in PERCENTILES if name[0] < "A"
}
"""What llama.cpp calls a percentile, and what `LanguageResult` does."""


def random_logits(
    chunks: int, rows: int, classes: int, scale: float = 3.0, seed: int = 0
) -> npt.NDArray[np.float32]:
    values = np.random.default_rng(seed).normal(size=(chunks, rows, classes))
    return (scale * values).astype(np.float32)


def random_tokens(chunks: int, n_ctx: int, classes: int, seed: int = 0) -> npt.NDArray[np.int32]:
    tokens = np.random.default_rng(seed).integers(0, classes, (chunks, n_ctx))
    return tokens.astype(np.int32)


def write(path: Path, logits: Array, tokens: Array, window: float = 16.0) -> Path:
    """Write float32 logits (chunks, rows, classes) of contexts of tokens (chunks, n_ctx)."""
    chunks, rows, classes = logits.shape
    n_ctx = tokens.shape[1]
    assert rows == n_ctx - 1 - n_ctx // 2
    assert chunks == len(tokens)
    parts = [header(tokens, classes)]
    parts += [encode(row, window) for row in logits.reshape(-1, classes)]
    path.write_bytes(b"".join(parts))
    return path


def header(tokens: Array, classes: int) -> bytes:
    """Return what stands before the rows."""
    chunks, n_ctx = tokens.shape
    return b"_logits_" + struct.pack("<3i", n_ctx, classes, chunks) + tokens.astype("<i4").tobytes()


def encode(logits: Array, window: float = 16.0) -> bytes:
    """Return one row as `log_softmax` of the writer leaves it."""
    largest = logits.max()
    least = max(logits.min(), largest - F32(window))
    log_sum = F32(np.log(np.exp(logits - largest).astype(float).sum()))
    scale = F32((largest - least) / F32(65535))
    header = struct.pack("<2f", scale, (least - largest) - log_sum)
    words = np.zeros(2 * ((len(logits) + 1) // 2), "<u2")
    if scale:
        steps = np.rint(F32(1) / scale * (logits - least))
        words[: len(logits)] = np.where(logits > least, steps, 0)
    return header + words.tobytes()


def decode(content: bytes) -> tuple[Array, list[int]]:
    """Read a file number by number: log-probabilities (rows, classes), and each row's token."""
    n_ctx, classes, chunks = struct.unpack_from("<3i", content, 8)
    tokens = struct.unpack_from(f"<{chunks * n_ctx}i", content, 20)
    at = 20 + 4 * chunks * n_ctx
    values, targets = [], []
    for chunk in range(chunks):
        for i in range(n_ctx - 1 - n_ctx // 2):
            scale, least, *steps = struct.unpack_from(f"<2f{classes}H", content, at)
            at += 2 * (4 + classes + classes % 2)
            values.append([scale * step + least for step in steps])
            targets.append(tokens[chunk * n_ctx + n_ctx // 2 + i + 1])
    assert at == len(content)
    return np.array(values), targets


def printed(name: str) -> dict[str, tuple[float, float | None]]:
    """Return what llama.cpp printed of a sample, and its error if it has one, by its label."""
    text = (SAMPLES / f"{name}.stats.txt").read_text(encoding="utf-8")
    pattern = r"^ *(.+?) *: *(-?[\d.]+)%?(?: ± *([\d.]+))?"
    found = re.findall(pattern, text, re.MULTILINE)
    return {
        re.sub(r"\s+", " ", label): (float(value), float(error) if error else None)
        for label, value, error in found
    }


def statistics(base: bytes, logits: Array) -> dict[str, tuple[float, float | None]]:
    """Return what llama.cpp prints when it compares a model's logits with a base file."""
    log_p, targets = decode(base)
    rows = np.arange(len(targets))
    x = logits.reshape(log_p.shape).astype(float)
    log_q = x - x.max(axis=1, keepdims=True)
    log_q -= np.log(np.exp(log_q).sum(axis=1, keepdims=True))
    kept = log_p > -16
    kld = np.where(kept, np.exp(log_p) * (log_p - log_q), 0).sum(axis=1)
    q, base_q = -log_q[rows, targets], -log_p[rows, targets]
    change = np.exp(-q) - np.exp(-base_q)
    (nll, nll_u), (base_nll, base_u) = _mean(q), _mean(base_q)
    count = len(rows)
    covariance = ((q * base_q).mean() - q.mean() * base_q.mean()) / (count - 1)
    ratio_u = sqrt(nll_u**2 + base_u**2 - 2 * covariance)
    ppl, base_ppl = exp(nll), exp(base_nll)
    spread = (ppl * nll_u) ** 2 + (base_ppl * base_u) ** 2 - 2 * ppl * base_ppl * covariance
    square, square_u = _mean(change**2)
    same = float((log_p.argmax(axis=1) == log_q.argmax(axis=1)).mean())
    return {
        "Mean PPL(Q)": (ppl, ppl * nll_u),
        "Mean PPL(base)": (base_ppl, base_ppl * base_u),
        "Cor(ln(PPL(Q)), ln(PPL(base)))": (100 * covariance / (nll_u * base_u), None),
        "Mean ln(PPL(Q)/PPL(base))": (nll - base_nll, ratio_u),
        "Mean PPL(Q)/PPL(base)": (exp(nll - base_nll), exp(nll - base_nll) * ratio_u),
        "Mean PPL(Q)-PPL(base)": (ppl - base_ppl, sqrt(spread)),
        **_spread("KLD", kld, 1),
        **_spread("Δp", change, 100),
        "RMS Δp": (100 * sqrt(square), 100 * 0.5 / sqrt(square) * square_u),
        "Same top p": (100 * same, 100 * sqrt(same * (1 - same) / (count - 1))),
    }


def _mean(x: Array) -> tuple[float, float]:
    mean = float(x.mean())
    return mean, sqrt((float((x * x).mean()) - mean * mean) / (len(x) - 1))


def _spread(what: str, x: Array, factor: float) -> dict[str, tuple[float, float | None]]:
    mean, error = _mean(x)
    found: dict[str, tuple[float, float | None]] = {
        f"Mean {what}": (factor * mean, factor * error),
        f"Maximum {what}": (factor * float(x.max()), None),
        f"Minimum {what}": (factor * float(x.min()), None),
    }
    ordered = np.sort(x)
    for name, fraction in PERCENTILES.items():
        place = fraction * (len(x) - 1)
        i = int(place)
        part = place - i
        value = (1 - part) * ordered[i] + part * ordered[min(i + 1, len(x) - 1)]
        found[f"{name} {what}"] = (factor * float(value), None)
    return found
