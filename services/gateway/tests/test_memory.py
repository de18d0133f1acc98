"""What a gateway's process does about its memory."""

import ctypes
import subprocess
import sys

from immichvr_gateway.upkeep.memory import give_back_early

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

_LOOKED_THROUGH = """
import gc
from immichvr_gateway.upkeep.memory import settle_down
there = [[{}] for _ in range(1000)]
before = gc.get_freeze_count()
CALL
looked_through = {id(one) for one in gc.get_objects()}
print(sum(id(one) in looked_through for one in there), gc.get_freeze_count() - before)
"""


def _apart(program: str, call: str) -> list[int]:
    """The numbers that a process of its own prints."""
    ran = subprocess.run(
        [sys.executable, "-c", program.replace("CALL", call)], capture_output=True, text=True, check=True
    )
    return [int(word) for word in ran.stdout.split()]


def test_a_large_block_is_given_back_however_large_one_was_freed_before() -> None:
    if not hasattr(ctypes.CDLL(None), "mallinfo2"):
        give_back_early()  # of another C library nothing is asked
        return
    assert _apart(_HELD, "pass") == [0], "glibc keeps such blocks by itself no more"
    [given] = _apart(_HELD, "give_back_early()")
    assert given >= 6_000_000


def test_what_there_is_once_all_was_read_is_looked_through_no_more() -> None:
    assert _apart(_LOOKED_THROUGH, "pass") == [1000, 0]
    looked_through, frozen = _apart(_LOOKED_THROUGH, "settle_down()")
    assert looked_through == 0
    assert frozen > 1000
