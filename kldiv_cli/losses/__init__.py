"""What training code computes from a pair of files. The registry of losses.

A loss is one row of :data:`LOSSES`: name -> import path of its definition, the options it takes,
its formula, the paper or framework. Listings read the registry and import nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from kldiv_cli.errors import UsageError

if TYPE_CHECKING:
    from kldiv_cli.losses.base import Loss


class Entry(NamedTuple):
    """A row of the registry.

    ``definition`` is the import path of a `Loss`, a dataclass whose fields are ``options``. A loss
    ``labeled`` can make use of the true class of every row.
    """

    definition: str
    options: tuple[str, ...]
    labeled: bool
    formula: str
    paper: str


_ROOM = "kldiv_cli.losses"
_DECOUPLED = ("alpha", "beta", "temperature", "weight_temperature", "class_prior")
_DKL = "Cui et al., Decoupled Kullback-Leibler divergence loss, arXiv 2305.13948 (2023)"
LOSSES = {
    "torch": Entry(
        f"{_ROOM}.torch:Torch",
        ("reduction", "log_target", "raw_input"),
        False,
        "target * (log target - input), input = log q, target = p",
        "PyTorch, torch.nn.functional.kl_div, KLDivLoss",
    ),
    "mxnet": Entry(
        f"{_ROOM}.mxnet:MXNet",
        ("release", "from_logits"),
        False,
        "label * (log(label + 1e-12) - pred), pred = log q, label = p",
        "Apache MXNet, gluon.loss.KLDivLoss",
    ),
    "keras": Entry(
        f"{_ROOM}.keras:Keras",
        (),
        False,
        "sum p * log(p / q), p and q clipped to [1e-7, 1]",
        "Keras, losses.KLDivergence",
    ),
    "r-drop": Entry(
        f"{_ROOM}.r_drop:RDrop",
        ("alpha", "convention"),
        False,
        "ALPHA * (KL(p||q) + KL(q||p)) / 2",
        "Wu et al., R-Drop: Regularized dropout for neural networks, arXiv 2106.14448 (2021)",
    ),
    "vat": Entry(
        f"{_ROOM}.vat:VAT",
        (),
        False,
        "KL(p||q), p clean, q perturbed",
        "Miyato et al., Virtual adversarial training, arXiv 1704.03976 (2017)",
    ),
    "globalpointer": Entry(
        f"{_ROOM}.global_pointer:GlobalPointer",
        ("reduction",),
        False,
        "sum over cells of (sigma(s) - sigma(t)) * (s - t)",
        "Su Jianlin, spaces.ac.cn/archives/9039 (2022)",
    ),
    "kd": Entry(
        f"{_ROOM}.distillation:KD",
        ("temperature",),
        False,
        "T^2 * KL(softmax(s/T) || softmax(t/T))",
        "Hinton et al., Distilling the knowledge in a neural network, arXiv 1503.02531 (2015)",
    ),
    "dkd": Entry(
        f"{_ROOM}.distillation:DKD",
        ("alpha", "beta", "temperature"),
        True,
        "T^2 * (ALPHA * TCKD + BETA * NCKD)",
        "Zhao et al., Decoupled knowledge distillation, arXiv 2203.08679 (2022)",
    ),
    "gjsd": Entry(
        f"{_ROOM}.gjsd:GJSD",
        ("beta", "temperature"),
        False,
        "BETA*KL(p||M) + (1-BETA)*KL(q||M), M = BETA*p + (1-BETA)*q",
        "Agarwal et al., On-policy distillation, arXiv 2306.13649 (2023); TRL, GKDTrainer",
    ),
    "distillm": Entry(
        f"{_ROOM}.distillm:DistiLLM",
        ("lam", "reverse"),
        False,
        "-sum p * log(LAMBDA*p + (1-LAMBDA)*q)",
        "Ko et al., DistiLLM, arXiv 2402.03898 (2024)",
    ),
    "dkl": Entry(
        f"{_ROOM}.decoupled:DKL",
        _DECOUPLED,
        True,
        "BETA * wMSE(s - t) + ALPHA * H(p, q)",
        _DKL,
    ),
    "ikl": Entry(
        f"{_ROOM}.decoupled:IKL",
        _DECOUPLED,
        True,
        "BETA * wMSE(s - t) + ALPHA * H(p, q)",
        _DKL,
    ),
    "gkl": Entry(
        f"{_ROOM}.decoupled:GKL",
        (*_DECOUPLED, "gamma"),
        True,
        "BETA * wMSE(s - t) + ALPHA * H(p, q), weights to the power GAMMA",
        "Cui et al., Generalized Kullback-Leibler divergence loss, arXiv 2503.08038 (2025)",
    ),
}
_WORDS = {"lam": "lambda"}
"""What options are called whose own name Python keeps to itself."""


def word(option: str) -> str:
    """Return what results call an option."""
    return _WORDS.get(option, option)


def flag(option: str) -> str:
    """Return how an option is typed: ``--raw-input``."""
    return "--" + word(option).replace("_", "-")


def flags(name: str) -> tuple[str, ...]:
    """Return how the options of a loss are typed, ``--labels`` included."""
    entry = LOSSES[name]
    return (*map(flag, entry.options), *(("--labels",) if entry.labeled else ()))


def entry_of(name: str) -> Entry:
    """Return the row of a loss; an unknown one raises `UsageError`."""
    if name not in LOSSES:
        raise UsageError(f"no loss is called {name!r}", f"Known: {', '.join(LOSSES)}.")
    return LOSSES[name]


def load(name: str, options: Mapping[str, Any]) -> Loss:
    """Return a loss with its options; those that are None keep their defaults.

    Raises
    ------
    UsageError
        There is no such loss, it does not take one of the options, or not that value.
    """
    entry = entry_of(name)
    given = {option: value for option, value in options.items() if value is not None}
    for option in given:
        if option not in entry.options:
            known = ", ".join(flags(name)) or "none"
            raise UsageError(
                f"the loss {name} does not take {flag(option)}", f"Its options: {known}."
            )
    module, attribute = entry.definition.split(":")
    loss: Loss = getattr(import_module(module), attribute)(**given)
    return loss


def check_labels(name: str, chosen: Loss, given: bool) -> None:
    """Raise a `UsageError` where labels are missing, or given to a loss that does not use them."""
    labeled = LOSSES[name].labeled
    if given and not labeled:
        raise UsageError(
            f"the loss {name} does not take --labels",
            f"Its options: {', '.join(flags(name)) or 'none'}.",
        )
    if given and not chosen.needs_labels:
        raise UsageError(
            f"the loss {name} needs --labels for class priors only",
            "Add --class-prior, or leave --labels out.",
        )
    if chosen.needs_labels and not given:
        raise UsageError(
            f"the loss {name} needs the true class of every row",
            "Give --labels FILE.npy, or --labels COLUMN of the reference table.",
        )
