"""Processes that a stack left behind when its supervisor was killed, found by a mark in their environment."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

MARK = "IMMICHVR_STACK_DIRECTORY"
_PATIENCE_S = 10


def end_leftovers(root: Path) -> int:
    """Ends every process started for the stack in `root`, and tells how many there were.

    Only to be called by the process that holds the directory: then none of them has a supervisor.
    """
    found = [process for process in psutil.process_iter() if _is_left_by(process, root)]
    for process in found:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(found, timeout=_PATIENCE_S)
    return len(found)


def _is_left_by(process: psutil.Process, root: Path) -> bool:
    """Whether it carries the mark of `root`; a process id alone might be somebody else's by now."""
    if process.pid == os.getpid():
        return False
    try:
        return process.environ().get(MARK) == str(root)
    except (psutil.Error, OSError):  # other people's processes, and those that are just ending
        return False
