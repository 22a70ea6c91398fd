#!/usr/bin/env bash
# What is too long for CI, run by hand: every command that an error advises, with the packages that
# it needs, in an environment of its own; every attack, in full; then all tests with the lowest
# versions of other packages, and with the newest on Python 3.13.
#
#     tests/nightly.sh [FOLDER of the environment]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-$(mktemp -d)/env}
[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
"$folder/bin/python" -m pip install -q fastavro h5py joblib ml_dtypes numpy onnx openpyxl pandas pyarrow \
    safetensors scipy setuptools tfrecord torch xlwt xlrd zarr
KLDIV_OTHER_PYTHON=$folder/bin/python python -m pytest -q tests/nightly/commands.py
python -m tests.attack

.ci/lowest tests
newest=$(mktemp -d)
trap 'rm -rf "$newest"' EXIT
git clone -q . "$newest/clone"
cd "$newest/clone"
python3.13 -m venv .venv
.venv/bin/python -m pip install -q -e '.[test]' pytest-xdist
.venv/bin/python -m pytest -n 2
