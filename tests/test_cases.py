"""Files as people have them: each is read right, or its error leads to the right number.

They hold the same 6 rows of 11 logits, whose mean J is `RIGHT`, unless another number is given;
those that were written with nine digits give `NINE` or nearly so.
"""

from __future__ import annotations

import json
import shlex

import pytest

from tests.command import ROOT, Kldiv

RIGHT = 0.012766845035995957
NINE = 0.012766844414774383
READ = {
    "right_p.npy right_q.npy": RIGHT,
    "pidx_p.parquet pidx_q.parquet": RIGHT,
    "R_p.csv R_q.csv": RIGHT,
    "hash_p.csv hash_q.csv": RIGHT,
    "trail_p.csv trail_q.csv": RIGHT,
    "list_p.pt list_q.pt": RIGHT,
    "nparr_p.pt right_q.npy": RIGHT,
    "arr_p.json arr_q.json": RIGHT,
    "poly_p.json poly_q.json": RIGHT,
    "gold1_p.jsonl gold1_q.jsonl": 0.015523914319670658,
    "output_0.pb q_output_0.pb": RIGHT,
    "gp_a.npy gp_b.npy --mode sigmoid --row-axes 1": 0.0012253667894568,
    "seg_p.npy seg_q.npy --class-axis 1": 0.008004386591206,
    "hf_a.npy hf_b.npy --mask hf_keep.npy": 0.0545679176,
}
"""What reads files as they are, and the mean."""
ASKED = {
    "col3_p.csv col3_q.csv": {
        "--id sample_id": NINE,
        "--drop sample_id": NINE,
        "--columns cat..emu": NINE,
    },
    "lab_p.csv lab_q.csv --input probs": {
        "--drop label,pred": 0.012766848272631,
        "--columns cat..emu": 0.012766848272631,
    },
    "both_p.csv both_q.csv": {"--columns 'logit_*'": NINE},
    "R2_p.csv R2_q.csv": {"--delimiter ';' --decimal ,": RIGHT},
    "semi_p.csv semi_q.csv": {"--delimiter ';' --decimal ,": NINE},
    "sv_p.csv sv_q.csv": {"--delimiter ' ' --no-header": RIGHT},
    "bin_p.npy bin_q.npy": {"--mode sigmoid": 0.044419193379457586},
    "many_p.npz many_q.npz": {"--key 'arr_*'": RIGHT},
    "k_p.kld k_ch.kld": {"--limit 32": 0.02787527208034755},
}
"""What ends in an error, and the options that it names with the mean to which each leads."""


@pytest.fixture(name="kldiv")
def kldiv_in_their_folder(kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch) -> Kldiv:
    monkeypatch.chdir(ROOT / "tests" / "cases")
    return kldiv


def mean(kldiv: Kldiv, command: str) -> float:
    code, out, _ = kldiv("compare", *shlex.split(command), "--format", "json")
    assert code == 0
    found: float = json.loads(out)["measures"]["jeffreys"]["mean"]
    return found


@pytest.mark.parametrize("command", READ)
def test_files_that_are_read(kldiv: Kldiv, command: str) -> None:
    assert mean(kldiv, command) == pytest.approx(READ[command], rel=1e-9)


@pytest.mark.parametrize("command", ASKED)
def test_files_that_need_an_option(kldiv: Kldiv, command: str) -> None:
    code, out, err = kldiv("compare", *shlex.split(command))
    assert (code, out) == (2, "")
    assert err.count("\n") == 2
    for option, right in ASKED[command].items():
        assert option in err
        assert mean(kldiv, f"{command} {option}") == pytest.approx(right, rel=1e-9)


REFUSED = {
    "thou_p.csv thou_q.csv": (
        "thou_p.csv: line 2, column 'cat': expected a number, found '-2,405.8'",
        "pandas.read_csv(sys.argv[1], thousands=',')",
    ),
    "mo_p.pt mo_q.pt": (
        "found an object of the class transformers.modeling_outputs.SequenceClassifierOutput",
        "torch.save(output.logits, 'logits.pt')",
    ),
}
"""What is not read: what the error says, and the line that makes a file that is."""


@pytest.mark.parametrize("command", REFUSED)
def test_files_that_are_refused(kldiv: Kldiv, command: str) -> None:
    code, out, err = kldiv("compare", *command.split())
    what, advice = err.splitlines()
    assert (code, out) == (2, "")
    assert REFUSED[command][0] in what
    assert REFUSED[command][1] in advice


def test_padding_that_counts_is_warned_of(kldiv: Kldiv) -> None:
    code, out, err = kldiv("compare", "hf_a.npy", "hf_b.npy", "--format", "json")
    assert code == 0
    assert json.loads(out)["measures"]["jeffreys"]["mean"] == pytest.approx(0.0409259382, rel=1e-9)
    assert "3 rows hold -100 alone on both sides" in err
    assert "--ignore-constant-rows" in err
    without = mean(kldiv, "hf_a.npy hf_b.npy --ignore-constant-rows")
    assert without == mean(kldiv, "hf_a.npy hf_b.npy --mask hf_keep.npy")


def test_polars_is_read_by_its_footer(kldiv: Kldiv) -> None:
    assert mean(kldiv, "polars-ipc.arrow polars-ipc.arrow") == 0
    _, out, _ = kldiv("inspect", "polars-ipc.arrow")
    assert "2 x 2" in out


def test_padded_cells_have_no_sign(kldiv: Kldiv) -> None:
    command = "gp_a.npy gp_b.npy --mode sigmoid --row-axes 1"
    for options in ("", "--mask-below -1e12"):
        _, out, _ = kldiv("compare", *shlex.split(f"{command} {options}"))
        assert "same sign    95.1613 % of cells (59 of 62)\n" in out
