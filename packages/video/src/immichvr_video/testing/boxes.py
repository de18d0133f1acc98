"""Boxes of MP4 files that PyAV has no door to, put into clips that tests are about."""

from __future__ import annotations

from pathlib import Path

SIDE_BY_SIDE = 2
"""Of `st3d`: the left eye's view on the left."""


def box(kind: bytes, content: bytes) -> bytes:
    """ISO/IEC 14496-12, 4.2."""
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def sphere(edge: int, stereo: int = 0) -> bytes:
    """`st3d` and `sv3d` of Spherical Video V2, with svhd, proj, prhd and equi, as VR180 cameras write them.

    edge: what is left out at the left and at the right, as 0.32 fixed point; a quarter each leaves a half sphere.
    stereo: of `st3d`, 0 for one view.
    """
    bounds = b"".join(part.to_bytes(4, "big") for part in (0, 0, edge, edge))  # top, bottom, left, right
    projections = box(b"prhd", bytes(16)) + box(b"equi", bytes(4) + bounds)
    views = box(b"st3d", bytes(4) + bytes([stereo]))
    return views + box(b"sv3d", box(b"svhd", bytes(4) + b"test\0") + box(b"proj", projections))


def with_boxes(path: Path, boxes: bytes) -> Path:
    """An MP4 whose index is at its end, with these boxes in the sample entry of its picture."""
    data = bytearray(path.read_bytes())
    entry = data.index(b"avc1", data.index(b"stsd")) - 4
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        at = data.rindex(kind, 0, entry) - 4
        data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") + len(boxes)).to_bytes(4, "big")
    size = int.from_bytes(data[entry : entry + 4], "big")
    data[entry : entry + 4] = (size + len(boxes)).to_bytes(4, "big")
    data[entry + size : entry + size] = boxes
    path.write_bytes(data)
    return path


def with_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """An MP4 whose picture is shown with x' = a x + c y, y' = b x + d y; matrix: (a, b, c, d), whole numbers."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 4 + 20 + 16  # version 0: five numbers of times and the track, then layers and volume
    a, b, c, d = (part << 16 for part in matrix)
    numbers = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    data[at : at + 36] = b"".join(part.to_bytes(4, "big", signed=True) for part in numbers)
    path.write_bytes(data)
    return path
