"""Datasets as zip archives; those that come in may be meant to do harm."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from immichvr_scenes.datasets.limits import USUAL, DatasetLimits
from immichvr_scenes.datasets.writing import TRANSFORMS
from immichvr_scenes.errors import DatasetTooLarge, InvalidDataset

_WANTED = frozenset({".json", ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".npy", ".ply"})
_PIECE = 1 << 20
_DIRECTORY_BYTES = 200
"""Of an archive's list of files, for each of them."""
_MOMENT = (1980, 1, 1, 0, 0, 0)


def zip_dataset(folder: Path, archive: Path) -> Path:
    """Pack a dataset; the same files make the same archive. It appears under its name when it is whole."""
    partial = archive.with_name(f".{archive.name}.partial")
    with zipfile.ZipFile(partial, "w") as opened:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _MOMENT)
            entry.external_attr = 0o644 << 16
            packed = path.suffix in (".json", ".npy")
            entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            with path.open("rb") as source, opened.open(entry, "w", force_zip64=True) as target:
                while piece := source.read(_PIECE):
                    target.write(piece)
    partial.replace(archive)
    return archive


def unzip_dataset(archive: Path, folder: Path, limits: DatasetLimits = USUAL) -> Path:
    """Unpack what a dataset consists of into an empty folder; the folder in which its transforms.json lies.

    Only pictures, depth, points and JSON are unpacked, under names within `folder`, and no more bytes than the limit,
    whatever the archive says of itself. Raises InvalidDataset, DatasetTooLarge.
    """
    try:
        with _Bounded(archive, limits.files * _DIRECTORY_BYTES + _PIECE) as file, zipfile.ZipFile(file) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            if len(entries) > limits.files:
                raise DatasetTooLarge(f"the archive has {len(entries)} files; {limits.files} at most are unpacked")
            left = limits.bytes
            for entry in entries:
                name = _checked(entry)
                if name.suffix.lower() in _WANTED:
                    left = _unpacked(opened, entry, folder / name, left, limits)
    except (FileExistsError, NotADirectoryError) as error:
        raise InvalidDataset("the archive holds two files of one name") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise InvalidDataset(f"the archive is damaged, or no zip archive: {error}") from error
    found = sorted(folder.glob(f"**/{TRANSFORMS}"), key=lambda path: len(path.parts))
    if not found:
        raise InvalidDataset(f"the archive has no {TRANSFORMS}")
    return found[0].parent


class _Bounded(io.FileIO):
    """A file of which no more is read at once than `most`: so much of a directory of files is taken into memory."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(path)
        self._most, self._length = most, path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Raises DatasetTooLarge."""
        left = self._length - self.tell()
        if (left if size is None or size < 0 else min(size, left)) > self._most:
            raise DatasetTooLarge("the archive's list of files is too long; pack fewer files")
        return super().read(size) or b""


def _checked(entry: zipfile.ZipInfo) -> PurePosixPath:
    """The name, which stays within the folder."""
    name = PurePosixPath(entry.filename)
    odd = name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in entry.filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if odd or kind not in (0, stat.S_IFREG):
        raise InvalidDataset(f"the archive holds {entry.filename[:80]!r}, which is no plain file within it")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidDataset("the archive is packed in a way that is not read; pack it as an ordinary zip archive")
    if entry.flag_bits & 1:
        raise InvalidDataset("the archive is encrypted; pack it without a password")
    return name


def _unpacked(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, left: int, limits: DatasetLimits) -> int:
    """Bytes that may still be unpacked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(entry) as source, path.open("xb") as target:
        while piece := source.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise DatasetTooLarge(f"unpacked, the archive has more than {limits.bytes / 1e9:.1f} GB")
            target.write(piece)
    return left
