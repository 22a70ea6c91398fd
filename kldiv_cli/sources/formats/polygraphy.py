"""Outputs that Polygraphy saved as JSON (--save-outputs): whole .npy files in base64.

References
----------
.. [1] NVIDIA, Polygraphy, polygraphy/json/serde.py and comparator/struct.py.
"""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import LogitsError
from kldiv_cli.sources.arrays.mapped import told_type
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.npy import check_header
from kldiv_cli.sources.formats.npy_header import read_header

_ADVICE = "Save the outputs again with polygraphy run --save-outputs, or one of them as .npy."


def is_polygraphy(document: dict[str, Any]) -> bool:
    """Tell what `RunResults.save` writes."""
    return document.get("polygraphy_class") == "RunResults" and "lst" in document


def arrays_of(path: str, document: dict[str, Any], layout: Layout) -> dict[str, list[NDArray[Any]]]:
    """Return the arrays of every output, one per iteration.

    An output is called by its name; where there are several runners, the runner's stands before it.

    Raises
    ------
    InputError
        The document is damaged, or an output is no array.
    """
    found: dict[str, list[NDArray[Any]]] = {}
    try:
        runners = [(str(runner), list(iterations)) for runner, iterations in document["lst"]]
        for runner, iterations in runners:
            for iteration in iterations:
                for name, output in iteration["outputs"].items():
                    key = name if len(runners) == 1 else f"{runner}/{name}"
                    values = output.get("values", output)["array"]
                    found.setdefault(key, []).append(_array(path, name, values, layout))
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise LogitsError(
            f"{path}: expected the outputs of runners as Polygraphy writes them, found something "
            f"else ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})",
            _ADVICE,
        ) from error
    return found


def _array(path: str, name: str, values: str, layout: Layout) -> NDArray[Any]:
    where = f"{path}: {name!r}"
    content = b64decode(values, validate=True)
    header = read_header(BytesIO(content), where)
    check_header(header, layout, len(content) - header.size, where)
    flat: NDArray[Any] = np.frombuffer(
        content, told_type(header.dtype, layout, where), offset=header.size
    )
    return flat.reshape(header.shape, order=header.order)
