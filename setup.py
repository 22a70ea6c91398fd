"""The optional C extension; everything else is in pyproject.toml."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from setuptools import Extension, setup

NATIVE = Path("kldiv_cli/measures/_native")
FLAGS = ["-std=c11", "-O3", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math"]

setup(
    ext_modules=[
        Extension(
            "kldiv_cli.measures._native._kernels",
            sources=sorted(str(path) for path in NATIVE.glob("*.c")),
            depends=sorted(str(path) for path in NATIVE.glob("*.h")),
            include_dirs=[np.get_include()],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
            extra_compile_args=[*FLAGS, "-ffp-contract=off"],
            # Without a compiler the package is installed all the same and NumPy does the work.
            optional=True,
        )
    ]
)
