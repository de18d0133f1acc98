"""SOG as a folder: the entries of a `.sog` file as files of their own, which web servers like better."""

import os
import secrets
import shutil
from io import BytesIO
from pathlib import Path

from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.conversion import DEFAULT_LIMITS, ReadResult, read, write
from immichvr_splats.errors import InvalidCloudError
from immichvr_splats.formats.sog import open_archive
from immichvr_splats.losses import Loss
from immichvr_splats.source import ReadLimits, open_source


def read_sog_folder(folder: str | os.PathLike[str], limits: ReadLimits = DEFAULT_LIMITS) -> ReadResult:
    """Read a cloud from the folder of a `meta.json`, or from the path of that file, which `read` does too.

    Only regular files directly in the folder are looked at. Raises as `read` does.
    """
    return read(Path(folder), "sog", limits)


def write_sog_folder(cloud: GaussianCloud, folder: str | os.PathLike[str], **options: object) -> list[Loss]:
    """Write a cloud as a folder, which appears whole or not at all, and return what SOG could not keep.

    options: those of the format "sog". Raises InvalidCloudError where the folder holds something already.
    """
    path = Path(folder)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InvalidCloudError(f"{path.name} exists already; a SOG folder is written to a new or empty one")
    file = BytesIO()
    losses = write(cloud, file, "sog", **options)
    archive = open_archive(open_source(file.getbuffer(), DEFAULT_LIMITS))
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    unfinished.mkdir()
    try:
        for name in archive.entries:
            (unfinished / name).write_bytes(archive.read(name, DEFAULT_LIMITS.max_bytes))
        unfinished.replace(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return losses
