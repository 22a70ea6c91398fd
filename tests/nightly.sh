#!/usr/bin/env bash
# What is too long for CI, run by hand: every command that an error advises, with the packages that
# it needs, in an environment of its own.
#
#     tests/nightly.sh [FOLDER of the environment]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-$(mktemp -d)/env}
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q fastavro h5py joblib ml_dtypes numpy onnx openpyxl pandas pyarrow \
    safetensors scipy setuptools tfrecord torch xlwt xlrd zarr
KLDIV_OTHER_PYTHON=$folder/bin/python python -m pytest -q tests/nightly/commands.py
