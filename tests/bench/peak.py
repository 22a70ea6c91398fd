"""Run a command and print the most memory that it held, in MB: ``peak.py COMMAND...``.

A process of its own, and a small one: on Linux what the parent held at the start counts in what a
child is said to have held.
"""

from __future__ import annotations

import resource
import subprocess
import sys

_UNIT = 1 if sys.platform == "darwin" else 1024


def main() -> None:
    """Run and print."""
    subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
    held = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _UNIT
    sys.stdout.write(f"{held / 1e6}\n")


if __name__ == "__main__":
    main()
