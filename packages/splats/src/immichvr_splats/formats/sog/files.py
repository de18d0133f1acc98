"""The files of a SOG's folder as the zip that its reader takes."""

import os
from pathlib import Path

from immichvr_splats.errors import LimitExceededError, MalformedFileError
from immichvr_splats.formats.sog.archive import plain_name, stored
from immichvr_splats.formats.sog.metadata import META_NAME
from immichvr_splats.source import ReadLimits, Source

_MOST_FILES = 64


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a path is that of a folder, or of the description in one."""
    return Path(path).name == META_NAME or Path(path).is_dir()


def zip_of_folder(folder: str | os.PathLike[str], limits: ReadLimits) -> Source:
    """The regular files directly in the folder of a `meta.json`, of which the path may be given too.

    Raises MalformedFileError, LimitExceededError, OSError.
    """
    path = Path(folder)
    path = path.parent if path.name == META_NAME else path
    if not (path / META_NAME).is_file():
        raise MalformedFileError(f"{path.name}: a SOG folder wants a file {META_NAME!r}")
    names = sorted(f.name for f in path.iterdir() if plain_name(f.name) and f.is_file() and not f.is_symlink())
    if len(names) > _MOST_FILES:
        raise MalformedFileError(f"{path.name}: {len(names):,} files, a SOG folder has at most {_MOST_FILES}")
    size = sum((path / name).stat().st_size for name in names)
    if size > limits.max_bytes:
        raise LimitExceededError(f"{path.name}: {size:,} bytes, the limit is {limits.max_bytes:,}")
    zipped = b"".join(stored((name, (path / name).read_bytes()) for name in names))
    return Source(memoryview(zipped), path.absolute().name)
