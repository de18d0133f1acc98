"""A folder of one's own for everything temporary that a process and its children make.

Its name is not to be guessed and nobody else may read it. The system holds a lock on it for as long as the process
lives, however that ends: whoever starts next removes the folders of those that were killed, with the photos in them.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from immichvr_common.logs import get_log

log = get_log(__name__)

_PREFIX = "immichvr-work-"
_LOCK = "owner"
_CLEANED_EVERY_S = 3600.0
_UNFINISHED_S = 3600.0
"""After so long a folder without a lock is no longer one that somebody is just making."""
_held: dict[str, int] = {}
"""The folder that this process holds, and the process: a fork does not hold its parent's."""


@contextlib.contextmanager
def own_folder(parent: Path | None = None) -> Iterator[Path]:
    """Has every temporary file of this process and its children lie in a folder of their own, until the block ends.

    parent: where the folder is made, the system's directory for temporary files if None. Folders left behind there
    are removed first. Within the block of another call it is that one's folder. Raises OSError.
    """
    outer = os.environ.get("TMPDIR", "")
    if outer and _held.get(outer) == os.getpid():
        yield Path(outer)
        return
    if parent is not None:
        parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    before, setting = tempfile.tempdir, os.environ.get("TMPDIR")
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    descriptor = _locked(folder)
    remove_left_behind(folder.parent)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    _held[str(folder)] = os.getpid()
    try:
        yield folder
    finally:
        del _held[str(folder)]
        tempfile.tempdir = before
        if setting is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = setting
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


async def keep_clean(parent: Path | None = None) -> None:
    """Removes what killed processes leave behind while this one runs, until cancelled."""
    place = parent or Path(os.environ.get("TMPDIR") or tempfile.gettempdir()).parent
    while True:
        await asyncio.sleep(_CLEANED_EVERY_S)
        await asyncio.to_thread(remove_left_behind, place)


def remove_left_behind(parent: Path) -> int:
    """Removes the folders of this user's processes that have ended, and tells how many there were."""
    removed = 0
    with contextlib.suppress(OSError):
        for folder in sorted(parent.glob(f"{_PREFIX}*")):
            if _is_ours(folder) and _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    if removed:
        log.info("folders of processes that had ended were removed", folders=removed)
    return removed


def is_private(folder: Path) -> bool:
    """Whether this is a folder, no link to one, that this user owns and nobody else may enter."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not stat.S_IMODE(facts.st_mode) & 0o077


def private_folder(folder: Path) -> bool:
    """Makes a folder for this user alone where there is none; whether it is one."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, mode=0o700)
    return is_private(folder)


def shared_folder(name: str, chosen: Path | None = None) -> Path:
    """A folder of this name that every process of this user finds, and nobody else can enter or hold a lock in.

    chosen: where it lies if that is possible. Where there is no such place, a folder of this process's own.
    """
    for place in (chosen, os.environ.get("XDG_RUNTIME_DIR"), _cache_directory()):
        if place and private_folder(folder := Path(place, name).absolute()):
            return folder
    return Path(tempfile.mkdtemp(prefix=f"{name}-"))


def _cache_directory() -> Path | None:
    """The user's, which the system's list of users tells where HOME does not; None for who is in neither."""
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen)
    with contextlib.suppress(RuntimeError):
        return Path.home() / ".cache"
    return None


def _locked(folder: Path) -> int:
    """The descriptor by which this process, and no child of it, holds the folder for its whole life."""
    unlocked = folder / f".{_LOCK}"
    descriptor = os.open(unlocked, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    unlocked.rename(folder / _LOCK)
    return descriptor


def _is_ours(folder: Path) -> bool:
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid()


def _is_abandoned(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return time.time() - folder.lstat().st_mtime > _UNFINISHED_S
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
