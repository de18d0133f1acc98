"""Checking a PNG's chunks, and setting aside those that Pillow would refuse the whole photo for.

Pillow raises on text and profiles above 1 MB; here they are read apart, within our own limits.
Layout: PNG specification (third edition), sections 5 and 11; "Raw profile type" as ImageMagick writes it: a line
with the kind, one with the length, then hexadecimal digits.
"""

import binascii
import struct
import zlib
from dataclasses import dataclass, field
from typing import BinaryIO

from immichvr_media.errors import InvalidImage
from immichvr_media.limits import DecodeLimits

_SIGNATURE_SIZE = 8
_CHUNK_FRAME = 12
_PICTURE = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_MAX_CHUNKS = 200_000
_XMP_KEYWORD = b"XML:com.adobe.xmp"
_RAW_KEYWORD = b"Raw profile type "
_XMP_SIGNATURE = b"http://ns.adobe.com/xap/1.0/\x00"
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_TOLD = _TEXTS | {b"eXIf", b"iCCP"}
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


@dataclass
class PngFacts:
    """What a PNG says beside its pixels: EXIF, the XMP packet and the colour profile, if any."""

    limits: DecodeLimits
    notes: list[str]
    exif: bytes | None = None
    xmp: bytes | None = None
    icc: bytes | None = None
    _raw: dict[str, bytes] = field(default_factory=dict)

    def take(self, kind: bytes, payload: bytes) -> None:
        """Takes in a chunk; one that cannot be read is left out and noted."""
        if kind == b"eXIf":
            self.exif = payload
        elif kind == b"iCCP":
            self.icc = _inflate(
                payload.partition(b"\x00")[2][1:], self.limits.max_icc_bytes, "colour profile", self.notes
            )
        elif kind in _TEXTS and payload.startswith((_XMP_KEYWORD + b"\x00", _RAW_KEYWORD)):
            keyword = payload.partition(b"\x00")[0]
            text = _text(kind, payload, self.limits.max_xmp_bytes, self.notes)
            if text is None:
                return
            if keyword == _XMP_KEYWORD:
                self.xmp = text
            else:
                self._take_raw(keyword.removeprefix(_RAW_KEYWORD).strip().lower(), text)

    def _take_raw(self, name: bytes, text: bytes) -> None:
        digits = b"".join(text.strip().split(b"\n")[2:])
        try:
            content = binascii.unhexlify(b"".join(digits.split()))
        except binascii.Error as error:
            self.notes.append(f"a raw profile left out: {error}")
            return
        if name in (b"exif", b"app1") and not content.startswith(_XMP_SIGNATURE):
            self.exif = self.exif or content
        elif name in (b"xmp", b"app1"):
            self.xmp = self.xmp or content.removeprefix(_XMP_SIGNATURE)
        elif name in (b"icc", b"icm") and len(content) <= self.limits.max_icc_bytes:
            self.icc = self.icc or content


@dataclass(frozen=True)
class PngParts:
    """picture: a PNG of the chunks that the picture needs; facts: what it says beside."""

    picture: bytes
    facts: PngFacts


def png_parts(data: bytes, limits: DecodeLimits, notes: list[str]) -> PngParts:
    """Takes a PNG apart; notes what is left out.

    A file that ends before its IEND is closed: whether its pixels are complete only decoding tells. Raises
    InvalidImage where it is damaged, or ends before any pixel.
    """
    view = memoryview(data)
    kept: list[bytes | memoryview] = [view[:_SIGNATURE_SIZE]]
    facts = PngFacts(limits, notes)
    at = _SIGNATURE_SIZE
    for _ in range(_MAX_CHUNKS):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        end = at + _CHUNK_FRAME + length
        if end > len(data):
            kept.append(_closing(data, at, any(chunk[4:8] == b"IDAT" for chunk in kept[1:])))
            notes.append(f"the file is cut off at byte {len(data)}, behind its picture")
            return PngParts(b"".join(kept), facts)
        if kind in _PICTURE:
            chunk = view[at:end]
            if zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big"):
                kept.append(chunk)
            elif kind in (b"IDAT", b"IHDR", b"PLTE"):
                raise InvalidImage(f"damaged PNG: chunk {kind.decode()} at byte {at} fails its checksum")
            elif kind == b"IEND":
                kept.append(_END)
            else:
                notes.append("the PNG's transparency left out: its chunk fails its checksum")
        elif kind in _TOLD:
            facts.take(kind, data[at + 8 : end - 4])
        if kind == b"IEND":
            return PngParts(b"".join(kept), facts)
        at = end
    raise InvalidImage(f"damaged PNG: more than {_MAX_CHUNKS} chunks")


def png_header(file: BinaryIO, size: int, limits: DecodeLimits) -> tuple[tuple[int, int], PngFacts]:
    """Width and height, and what a PNG of `size` bytes says beside its pixels, none of which are read.

    Raises InvalidImage where it does not begin as a PNG does.
    """
    facts = PngFacts(limits, [])
    file.seek(_SIGNATURE_SIZE)
    start = file.read(25)
    if start[4:8] != b"IHDR" or len(start) < 25:
        raise InvalidImage("damaged PNG: it does not begin with IHDR")
    at = _SIGNATURE_SIZE + 25
    for _ in range(_MAX_CHUNKS):
        file.seek(at)
        frame = file.read(8)
        length, kind = int.from_bytes(frame[:4], "big"), frame[4:]
        if len(frame) < 8 or kind == b"IEND" or at + _CHUNK_FRAME + length > size:
            break
        if kind in _TOLD and length <= limits.max_xmp_bytes:
            facts.take(kind, file.read(length))
        at += _CHUNK_FRAME + length
    return struct.unpack(">II", start[8:16]), facts


def _closing(data: bytes, at: int, has_pixels: bool) -> bytes:
    """What ends a PNG whose file ends inside the chunk at `at`: the pixels that are there, and IEND."""
    if data[at + 4 : at + 8] == b"IDAT":
        length = int.from_bytes(data[at : at + 4], "big")
        content = data[at + 4 : at + 8 + length]
        return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content)) + _END
    if not has_pixels:
        raise InvalidImage(f"cut-off PNG: the file ends at byte {len(data)}, before its picture")
    return _END


def _text(kind: bytes, payload: bytes, limit: int, notes: list[str]) -> bytes | None:
    """The text of a tEXt, zTXt or iTXt chunk.

    iTXt: keyword, 0, compressed, method, language, 0, translated keyword, 0, text.
    """
    _, _, rest = payload.partition(b"\x00")
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _inflate(rest[1:], limit, "text", notes)
    parts = rest[2:].split(b"\x00", 2)
    if len(parts) < 3:
        notes.append("XMP left out: its PNG chunk is damaged")
        return None
    return _inflate(parts[2], limit, "XMP", notes) if rest[0] else parts[2]


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
