"""The optional C extensions; everything else is in pyproject.toml."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

KERNELS = Path("kldiv_cli/measures/_native")
ROWS = Path("kldiv_cli/results/_native")
REQUIRED = "KLDIV_REQUIRE_EXTENSION"
# Without a compiler the package is installed all the same.
OPTIONAL = os.environ.get(REQUIRED, "") in {"", "0"}
FAILED = f"""\
kldiv: warning: the C extension was not built, so that NumPy will compute, several times slower.
It needs a C compiler and Python's headers; {REQUIRED}=1 in the environment makes this an error.
"""

# These stand behind the flags of the environment and undo -ffast-math and -Ofast there. The three
# last ones stand behind -fno-fast-math, which undoes them too.
GNU_COMPILE = [
    *("-std=c11", "-O3", "-fopenmp-simd", "-fno-fast-math"),
    *("-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"),
]
# With one of those at the link, GCC and Clang add code that makes the process lose subnormals.
GNU_LINK = ["-O3", "-fno-fast-math", "-fno-unsafe-math-optimizations"]
MSVC_COMPILE = ["/std:c11", "/O2", "/fp:precise"]


ROWS_EXTENSION = Extension(
    "kldiv_cli.results._native._rows",
    sources=sorted(str(path) for path in ROWS.glob("*.c")),
    depends=sorted(str(path) for path in ROWS.glob("*.h")),
    optional=OPTIONAL,
)
COLUMNS = Extension(
    "kldiv_cli.sources.tables._columns",
    sources=["kldiv_cli/sources/tables/_columns.c"],
    optional=OPTIONAL,
)
GUARD = Extension(
    "kldiv_cli.sources.arrays._guard",
    sources=["kldiv_cli/sources/arrays/_guard.c"],
    optional=OPTIONAL,
)


class Build(build_ext):
    """Give each compiler flags of its own, and say in plain words where it fails."""

    def build_extension(self, ext: Extension) -> None:
        """Build the extension; where it is optional, the caller takes the error for a warning."""
        if self.compiler.compiler_type == "msvc":
            ext.extra_compile_args = MSVC_COMPILE
        else:
            ext.extra_compile_args, ext.extra_link_args = GNU_COMPILE, GNU_LINK
        try:
            super().build_extension(ext)
        except (BaseError, CCompilerError):
            if ext.optional:
                sys.stderr.write(FAILED)
            raise


setup(
    cmdclass={"build_ext": Build},
    ext_modules=[
        Extension(
            "kldiv_cli.measures._native._kernels",
            sources=sorted(str(path) for path in KERNELS.glob("*.c")),
            depends=sorted(str(path) for path in KERNELS.glob("*.h")),
            optional=OPTIONAL,
        ),
        ROWS_EXTENSION,
        COLUMNS,
        *([] if sys.platform == "win32" else [GUARD]),
    ],
)
