"""``python -m kldiv_cli`` and the installed ``kldiv``."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

TROUBLE = 2
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
    except MemoryError:
        sys.stderr.write("kldiv: error: expected enough memory to start, found too little\n")
        sys.stderr.write("Free some or raise its limit.\n")
        code = TROUBLE
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        code = end.code
    if code > INTERRUPTED or "pyarrow" in sys.modules or (code == TROUBLE and _threads_are_left()):
        # All is cleaned up. Where the signal came while a thread was being started, the interpreter
        # would not wait for it. Where PyArrow was loaded, the end of the process was seen to abort
        # now and then, presumably in a thread of PyArrow that outlives the interpreter. Where it
        # could not start all threads of its own, it may wait for them for ever.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)
    gc.freeze()  # the end of the process frees it all, without looking through it first
    sys.exit(code)


def _threads_are_left() -> bool:
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1


if __name__ == "__main__":
    main()
