"""Folders of photos."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from immichvr_gateway.library import FolderLibrary, FolderLimits, Identity
from PIL import ExifTags, Image


@pytest.fixture
def me() -> Identity:
    """Whoever is in front of the folder."""
    return Identity.local()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder of photos."""
    root = tmp_path / "photos"
    root.mkdir()
    return root


@pytest.fixture
def put(root: Path) -> Callable[..., Path]:
    """Puts a photo into the folder: `put("name.jpg", taken="2024:05:01 12:00:00", modified=…, orientation=6, …)`."""

    def write(
        name: str,
        size: tuple[int, int] = (64, 48),
        colour: str = "teal",
        *,
        format: str = "JPEG",
        taken: str | None = None,
        offset: str | None = None,
        orientation: int = 1,
        modified: float | None = None,
    ) -> Path:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        if taken is not None:
            exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
        if offset is not None:
            exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.OffsetTimeOriginal] = offset
        out = io.BytesIO()
        Image.new("RGB", size, colour).save(out, format, exif=exif)
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(out.getvalue())
        if modified is not None:
            os.utime(path, (modified, modified))
        return path

    return write


@pytest.fixture
async def open_library(root: Path, tmp_path: Path) -> AsyncIterator[Callable[..., FolderLibrary]]:
    """Makes libraries of the folder, which look at it at every call unless told otherwise, and closes them."""
    opened: list[FolderLibrary] = []

    def open_one(cache: Path = tmp_path / "cache", **limits: object) -> FolderLibrary:
        library = FolderLibrary(root, cache, FolderLimits(**{"rescan_s": 0.0, "settle_s": 0.0, **limits}))  # type: ignore[arg-type]
        opened.append(library)
        return library

    yield open_one
    for library in opened:
        await library.close()


@pytest.fixture
def library(open_library: Callable[..., FolderLibrary]) -> FolderLibrary:
    """A library of the folder."""
    return open_library()
