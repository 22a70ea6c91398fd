"""Write files of all kinds that kldiv does not read, with the packages that people write them with.

Run by the Python of the environment of nightly.sh: files.py FOLDER LOGITS.npy
"""

from __future__ import annotations

import pickle
import sqlite3
import sys
from pathlib import Path
from typing import Any

import numpy as np

NAMES = ["cat", "dog", "cow", "pig", "hen", "owl", "fox", "bee", "ant", "elk", "emu"]
FLOAT8 = ("float8_e4m3fn", "float8_e5m2")


def write_all(folder: Path, logits: Any) -> None:
    """Write a file of every kind, and what it is to be read as."""
    for write in (tables, pickles, matlab, arrays, hdf5, onnx_tensors, float8, tensors, text):
        write(folder, logits)
    np.save(folder / "expected.npy", logits)


def tables(folder: Path, logits: Any) -> None:
    import fastavro
    import pandas as pd
    import pyarrow as pa
    from pyarrow import orc

    table = pd.DataFrame(logits, columns=NAMES)
    table.to_excel(folder / "table.xlsx", index=False)
    table.to_excel(folder / "indexed.xlsx")
    _old_excel(folder / "table.xls", table)
    table.to_pickle(folder / "table.pkl")
    with sqlite3.connect(folder / "table.db") as database:
        table.to_sql("the outputs", database, index=False)
    orc.write_table(pa.Table.from_pandas(table, preserve_index=False), folder / "table.orc")
    fields = [{"name": name, "type": "float"} for name in NAMES]
    schema = {"type": "record", "name": "row", "fields": fields}
    with (folder / "table.avro").open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(schema), table.to_dict("records"))


def _old_excel(path: Path, table: Any) -> None:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("outputs")
    for j, name in enumerate(table.columns):
        sheet.write(0, j, name)
        for i, value in enumerate(table[name]):
            sheet.write(i + 1, j, float(value))
    book.save(str(path))


def pickles(folder: Path, logits: Any) -> None:
    import joblib
    import torch  # type: ignore[import-not-found]

    values = {
        "array": logits,
        "lists": logits.tolist(),
        "rows": list(logits),
        "dict": {"logits": logits, "names": NAMES},
        "tensor": torch.from_numpy(logits),
    }
    for name, value in values.items():
        for protocol in (2, 4, 5):
            with (folder / f"{name}-{protocol}.pkl").open("wb") as file:
                pickle.dump(value, file, protocol)
    joblib.dump(logits, folder / "array.joblib")
    joblib.dump(logits, folder / "packed.joblib", compress=3)
    joblib.dump({"logits": logits}, folder / "dict.joblib")


def matlab(folder: Path, logits: Any) -> None:
    import h5py
    from scipy.io import savemat

    savemat(folder / "five.mat", {"logits": logits, "made by": "hand"})
    savemat(folder / "packed.mat", {"logits": logits}, do_compression=True)
    savemat(folder / "four.mat", {"logits": logits}, format="4")
    path = folder / "seven.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["logits"] = logits.T  # MATLAB stores columns first
    begin = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Sat Nov 28 2026 HDF5 schema 1.00"
    content = path.read_bytes()
    path.write_bytes(begin.ljust(512) + content[512:])


def hdf5(folder: Path, logits: Any) -> None:
    import h5py

    with h5py.File(folder / "expected.h5", "w") as file:
        file["logits"] = logits
    layout = h5py.VirtualLayout(logits.shape, logits.dtype)
    layout[:] = h5py.VirtualSource("expected.h5", "logits", logits.shape)
    with h5py.File(folder / "virtual.h5", "w") as file:
        file.create_virtual_dataset("logits", layout)


def onnx_tensors(folder: Path, logits: Any) -> None:
    import onnx

    tensor = onnx.numpy_helper.from_array(logits, "logits")
    (folder / "weights.bin").write_bytes(tensor.raw_data)
    onnx.external_data_helper.set_external_data(tensor, "weights.bin", 0, len(tensor.raw_data))
    tensor.ClearField("raw_data")
    (folder / "external.pb").write_bytes(tensor.SerializeToString())
    kind = onnx.TensorProto.FLOAT8E4M3FN
    values = onnx.helper.make_tensor("x", kind, logits.shape, logits.ravel().tolist())
    (folder / "e4m3.pb").write_bytes(values.SerializeToString())


def arrays(folder: Path, logits: Any) -> None:
    import zarr
    from tfrecord import TFRecordWriter

    writer = TFRecordWriter(str(folder / "rows.tfrecord"))
    for row in logits.tolist():
        writer.write({"logits": (row, "float"), "made by": (b"hand", "byte")})
    writer.close()
    logits.astype("float32").tofile(folder / "array.bin")
    for form in (2, 3):
        zarr.save_array(folder / f"array-{form}.zarr", logits, zarr_format=form)
        zarr.open_group(folder / f"group-{form}.zarr", mode="w", zarr_format=form)["logits"] = (
            logits
        )
        with zarr.storage.ZipStore(folder / f"array-{form}.zip", mode="w") as store:
            zarr.save_array(store, logits, zarr_format=form)
        with zarr.storage.ZipStore(folder / f"group-{form}.zarr.zip", mode="w") as store:
            zarr.open_group(store, mode="w", zarr_format=form)["logits"] = logits


def float8(folder: Path, logits: Any) -> None:
    import ml_dtypes

    e4m3, e5m2 = (logits.astype(getattr(ml_dtypes, name)) for name in FLOAT8)
    np.save(folder / "e4m3.npy", e4m3)
    np.savez(folder / "e4m3.npz", logits=e4m3)
    np.save(folder / "e5m2.npy", e5m2)
    np.save(folder / "expected-e4m3.npy", e4m3.astype("float32"))
    np.save(folder / "expected-e5m2.npy", e5m2.astype("float32"))


def tensors(folder: Path, logits: Any) -> None:
    import torch
    from safetensors.torch import save_file  # type: ignore[import-not-found]

    whole = torch.from_numpy(logits)
    torch.save(whole, folder / "old.pt", _use_new_zipfile_serialization=False)
    for name in FLOAT8:
        small, short = whole.to(getattr(torch, name)), name.split("_")[1].removesuffix("fn")
        save_file({"logits": small}, folder / f"{short}.safetensors")
        torch.save(small, folder / f"{short}-alone.pt")
        torch.save({"logits": small}, folder / f"{short}-dict.pt")


def text(folder: Path, logits: Any) -> None:
    lines = [",".join(map(repr, row)) for row in logits.astype(float).tolist()]
    for name, encoding in (("latin", "cp1252"), ("wide", "utf-16-le")):
        header = ",".join(["K\u00e4fer" if encoding == "cp1252" else "cat", *NAMES[1:]])
        (folder / f"{name} text.csv").write_text("\n".join([header, *lines]) + "\n", encoding)
    groups = [",".join(f'"{value:,.4f}"' for value in row) for row in (logits * 1e5).tolist()]
    (folder / "thousands.csv").write_text("\n".join([",".join(NAMES), *groups]) + "\n")
    np.save(folder / "expected-thousands.npy", (logits * 1e5).round(4))


if __name__ == "__main__":
    write_all(Path(sys.argv[1]), np.load(sys.argv[2]))
