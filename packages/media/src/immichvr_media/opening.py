"""Opening and loading a photo with Pillow, within limits and with our own errors."""

import io
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, ImageChops, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from immichvr_media.code_points import adobe_rgb_profile
from immichvr_media.errors import ImageTooLarge, InvalidImage, UnsupportedImage
from immichvr_media.facts import PhotoFacts, image_facts, photo_facts
from immichvr_media.formats import Format, sniff
from immichvr_media.jpeg_layout import JpegLayout, jpeg_layout
from immichvr_media.limits import DecodeLimits
from immichvr_media.orientation import UPRIGHT, valid_orientation
from immichvr_media.png_chunks import png_parts
from immichvr_media.profiles import photo_profile

# One plugin per format, chosen by our own sniffing: Image.open would try others, and its bomb check is
# process-wide and lower than our limit.
PLUGINS: dict[Format, type[ImageFile.ImageFile]] = {
    Format.JPEG: JpegImageFile,
    Format.PNG: PngImageFile,
    Format.WEBP: WebPImageFile,
    Format.HEIC: HeifImageFile,
    Format.AVIF: AvifImageFile,
    Format.TIFF: TiffImageFile,
    Format.GIF: GifImageFile,
}
# What Pillow's readers raise on damaged input, over all of these formats.
READ_ERRORS = (
    SyntaxError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    struct.error,
    zlib.error,
)
_BOMB_ERRORS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
# Pillow's words for a sound file of a variant that it does not decode.
_VARIANT_WORDS = ("unknown pixel mode", "cannot handle")

_EOI = b"\xff\xd9"
# Picture data that change whatever is not there yet, wherever a decoder waits: for bits or for a restart marker.
_MORE = b"\x55\xaa" * 1024 + b"".join(b"\xff" + bytes([0xD0 + n]) + b"\x55\xaa" * 128 for n in range(8))
# A picture that lacks a larger share of its rows is not taken for the photo.
_MISSING_AT_MOST = 0.1

_CLASSIC_TIFF = 42
_TIFF_NEW_SUBFILE_TYPE = 254
_TIFF_SUB_IFDS = 330
_TIFF_DNG_VERSION = 50706
_TIFF_SAMPLE_FORMAT, _SIGNED = 339, 2


@dataclass(frozen=True)
class OpenedImage:
    """A photo whose header has been read and found within limits.

    layout: of a JPEG, else None; xmp, icc: the standard XMP packet and the colour profile, if any; facts: what its
    metadata say.
    """

    image: ImageFile.ImageFile
    format: Format
    data: bytes
    layout: JpegLayout | None
    xmp: bytes | None
    icc: bytes | None
    facts: PhotoFacts


@dataclass(frozen=True)
class LoadedImage:
    """A decoded photo, not yet upright and in the colours of the file.

    orientation: EXIF orientation of the stored picture; turn: the part of it that is still to be undone;
    icc: the profile of its colours, None for sRGB.
    """

    image: ImageFile.ImageFile
    orientation: int
    turn: int
    icc: bytes | None


def read_source(source: bytes | Path, limits: DecodeLimits) -> bytes:
    """The file's bytes; raises ImageTooLarge before reading a file above the limit."""
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > limits.max_bytes:
        raise ImageTooLarge(f"the file has {size} bytes; the limit is {limits.max_bytes} bytes")
    return source if isinstance(source, bytes) else source.read_bytes()


def open_image(data: bytes, limits: DecodeLimits, notes: list[str]) -> OpenedImage:
    """Reads the header of a photo, decoding no pixel.

    Raises InvalidImage, ImageTooLarge or UnsupportedImage.
    """
    kind = sniff(data)
    if kind is Format.TIFF:
        _refuse_cut_off_directory(data)
    layout = jpeg_layout(data) if kind is Format.JPEG else None
    parts = png_parts(data, limits, notes) if kind is Format.PNG else None
    readable = data
    if parts is not None:
        readable = parts.picture
    elif layout is not None and not layout.ends:
        readable = data[: layout.end] + _EOI
    image = _construct(kind, readable, limits)
    width, height = image.size
    if width < 1 or height < 1:
        raise InvalidImage(f"damaged {kind} file: its size is {width} x {height}")
    if width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"the photo has {width} x {height} = {width * height} pixels; the limit is {limits.max_pixels} pixels"
        )
    if kind is Format.TIFF:
        _refuse_raw_and_signed(image)
    if kind is Format.JPEG and "mp" in image.info:
        kind = Format.MPO
    if layout is not None:
        notes.extend(layout.doubts)
    xmp = parts.facts.xmp if parts else take_packet(image)
    icc = parts.facts.icc if parts else photo_profile(kind, image.info, data, limits, notes)
    facts = photo_facts(parts.facts.exif, xmp, limits, notes) if parts else image_facts(image, xmp, limits, notes)
    return OpenedImage(image, kind, data, layout, xmp, icc, facts)


