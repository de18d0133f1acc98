"""Finding the photos below a directory."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from immichvr_media import can_decode

from immichvr_gateway.library.names import printable_name
from immichvr_gateway.library.photos import version_of

_ID_DIGITS = 24
# What storage boxes put beside photos: Synology's thumbnails, recycle bins, what a check of the disk found.
_FOREIGN_DIRECTORIES = frozenset({"@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "lost+found"})
# fmt: off
_MEDIA_TYPES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "jpe": "image/jpeg", "jfif": "image/jpeg", "mpo": "image/jpeg",
    "png": "image/png", "apng": "image/png", "webp": "image/webp", "gif": "image/gif",
    "heic": "image/heic", "heics": "image/heic", "heif": "image/heif", "heifs": "image/heif", "hif": "image/heif",
    "avif": "image/avif", "avifs": "image/avif", "tif": "image/tiff", "tiff": "image/tiff",
}
# fmt: on


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A file as one walk found it.

    place: its path from the root, with symbolic links resolved; mtime_ns: since the epoch.
    """

    id: str
    place: str
    name: str
    media_type: str
    size: int
    mtime_ns: int

    @property
    def version(self) -> str:
        """The source version, which follows size and modification time."""
        return file_version(self.size, self.mtime_ns)


def file_version(size: int, mtime_ns: int) -> str:
    """The source version of a file of this size and modification time."""
    return version_of("file", size, mtime_ns)


def walk(root: Path, max_depth: int, left_out: Path | None = None) -> Iterator[PhotoFile]:
    """The photos below `root`, a resolved path, in no particular order.

    Hidden files and directories, `left_out`, and what cannot be read are passed over. A symbolic link to a file
    inside `root` is a photo; every other link is passed over. Raises OSError where `root` itself cannot be read.
    """
    pending = [("", 0)]
    while pending:
        below, depth = pending.pop()
        try:
            entries = list(os.scandir(root / below))
        except OSError:
            if not below:
                raise
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if depth < max_depth and entry.name not in _FOREIGN_DIRECTORIES and Path(entry.path) != left_out:
                    pending.append((f"{below}{entry.name}/", depth + 1))
            elif can_decode(entry.name) and (photo := _photo_file(root, below, entry)) is not None:
                yield photo


def _photo_file(root: Path, below: str, entry: os.DirEntry[str]) -> PhotoFile | None:
    place = relative = below + entry.name
    try:
        facts = entry.stat()
        if entry.is_symlink():
            target = Path(entry.path).resolve(strict=True)
            if not target.is_relative_to(root):
                return None
            place = target.relative_to(root).as_posix()
    except (OSError, RuntimeError):  # gone meanwhile, a link to nothing, or links in a circle
        return None
    if not stat.S_ISREG(facts.st_mode):
        return None
    return PhotoFile(
        id=hashlib.sha256(os.fsencode(relative)).hexdigest()[:_ID_DIGITS],
        place=place,
        name=printable_name(entry.name),
        media_type=_MEDIA_TYPES.get(entry.name.rpartition(".")[2].lower(), "application/octet-stream"),
        size=facts.st_size,
        mtime_ns=facts.st_mtime_ns,
    )
