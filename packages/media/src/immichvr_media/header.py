"""Size, date and projection of a photo from its header, for lists of many photos."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from PIL import Image, ImageFile
from PIL.IptcImagePlugin import getiptcinfo

from immichvr_media.about import NOTHING, About, about_in_iptc
from immichvr_media.errors import InvalidImage
from immichvr_media.facts import PhotoFacts, image_facts, photo_facts, sidecar_facts
from immichvr_media.formats import Format, sniff
from immichvr_media.limits import DecodeLimits
from immichvr_media.motion import Clip, found_clip
from immichvr_media.opening import PLUGINS, READ_ERRORS, take_packet
from immichvr_media.orientation import swaps_sides
from immichvr_media.png_chunks import png_header

# Their readers take the file as a whole; the others take its header and no pixel.
_READ_WHOLE = frozenset({Format.WEBP, Format.HEIC, Format.AVIF})
_LARGEST_WHOLE = 64 * 1024 * 1024
# Their readers give the size of the upright picture.
_UPRIGHT_ALREADY = frozenset({Format.TIFF, Format.HEIC})
_WITH_IPTC = frozenset({Format.JPEG, Format.TIFF})
_SNIFFED = 4096
_LIMITS = DecodeLimits(max_xmp_bytes=4 * 1024 * 1024)
_ERRORS = (*READ_ERRORS, MemoryError, Image.DecompressionBombError, struct.error, zlib.error)


@dataclass(frozen=True, slots=True)
class PhotoHeader:
    """width, height: pixels, upright; taken: when, naive where no zone is told; projection: None for flat pictures.

    clip: the film that the file carries; content_id: what ties it to one in another file, as Apple's live photos.
    """

    width: int
    height: int
    taken: datetime | None
    projection: str | None
    about: About = NOTHING
    clip: Clip | None = None
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class SidecarHeader:
    """What a file of XMP beside a photo or video says of it, which counts before what the photo itself says."""

    taken: datetime | None
    about: About


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
    clip = found_clip(file, size, facts.clip)
    return PhotoHeader(width, height, facts.taken, facts.projection, facts.about, clip, facts.content_id)


def read_sidecar(file: BinaryIO) -> SidecarHeader:
    """What an open sidecar says; nothing where it makes no sense. Raises OSError where it cannot be read."""
    facts = sidecar_facts(file.read(_LIMITS.max_xmp_bytes + 1), _LIMITS)
    return SidecarHeader(facts.taken, facts.about)


def _size_and_facts(kind: Format, file: BinaryIO, size: int) -> tuple[tuple[int, int], PhotoFacts]:
    notes: list[str] = []
    if kind is Format.PNG:
        pixels, told = png_header(file, size, _LIMITS)
        return pixels, photo_facts(told.exif, told.xmp, _LIMITS, notes)
    image: ImageFile.ImageFile = PLUGINS[kind](file)
    facts = image_facts(image, take_packet(image), _LIMITS, notes)
    if kind in _WITH_IPTC and (records := _iptc_records(image)):
        facts = replace(facts, about=facts.about.over(about_in_iptc(records)))
    return image.size, facts


def _iptc_records(image: ImageFile.ImageFile) -> Mapping[tuple[int, int], object]:
    try:
        return getiptcinfo(image) or {}
    except _ERRORS:  # what is said of a photo costs nobody the photo
        return {}
