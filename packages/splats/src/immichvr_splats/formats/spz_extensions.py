"""What SPZ carries beside Gaussians: records of u32 type, u32 size and a payload, one after the other.

| type       | name                        | here                                                                 |
|------------|-----------------------------|----------------------------------------------------------------------|
| 0xADBE0003 | SPZ_ADOBE_coordinate_system | u32: the axes of the planes, 1 to 16 as SPZ_FRAMES, 0 for RUB        |
| 0xADBE0002 | SPZ_ADOBE_safe_orbit_camera | how far a viewer may go round: nothing here has a place for it       |

Source: github.com/nianticlabs/spz, `extensions/README.md`.
"""

import struct
from collections.abc import Iterator

from ..errors import UnsupportedFileError
from ..frames import SPZ_FRAMES
from ..losses import Loss, number

MOST_BYTES = 1 << 20
"""Of all records together that are looked at."""

_RECORD = struct.Struct("<II")
_COORDINATE_SYSTEM = 0xADBE0003
_NAMES = {0xADBE0002: "SPZ_ADOBE_safe_orbit_camera"}
_UNSPECIFIED = "rub"


def read_extensions(data: bytes, name: str) -> tuple[str | None, list[Loss]]:
    """The frame that the file tells, None where it does not, and what is left out.

    Raises UnsupportedFileError for axes that have no name.
    """
    frame, losses, read = None, [], 0
    for kind, payload in _records(data):
        read += _RECORD.size + len(payload)
        if kind == _COORDINATE_SYSTEM and len(payload) >= 4:
            frame = _frame(int.from_bytes(payload[:4], "little"), name)
        else:
            what = _NAMES.get(kind, f"0x{kind:08X}")
            losses.append(Loss("ignored", f"the extension {what} of spz, {number(len(payload), 'byte')}: ignored"))
    if read < len(data):
        losses.append(Loss("ignored", f"{number(len(data) - read, 'byte')} that are no extension of spz: ignored"))
    return frame, losses


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + _RECORD.size <= len(data):
        kind, size = _RECORD.unpack_from(data, offset)
        start = offset + _RECORD.size
        if start + size > len(data):
            return
        yield kind, data[start : start + size]
        offset = start + size


def _frame(code: int, name: str) -> str:
    if code == 0:
        return _UNSPECIFIED
    if code > len(SPZ_FRAMES):
        raise UnsupportedFileError(
            f"{name}: SPZ_ADOBE_coordinate_system is {code}, 1 to {len(SPZ_FRAMES)} have a meaning; "
            "the axes can be named on reading"
        )
    return SPZ_FRAMES[code - 1]
