"""What SPZ carries beside Gaussians: records of u32 type, u32 size and a payload, one after the other.

| type       | name                        | here                                                                 |
|------------|-----------------------------|----------------------------------------------------------------------|
| 0xADBE0003 | SPZ_ADOBE_coordinate_system | u32: the axes of the planes, 1 to 16 as SPZ_FRAMES, 0 for RUB        |
| 0xADBE0002 | SPZ_ADOBE_safe_orbit_camera | how far a viewer may go round: nothing here has a place for it       |
| 0x4E530001 | SPZ_NIANTIC_georeference    | where on Earth the cloud stands: the way from its means, in RUB      |
|            |                             | whatever the planes are in, to a geocentric system. Not applied, but |
|            |                             | carried as it is, among the marks' notes; its layout is a draft      |

Source: github.com/nianticlabs/spz, `extensions/README.md`.
"""

import base64
import binascii
import struct
from collections.abc import Iterator

from immichvr_splats.cloud import Marks
from immichvr_splats.errors import UnsupportedFileError
from immichvr_splats.frames import SPZ_FRAMES
from immichvr_splats.losses import Loss, number

MOST_BYTES = 1 << 20
"""Of all records together that are looked at."""

_RECORD = struct.Struct("<II")
_COORDINATE_SYSTEM = 0xADBE0003
_GEOREFERENCE = 0x4E530001
_GEOREFERENCE_NOTE = "SPZ_NIANTIC_georeference"
_GEOREFERENCE_BYTES = range(77, 700)  # from one letter for the system to as many as a note may be long
_NAMES = {0xADBE0002: "SPZ_ADOBE_safe_orbit_camera", _GEOREFERENCE: _GEOREFERENCE_NOTE}
_UNSPECIFIED = "rub"


def read_extensions(data: bytes, name: str, frame: str | None) -> tuple[str | None, tuple[str, ...], list[Loss]]:
    """The frame that the file tells, None where it does not; notes of where the cloud stands; what is left out.

    frame: what is known already, whatever the file tells.

    Raises UnsupportedFileError for axes that have no name.
    """
    known, read = frame is not None, 0
    notes: list[str] = []
    losses: list[Loss] = []
    for kind, payload in _records(data):
        read += _RECORD.size + len(payload)
        if kind == _COORDINATE_SYSTEM and len(payload) >= 4:
            frame = frame if known else _frame(int.from_bytes(payload[:4], "little"), name)
        elif kind == _GEOREFERENCE and len(payload) in _GEOREFERENCE_BYTES and not notes:
            notes.append(f"{_GEOREFERENCE_NOTE} {base64.b64encode(payload).decode()}")
        else:
            what = _NAMES.get(kind, f"0x{kind:08X}")
            losses.append(Loss("ignored", f"the extension {what} of spz, {number(len(payload), 'byte')}: ignored"))
    if read < len(data):
        losses.append(Loss("ignored", f"{number(len(data) - read, 'byte')} that are no extension of spz: ignored"))
    return frame, tuple(notes), losses


def written_extensions(marks: Marks) -> tuple[bytes, list[Loss]]:
    """The records of a cloud's marks, and what SPZ has no place for."""
    records, rest = b"", []
    for note in marks.georeference:
        payload = _georeference_in(note)
        if payload is None or records:
            rest.append(note)
        else:
            records = _RECORD.pack(_GEOREFERENCE, len(payload)) + payload
    left = Marks(origin=marks.origin, georeference=tuple(rest)).place
    message = f"spz has no place for where the cloud stands: {left}"
    return records, [Loss("georeference", message)] if left else []


def _georeference_in(note: str) -> bytes | None:
    name, _, encoded = note.partition(" ")
    if name != _GEOREFERENCE_NOTE:
        return None
    try:
        payload = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return None
    return payload if len(payload) in _GEOREFERENCE_BYTES else None


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
