"""Size, date and projection of a photo of the folder, from its header alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from immichvr_media import MediaError, read_photo_header


@dataclass(frozen=True, slots=True)
class Header:
    """width, height: pixels, upright, None where unreadable; taken_at: in the place's own zone, None if not told.

    projection: as the photo names it, None for flat pictures.
    """

    width: int | None = None
    height: int | None = None
    taken_at: datetime | None = None
    projection: str | None = None


UNREADABLE = Header()


def read_header(file: BinaryIO, size: int) -> Header:
    """What the header of an open file of `size` bytes says; UNREADABLE where it makes no sense."""
    try:
        header = read_photo_header(file, size)
    except (MediaError, OSError):
        return UNREADABLE
    return Header(header.width, header.height, _moment(header.taken), header.projection)


def _moment(taken: datetime | None) -> datetime | None:
    """The moment; a photo that names no zone was taken in this machine's."""
    if taken is None or taken.tzinfo is not None:
        return taken
    try:
        moment = taken.astimezone()
        moment.astimezone(UTC)  # one that UTC cannot express is none to sort by
    except (ValueError, OverflowError, OSError):  # before or after what the system knows
        return None
    return moment
