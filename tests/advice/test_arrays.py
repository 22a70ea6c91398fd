"""Advice on arrays that do not correspond, and on what goes with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.advice.follow import Case
from tests.command import Kldiv

MEAN = 0.012766845035995957
"""The mean J of p and q."""
CASES = [
    Case(
        "compare p.npy q10.npy",
        "q10.npy: expected the same shapes as p.npy",
        {"--truncate-classes": None},
    ),
    Case(
        "compare p.npy q10.npy --classes 1:",
        "q10.npy: expected as many classes as p.npy, found 11 there and 10 here",
        {"--classes": None, "--truncate-classes": None},
        {"--classes": "--classes 1:10"},
    ),
    Case("compare p.npy q5rows.npy", "q5rows.npy: expected the same shapes as p.npy", {}),
    Case(
        "compare p3.npy q5rows.npy",
        "q5rows.npy: expected the same shapes as p3.npy",
        {},
    ),
    Case(
        "compare pgrid.npy qgrid.npy --classes 1:3 --row-axes 1",
        "--classes and --truncate-classes are for rows with one axis of classes",
        {"Leave --classes out; --mask FILE": None},
        {"Leave --classes out; --mask FILE": "Leave --classes out; --mask mask.npy"},
    ),
    Case(
        "compare p3.npy q3.npy --row-axes 3",
        "p3.npy: expected --row-axes from 0 to 2",
        {"--row-axes N": MEAN},
        {"--row-axes N": "--row-axes 2"},
    ),
    Case(
        "compare p.npy q.npy --labels labels_high.npy",
        "labels_high.npy: row 5: expected a label from 0 to 10, found 11",
        {},
    ),
    Case(
        "compare p.npy q.npy --labels labels_low.npy",
        "labels_low.npy: row 5: expected a label from 0 to 10, found -100",
        {"--mask": None},
        {"--mask": "--mask mask.npy"},
    ),
    Case(
        "compare p.npy q.npy --mask mask2.npy",
        "mask2.npy: cell [2]: expected 0 or 1",
        {"with --mask-means drop": None},
        {"with --mask-means drop": "--mask mask.npy --mask-means drop"},
    ),
    Case(
        "compare tiny-f32.kld tiny-Q8_0.kld --input probs",
        "tiny-f32.kld: expected a llama.cpp logits file, whose rows are log-probabilities",
        {"--reference-input log-probs": "tiny-Q8_0.kld: expected a llama.cpp logits file"},
    ),
    Case(
        "compare tiny-f32.kld tiny-Q8_0.kld --mode sigmoid",
        "tiny-f32.kld: expected a llama.cpp logits file, whose rows are log-probabilities",
        {"--mode softmax": None},
    ),
    Case(
        "compare pprobs.npy qprobs.npy",
        "pprobs.npy and qprobs.npy: expected logits",
        {"--input probs": MEAN, "--input logits": None},
    ),
    Case(
        "compare plogs.npy qlogs.npy --mode sigmoid",
        "plogs.npy: expected a logit per label under sigmoid, found log-probabilities",
        {
            "--mode softmax": MEAN,
            "--reference-input logits": "qlogs.npy: expected a logit per label under sigmoid",
        },
    ),
    Case(
        "compare p.npy qprobs.npy",
        "qprobs.npy: expected logits",
        {"--candidate-input probs": MEAN, "--candidate-input logits": None},
    ),
    Case(
        "compare pscores.npy qscores.npy --input probs",
        "pscores.npy: expected rows of probs that sum to 1",
        {"--normalize": MEAN, "--input logits": None},
    ),
    Case(
        "compare many_p.npz many_q.npz",
        "many_p.npz: expected one array",
        {"--key": None, "--key 'arr_*'": MEAN},
        {"--key": "--key arr_0"},
    ),
    Case(
        "compare pbfloat16.npy qbfloat16.npy",
        "pbfloat16.npy: expected real numbers, found |V2",
        {"--dtype bfloat16": None},
    ),
    Case(
        "compare pbig.npy qbig.npy",
        "pbig.npy: expected logits, found integers beyond 2**53",
        {"--id": "--id, --columns and --drop", "--drop": "--id, --columns and --drop"},
        {"--id": "--id id", "--drop": "--drop id"},
    ),
    Case(
        "compare ptop.npz qtop.npz --key values",
        "ptop.npz: expected a number per class in 'values', found a top-K list",
        {"--key values --reference-input logits": "qtop.npz: expected a number per class"},
    ),
    Case(
        "compare bin_p.npy bin_q.npy",
        "bin_p.npy: expected two classes or more, found one",
        {"--mode sigmoid": 0.044419193379457586},
    ),
    Case(
        "compare pturned.npy q_id.csv",
        "pturned.npy: expected 11 classes, as q_id.csv names, found 6 along the last axis",
        {"--class-axis 0": MEAN, "--class-axis 1": "q_id.csv: expected the same shapes"},
    ),
    Case(
        "compare pnan.npy q.npy",
        "pnan.npy: row 3, class 0: expected",
        {"--nan-policy omit": None, "--nan-policy propagate": None},
    ),
    Case(
        "compare p_ab q_bc",
        "q_bc: expected the files of p_ab",
        {"--on-missing skip": None, "--by-place": MEAN},
    ),
    Case(
        "compare p_ab q_bc --on-missing skip --by-place",
        "--on-missing skip is for rows with ids and for files of one name",
        {"Leave it out": MEAN, "--id": "--id, --columns and --drop are for tables"},
        {"Leave it out": "Leave --on-missing out", "--id": "--id id"},
    ),
    Case(
        "compare p_ab q_ab --mask mask_x",
        "mask_x: expected the files of p_ab",
        {"--by-place": MEAN},
    ),
    Case("compare cut.kld tiny-Q8_0.kld", "cut.kld: expected", {}),
    Case(
        "compare k_p.kld k_ch.kld",
        "k_ch.kld: expected",
        {"--limit 32": None},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.command)
def test_advice_on_arrays(
    kldiv: Kldiv, files: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.chdir(files)
    case.follow(kldiv)
