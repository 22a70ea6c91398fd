"""The measures in torch, spelled as people write them and as they are fastest."""

from collections.abc import Callable
from math import log
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]
import torch.nn.functional as F  # type: ignore[import-not-found,unused-ignore]  # noqa: N812

Form = Callable[[Any, Any], tuple[Any, ...]]
"""Blocks of the logits of both sides -> results of their rows."""


def three(s: Any, t: Any) -> tuple[Any, ...]:
    """J = <p - q, s - t> as the sum of both KLs, KL(p||q) = <p, s - t> - (log Zs - log Zt)."""
    p, q, d = s.softmax(-1), t.softmax(-1), s - t
    step = log_partition(s, p) - log_partition(t, q)
    kl = torch.linalg.vecdot(p, d) - step
    reverse_kl = step - torch.linalg.vecdot(q, d)
    return kl + reverse_kl, kl, reverse_kl


def log_partition(logits: Any, p: Any) -> Any:
    """Log Z without another pass of exp: log p = logit - log Z, of the largest."""
    return logits.amax(-1) - p.amax(-1).log()


def three_of_logarithms(s: Any, t: Any) -> tuple[Any, ...]:
    """Both KLs from log_softmax, and their sum."""
    log_p, log_q = s.log_softmax(-1), t.log_softmax(-1)
    e = log_p - log_q
    kl, reverse_kl = torch.linalg.vecdot(log_p.exp(), e), -torch.linalg.vecdot(log_q.exp(), e)
    return kl + reverse_kl, kl, reverse_kl


def three_of_kl_div(s: Any, t: Any) -> tuple[Any, ...]:
    """Both KLs by kl_div, and their sum."""
    log_p, log_q = s.log_softmax(-1), t.log_softmax(-1)
    kl = F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1)
    reverse_kl = F.kl_div(log_p, log_q, reduction="none", log_target=True).sum(-1)
    return kl + reverse_kl, kl, reverse_kl


def jeffreys(s: Any, t: Any) -> tuple[Any, ...]:
    """J = <p - q, s - t>."""
    return (((s.softmax(-1) - t.softmax(-1)) * (s - t)).sum(-1),)


def jeffreys_by_dot(s: Any, t: Any) -> tuple[Any, ...]:
    """The same, as a product of vectors."""
    return (torch.linalg.vecdot(s.softmax(-1) - t.softmax(-1), s - t),)


def of_logarithms(measure: Callable[[Any, Any], Any]) -> Form:
    """Return a form that makes the logarithms of both sides' probabilities first."""
    return lambda s, t: (measure(s.log_softmax(-1), t.log_softmax(-1)),)


def of_probabilities(measure: Callable[[Any, Any], Any]) -> Form:
    """Return a form that makes both sides' probabilities first."""
    return lambda s, t: (measure(s.softmax(-1), t.softmax(-1)),)


def mixture(log_p: Any, log_q: Any, weight: float) -> Any:
    """KL(p || weight*p + (1-weight)*q)."""
    p = log_p.exp()
    return torch.linalg.vecdot(p, log_p - (weight * p + (1 - weight) * log_q.exp()).log())


def mixture_by_logaddexp(log_p: Any, log_q: Any, weight: float) -> Any:
    """The same without leaving logarithms."""
    mixed = torch.logaddexp(log_p + log(weight), log_q + log(1 - weight))
    return torch.linalg.vecdot(log_p.exp(), log_p - mixed)


def both_mixtures(log_p: Any, log_q: Any, weight: float) -> Any:
    """weight*KL(p||M) + (1-weight)*KL(q||M), with one mixture for both."""
    p, q = log_p.exp(), log_q.exp()
    log_m = (weight * p + (1 - weight) * q).log()
    ours, theirs = torch.linalg.vecdot(p, log_p - log_m), torch.linalg.vecdot(q, log_q - log_m)
    return weight * ours + (1 - weight) * theirs


def both_mixtures_from_xlogy(p: Any, q: Any, weight: float) -> Any:
    """The same as H(M) less the mean of both entropies."""
    m = weight * p + (1 - weight) * q
    whole = weight * torch.xlogy(p, p) + (1 - weight) * torch.xlogy(q, q) - torch.xlogy(m, m)
    return whole.sum(-1)


def tv(p: Any, q: Any) -> Any:
    """1/2 * sum |p - q|."""
    return 0.5 * (p - q).abs().sum(-1)


def hellinger(p: Any, q: Any) -> Any:
    """1/2 * sum (sqrt p - sqrt q)^2."""
    return 0.5 * (p.sqrt() - q.sqrt()).square().sum(-1)


def hellinger_of_logarithms(log_p: Any, log_q: Any) -> Any:
    """The same, with roots as exponentials."""
    return 0.5 * ((0.5 * log_p).exp() - (0.5 * log_q).exp()).square().sum(-1)


