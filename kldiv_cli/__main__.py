"""``python -m kldiv_cli`` and the installed ``kldiv``."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line; an interrupt ends quietly even while modules are still loading."""
    # Nearly all that is made while modules load stays: to look for garbage there is in vain.
    gc.set_threshold(50_000)
    try:
        from kldiv_cli.cli import run  # noqa: PLC0415 - so that Ctrl-C here is caught too

        code = run()
    except KeyboardInterrupt:
        code = 130
    gc.freeze()  # the end of the process frees it all, without looking through it first
    sys.exit(code)


if __name__ == "__main__":
    main()
