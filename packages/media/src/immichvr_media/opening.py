"""Opening and loading a photo with Pillow, within limits and with our own errors."""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from immichvr_media.errors import ImageTooLarge, InvalidImage
from immichvr_media.exif import ExifFacts, read_exif
from immichvr_media.formats import Format, sniff
from immichvr_media.limits import DecodeLimits
from immichvr_media.orientation import UPRIGHT, valid_orientation

# One plugin per format, chosen by our own sniffing: Image.open would try others, and its bomb check is
# process-wide and lower than our limit.
_PLUGINS: dict[Format, type[ImageFile.ImageFile]] = {
    Format.JPEG: JpegImageFile,
    Format.PNG: PngImageFile,
    Format.WEBP: WebPImageFile,
    Format.HEIC: HeifImageFile,
    Format.AVIF: AvifImageFile,
    Format.TIFF: TiffImageFile,
    Format.GIF: GifImageFile,
}
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
    struct.error,
    zlib.error,
)
_BOMB_ERRORS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True)
class OpenedImage:
    """A photo whose header has been read and found within limits."""

    image: ImageFile.ImageFile
    format: Format
    data: bytes


@dataclass(frozen=True)
class LoadedImage:
    """A decoded photo, not yet upright and in the colours of the file.

    orientation: EXIF orientation of the stored picture; turn: the part of it that is still to be undone.
    """

    image: ImageFile.ImageFile
    exif: ExifFacts
    orientation: int
    turn: int


def read_source(source: bytes | Path, limits: DecodeLimits) -> bytes:
    """The file's bytes; raises ImageTooLarge before reading a file above the limit."""
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > limits.max_bytes:
        raise ImageTooLarge(f"the file has {size} bytes; the limit is {limits.max_bytes} bytes")
    return source if isinstance(source, bytes) else source.read_bytes()


def open_image(data: bytes, limits: DecodeLimits) -> OpenedImage:
    """Reads the header of a photo, decoding no pixel.

    Raises InvalidImage, ImageTooLarge or UnsupportedImage.
    """
    kind = sniff(data)
    try:
        image = _PLUGINS[kind](io.BytesIO(data))
    except _BOMB_ERRORS as error:
        raise ImageTooLarge(f"{error}; the limit is {limits.max_pixels} pixels") from error
    except _READ_ERRORS as error:
        raise InvalidImage(f"damaged {kind} file: {error}") from error
    width, height = image.size
    if width < 1 or height < 1:
        raise InvalidImage(f"damaged {kind} file: its size is {width} x {height}")
    if width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"the photo has {width} x {height} = {width * height} pixels; the limit is {limits.max_pixels} pixels"
        )
    if kind is Format.JPEG and "mp" in image.info:
        kind = Format.MPO
    return OpenedImage(image, kind, data)


def load_image(opened: OpenedImage, notes: list[str]) -> LoadedImage:
    """Decodes the pixels of the first frame; raises InvalidImage where the file is damaged or cut off."""
    image = opened.image
    exif_before = read_exif(image, notes)
    try:
        image.load()
    except _BOMB_ERRORS as error:
        raise ImageTooLarge(str(error)) from error
    except _READ_ERRORS as error:
        raise InvalidImage(f"damaged or cut off {opened.format} file: {error}") from error
    if opened.format is Format.TIFF:  # Pillow turns TIFF upright itself, and forgets the tag
        return LoadedImage(image, exif_before, exif_before.orientation, UPRIGHT)
    if opened.format is Format.HEIC:  # libheif applies the container's own turn, which outranks EXIF
        orientation = valid_orientation(image.info.get("original_orientation"))
        return LoadedImage(image, exif_before, orientation, UPRIGHT)
    exif = read_exif(image, notes) if opened.format is Format.PNG else exif_before  # eXIf may follow the pixels
    return LoadedImage(image, exif, exif.orientation, exif.orientation)
