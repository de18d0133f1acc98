"""Size and date of a photo, from its header alone."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import BinaryIO

from immichvr_media import MediaError
from immichvr_media.formats import Format, sniff
from immichvr_media.orientation import swaps_sides, valid_orientation
from PIL import ExifTags, Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

# Each reader takes the file's header and no pixel; those that take more read the file as a whole.
_READERS: dict[Format, type[ImageFile.ImageFile]] = {
    Format.JPEG: JpegImageFile,
    Format.PNG: PngImageFile,
    Format.WEBP: WebPImageFile,
    Format.HEIC: HeifImageFile,
    Format.AVIF: AvifImageFile,
    Format.TIFF: TiffImageFile,
    Format.GIF: GifImageFile,
}
_READ_WHOLE = frozenset({Format.WEBP, Format.HEIC, Format.AVIF})
_LARGEST_WHOLE = 64 * 1024 * 1024
# Their readers give the size of the upright picture.
_UPRIGHT_ALREADY = frozenset({Format.TIFF, Format.HEIC})
_SNIFFED = 4096
# What Pillow's readers raise on damaged input, over all of these formats.
_READ_ERRORS = (
    SyntaxError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
_LONGEST_OFFSET = timedelta(hours=15)


@dataclass(frozen=True, slots=True)
class Header:
    """width, height: pixels, upright, None where unreadable; taken_at: in the place's own zone, None if not told."""

    width: int | None = None
    height: int | None = None
    taken_at: datetime | None = None


UNREADABLE = Header()


def read_header(file: BinaryIO, size: int) -> Header:
    """What the header of an open file of `size` bytes says; UNREADABLE where it makes no sense."""
    try:
        start = file.read(_SNIFFED)
        file.seek(0)
        kind = sniff(start)
        if kind in _READ_WHOLE and size > _LARGEST_WHOLE:
            return UNREADABLE
        image = _READERS[kind](file)
        # A PNG's own method decodes the whole picture to look for EXIF behind it.
        exif = Image.Image.getexif(image) if kind is Format.PNG else image.getexif()
        width, height = image.size
        if kind not in _UPRIGHT_ALREADY and swaps_sides(valid_orientation(exif.get(ExifTags.Base.Orientation))):
            width, height = height, width
        taken_at = _taken_at(dict(exif.get_ifd(ExifTags.IFD.Exif)))
    except (MediaError, *_READ_ERRORS):
        return UNREADABLE
    if width < 1 or height < 1:
        return UNREADABLE
    return Header(width, height, taken_at)


def _taken_at(exif: dict[int, object]) -> datetime | None:
    """DateTimeOriginal (EXIF 2.32, 0x9003) in the zone of OffsetTimeOriginal (0x9011), else in this machine's."""
    text = exif.get(ExifTags.Base.DateTimeOriginal)
    if not isinstance(text, str):
        return None
    try:
        local = datetime.strptime(text.strip("\0 "), "%Y:%m:%d %H:%M:%S")  # the zone follows
        offset = exif.get(ExifTags.Base.OffsetTimeOriginal)
        zone = _zone(offset) if isinstance(offset, str) else None
        taken = local.replace(tzinfo=zone) if zone else local.astimezone()
        taken.astimezone(UTC)  # a moment that UTC cannot express is no moment to sort by
        return taken
    except (ValueError, OverflowError, OSError):  # a date such as 0000:00:00, or one before what the system knows
        return None


def _zone(text: str) -> timezone | None:
    sign, hours, _, minutes = text[:1], text[1:3], text[3:4], text[4:6]
    if sign not in ("+", "-") or not (hours.isdigit() and minutes.isdigit()):
        return None
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    if offset > _LONGEST_OFFSET:
        return None
    return timezone(offset if sign == "+" else -offset)
