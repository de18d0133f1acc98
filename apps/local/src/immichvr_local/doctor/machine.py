"""Checks of the machine: processor, memory, disk, network, ports."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil
from immichvr_common.sizes import size

from immichvr_local.doctor.check import Check, fail, ok, warn
from immichvr_local.errors import CommandError
from immichvr_local.stack.data import default_directory
from immichvr_local.stack.floor import VARIABLE, keep_free
from immichvr_local.stack.ports import GATEWAY_PORT, is_free

_LITTLE_MEMORY, _LITTLE_DISK, _TOO_LITTLE_DISK = 4e9, 5e9, 0.5e9
_NETWORK_S = 5.0


def graphics() -> Check:
    """Whether torch is here, and what it can compute on."""
    name = "GPU"
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library that it needs is missing
        return fail(name, f"torch cannot be imported: {error}", "make setup")
    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory
        return ok(name, f"{torch.cuda.get_device_name(0)}, {size(memory)} (torch {torch.__version__})")
    if torch.backends.mps.is_available():
        return ok(name, f"Apple's, through Metal (torch {torch.__version__})")
    found = f"none that torch {torch.__version__} can use, so everything runs on {os.cpu_count()} processors"
    return warn(name, found, "with an NVIDIA card: install its driver, then TORCH_BACKEND=auto tools/setup.sh")


def memory() -> Check:
    """Whether there is memory for a model and a photo."""
    total = psutil.virtual_memory().total
    if total < _LITTLE_MEMORY:
        return warn("memory", size(total), "large photos and models may not fit: close other programs")
    return ok("memory", size(total))


def disk() -> Check:
    """Whether there is room where the data goes."""
    place = _existing(default_directory())
    free = shutil.disk_usage(place).free
    found = f"{size(free)} free for {default_directory()}"
    if not os.access(place, os.W_OK):
        return fail("disk", f"{place} cannot be written to", "name another directory with --data or IMMICHVR_DATA")
    try:
        kept = keep_free()
    except CommandError as error:
        return fail("disk", str(error), "set it right, or leave it out")
    if free < kept:
        found = f"{found}; with less than {size(kept)} nothing new is made"
        return fail("disk", found, f"free some space, or set {VARIABLE} to less")
    if free < _TOO_LITTLE_DISK:
        return fail("disk", found, "free some space, or name another directory with --data or IMMICHVR_DATA")
    if free < _LITTLE_DISK:
        return warn("disk", found, "splats of many photos may not fit: free some space")
    return ok("disk", found)


def network(endpoint: str) -> Check:
    """Whether the place that models come from answers."""
    from immichvr_models import DownloadError, reach

    try:
        reach(endpoint, _NETWORK_S)
    except DownloadError as error:
        remedy = "without it, models that are not here yet cannot be fetched; the built-in estimator is used"
        return warn("network", f"{endpoint} does not answer ({error})", remedy)
    return ok("network", f"{endpoint} answers")


def proxies() -> Check:
    """Which proxies the environment names, and whether they can be used."""
    from immichvr_common.proxies import Proxies

    named = Proxies(os.environ).named
    for one in named:
        if one.proxy is None:
            return warn(
                "proxy",
                f"{one.variable} names one that cannot be used: {one.why}",
                f"unset {one.variable}, or correct it",
            )
    return ok("proxy", ", ".join(one.variable for one in named) or "none is named")


def port() -> Check:
    """Whether the gallery's usual port is free."""
    if is_free(GATEWAY_PORT):
        return ok("port", f"{GATEWAY_PORT} is free")
    return warn("port", f"{GATEWAY_PORT} is taken", "nothing: the next free one is used, or the one given with --port")


def _existing(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())
