"""Photos that depth is made of: within limits, and large enough to see depth in."""

from __future__ import annotations

from pathlib import Path

from immichvr_media import DecodeLimits, Photo, decode_photo

from immichvr_depth.errors import ImageTooSmall


def open_photo(path: Path, *, min_side: int, max_megapixels: float, max_megabytes: float) -> Photo:
    """The photo in a file. Raises MediaError, ImageTooSmall."""
    limits = DecodeLimits(max_pixels=int(max_megapixels * 1e6), max_bytes=int(max_megabytes * 1e6))
    photo = decode_photo(path, limits)
    ImageTooSmall.check(photo.width, photo.height, min_side)
    return photo
