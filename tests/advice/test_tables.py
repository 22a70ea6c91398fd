"""Advice on the columns and ids of tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.advice.follow import Case
from tests.command import Kldiv

MEAN = 0.012766845035995957
"""The mean J of p and q."""
NINE = 0.012766844414774383
"""The same of the files that hold nine digits."""
CASES = [
    Case(
        "compare p_bare.csv q_bare.csv",
        "p_bare.csv: line 1: expected column names, found numbers",
        {"--no-header": MEAN},
    ),
    Case(
        "compare p_semicolon.csv q_semicolon.csv",
        "p_semicolon.csv: expected cells between ','",
        {"--delimiter ';'": MEAN},
    ),
    Case(
        "compare p_id.csv q_other.csv",
        "q_other.csv: expected the same class names as p_id.csv",
        {"--columns": None, "--truncate-classes": None},
        {"--columns": "--columns logit_0..logit_9"},
    ),
    Case(
        "compare p_id.csv q_strange.csv --truncate-classes",
        "q_strange.csv: expected class names of p_id.csv, found none in common",
        {"--columns": "q_strange.csv: expected column 'logit_0'"},
        {"--columns": "--columns logit_0,logit_1"},
    ),
    Case(
        "compare p_id.csv q_other.csv --classes names.txt",
        "q_other.csv: expected the classes that --classes names, found 'logit_10' only",
        {"Leave them out of --classes": None, "--truncate-classes": None},
        {"Leave them out of --classes": "--classes :10"},
    ),
    Case(
        "compare p_id.csv q_strangers.csv",
        "q_strangers.csv: expected the same row ids as p_id.csv",
        {"--id": "p_id.csv: expected numbers beside"},
        {"--id": "--id logit_0"},
    ),
    Case(
        "compare p_id.csv q_strangers.csv --on-missing skip",
        "q_strangers.csv: expected row ids of p_id.csv, found none in common",
        {"--id": "p_id.csv: expected numbers beside"},
        {"--id": "--id logit_0"},
    ),
    Case(
        "compare p_id.csv q_twice.csv",
        "q_twice.csv: expected every row id in 'id' once",
        {"--id": "p_id.csv: expected numbers beside", "--drop": MEAN},
        {"--id": "--id logit_0", "--drop": "--drop id"},
    ),
    Case(
        "compare p_text.csv q_text.csv --id site",
        "p_text.csv: expected numbers beside the row id 'site', found column 'name'",
        {
            "--drop name": "p_text.csv: expected every row id in 'site' once",
            "--group": "p_text.csv: ",
        },
        {"--group": "--group name"},
    ),
    Case(
        "compare p_text.csv q_text.csv",
        "p_text.csv: expected at most one column that is not numeric, the row id, found",
        {"--id name": "p_text.csv: expected", "--drop site": MEAN, "--group": MEAN},
        {"--group": "--group site"},
    ),
    Case(
        "compare p_two_ids.csv q_two_ids.csv",
        "p_two_ids.csv: expected one row id, found 'id', 'idx'",
        {"--id id": MEAN},
    ),
    Case(
        "compare p_empty_id.csv q_empty_id.csv",
        "p_empty_id.csv: expected an id in every row, found 1 empty one",
        {"--id": "q_empty_id.csv: expected the same row ids", "--drop": MEAN},
        {"--id": "--id logit_0", "--drop": "--drop id"},
    ),
    Case(
        "compare p_large.parquet q_large.parquet --id id",
        "p_large.parquet: expected row ids that are text or integers",
        {"--id": "p_large.parquet: expected row ids, or numbers"},
        {"--id": "--id logits"},
    ),
    Case(
        "compare p_unnamed.csv q_unnamed.csv",
        "p_unnamed.csv and q_unnamed.csv: expected row ids or a class in the first column",
        {"--id ''": MEAN, "--drop ''": MEAN, "--columns '*'": None},
    ),
    Case(
        "compare p.csv q_moved.csv",
        "q_moved.csv: expected rows in the order of p.csv, which has no row ids, found '5'",
        {"--drop id": None},
    ),
    Case(
        "compare p_nested.parquet q_nested.parquet",
        "p_nested.parquet: expected one numeric column per class, found list column",
        {"--columns logits": MEAN},
    ),
    Case(
        "compare p_nested.parquet q_nested.parquet --id logits --columns hidden",
        "p_nested.parquet: expected row ids, or numbers, in column 'logits'",
        {"Name another column with --id": MEAN, "leave --id out": MEAN},
        {"Name another column with --id": "--id id"},
    ),
    Case(
        "compare p_nested.parquet q_nested.parquet --columns id,logits",
        "p_nested.parquet: expected numbers in class column",
        {"Leave it out of --columns": MEAN},
        {"Leave it out of --columns": "--columns logits"},
    ),
    Case(
        "compare p_words_alone.parquet q_words_alone.parquet",
        "p_words_alone.parquet: expected row ids, or numbers, in column 'words'",
        {"--drop words": MEAN, "--columns": MEAN},
        {"--columns": "--columns logits"},
    ),
    Case(
        "compare p_words.parquet q_words.parquet",
        "p_words.parquet: expected at most one column that is not numeric",
        {
            "--id id": "p_words.parquet: expected numbers beside",
            "--drop words": MEAN,
            "--group": MEAN,
        },
        {"--group": "--drop words --group id"},
    ),
    Case(
        "compare p_words.parquet q_words.parquet --columns logits --group words",
        "p_words.parquet: expected a label per row in column 'words'",
        {"--group": None},
        {"--group": "--group id"},
    ),
    Case(
        "compare p_id.csv q_id.csv --columns 'class_*'",
        "p_id.csv: expected column 'class_*'",
        {"--id and --columns": MEAN},
        {"--id and --columns": "--id id --columns 'logit_*'"},
    ),
    Case(
        "compare p_id.csv q_id.csv --drop nothing",
        "p_id.csv and q_id.csv: expected columns for --drop, found none for 'nothing'",
        {"--drop": MEAN},
        {"--drop": "--drop id"},
    ),
    Case(
        "compare p_mixed.csv q_mixed.csv --group truth",
        "q_mixed.csv: expected 'x' in column 'truth'",
        {"--id": "q_mixed.csv: expected the same row ids"},
        {"--id": "--id logit_0"},
    ),
    Case(
        "compare p_one.csv q_one.csv",
        "p_one.csv: expected cells between ',', found one column and ';' in it",
        {"--delimiter ';'": "p_one.csv: expected one numeric column per class, found none"},
    ),
    Case(
        "compare p_either.csv q_either.csv",
        "p_either.csv: line 2",
        {"--decimal ,": None},
    ),
    Case(
        "compare p_comma.csv q_comma.csv",
        "p_comma.csv: line 2",
        {"--decimal ,": MEAN},
    ),
    Case(
        "compare col3_p.csv col3_q.csv",
        "col3_p.csv and col3_q.csv: expected a class in every numeric column",
        {
            "--drop sample_id": NINE,
            "--id sample_id": NINE,
            "--columns cat..emu": NINE,
            "--columns '*'": 0.0,
        },
    ),
    Case(
        "compare lab_p.csv lab_q.csv --input probs",
        "lab_p.csv and lab_q.csv: expected a class in every numeric column, found 2 that look",
        {
            "--drop label,pred": NINE,
            "--columns cat..emu": NINE,
            "--columns '*'": "lab_p.csv: expected rows of probs that sum to 1",
        },
    ),
    Case(
        "compare lab_p.csv lab_q.csv",
        "lab_p.csv and lab_q.csv: expected a class in every numeric column, found 2 that look",
        {
            "--drop label,pred": "lab_p.csv and lab_q.csv: expected logits",
            "--columns cat..emu": "lab_p.csv and lab_q.csv: expected logits",
            "--columns '*'": None,
        },
    ),
    Case(
        "compare both_p.csv both_q.csv",
        "both_p.csv and both_q.csv: expected one column per class, found 2 for each of 11",
        {
            "--columns 'logit_*'": NINE,
            "--columns 'prob_*'": "both_p.csv and both_q.csv: expected logits",
            "--columns '*'": None,
        },
    ),
    Case(
        "compare semi_p.csv semi_q.csv",
        "semi_p.csv: expected cells between ',', found ';' between them and decimal commas",
        {"--delimiter ';' --decimal ,": NINE},
    ),
    Case(
        "compare R2_p.csv R2_q.csv",
        "R2_p.csv: expected cells between ',', found ';' between them and decimal commas",
        {"--delimiter ';' --decimal ,": MEAN},
    ),
    Case(
        "compare sv_p.csv sv_q.csv",
        "sv_p.csv: expected cells between ',', found spaces between them",
        {"--delimiter ' ' --no-header": MEAN},
    ),
    Case(
        "compare p_named.csv q_named.csv --labels p_label.csv:truth",
        "--labels: 'p_label.csv:truth' is a column of p_named.csv and a file",
        {"--labels ./p_label.csv:truth": None},
    ),
    Case(
        "compare p_group.csv q_group.csv --group plot",
        "--group: 'plot' is a column of p_group.csv and a file",
        {"--group ./plot": "p_group.csv: expected every row id in 'plot' once"},
    ),
    Case(
        "compare p_id.csv q_id.csv --labels nothing",
        "p_id.csv: expected column 'nothing'",
        {"--labels": None},
        {"--labels": "--labels labels.npy"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.command)
def test_advice_on_tables(
    kldiv: Kldiv, files: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.chdir(files)
    case.follow(kldiv)
