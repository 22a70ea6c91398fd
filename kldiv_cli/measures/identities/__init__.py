"""What must be equal whatever the logits are, each side computed in ways that share no formula.

An identity is one row of :data:`IDENTITIES`: name -> import path of what computes it, the link
functions under which it is about the rows at hand, one-line statement.
"""

from __future__ import annotations

from typing import NamedTuple

from kldiv_cli import Registry


class Identity(NamedTuple):
    """A row of the registry."""

    home: str
    """The import path of a function `Rows` -> `Routes`."""
    modes: tuple[str, ...]
    description: str
    """What is equal."""
    temperature: float | None = None
    """At which it is checked, whatever that of the comparison."""


USUAL_TEMPERATURE = 4.0
"""What knowledge distillation usually divides logits by."""
_ROOM = "kldiv_cli.measures.identities"
_ROWS = {
    "inner-product": Identity(
        f"{_ROOM}.divergences:inner_product", ("softmax",), "<p-q, s-t> = KL(p||q) + KL(q||p)"
    ),
    "sigmoid-form": Identity(
        f"{_ROOM}.divergences:sigmoid_form",
        ("softmax", "sigmoid"),
        "<sigma(s)-sigma(t), s-t> = Bernoulli KLs",
    ),
    "two-classes": Identity(
        f"{_ROOM}.divergences:two_classes",
        ("softmax", "sigmoid"),
        "softmax([s,0]) = [sigma(s), 1-sigma(s)]",
    ),
    "distillation": Identity(
        f"{_ROOM}.distillation:decoupled", ("softmax",), "KD = TCKD + (1-p_target)*NCKD"
    ),
    "distillation-at-4": Identity(
        f"{_ROOM}.distillation:decoupled_at_4",
        ("softmax",),
        "KD = TCKD + (1-p_target)*NCKD, T = 4",
        USUAL_TEMPERATURE,
    ),
    "gradient-reference": Identity(
        f"{_ROOM}.gradients:by_reference", ("softmax",), "dKL/ds = dDKL/ds (Theorem 1)"
    ),
    "gradient-candidate": Identity(
        f"{_ROOM}.gradients:by_candidate", ("softmax",), "dKL/dt = dDKL/dt (Theorem 1)"
    ),
}
IDENTITIES = Registry("identity", Identity, _ROWS)
