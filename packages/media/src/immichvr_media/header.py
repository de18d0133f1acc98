"""Size, date and projection of a photo from its header, for lists of many photos."""

import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from PIL import Image, ImageFile

from immichvr_media.errors import InvalidImage
from immichvr_media.facts import PhotoFacts, image_facts, photo_facts
from immichvr_media.formats import Format, sniff
from immichvr_media.limits import DecodeLimits
from immichvr_media.opening import PLUGINS, READ_ERRORS, take_packet
from immichvr_media.orientation import swaps_sides
from immichvr_media.png_chunks import png_header

# Their readers take the file as a whole; the others take its header and no pixel.
_READ_WHOLE = frozenset({Format.WEBP, Format.HEIC, Format.AVIF})
_LARGEST_WHOLE = 64 * 1024 * 1024
# Their readers give the size of the upright picture.
_UPRIGHT_ALREADY = frozenset({Format.TIFF, Format.HEIC})
_SNIFFED = 4096
_LIMITS = DecodeLimits(max_xmp_bytes=4 * 1024 * 1024)
_ERRORS = (*READ_ERRORS, MemoryError, Image.DecompressionBombError, struct.error, zlib.error)


@dataclass(frozen=True, slots=True)
class PhotoHeader:
    """width, height: pixels, upright; taken: when, naive where no zone is told; projection: None for flat pictures."""

    width: int
    height: int
    taken: datetime | None
    projection: str | None


def read_photo_header(file: BinaryIO, size: int) -> PhotoHeader:
    """What the header of an open file of `size` bytes says.

    Raises InvalidImage or UnsupportedImage where it makes no sense, OSError where the file cannot be read.
    """
    kind = sniff(file.read(_SNIFFED))
    if kind in _READ_WHOLE and size > _LARGEST_WHOLE:
        raise InvalidImage(f"a {kind} of {size} bytes is not read for a list")
    file.seek(0)
    try:
        (width, height), facts = _size_and_facts(kind, file, size)
    except _ERRORS as error:
        raise InvalidImage(f"damaged or cut-off {kind} file: {str(error).strip()}") from error
    if kind not in _UPRIGHT_ALREADY and swaps_sides(facts.orientation):
        width, height = height, width
    if width < 1 or height < 1:
        raise InvalidImage(f"damaged {kind} file: its size is {width} x {height}")
    return PhotoHeader(width, height, facts.taken, facts.projection)


def _size_and_facts(kind: Format, file: BinaryIO, size: int) -> tuple[tuple[int, int], PhotoFacts]:
    notes: list[str] = []
    if kind is Format.PNG:
        pixels, told = png_header(file, size, _LIMITS)
        return pixels, photo_facts(told.exif, told.xmp, _LIMITS, notes)
    image: ImageFile.ImageFile = PLUGINS[kind](file)
    return image.size, image_facts(image, take_packet(image), _LIMITS, notes)
