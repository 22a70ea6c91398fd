"""Read the rows that kldiv wrote to a Parquet file, and write them as PyArrow writes CSV."""

import sys

from pyarrow import csv, parquet

source, target = sys.argv[1:]
csv.write_csv(parquet.read_table(source), target)
