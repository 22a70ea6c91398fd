"""What this process does with its memory."""

from __future__ import annotations

import numpy as np


def keep_freed_memory() -> None:
    """Let the C library keep what blocks free for the next ones.

    glibc gives the top of its heap back after every block and takes it again page by page, which
    costs twice the arithmetic. Freeing one large array raises the size from which it does so.
    """
    np.empty(30 << 20, dtype=np.uint8)
