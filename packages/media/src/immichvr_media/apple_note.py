"""Apple's maker note: an IFD behind `Apple iOS\\0`, a version and a byte order; offsets count from the note's start.

Source: ExifTool's table of Apple's tags.
"""

from dataclasses import dataclass
from typing import Literal

_APPLE = b"Apple iOS\0"
_IFD = 14
_ENTRY = 12
_MOST_ENTRIES = 200
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8}
"""Bytes of a value, by TIFF's types."""


@dataclass(frozen=True, slots=True)
class AppleValue:
    """A tag's value as it is stored. kind: of TIFF's types; data: `count` of them."""

    kind: int
    count: int
    data: bytes
    byte_order: Literal["big", "little"]


def apple_value(maker_note: object, tag: int) -> AppleValue | None:
    """The value of a tag in a maker note; None where the note is none of Apple's, is cut short, or has no such tag."""
    if not isinstance(maker_note, bytes) or not maker_note.startswith(_APPLE):
        return None
    byte_order: Literal["big", "little"] = "big" if maker_note[12:14] == b"MM" else "little"

    def number(at: int, length: int) -> int:
        return int.from_bytes(maker_note[at : at + length], byte_order)

    end = _IFD + 2 + _ENTRY * min(number(_IFD, 2), _MOST_ENTRIES)
    for entry in range(_IFD + 2, min(len(maker_note), end), _ENTRY):
        if number(entry, 2) != tag:
            continue
        kind, count = number(entry + 2, 2), number(entry + 4, 4)
        length = _SIZES.get(kind, 1) * count
        at = number(entry + 8, 4) if length > 4 else entry + 8
        data = maker_note[at : at + length]
        return AppleValue(kind, count, data, byte_order)
    return None
