"""Lossless WebP textures: numbers that travel as the pixels of a picture."""

import io

import numpy as np

from immichvr_splats.compiled import U8
from immichvr_splats.errors import MalformedFileError, UnsupportedFileError

_RIFF_HEADER = 12
_CHUNK_HEADER = 8
_VP8L_SIGNATURE = 0x2F
_SIDE_MASK = 0x3FFF
_MOST_CHUNKS = 16  # before the picture: profile and metadata are all that a still one has


def size_of(data: bytes | memoryview, where: str) -> tuple[int, int]:
    """Width and height that a lossless WebP announces, read before any pixel is unpacked.

    Raises MalformedFileError for other bytes, UnsupportedFileError for lossy and animated pictures.
    """
    view = memoryview(data)
    riff = bytes(view[:_RIFF_HEADER])
    if riff[:4] != b"RIFF" or riff[8:] != b"WEBP":
        raise MalformedFileError(f"{where}: not a WebP picture")
    offset = _RIFF_HEADER
    for _ in range(_MOST_CHUNKS):
        head = bytes(view[offset : offset + _CHUNK_HEADER + 5])
        if head[:4] == b"VP8L" and len(head) == _CHUNK_HEADER + 5 and head[8] == _VP8L_SIGNATURE:
            bits = int.from_bytes(head[9:], "little")
            return (bits & _SIDE_MASK) + 1, (bits >> 14 & _SIDE_MASK) + 1
        if head[:4] in (b"VP8 ", b"ALPH", b"ANIM"):
            raise UnsupportedFileError(f"{where}: a lossy or animated WebP picture, only still lossless ones are read")
        size = int.from_bytes(head[4:8], "little")
        offset += _CHUNK_HEADER + size + size % 2
    raise MalformedFileError(f"{where}: a WebP file without a picture")


def decode(data: bytes | memoryview, where: str) -> U8:
    """Pixels, (height, width, 3 or 4). Raises MalformedFileError. Check `size_of` first."""
    from PIL import Image  # a tenth of a second that only SOG is to cost

    width, height = size_of(data, where)
    try:
        with Image.open(io.BytesIO(data), formats=["WEBP"]) as picture:
            if picture.size != (width, height):
                raise MalformedFileError(f"{where}: announces {width}x{height} pixels, holds {picture.size}")
            return np.asarray(picture)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise MalformedFileError(f"{where}: damaged WebP picture ({error})") from error


def encode(pixels: U8, quality: int, method: int) -> bytes:
    """A lossless WebP of `pixels`, (height, width, 3 or 4). quality: 0 to 100, method: 0 to 6; both are effort."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", lossless=True, quality=quality, method=method, exact=True)
    return file.getvalue()
