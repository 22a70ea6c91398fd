"""A folder of files to be wrong with, each called in the commands by its bare name."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.command import ROOT

CASES = ROOT / "tests" / "cases"
LLAMACPP = ROOT / "samples" / "llamacpp"


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the cases, and what is made of p and q: 6 rows of 11 logits."""
    folder = tmp_path_factory.mktemp("advice")
    for path in CASES.iterdir():
        shutil.copy(path, folder)
    for path in LLAMACPP.glob("*.kld"):
        shutil.copy(path, folder)
    p, q = (np.load(CASES / f"right_{side}.npy") for side in "pq")
    _arrays(folder, p, q)
    _tables(folder, p, q)
    return folder


def _arrays(folder: Path, p: np.ndarray, q: np.ndarray) -> None:
    """Write p and q in shapes and with companions that lead to errors."""
    arrays = {
        "p": p,
        "q": q,
        "q10": q[:, :10],
        "q5rows": q[:5],
        "p3": p.reshape(3, 2, 11),
        "q3": q.reshape(3, 2, 11),
        "pgrid": p.reshape(6, 1, 11),
        "qgrid": q.reshape(6, 1, 11),
        "pprobs": np.exp(p) / np.exp(p).sum(-1, keepdims=True),
        "qprobs": np.exp(q) / np.exp(q).sum(-1, keepdims=True),
        "plogs": p - np.log(np.exp(p).sum(-1, keepdims=True)),
        "qlogs": q - np.log(np.exp(q).sum(-1, keepdims=True)),
        "pscores": 3 * np.exp(p) / np.exp(p).sum(-1, keepdims=True),
        "qscores": 3 * np.exp(q) / np.exp(q).sum(-1, keepdims=True),
        "labels": np.arange(6),
        "labels2": np.array([0, 1, 0, 1, 0, 1]),
        "labels_high": np.array([0, 1, 2, 3, 4, 11]),
        "labels_low": np.array([0, 1, 2, 3, 4, -100]),
        "mask": np.array([True, True, True, True, True, False]),
        "nothing": np.zeros(6, dtype=bool),
        "everything": np.ones(6, dtype=bool),
        "mask2": np.array([0, 1, 2, 0, 1, 1]),
        "one_cell": np.arange(11) == np.zeros((6, 1)),
        "pbfloat16": (p.view(np.uint32) >> 16).astype(np.uint16).view("V2"),
        "qbfloat16": (q.view(np.uint32) >> 16).astype(np.uint16).view("V2"),
        "pbig": p.astype(np.int64) + 2**60,
        "qbig": q.astype(np.int64) + 2**60,
        "pconstant": np.full((6, 11), -100.0),
        "pturned": p.T,
        "pnan": np.where(np.arange(6)[:, None] == 3, np.nan, p),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    for name, x in (("p", p), ("q", q)):
        ids = np.argsort(-x, axis=1)[:, :3]
        np.savez(folder / f"{name}top.npz", values=np.take_along_axis(x, ids, 1), ids=ids)
        for parts in ("ab", "bc"):
            shards = folder / f"{name}_{parts}"
            shards.mkdir()
            for i, part in enumerate(parts):
                np.save(shards / f"{part}.npy", x[3 * i : 3 * i + 3])
    for part in "x":
        (folder / f"mask_{part}").mkdir()
        np.save(folder / f"mask_{part}" / "a.npy", np.ones((3, 11), dtype=bool))
        np.save(folder / f"mask_{part}" / f"{part}.npy", np.ones((3, 11), dtype=bool))
    whole = (folder / "tiny-f32.kld").read_bytes()
    (folder / "cut.kld").write_bytes(whole[:-10])


def _tables(folder: Path, p: np.ndarray, q: np.ndarray) -> None:
    """Write p and q as text."""
    columns = [f"logit_{i}" for i in range(p.shape[1])]
    for name, rows in (("p", p), ("q", q)):
        lines = [",".join(map(repr, row.tolist())) for row in rows]
        ids = "abcdef"
        head = ",".join(columns)
        texts = {
            "": [head, *lines],
            "_bare": lines,
            "_id": [f"id,{head}", *(f"{i},{line}" for i, line in zip(ids, lines, strict=True))],
            "_group": [
                f"{head},plot",
                *(f"{line},{i}" for i, line in zip("xxxyyy", lines, strict=True)),
            ],
            "_label": [
                f"{head},truth",
                *(f"{line},{i}" for i, line in enumerate(lines)),
            ],
            "_one": ["a;b", *(f"x;{i}" for i in ids)],
            "_either": ["cat,dog", *(f'"{i},{i}00","{i},500"' for i in range(1, 7))],
            "_named": [head.replace("logit_0", "p_label.csv:truth"), *lines],
            "_text": [
                f"name,site,{head}",
                *(f"{i},x,{line}" for i, line in zip(ids, lines, strict=True)),
            ],
            "_two_ids": [f"id,idx,{head}", *(f"{i},{i},{line}" for i, line in enumerate(lines))],
            "_empty_id": [
                f"id,{head}",
                f",{lines[0]}",
                *(f"{i},{x}" for i, x in enumerate(lines[1:])),
            ],
            "_float_id": [
                f"id,{head}",
                *(f"{1e17 + 1e9 * i},{line}" for i, line in enumerate(lines)),
            ],
            "_moved": [f"id,{head}", *(f"{i},{lines[i]}" for i in (5, 3, 4, 0, 1, 2))],
            "_unnamed": [f",{head}", *(f"{7 * i},{line}" for i, line in enumerate(lines))],
            "_percent": [head, *(",".join(f"{x}%" for x in row.tolist()) for row in rows)],
            "_thousand": [head, *(",".join(f'"{x:,.3f}"' for x in 5000 * row) for row in rows)],
            "_comma": [
                head,
                *(",".join(f'"{x}"'.replace(".", ",") for x in row.tolist()) for row in rows),
            ],
            "_semicolon": [head.replace(",", ";"), *(line.replace(",", ";") for line in lines)],
        }
        for suffix, text in texts.items():
            (folder / f"{name}{suffix}.csv").write_text("\n".join([*text, ""]))
    with_ids = (folder / "q_id.csv").read_text()
    (folder / "q_other.csv").write_text(with_ids.replace("logit_10", "other"))
    (folder / "q_strange.csv").write_text(with_ids.replace("logit_", "class_"))
    (folder / "q_strangers.csv").write_text(
        "\n".join(
            [with_ids.split("\n")[0], *(f"x{line}" for line in with_ids.split("\n")[1:-1]), ""]
        )
    )
    (folder / "q_twice.csv").write_text(with_ids.replace("\nb,", "\na,"))
    other = (folder / "q_group.csv").read_text()
    (folder / "q_mixed.csv").write_text(other.replace(",x\n", ",y\n", 1).replace("plot", "truth"))
    (folder / "p_mixed.csv").write_text(
        (folder / "p_group.csv").read_text().replace("plot", "truth")
    )
    (folder / "names.txt").write_text("logit_1\nlogit_2\nlogit_10\n")
    for name, x in (("p", p), ("q", q)):
        nested = pa.table({"id": list("abcdef"), "logits": x.tolist(), "hidden": x.tolist()})
        pq.write_table(nested, folder / f"{name}_nested.parquet")
        words = nested.drop(["hidden"]).append_column("words", [[["a"]] * 6])
        pq.write_table(words, folder / f"{name}_words.parquet")
        large = nested.drop(["hidden"]).set_column(0, "id", [1e17 * np.arange(1, 7)])
        pq.write_table(large, folder / f"{name}_large.parquet")
        pq.write_table(words.drop(["id"]), folder / f"{name}_words_alone.parquet")
    (folder / "plot").write_text("x\nx\nx\ny\ny\ny\n")
    (folder / "truth.txt").write_text("nothing to read")
