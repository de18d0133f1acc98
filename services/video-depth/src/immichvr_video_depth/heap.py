"""One heap for all threads, as pictures go from thread to thread."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h


def share_heap() -> None:
    """From now on new threads allocate from the process's one heap, where that is glibc's.

    With a heap for each thread what one has freed is given back to the system and fetched anew by the next, page by
    page: a sixth of the time that 1080p takes.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(_ARENA_MAX, 1)
