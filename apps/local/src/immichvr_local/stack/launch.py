"""Becomes another program that ends when its parent does: `launch.py <parent's pid> <program> [arguments…]`.

Run by path with `python -I -S`: it imports nothing of ours and costs some hundredths of a second.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent = int(sys.argv[1])
    if sys.platform == "linux":
        # SIGTERM would let a server that is slow to end keep its ports from the next start.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
