"""Memory of the devices: how much is free, and giving it back to the system."""

from __future__ import annotations

import ctypes
import gc
import math
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from immichvr_models.content import NotTheFile, tensors

if TYPE_CHECKING:
    import torch

_MEMINFO = Path("/proc/meminfo")
_CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current"), "inactive_file"),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
        "total_inactive_file",
    ),
)
"""Limit and use of the container, in versions 2 and 1, and what the use counts although it can be dropped."""


def free_bytes(device: torch.device) -> int | None:
    """Bytes that can still be taken on this device; None where the system does not say."""
    if device.type == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + cached)
    known = [figure for figure in (_available(), *(_within(*paths) for paths in _CGROUPS)) if figure is not None]
    return min(known, default=None)


def memory_of(device: torch.device) -> tuple[int, int] | None:
    """Bytes of a GPU that are taken, by whomever, and all that it has; None for other devices, and where it fails."""
    if device.type != "cuda":
        return None
    import torch

    try:
        free, total = torch.cuda.mem_get_info(device)
    except RuntimeError:  # of a device that has failed nothing can be told
        return None
    return int(total - free), int(total)


def give_back(device: torch.device) -> None:
    """Hand memory that nobody uses any more back to the system and the driver."""
    import torch

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    # glibc keeps freed memory for the next allocation; elsewhere there is no such function.
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that a device, or the machine, has not enough memory."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # The CPU's allocator, the driver and cuBLAS say it in words only.
    words = ("can't allocate memory", "CUDA error: out of memory", "ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(one in str(error) for one in words)


def weights_bytes(directory: Path) -> int:
    """Bytes that the weights in a directory take in float32; of files other than safetensors, their size."""
    total = 0
    for file in directory.rglob("*"):
        if file.suffix == ".safetensors":
            total += _in_float32(file) or file.stat().st_size
        elif file.is_file():
            total += file.stat().st_size
    return total


def _in_float32(file: Path) -> int | None:
    """From the header of a safetensors file; None where it has none."""
    with suppress(OSError, NotTheFile):
        return sum(4 * math.prod(shape) for shape in tensors(file).values())
    return None


def _available() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _within(limit: Path, used: Path, droppable: str) -> int | None:
    """What is left of a container's limit; None where it has none."""
    with suppress(OSError, ValueError):
        statistics = dict(line.split() for line in (limit.parent / "memory.stat").read_text().splitlines())
        return max(0, int(limit.read_text()) - int(used.read_text()) + int(statistics.get(droppable, 0)))
    return None
