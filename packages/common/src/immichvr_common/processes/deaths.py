"""What is known of a process's end: how it ended, what it had taken, and whether the kernel ran out of memory."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from immichvr_common.errors import OutOfMemory, WorkerCrashed

_CGROUPS = Path("/sys/fs/cgroup")
_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in what getrusage calls ru_maxrss."""


@dataclass(frozen=True)
class Death:
    """status: negative for a signal. peak_bytes: most memory it had at once. memory_kills: processes that the kernel
    ended for lack of memory in its time; None where that cannot be read."""

    status: int
    peak_bytes: int
    memory_kills: int | None

    def error(self) -> WorkerCrashed | OutOfMemory:
        """The failure of the task it was on: a lack of memory only where there is evidence of it."""
        had = f"it had taken {self.peak_bytes / 1e6:,.0f} MB at most"
        if self.status == -signal.SIGKILL:
            if self.memory_kills:
                return OutOfMemory(f"the kernel ended the working process for lack of memory; {had}")
            why = "the kernel reports no lack of memory" if self.memory_kills == 0 else "why is not known here"
            return WorkerCrashed(f"the working process was killed from outside ({had}; {why})")
        if self.status < 0:
            return WorkerCrashed(f"the working process died of {_name(-self.status)}; {had}")
        return WorkerCrashed(f"the working process ended with status {self.status}; {had}; see the service's log")


def peak_bytes(maxrss: int) -> int:
    """Memory in bytes from what the kernel says of a process that ended."""
    return maxrss * _UNIT


def memory_kills_so_far() -> int | None:
    """How many processes of this one's control group, or of this machine, the kernel has ended for lack of memory."""
    for path, field in _counters():
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == field and count.strip().isdigit():
                return int(count)
    return None


def _counters() -> list[tuple[Path, str]]:
    """Where the kernel counts, the nearest first: control groups version 2, version 1, the machine."""
    own = "/"
    try:
        groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
        own = next((path for number, _, path in groups if number == "0"), "/")
    except (OSError, ValueError):
        pass
    return [
        (_CGROUPS / own.lstrip("/") / "memory.events", "oom_kill"),
        (_CGROUPS / "memory.events", "oom_kill"),
        (_CGROUPS / "memory/memory.oom_control", "oom_kill"),
        (Path("/proc/vmstat"), "oom_kill"),
    ]


def _name(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
