"""Advice on options that contradict each other, lack something or are for something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.advice.follow import Case
from tests.command import Kldiv

MEAN = 0.012766845035995957
"""The mean J of p and q."""
CASES = [
    Case(
        "compare pprobs.npy qprobs.npy --input probs --reference-input probs "
        "--candidate-input probs",
        "--input says what both files hold",
        {"Leave --input out": MEAN},
    ),
    Case(
        "compare p.npy q.npy --top 3 --format csv",
        "--format csv prints all rows",
        {"--format table": None, "Leave one of the two out": None},
        {"Leave one of the two out": "Leave --top out"},
    ),
    Case(
        "compare p.npy q.npy --csv-safe",
        "--csv-safe guards the cells of csv and tsv",
        {"-o FILE.csv": None, "--format csv": None, "leave it out": MEAN},
        {"-o FILE.csv": "-o cells.csv", "leave it out": "Leave --csv-safe out"},
    ),
    Case(
        "compare p.npy q.npy --plan --format csv",
        "--plan stops before anything is computed",
        {"--format table": None, "leave one of the two out": None},
        {"--format table": "--format table", "leave one of the two out": "Leave --format out"},
    ),
    Case(
        "compare p.npy q.npy --stat mean --group labels2.npy",
        "--stat prints one number, and none of --group's",
        {"Leave one of the two out": None, "-o FILE.json": None},
        {"Leave one of the two out": "Leave --group out", "-o FILE.json": "-o groups.json"},
    ),
    Case(
        "compare p.npy q.npy --when-unsure pass",
        "--when-unsure says what",
        {"--fail-above": None, "--fail-below": None},
        {"--fail-above": "--fail-above mean=1", "--fail-below": "--fail-below mean=0"},
    ),
    Case("compare p.npy q.npy --top -1", "expected --top of 0 or more", {"--top 10": None}),
    Case(
        "compare p.npy p.npy --strict",
        "p.npy and p.npy hold the same numbers",
        {"Without --strict": None},
    ),
    Case(
        "loss dkd p.npy q.npy",
        "the loss dkd needs the true class of every row",
        {"--labels FILE.npy": None, "--labels COLUMN": "truth.txt: expected labels"},
        {"--labels FILE.npy": "--labels labels.npy", "--labels COLUMN": "--labels truth.txt"},
    ),
    Case(
        "loss gkl p.npy q.npy --labels labels.npy",
        "the loss gkl needs --labels for class priors only",
        {"--class-prior": "labels.npy: expected rows of every class", "leave --labels out": None},
    ),
    Case(
        "loss gkl p.npy q.npy --labels labels.npy --class-prior",
        "labels.npy: expected rows of every class, found none of class 6",
        {"leave --class-prior out": "the loss gkl needs --labels for class priors only"},
    ),
    Case(
        "compare p.npy q.npy --on-missing skip",
        "--on-missing skip is for rows with ids",
        {"Leave it out": MEAN, "--id": "--id, --columns and --drop are for tables"},
        {"Leave it out": "Leave --on-missing out", "--id": "--id name"},
    ),
    Case(
        "compare p_id.csv q_id.csv --fail-above kl:mean=1",
        "kl:mean: expected a measure that is computed (jeffreys), found 'kl'",
        {"--measure kl": None},
    ),
    Case(
        "compare p.npy q.npy --fail-above ppl:ratio=2",
        "ppl:ratio: expected tokens that are scored, found none",
        {"--labels": None},
        {"--labels": "--labels labels.npy"},
    ),
    Case(
        "compare p.npy q.npy --fail-above mean",
        "--fail-above: expected NAME=VALUE with a number, found 'mean'",
        {"--fail-above mean=0.01 or --fail-below same-argmax=0.99": None},
        {
            "--fail-above mean=0.01 or --fail-below same-argmax=0.99": "--fail-above mean=0.01 "
            "--fail-below same-argmax=0.99"
        },
    ),
    Case(
        "compare p.npy q.npy --seed 3",
        "--seed says how rows are drawn",
        {"Add --sample N": None, "leave it out": MEAN},
        {"Add --sample N": "--sample 4", "leave it out": "Leave --seed out"},
    ),
    Case(
        "compare p.npy q.npy --sample 7",
        "p.npy: expected 7 rows to draw (--sample), found 6",
        {"leave --sample out": MEAN},
    ),
    Case(
        "compare p.npy q.npy --mask-means drop",
        "--mask-means says what a mask means, and there is none",
        {"--mask FILE": None, "leave it out": MEAN},
        {"--mask FILE": "--mask mask.npy", "leave it out": "Leave --mask-means out"},
    ),
    Case(
        "compare p.npy q.npy --mask nothing.npy",
        "nothing.npy: expected cells to compare, found none",
        {"--mask-means": MEAN},
        {"--mask-means": "--mask-means drop"},
    ),
    Case(
        "compare p.npy q.npy --normalize",
        "--normalize is for probabilities, and there are none",
        {"Leave it out": MEAN, "--input probs": "p.npy: "},
        {"Leave it out": "Leave --normalize out"},
    ),
    Case(
        "compare p.npy q.npy -o result.txt",
        "result.txt: expected an output named",
        {"--output": None},
        {"--output": "Leave -o out; --output result.json"},
    ),
    Case(
        "compare p.npy q.npy --mask-below 1000",
        "p.npy: expected cells to compare, found none: all are at or below 1000",
        {"--mask-below": MEAN, "leave it out": MEAN},
        {"--mask-below": "--mask-below -1000", "leave it out": "Leave --mask-below out"},
    ),
    Case(
        "compare pprobs.npy qprobs.npy --input probs --mask-below -5",
        "--mask-below is for logits and log-probabilities",
        {"Leave it out": MEAN, "--mask": MEAN},
        {
            "Leave it out": "Leave --mask-below out",
            "--mask": "Leave --mask-below out; --mask everything.npy",
        },
    ),
    Case(
        "compare pconstant.npy pconstant.npy --ignore-constant-rows",
        "pconstant.npy: expected rows to compare, found none that counts",
        {"Leave --ignore-constant-rows out": None},
    ),
    Case(
        "compare p.npy q.npy --mask one_cell.npy",
        "one_cell.npy: expected two cells or more that the mask keeps of a row",
        {"--mask-means": None, "--mode sigmoid": None},
        {"--mask-means": "--mask-means drop"},
    ),
    Case(
        "compare p.npy q.npy --labels labels.npy --mode sigmoid",
        "--labels score one class per row",
        {"Leave --labels out": None, "--mode softmax": None},
    ),
    Case(
        "compare p.npy q.npy --group confidence --mode sigmoid",
        "--group confidence is the probability of the top class",
        {"Leave it out": None, "--mode softmax": None},
        {"Leave it out": "Leave --group out"},
    ),
    Case(
        "compare p.npy q.npy --group position",
        "--group position is the index along the last axis of rows",
        {"--row-axes": "p.npy: "},
        {"--row-axes": "--row-axes 2"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.command)
def test_advice_on_options(
    kldiv: Kldiv, files: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.chdir(files)
    case.follow(kldiv)
