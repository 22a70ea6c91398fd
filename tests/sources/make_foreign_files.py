"""Write foreign_files/: small files as packages write them that the suite does without.

Run once with these installed; all files hold the logits of tests/cases/right_p.npy.

    python3 -m venv otherenv
    otherenv/bin/pip install polars==2.1.0 numpy
    otherenv/bin/python tests/sources/make_foreign_files.py
"""

from pathlib import Path

import numpy as np
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


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    write_polars()


if __name__ == "__main__":
    main()
