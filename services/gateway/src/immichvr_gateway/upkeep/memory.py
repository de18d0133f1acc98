"""What a gateway does about the memory of its process, which serves for months."""

from __future__ import annotations

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Options of glibc's mallopt (malloc.h)."""
_LARGE = 4 * 1024 * 1024
_ARENAS = 2


def give_back_early() -> None:
    """Has the C library give back to the system what is freed; where it is another than glibc, nothing is done.

    glibc would keep blocks of up to 32 MB once one was freed, between small ones that stay, and a heap for each of
    several threads: lists of 50,000 photos that come and go leave a process by tens of MB larger than it need be.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, 2 * _LARGE), (_ARENA_MAX, _ARENAS)):
            mallopt(option, value)


def settle_down() -> None:
    """Has Python look no more for circles among all that there is by now, which stays.

    Of the records of 50,000 photos each such look is a pause of a fifth of a second for everybody.
    """
    gc.collect()
    gc.freeze()
