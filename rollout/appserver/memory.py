"""Memory of large answers goes back to the system once they were sent.

The C library of Linux learns from every large block that is freed to keep the next one for later, in a heap
for each thread: after a few clients that take nothing, hundreds of megabytes that nobody uses.
"""

from __future__ import annotations

import sys
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_LARGE_BYTES: Final = 1 << 20


def give_back_large_blocks() -> None:
    """Have blocks of a megabyte and more mapped alone, so that freeing gives them back. Linux alone."""
    if sys.platform != "linux":
        return
    import ctypes  # late: slow to import

    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:  # another C library has none, and no such habit
        set_option(_MMAP_THRESHOLD, _LARGE_BYTES)
        set_option(_TRIM_THRESHOLD, 2 * _LARGE_BYTES)
