"""Small upright sRGB JPEGs that every browser shows."""

import io
from pathlib import Path
from typing import Any

from PIL import Image, JpegImagePlugin

from immichvr_media.colour import normalise_mode, to_srgb
from immichvr_media.limits import DecodeLimits
from immichvr_media.opening import load_image, open_image, read_source
from immichvr_media.orientation import upright_image

_DEFAULT_LIMITS = DecodeLimits()
# As in Pillow's Image.thumbnail: the decoder leaves a factor of two to the smooth filter.
_REDUCING_GAP = 2.0


def preview_jpeg(
    source: bytes | Path, max_side: int = 2048, quality: int = 88, limits: DecodeLimits = _DEFAULT_LIMITS
) -> bytes:
    """The photo as a JPEG whose longer side is at most `max_side` pixels, upright, sRGB, without metadata.

    Never enlarges, and no finer than a JPEG was where that would take more bytes. Raises what `decode_photo` raises.
    """
    if max_side < 1:
        raise ValueError(f"max_side is {max_side}; it must be at least 1")
    notes: list[str] = []
    data = read_source(source, limits)
    opened = open_image(data, limits, notes)
    width, height = _fit(opened.image.size, max_side)
    enough = int(width * _REDUCING_GAP), int(height * _REDUCING_GAP)
    loaded = load_image(opened, notes, at_least=enough)
    picture = normalise_mode(loaded.image)
    size = _fit(picture.size, max_side)
    if size != picture.size:
        picture = picture.resize(size, reducing_gap=_REDUCING_GAP)
    picture = upright_image(to_srgb(picture, loaded.icc, notes), loaded.turn)
    picture.info.clear()  # Pillow would write the comment and the resolution of the original
    jpeg = _encoded(picture, quality=quality)
    original = opened.image
    if len(jpeg) > len(data) and isinstance(original, JpegImagePlugin.JpegImageFile):
        tables, sampling = _tables_of(original), JpegImagePlugin.get_sampling(original)
        return min(jpeg, _encoded(picture, qtables=tables, subsampling=sampling), key=len)
    return jpeg


def _tables_of(jpeg: JpegImagePlugin.JpegImageFile) -> list[list[int]]:
    """The quantization tables, brightness' first, whichever of the four numbers each has in the file."""
    used = dict.fromkeys(number for *_, number in jpeg.layer)
    return [jpeg.quantization[number] for number in used if number in jpeg.quantization]


def _encoded(picture: Image.Image, **how: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", **how)
    return out.getvalue()


def _fit(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """`size` scaled down, in proportion, to sides of at most `max_side` and at least 1."""
    scale = min(1.0, max_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
