"""Write foreign_files/: small files as packages write them that the suite does without.

Run once with these installed; all files hold the logits of tests/cases/right_p.npy.

    python3 -m venv otherenv
    otherenv/bin/pip install polars==2.1.0 onnx==1.23.2 datasets==5.2.0 numpy
    otherenv/bin/python tests/sources/make_foreign_files.py
"""

from pathlib import Path

import datasets  # type: ignore[import-not-found]
import numpy as np
import onnx
import polars as pl  # type: ignore[import-not-found]

FOLDER = Path(__file__).with_name("foreign_files")
LOGITS = np.load(Path(__file__).parents[1] / "cases" / "right_p.npy").astype(np.float64)
NAMES = [f"text {number}" for number in range(len(LOGITS))]


def write_polars() -> None:
    """Write Arrow IPC files, whose first message lacks its length."""
    classes = {f"c{number}": column for number, column in enumerate(LOGITS.T)}
    table = pl.DataFrame({"name": NAMES, **classes})
    table.write_ipc(FOLDER / "polars.arrow")
    lists = pl.DataFrame({"id": range(len(LOGITS)), "logits": LOGITS.tolist()})
    lists.write_ipc(FOLDER / "polars-zstd.arrow", compression="zstd", record_batch_size=2)
    words = pl.Series(NAMES, dtype=pl.Categorical)
    rows = pl.Series(LOGITS.tolist(), dtype=pl.Array(pl.Float64, LOGITS.shape[1]))
    pl.DataFrame({"name": words, "logits": rows}).write_ipc(FOLDER / "polars-words.arrow")


def write_onnx() -> None:
    """Write tensors of ONNX, whose values lie in several kinds of fields."""
    make, kinds = onnx.helper.make_tensor, onnx.TensorProto
    flat = LOGITS.ravel()
    whole = np.rint(flat).astype(int).tolist()
    tensors = {
        "float": make("x", kinds.FLOAT, LOGITS.shape, flat.astype(np.float32).tolist()),
        "double": make("x", kinds.DOUBLE, LOGITS.shape, flat.tolist()),
        "float16": make("x", kinds.FLOAT16, LOGITS.shape, flat.tolist()),
        "bfloat16": make("x", kinds.BFLOAT16, LOGITS.shape, flat.tolist()),
        "int8": make("x", kinds.INT8, LOGITS.shape, whole),
        "int64": make("x", kinds.INT64, LOGITS.shape, whole),
        "uint64": make("x", kinds.UINT64, LOGITS.shape, np.abs(whole).tolist()),
        "float8": make("x", kinds.FLOAT8E4M3FN, LOGITS.shape, flat.tolist()),
        "raw": onnx.numpy_helper.from_array(LOGITS, "logits"),
    }
    for name, tensor in tensors.items():
        (FOLDER / f"onnx-{name}.pb").write_bytes(tensor.SerializeToString())
    tensor = onnx.numpy_helper.from_array(LOGITS, "logits")
    onnx.external_data_helper.set_external_data(tensor, "weights.bin")
    tensor.ClearField("raw_data")
    (FOLDER / "onnx-external.pb").write_bytes(tensor.SerializeToString())


def write_dataset() -> None:
    """Write a folder of a dataset with its labels, in three files."""
    features = datasets.Features(
        {
            "name": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["cat", "dog"]),
            "logits": datasets.Sequence(datasets.Value("float64"), length=LOGITS.shape[1]),
        }
    )
    columns = {"name": NAMES, "label": [0, 1] * 3, "logits": LOGITS.tolist()}
    found = datasets.Dataset.from_dict(columns, features=features)
    found.save_to_disk(FOLDER / "dataset", num_shards=3)


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    write_polars()
    write_onnx()
    write_dataset()


if __name__ == "__main__":
    main()
