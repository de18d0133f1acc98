"""Limits on what is read from a file nobody has checked yet."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DecodeLimits:
    """Bounds on time and memory for one photo, and what it must have.

    min_side: pixels of its shorter side.
    max_bytes: size of the file.
    max_pixels: width x height of the photo, read from its header.
    max_icc_bytes: a larger colour profile is ignored.
    max_xmp_bytes: XMP packets, standard and extended together; larger ones are ignored.
    max_depth_bytes: the encoded depth or confidence image inside the photo.
    max_depth_pixels: width x height of that image.
    """

    min_side: int = 1
    max_bytes: int = 512 * 1024 * 1024
    max_pixels: int = 200_000_000
    max_icc_bytes: int = 8 * 1024 * 1024
    max_xmp_bytes: int = 64 * 1024 * 1024
    max_depth_bytes: int = 48 * 1024 * 1024
    max_depth_pixels: int = 25_000_000
