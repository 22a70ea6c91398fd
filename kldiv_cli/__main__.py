"""``python -m kldiv_cli`` and the installed ``kldiv``."""

from __future__ import annotations

import gc
import os
import sys

INTERRUPTED = 128
"""Codes above it name the signal that ended the process."""


def main() -> None:
    """Run the command line; an interrupt ends quietly even while modules are still loading."""
    # Nearly all that is made while modules load stays: to look for garbage there is in vain.
    gc.set_threshold(50_000)
    try:
        from kldiv_cli.cli import run  # noqa: PLC0415 - so that Ctrl-C here is caught too

        code = run()
    except KeyboardInterrupt:
        code = 130
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        code = end.code
    if code > INTERRUPTED:
        # All is cleaned up. Where the signal came while a thread was being started, the interpreter
        # would not wait for it, and PyArrow aborts in a thread that outlives the interpreter.
        os._exit(code)
    gc.freeze()  # the end of the process frees it all, without looking through it first
    sys.exit(code)


if __name__ == "__main__":
    main()
