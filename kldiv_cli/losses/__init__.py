"""What training code computes from a pair of files. The registry of losses.

A loss is one row of :data:`LOSSES`: name -> import path of its definition, the options it takes,
its formula, the paper or framework. Listings read the registry and import nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from kldiv_cli import Registry
from kldiv_cli.errors import UsageError

if TYPE_CHECKING:
    from kldiv_cli.losses.base import Loss


class LossOption(NamedTuple):
    """An option of a loss: a field of its dataclass, a flag, a keyword.

    ``type`` is what its values are; of `str` the ``choices`` are all there are. ``example`` is
    one of them as Python writes it. ``word`` is what results and the command line call it, where
    Python keeps the name to itself. ``negated`` asks for a flag that says no.
    """

    name: str
    type: type[float] | type[bool] | type[str]
    help: str
    example: str
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    word: str | None = None
    negated: bool = False

    @property
    def called(self) -> str:
        """What results call it."""
        return self.word or self.name

    @property
    def flag(self) -> str:
        """How it is typed: ``--raw-input``."""
        return "--" + self.called.replace("_", "-")


class Entry(NamedTuple):
    """A row of the registry."""

    home: str
    """The import path of a `Loss`: a dataclass, whose fields are the options."""
    options: tuple[LossOption, ...]
    labeled: bool
    """Whether the loss can use the true class of every row."""
    description: str
    """The formula."""
    paper: str


OPTIONS = {
    option.name: option
    for option in (
        LossOption(
            "reduction",
            str,
            "torch: mean, batchmean, sum. globalpointer: sample, cell.",
            "'mean'",
            "HOW",
            ("mean", "batchmean", "sum", "sample", "cell"),
        ),
        LossOption("log_target", bool, "torch: the target is logged, and torch knows.", "True"),
        LossOption("raw_input", bool, "torch: the logarithm was forgotten.", "True"),
        LossOption(
            "release",
            str,
            "mxnet: 1.8 averages over classes, 1.9 sums.",
            "'1.9'",
            "1.8|1.9",
            ("1.8", "1.9"),
        ),
        LossOption(
            "from_logits",
            bool,
            "mxnet: the candidate is taken for log-probabilities as it is (MXNet's default), or "
            "normalised first (ours).",
            "True",
            negated=True,
        ),
        LossOption("alpha", float, "Weight: r-drop's, of TCKD, of the cross-entropy.", "1.0", "A"),
        LossOption(
            "convention",
            str,
            "r-drop, whose factor: paper, bert, vit, keras.",
            "'paper'",
            "WHOSE",
            ("paper", "bert", "vit", "keras"),
        ),
        LossOption("beta", float, "Weight: of NCKD, of wMSE, of p in gjsd's mixture.", "0.5", "B"),
        LossOption(
            "lam",
            float,
            "distillm: weight of the mixture's first part.",
            "0.1",
            "L",
            word="lambda",
        ),
        LossOption("reverse", bool, "distillm: of the student from the mixture.", "True"),
        LossOption("temperature", float, "Divide both sides' logits by T.", "2.0", "T"),
        LossOption(
            "weight_temperature",
            float,
            "dkl, ikl, gkl: the weights are softmax(s/T2).",
            "1.0",
            "T2",
        ),
        LossOption("gamma", float, "gkl: the power of the weights.", "1.0", "G"),
        LossOption(
            "class_prior",
            bool,
            "dkl, ikl, gkl: weigh by the mean distribution of the row's class.",
            "True",
        ),
    )
}
"""The options of the losses below, in the order of the help; one name may be of several losses."""


def _take(*names: str) -> tuple[LossOption, ...]:
    return tuple(OPTIONS[name] for name in names)


_ROOM = "kldiv_cli.losses"
_DECOUPLED = _take("alpha", "beta", "temperature", "weight_temperature", "class_prior")
_DKL = "Cui et al., Decoupled Kullback-Leibler divergence loss, arXiv 2305.13948 (2023)"
_ROWS = {
    "torch": Entry(
        f"{_ROOM}.torch:Torch",
        _take("reduction", "log_target", "raw_input"),
        False,
        "target * (log target - input), input = log q, target = p",
        "PyTorch, torch.nn.functional.kl_div, KLDivLoss",
    ),
    "mxnet": Entry(
        f"{_ROOM}.mxnet:MXNet",
        _take("release", "from_logits"),
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
        _take("alpha", "convention"),
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
        _take("reduction"),
        False,
        "sum over cells of (sigma(s) - sigma(t)) * (s - t)",
        "Su Jianlin, spaces.ac.cn/archives/9039 (2022)",
    ),
    "kd": Entry(
        f"{_ROOM}.distillation:KD",
        _take("temperature"),
        False,
        "T^2 * KL(softmax(s/T) || softmax(t/T))",
        "Hinton et al., Distilling the knowledge in a neural network, arXiv 1503.02531 (2015)",
    ),
    "dkd": Entry(
        f"{_ROOM}.distillation:DKD",
        _take("alpha", "beta", "temperature"),
        True,
        "T^2 * (ALPHA * TCKD + BETA * NCKD)",
        "Zhao et al., Decoupled knowledge distillation, arXiv 2203.08679 (2022)",
    ),
    "gjsd": Entry(
        f"{_ROOM}.gjsd:GJSD",
        _take("beta", "temperature"),
        False,
        "BETA*KL(p||M) + (1-BETA)*KL(q||M), M = BETA*p + (1-BETA)*q",
        "Agarwal et al., On-policy distillation, arXiv 2306.13649 (2023); TRL, GKDTrainer",
    ),
    "distillm": Entry(
        f"{_ROOM}.distillm:DistiLLM",
        _take("lam", "reverse"),
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
        (*_DECOUPLED, *_take("gamma")),
        True,
        "BETA * wMSE(s - t) + ALPHA * H(p, q), weights to the power GAMMA",
        "Cui et al., Generalized Kullback-Leibler divergence loss, arXiv 2503.08038 (2025)",
    ),
}
LOSSES = Registry("loss", Entry, _ROWS, "kldiv_cli.losses")


def all_options() -> dict[str, LossOption]:
    """Return the options of the losses that are known, in the order of the help."""
    others = (option for entry in LOSSES.known().values() for option in entry.options)
    return OPTIONS | {option.name: option for option in others if option.name not in OPTIONS}


def word(option: str) -> str:
    """Return what results call an option."""
    known = all_options()
    return known[option].called if option in known else option


def flags(name: str) -> tuple[str, ...]:
    """Return how the options of a loss are typed, ``--labels`` included."""
    entry = LOSSES[name]
    own = (option.flag for option in entry.options)
    return (*own, *(("--labels",) if entry.labeled else ()))


def load(name: str, options: Mapping[str, Any]) -> Loss:
    """Return a loss with its options; those that are None keep their defaults.

    Raises
    ------
    UsageError
        There is no such loss, it does not take one of the options, or not that value.
    """
    entry = LOSSES[name]
    given = {option: value for option, value in options.items() if value is not None}
    taken = {option.name for option in entry.options}
    for option in given:
        if option not in taken:
            known = ", ".join(flags(name)) or "none"
            typed = "--" + word(option).replace("_", "-")
            raise UsageError(f"the loss {name} does not take {typed}", f"Its options: {known}.")
    loss: Loss = LOSSES.load(name)(**given)
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
