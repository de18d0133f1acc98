"""Checking a PNG's chunks, and setting aside those that Pillow would refuse the whole photo for.

Pillow raises on text and profiles above 1 MB; here they are read apart, within our own limits.
Layout: PNG specification (third edition), sections 5 and 11.
"""

import zlib
from dataclasses import dataclass

from immichvr_media.errors import InvalidImage
from immichvr_media.limits import DecodeLimits

_SIGNATURE_SIZE = 8
_CHUNK_FRAME = 12
_PICTURE = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_KEPT = _PICTURE | {b"eXIf"}
_MAX_CHUNKS = 200_000
_XMP_KEYWORD = b"XML:com.adobe.xmp\x00"


@dataclass(frozen=True)
class PngParts:
    """picture: a PNG of the chunks that the picture needs; the XMP packet and colour profile, if any."""

    picture: bytes
    xmp: bytes | None
    icc: bytes | None


def png_parts(data: bytes, limits: DecodeLimits, notes: list[str]) -> PngParts:
    """Takes a PNG apart; raises InvalidImage where it is damaged or cut off, notes what is left out."""
    view = memoryview(data)
    kept = [view[:_SIGNATURE_SIZE]]
    xmp: bytes | None = None
    icc: bytes | None = None
    at = _SIGNATURE_SIZE
    for _ in range(_MAX_CHUNKS):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        end = at + _CHUNK_FRAME + length
        if end > len(data):
            raise InvalidImage(f"cut-off PNG: the file ends at byte {len(data)}, a chunk reaches to {end}")
        if kind in _KEPT:
            chunk = view[at:end]
            if kind in _PICTURE and zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
                raise InvalidImage(f"damaged PNG: chunk {kind.decode()} at byte {at} fails its checksum")
            kept.append(chunk)
        elif kind == b"iTXt" and data.startswith(_XMP_KEYWORD, at + 8):
            xmp = _international_text(data[at + 8 : end - 4], limits.max_xmp_bytes, notes)
        elif kind == b"iCCP":
            icc = _profile(data[at + 8 : end - 4], limits.max_icc_bytes, notes)
        if kind == b"IEND":
            return PngParts(b"".join(kept), xmp, icc)
        at = end
    raise InvalidImage(f"damaged PNG: more than {_MAX_CHUNKS} chunks")


def _international_text(payload: bytes, limit: int, notes: list[str]) -> bytes | None:
    """The text of an iTXt chunk: keyword, 0, compressed, method, language, 0, translated keyword, 0, text."""
    _, _, rest = payload.partition(b"\x00")
    parts = rest[2:].split(b"\x00", 2)
    if len(parts) < 3:
        notes.append("XMP left out: its PNG chunk is damaged")
        return None
    return _inflate(parts[2], limit, "XMP", notes) if rest[0] else parts[2]


def _profile(payload: bytes, limit: int, notes: list[str]) -> bytes | None:
    """The profile of an iCCP chunk: name, 0, method, compressed profile."""
    _, _, rest = payload.partition(b"\x00")
    return _inflate(rest[1:], limit, "colour profile", notes)


def _inflate(packed: bytes, limit: int, what: str, notes: list[str]) -> bytes | None:
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(packed, limit + 1)
    except zlib.error as error:
        notes.append(f"{what} left out: {error}")
        return None
    if len(plain) > limit:
        notes.append(f"{what} left out: it unpacks to more than {limit} bytes")
        return None
    return plain
