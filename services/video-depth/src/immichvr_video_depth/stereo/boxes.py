"""Telling players how two views lie in a file: `st3d`, and `sv3d` for half spheres, in the sample entry of an MP4.

Layout: ISO/IEC 14496-12, 8.5.2 (stsd), 8.7.5 (stco, co64); Spherical Video V2 RFC (st3d, sv3d). Muxers write these
boxes from side data that PyAV has no door to.
"""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import Final

TOP_BOTTOM: Final = 1
LEFT_RIGHT: Final = 2
_MOST_INDEX = 256 << 20
_SAMPLE_ENTRY = 78  # bytes of a VisualSampleEntry after its head
_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_QUARTER = 1 << 30  # of a whole, 0.32 fixed point
_MAKER = b"ImmichVR\x00"


def mark_stereo(path: Path, stereo: int, *, half_sphere: bool = False) -> None:
    """Rewrites an MP4 whose index is in front so that its video says how the views lie, and that they are half spheres.

    stereo: TOP_BOTTOM or LEFT_RIGHT. Raises ValueError for a file that is laid out otherwise.
    """
    more = _st3d(stereo) + (_half_sphere() if half_sphere else b"")
    partial = path.with_name(f".{path.name}.marked")
    try:
        with path.open("rb") as source, partial.open("wb") as target:
            while True:
                kind, size = _head(source.read(8))
                if kind == b"moov":
                    break
                if kind == b"mdat" or size > _MOST_INDEX:
                    raise ValueError(f"{path.name} has no index in front")
                target.write(struct.pack(">I4s", size, kind) + source.read(size - 8))
            if size > _MOST_INDEX:
                raise ValueError(f"the index of {path.name} has {size} bytes")
            target.write(_marked(struct.pack(">I4s", size, kind) + source.read(size - 8), more))
            shutil.copyfileobj(source, target, 1 << 20)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _marked(moov: bytes, more: bytes) -> bytes:
    out = bytearray(moov)
    grown = _grow(out, 0, len(out), more)
    if not grown:
        raise ValueError("the index has no video")
    _move_chunks(out, 0, len(out), len(more))
    return bytes(out)


def _grow(out: bytearray, start: int, end: int, more: bytes) -> bool:
    """Appends `more` to the first visual sample entry within; all boxes around it grow."""
    at = start
    while at + 8 <= end:
        kind, size = _head(out[at : at + 8])
        if kind == b"stsd":
            inner = at + 16
            entry_kind, entry_size = _head(out[inner : inner + 8])
            if entry_kind not in (b"avc1", b"hvc1", b"av01") or entry_size < 8 + _SAMPLE_ENTRY:
                return False
            out[inner + entry_size : inner + entry_size] = more
            _resize(out, inner, entry_size + len(more))
        elif kind not in _PARENTS or not _grow(out, at + 8, at + size, more):
            at += size
            continue
        _resize(out, at, size + len(more))
        return True
    return False


def _move_chunks(out: bytearray, start: int, end: int, by: int) -> None:
    """What follows the index lies farther back in the file now."""
    at = start
    while at + 8 <= end:
        kind, size = _head(out[at : at + 8])
        if kind in _PARENTS:
            _move_chunks(out, at + 8, at + size, by)
        elif kind in (b"stco", b"co64"):
            code = ">I" if kind == b"stco" else ">Q"
            width = struct.calcsize(code)
            (count,) = struct.unpack_from(">I", out, at + 12)
            for place in range(at + 16, at + 16 + count * width, width):
                (offset,) = struct.unpack_from(code, out, place)
                struct.pack_into(code, out, place, offset + by)
        at += size


def _head(data: bytes | bytearray) -> tuple[bytes, int]:
    if len(data) < 8:
        raise ValueError("the file ends within a box")
    size, kind = struct.unpack(">I4s", data)
    if size < 8:
        raise ValueError(f"a box {kind!r} of {size} bytes where one with its size is expected")
    return kind, size


def _resize(out: bytearray, at: int, size: int) -> None:
    struct.pack_into(">I", out, at, size)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _full(kind: bytes, content: bytes) -> bytes:
    return _box(kind, bytes(4) + content)


def _st3d(stereo: int) -> bytes:
    return _full(b"st3d", bytes([stereo]))


def _half_sphere() -> bytes:
    head = _full(b"prhd", struct.pack(">iii", 0, 0, 0))
    shape = _full(b"equi", struct.pack(">IIII", 0, 0, _QUARTER, _QUARTER))
    return _box(b"sv3d", _full(b"svhd", _MAKER) + _box(b"proj", head + shape))
