"""Limits on what is read of a dataset that nobody has checked yet."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DatasetLimits:
    """Bounds on a dataset. frames: pictures. files, bytes: of an archive, unpacked. json_bytes: of transforms.json."""

    frames: int = 2000
    files: int = 10_000
    bytes: int = 16 * 1024**3
    json_bytes: int = 64 * 1024**2


USUAL = DatasetLimits()
