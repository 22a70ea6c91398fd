"""CSV and TSV, one line per row at full precision; a skipped row's cell is empty."""

from __future__ import annotations

import csv
from functools import partial
from typing import IO

from kldiv_cli.comparison import Comparison
from kldiv_cli.reports.records import columns, records


def write(comparison: Comparison, stream: IO[str], delimiter: str = ",") -> None:
    """Write a header line, then the records."""
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns(comparison))
    writer.writerows(records(comparison, skipped=""))


write_tsv = partial(write, delimiter="\t")