def six(s: Any, t: Any) -> tuple[Any, ...]:
    """J, KL, reverse KL, JS, TV and Hellinger, with nothing computed twice."""
    log_p, log_q = s.log_softmax(-1), t.log_softmax(-1)
    p, q, e = log_p.exp(), log_q.exp(), log_p - log_q
    kl, reverse_kl = torch.linalg.vecdot(p, e), -torch.linalg.vecdot(q, e)
    log_m = (0.5 * (p + q)).log()
    js = 0.5 * (torch.linalg.vecdot(p, log_p - log_m) + torch.linalg.vecdot(q, log_q - log_m))
    return kl + reverse_kl, kl, reverse_kl, js, tv(p, q), hellinger(p, q)


def sigmoid_jeffreys(s: Any, t: Any) -> tuple[Any, ...]:
    """J = <sigma(s) - sigma(t), s - t>."""
    return (((s.sigmoid() - t.sigmoid()) * (s - t)).sum(-1),)


def sigmoid_three(s: Any, t: Any) -> tuple[Any, ...]:
    """KL = <sigma(s), s - t> + softplus(t) - softplus(s), the other way round, and their sum."""
    p, q, d = s.sigmoid(), t.sigmoid(), s - t
    step = (F.softplus(t) - F.softplus(s)).sum(-1)
    kl, reverse_kl = torch.linalg.vecdot(p, d) + step, -torch.linalg.vecdot(q, d) - step
    return kl + reverse_kl, kl, reverse_kl


def sigmoid_three_of_logarithms(s: Any, t: Any) -> tuple[Any, ...]:
    """The same from logsigmoid: log(1 - p) = log p - s."""
    log_p, log_q = F.logsigmoid(s), F.logsigmoid(t)
    p, q, d = log_p.exp(), log_q.exp(), s - t
    step = ((log_p - s) - (log_q - t)).sum(-1)
    kl, reverse_kl = torch.linalg.vecdot(p, d) + step, -torch.linalg.vecdot(q, d) - step
    return kl + reverse_kl, kl, reverse_kl


def sigmoid_tv(s: Any, t: Any) -> tuple[Any, ...]:
    """Sum over cells of |p - q|."""
    return ((s.sigmoid() - t.sigmoid()).abs().sum(-1),)


def mixtures(weight: float, *, swapped: bool = False) -> dict[str, Form]:
    """Return the spellings of a skew divergence."""

    def directed(measure: Callable[[Any, Any, float], Any]) -> Callable[[Any, Any], Any]:
        return lambda a, b: measure(b, a, weight) if swapped else measure(a, b, weight)

    return {
        "mixture": of_logarithms(directed(mixture)),
        "logaddexp": of_logarithms(directed(mixture_by_logaddexp)),
    }


def balanced(weight: float) -> dict[str, Form]:
    """Return the spellings of a generalized Jensen-Shannon divergence."""
    return {
        "one mixture": of_logarithms(lambda a, b: both_mixtures(a, b, weight)),
        "xlogy": of_probabilities(lambda p, q: both_mixtures_from_xlogy(p, q, weight)),
    }


FORMS: dict[str, dict[str, Form]] = {
    "three": {
        "vecdot": three,
        "log_softmax": three_of_logarithms,
        "kl_div": three_of_kl_div,
    },
    "jeffreys": {"product": jeffreys, "vecdot": jeffreys_by_dot},
    "js": balanced(0.5),
    "gjs:0.1": balanced(0.1),
    "skew-kl:0.1": mixtures(0.1),
    "skew-reverse-kl:0.1": mixtures(0.1, swapped=True),
    "tv": {"softmax": of_probabilities(tv)},
    "hellinger": {
        "sqrt": of_probabilities(hellinger),
        "exp": of_logarithms(hellinger_of_logarithms),
    },
    "renyi:2": {
        "exp": of_logarithms(lambda a, b: (2 * a - b).exp().sum(-1).log()),
        "logsumexp": of_logarithms(lambda a, b: (2 * a - b).logsumexp(-1)),
        "quotient": of_probabilities(lambda p, q: (p * p / q).sum(-1).log()),
    },
    "cross-entropy": {
        "log_softmax": lambda s, t: (-torch.linalg.vecdot(s.softmax(-1), t.log_softmax(-1)),),
        "cross_entropy": lambda s, t: (F.cross_entropy(t, s.softmax(-1), reduction="none"),),
    },
    "entropy": {
        "log_softmax": of_logarithms(lambda a, _: -torch.linalg.vecdot(a.exp(), a)),
        "xlogy": lambda s, _: (-torch.xlogy(p := s.softmax(-1), p).sum(-1),),
    },
    "entropy-candidate": {
        "log_softmax": of_logarithms(lambda _, b: -torch.linalg.vecdot(b.exp(), b)),
        "xlogy": lambda _, t: (-torch.xlogy(q := t.softmax(-1), q).sum(-1),),
    },
    "six": {"log_softmax": six},
    "sigmoid-jeffreys": {"product": sigmoid_jeffreys},
    "sigmoid-three": {"softplus": sigmoid_three, "logsigmoid": sigmoid_three_of_logarithms},
    "sigmoid-tv": {"sigmoid": sigmoid_tv},
}
