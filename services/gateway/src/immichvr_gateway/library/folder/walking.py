"""Finding the photos and videos below a directory."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from immichvr_catalog import PHOTO, VIDEO
from immichvr_media import can_decode

from immichvr_gateway.library.names import printable_name
from immichvr_gateway.library.photos import version_of

_ID_DIGITS = 24
_SIDECAR = ".xmp"
# What storage boxes put beside photos: Synology's thumbnails, recycle bins, what a check of the disk found.
_FOREIGN_DIRECTORIES = frozenset({"@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "lost+found"})
# fmt: off
_MEDIA_TYPES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "jpe": "image/jpeg", "jfif": "image/jpeg", "mpo": "image/jpeg",
    "png": "image/png", "apng": "image/png", "webp": "image/webp", "gif": "image/gif",
    "heic": "image/heic", "heics": "image/heic", "heif": "image/heif", "heifs": "image/heif", "hif": "image/heif",
    "avif": "image/avif", "avifs": "image/avif", "tif": "image/tiff", "tiff": "image/tiff",
}
# Those that Immich takes for videos, too.
_VIDEO_TYPES = {
    "mp4": "video/mp4", "m4v": "video/x-m4v", "mov": "video/quicktime", "webm": "video/webm", "mkv": "video/x-matroska",
    "avi": "video/x-msvideo", "wmv": "video/x-ms-wmv", "flv": "video/x-flv", "3gp": "video/3gpp", "3gpp": "video/3gpp",
    "mpg": "video/mpeg", "mpeg": "video/mpeg", "mpe": "video/mpeg", "vob": "video/mpeg",
    "mts": "video/mp2t", "m2ts": "video/mp2t", "m2t": "video/mp2t",
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A file of XMP beside a photo or video. place: from the root; mtime_ns: since the epoch."""

    place: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A photo or a video as one walk found it.

    kind: of source. place: its path from the root, with symbolic links resolved; mtime_ns: since the epoch.
    folder: where it is listed, from the root; empty for the root itself.
    """

    id: str
    place: str
    name: str
    media_type: str
    size: int
    mtime_ns: int
    kind: str = PHOTO
    folder: str = ""
    sidecar: Sidecar | None = None

    @property
    def version(self) -> str:
        """The source version, which follows size and modification time."""
        return file_version(self.size, self.mtime_ns)


def file_version(size: int, mtime_ns: int) -> str:
    """The source version of a file of this size and modification time."""
    return version_of("file", size, mtime_ns)


def kind_of(name: str) -> str | None:
    """Which kind of source a file of this name is; None where it is neither a photo nor a video."""
    if can_decode(name):
        return PHOTO
    return VIDEO if _suffix(name) in _VIDEO_TYPES else None


def walk(root: Path, max_depth: int, left_out: Path | None = None) -> Iterator[MediaFile]:
    """The photos and videos below `root`, a resolved path, in no particular order.

    Hidden files and directories, `left_out`, and what cannot be read are passed over. A symbolic link to a file
    inside `root` counts as that file; every other link is passed over. Raises OSError where `root` cannot be read.
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
        sidecars = {entry.name.lower(): entry for entry in entries if entry.name.lower().endswith(_SIDECAR)}
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if depth < max_depth and entry.name not in _FOREIGN_DIRECTORIES and Path(entry.path) != left_out:
                    pending.append((f"{below}{entry.name}/", depth + 1))
            elif (kind := kind_of(entry.name)) and (file := _media_file(root, below, entry, kind)) is not None:
                yield replace(file, sidecar=_sidecar(below, entry.name, sidecars)) if sidecars else file


def _media_file(root: Path, below: str, entry: os.DirEntry[str], kind: str) -> MediaFile | None:
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
    types = _MEDIA_TYPES if kind == PHOTO else _VIDEO_TYPES
    return MediaFile(
        id=hashlib.sha256(os.fsencode(relative)).hexdigest()[:_ID_DIGITS],
        place=place,
        name=printable_name(entry.name),
        media_type=types.get(_suffix(entry.name), "application/octet-stream"),
        size=facts.st_size,
        mtime_ns=facts.st_mtime_ns,
        kind=kind,
        folder=sys.intern(below.removesuffix("/")),
    )


def _sidecar(below: str, name: str, sidecars: Mapping[str, os.DirEntry[str]]) -> Sidecar | None:
    """What lies beside a file as `name.jpg.xmp` or `name.xmp`."""
    for called in (f"{name}{_SIDECAR}", f"{name.rpartition('.')[0]}{_SIDECAR}"):
        entry = sidecars.get(called.lower())
        try:
            if entry is not None and entry.is_file(follow_symlinks=False):
                facts = entry.stat(follow_symlinks=False)
                return Sidecar(below + entry.name, facts.st_size, facts.st_mtime_ns)
        except OSError:  # gone meanwhile
            continue
    return None


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower()
