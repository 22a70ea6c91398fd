"""What must be equal whatever the numbers are, each side computed in ways that share no formula.

An identity is one row of :data:`IDENTITIES`: name -> import path of what computes it, the link
functions under which it is about the rows at hand, one-line statement. One side is what ``compare``
takes, by C kernels and by NumPy; the other is the definition in sums of two float64.
"""

from __future__ import annotations

from typing import NamedTuple

from kldiv_cli import Registry
from kldiv_cli.measures.types import Mode


class Identity(NamedTuple):
    """A row of the registry."""

    home: str
    """The import path of a function `Rows` -> `Routes` of one or more numbers."""
    modes: tuple[Mode, ...]
    description: str
    """What is equal."""
    measures: tuple[str, ...] = ()
    """Which measures it holds to their definition."""
    temperature: float | None = None
    """At which it is checked, whatever that of the comparison."""
    only_logits: bool = False
    """Whether it says nothing of probabilities."""


USUAL_TEMPERATURE = 4.0
"""What knowledge distillation usually divides logits by."""
_ROOM = "kldiv_cli.measures.identities"
_BOTH: tuple[Mode, ...] = ("softmax", "sigmoid")


def _measure(name: str, description: str, *measures: str) -> Identity:
    return Identity(f"{_ROOM}.definitions:{name}", _BOTH, description, measures)


def _logits(home: str, description: str, modes: tuple[Mode, ...] = ("softmax",)) -> Identity:
    return Identity(f"{_ROOM}.{home}", modes, description, only_logits=True)


_ROWS = {
    "kl": _measure("kls", "KL = sum p*log(p/q), both ways", "kl", "reverse-kl"),
    "inner-product": Identity(
        f"{_ROOM}.definitions:inner_product",
        ("softmax",),
        "<p-q, s-t> = KL(p||q) + KL(q||p)",
        ("jeffreys",),
    ),
    "sigmoid-form": Identity(
        f"{_ROOM}.definitions:sigmoid_form",
        _BOTH,
        "<sigma(s)-sigma(t), s-t> = sum of KLs",
        ("jeffreys",),
    ),
    "js": _measure("js", "JS = H(M) - (H(p)+H(q))/2, KLs to M", "js"),
    "gjs": _measure("gjs", "GJS = b*KL(p||M) + (1-b)*KL(q||M)", "gjs"),
    "skew": _measure("skew", "skew KL = KL(p || a*p+(1-a)*q)", "skew-kl", "skew-reverse-kl"),
    "tv": _measure("tv", "TV = sum |p-q| / 2", "tv"),
    "hellinger": _measure("hellinger", "H^2 = sum (sqrt p - sqrt q)^2 / 2", "hellinger"),
    "renyi-half": _measure("renyi_half", "D_1/2 = -2*log(1 - H^2)", "renyi"),
    "renyi": _measure("renyi", "D_a = log(sum p^a*q^(1-a)) / (a-1)", "renyi"),
    "entropies": _measure(
        "entropies",
        "H = -sum p*log p; H(p,q)",
        *("cross-entropy", "entropy", "entropy-candidate"),
    ),
    "excess": _measure("excess", "H(p,q) - H(p) = KL(p||q)", "cross-entropy", "entropy", "kl"),
    "smoothed": _measure("smoothed", "all of these with --smooth 0.1"),
    "two-classes": _logits("cells:two_classes", "softmax([s,0]) = [sigma(s), 1-sigma(s)]", _BOTH),
    "distillation": _logits("distillation:decoupled", "KD = TCKD + (1-p_target)*NCKD"),
    "distillation-at-4": _logits(
        "distillation:decoupled_at_4", "KD = TCKD + (1-p_target)*NCKD, T = 4"
    )._replace(temperature=USUAL_TEMPERATURE),
    "gradient-reference": _logits("gradients:by_reference", "dKL/ds = dDKL/ds (Theorem 1)"),
    "gradient-candidate": _logits("gradients:by_candidate", "dKL/dt = dDKL/dt (Theorem 1)"),
}
IDENTITIES = Registry("identity", Identity, _ROWS)
