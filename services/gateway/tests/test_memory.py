"""What a gateway's process does about its memory."""

import ctypes
import gc
import subprocess
import sys

from immichvr_gateway.upkeep.memory import give_back_early, settle_down

_HELD = """
import ctypes
from immichvr_gateway.upkeep.memory import give_back_early
class Facts(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]
libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Facts
CALL
del [bytearray(20_000_000)][:]
before = libc.mallinfo2().hblkhd
held = bytearray(6_000_000)
print(libc.mallinfo2().hblkhd - before)
"""


def _given_apart(call: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", _HELD.replace("CALL", call)], capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


def test_a_large_block_is_given_back_however_large_one_was_freed_before() -> None:
    if not hasattr(ctypes.CDLL(None), "mallinfo2"):
        give_back_early()  # of another C library nothing is asked
        return
    assert _given_apart("pass") == 0, "glibc keeps such blocks by itself no more"
    assert _given_apart("give_back_early()") >= 6_000_000


def test_what_there_is_once_all_was_read_is_looked_through_no_more() -> None:
    there = [{} for _ in range(1000)]
    settle_down()
    try:
        assert gc.get_freeze_count() > 1000
        assert not any(one is there[0] for one in gc.get_objects())
    finally:
        gc.unfreeze()
