"""Folders that `save_to_disk` of Hugging Face's datasets wrote: which files hold the rows.

References
----------
.. [1] Hugging Face, datasets, arrow_dataset.py: Dataset.save_to_disk; dataset_dict.py.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from kldiv_cli.errors import InputError, UnclearError, a_few, typed
from kldiv_cli.sources.stores.folders import Files

_STATE, _INFO, _SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
_MOST = 1 << 24
_ADVICE = "Save it again with dataset.save_to_disk(FOLDER), or check that its copy was complete."


def saved_files(folder: str) -> Files | None:
    """Return the files of a dataset in their order; None for any other folder.

    Its ``state.json`` lists them. What else lies there, such as the results of `map`, is no part.

    Raises
    ------
    InputError
        A file is missing, or the folder holds something else than the list says.
    UnclearError
        The folder holds several splits.
    """
    inside = {entry.name for entry in os.scandir(folder)}
    if _SPLITS in inside:
        raise _several(folder)
    if _STATE not in inside:
        return None
    state = _read(folder, _STATE)
    if "_data_files" not in state:
        return None
    names = _names(folder, state["_data_files"])
    missing = [name for name in names if name not in inside]
    if missing or not names:
        found = f"no {a_few(missing)}" if missing else "none"
        raise InputError(f"{folder}: expected the files of {_STATE}, found {found}", _ADVICE)
    if state.get("_indices_data_files"):
        raise InputError(
            f"{folder}: expected a dataset with its rows in order, found one with an index of them",
            "Save it again: dataset.flatten_indices().save_to_disk(FOLDER).",
        )
    others = sorted(inside - {_STATE, _INFO, *names})
    places = tuple(str(Path(folder) / name) for name in names)
    return Files(folder, places, tuple(others), is_directory=True)


def _several(folder: str) -> UnclearError:
    splits = _read(folder, _SPLITS).get("splits")
    if not isinstance(splits, list) or not splits or not all(isinstance(x, str) for x in splits):
        splits = ["SPLIT"]
    places = [str(Path(folder) / name) for name in splits]
    return UnclearError(
        f"{folder}: expected a dataset, found {len(splits)} splits: {a_few(splits)}",
        f"Name one of them: {' or '.join(typed(place) for place in places[:3])}",
    )


def _names(folder: str, files: Any) -> list[str]:
    try:
        names = [file["filename"] for file in files]
    except (TypeError, KeyError) as error:
        raise _damaged(folder, _STATE, "no list of files") from error
    wrong = [name for name in names if not isinstance(name, str) or Path(name).name != name]
    if wrong:
        raise _damaged(folder, _STATE, f"the name {str(wrong[0])[:40]!r}")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise _damaged(folder, _STATE, f"{twice[0]!r} again")
    return names


def _read(folder: str, name: str) -> dict[str, Any]:
    path = Path(folder) / name
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MOST))
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, name, "no JSON") from error
    if not isinstance(found, dict):
        raise _damaged(folder, name, "no JSON object")
    return found


def _damaged(folder: str, name: str, found: str) -> InputError:
    return InputError(
        f"{Path(folder) / name}: expected what datasets writes about its files, found {found}",
        _ADVICE,
    )
