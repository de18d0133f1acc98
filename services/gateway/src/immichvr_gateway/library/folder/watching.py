"""When to look at a folder again: as soon as the system says that something happened below it, or now and then.

What happened is not believed; it is only a reason to walk. So nothing is lost where the system tells too little.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from immichvr_common.logs import get_log
from watchfiles import Change, awatch
from watchfiles._rust_notify import WatchfilesRustInternalError

log = get_log(__name__)

_CALM_MS = 300
"""Several changes in a row count as one."""
# Their servers, or hosts, change files without telling this machine's kernel.
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "afs", "ceph", "glusterfs", "davfs"})
_MOUNTS = Path("/proc/self/mounts")


async def reasons_to_look(root: Path, left_out: Path, told_s: float, untold_s: float) -> AsyncGenerator[None]:
    """Comes by whenever something changed below `root`, and at least every `told_s` seconds.

    Where the system tells of nothing, as for network drives, every `untold_s`.
    """
    if not is_remote(root):
        try:
            async for _ in awatch(
                root,
                watch_filter=_below(root, left_out),
                debounce=_CALM_MS * 4,
                step=_CALM_MS,
                rust_timeout=int(told_s * 1000),
                yield_on_timeout=True,
                ignore_permission_denied=True,
            ):
                yield
        # Such as too many directories for the system's limit, as it begins or, from within a group of tasks, once more
        # have come.
        except* (OSError, WatchfilesRustInternalError) as errors:
            log.warning(
                "the folder is looked at now and then: the system does not tell of changes",
                error="; ".join(map(str, errors.exceptions)),
            )
    while True:
        await asyncio.sleep(untold_s)
        yield


def is_remote(root: Path, mounts: Path = _MOUNTS) -> bool:
    """Whether a folder lies on a file system whose changes come from elsewhere; False where that is not known."""
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    below = [(point, kind) for _, point, kind, *_ in map(str.split, lines) if root.is_relative_to(_unescaped(point))]
    if not below:
        return False
    _, kind = max(below, key=lambda one: len(one[0]))
    return kind in _REMOTE or kind.startswith("fuse")


def _unescaped(point: str) -> str:
    return point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")


def _below(root: Path, left_out: Path) -> Callable[[Change, str], bool]:
    def is_of_interest(_: Change, path: str) -> bool:
        place = Path(path)
        if place.is_relative_to(left_out):
            return False
        parts = place.relative_to(root).parts if place.is_relative_to(root) else ()
        return not any(part.startswith(".") for part in parts)

    return is_of_interest
