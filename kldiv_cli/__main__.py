"""``python -m kldiv_cli`` and the installed ``kldiv``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; an interrupt ends quietly even while modules are still loading."""
    try:
        from kldiv_cli.cli import run  # noqa: PLC0415 - so that Ctrl-C here is caught too

        code = run()
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