def load_image(opened: OpenedImage, notes: list[str], at_least: tuple[int, int] | None = None) -> LoadedImage:
    """Decodes the pixels of the first frame; raises InvalidImage where the file is damaged or cut off.

    at_least: a size (w, h) that is enough; a decoder that can reduce cheaply then may, down to that size.
    """
    image = opened.image
    if at_least is not None:
        image.draft(None, at_least)
    try:
        image.load()
        if opened.layout is not None:
            _refuse_missing_rest(opened, opened.layout, at_least, notes)
    except _BOMB_ERRORS as error:
        raise ImageTooLarge(str(error)) from error
    except InvalidImage:
        raise
    except READ_ERRORS as error:
        raise InvalidImage(f"damaged or cut-off {opened.format} file: {str(error).strip()}") from error
    if image.mode in ("P", "PA") and image.palette is None:
        raise InvalidImage(f"damaged {opened.format} file: a palette picture without a palette")
    facts = opened.facts
    icc = opened.icc or (adobe_rgb_profile() if facts.adobe_rgb else None)
    if opened.format is Format.TIFF:  # Pillow turns TIFF upright itself, and forgets the tag
        return LoadedImage(image, facts.orientation, UPRIGHT, icc)
    if opened.format is Format.HEIC:  # libheif applies the container's own turn, which outranks EXIF
        orientation = valid_orientation(image.info.get("original_orientation"))
        return LoadedImage(image, orientation, UPRIGHT, icc)
    return LoadedImage(image, facts.orientation, facts.orientation, icc)


def _construct(kind: Format, data: bytes, limits: DecodeLimits) -> ImageFile.ImageFile:
    try:
        return PLUGINS[kind](io.BytesIO(data))
    except _BOMB_ERRORS as error:
        raise ImageTooLarge(f"{error}; the limit is {limits.max_pixels} pixels") from error
    except READ_ERRORS as error:
        if any(words in str(error) for words in _VARIANT_WORDS):
            raise UnsupportedImage(f"a {kind} variant that is not decoded here: {error}") from error
        raise InvalidImage(f"damaged or cut-off {kind} file: {str(error).strip()}") from error


def _refuse_cut_off_directory(data: bytes) -> None:
    """Raises InvalidImage where a classic TIFF ends inside its directory, which Pillow reads as far as it goes."""
    order: Literal["little", "big"] = "little" if data.startswith(b"II") else "big"
    if int.from_bytes(data[2:4], order) != _CLASSIC_TIFF:
        return
    at = int.from_bytes(data[4:8], order)
    end = at + 2 + 12 * int.from_bytes(data[at : at + 2], order)
    if len(data) < max(end, at + 2):
        raise InvalidImage(f"cut-off TIFF: the file ends at byte {len(data)}, its directory reaches to {end}")


def _refuse_raw_and_signed(image: ImageFile.ImageFile) -> None:
    """Raises UnsupportedImage for camera RAW, which looks like a TIFF whose first picture is a thumbnail.

    So are signed samples, of which nothing says which value is black.
    """
    tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
    if _SIGNED in tags.get(_TIFF_SAMPLE_FORMAT, ()):
        raise UnsupportedImage("signed samples have no agreed black; unsigned ones of 8 or 16 bits are decoded")
    reduced = tags.get(_TIFF_NEW_SUBFILE_TYPE, 0) == 1 and _TIFF_SUB_IFDS in tags
    if _TIFF_DNG_VERSION in tags or reduced:
        raise UnsupportedImage("camera RAW is not decoded here; use a JPEG or HEIC of the photo")


def _refuse_missing_rest(
    opened: OpenedImage, layout: JpegLayout, at_least: tuple[int, int] | None, notes: list[str]
) -> None:
    """Raises InvalidImage where the decoder ran out of data long before the picture's end and painted it grey.

    Where the file has not the form of a sound one, or the last pixel has that grey, the picture is decoded once more
    with bytes added behind its data: a complete picture does not change. A narrow strip that is missing is noted.
    """
    width, height = opened.image.size
    corner = opened.image.getpixel((width - 1, height - 1))
    values = corner if isinstance(corner, tuple) else (corner,)
    if not layout.doubts and any(value not in (127, 128) for value in values):
        return
    at = layout.data_end
    again = JpegImageFile(io.BytesIO(opened.data[:at] + _MORE + _EOI))
    if at_least is not None:
        again.draft(None, at_least)
    again.load()
    changed = ImageChops.difference(opened.image, again).getbbox()
    if changed is None:
        return
    missing = (height - changed[1]) / height
    if missing > _MISSING_AT_MOST:
        raise InvalidImage(f"cut-off JPEG: its picture data ends at byte {at}, before the picture does")
    notes.append(f"the file ends early: of the lowest {math.ceil(missing * 100)} % of the picture some is missing")


def take_packet(image: ImageFile.ImageFile) -> bytes | None:
    """The standard XMP packet of a picture that Pillow opened, PNG apart; taken out, or Pillow turns TIFF by it."""
    value = image.info.pop("xmp", None)
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) and value else None
