"""What SPZ files of other programs hold, made without the writer that is tested."""

import struct


def georeference(crs: bytes = b"EPSG:4978") -> bytes:
    """Where a cloud stands, as Niantic's library writes it: origin, rotation xyzw, scale, epoch, then the system."""
    numbers = struct.pack("<3d4ddd", 4194304.5, -555555.25, 4713930.125, 0, 0, 0, 1, 1, float("nan"))
    return struct.pack("<BBH", 1, 0, len(crs)) + numbers + crs
