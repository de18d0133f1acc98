"""Where things are in a JPEG file: header segments, the end of the picture, what follows it.

Layout: ITU-T T.81, annex B. Every marker is FF xx; header segments carry a big-endian length that counts itself.
"""

import re
from dataclasses import dataclass

from immichvr_media.errors import InvalidImage

APP1 = 0xE1
_SOS = 0xDA
_EOI = 0xD9
_SOI = 0xD8
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
# Segments that may stand between the scans of one picture: DHT, DAC, SOS, DQT, DNL, DRI, APPn, COM.
_BETWEEN_SCANS = frozenset({0xC4, 0xCC, _SOS, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE})
# In entropy-coded data FF 00 is a stuffed byte, FF D0..D7 a restart and FF FF a fill byte.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

# Real files have some dozens of segments (or, with a large extended XMP, some hundreds) and a dozen scans;
# each scan costs the decoder a pass over the whole picture.
_MAX_SEGMENTS = 10_000
_MAX_SCANS = 100
_MAX_FILL_BYTES = 64


@dataclass(frozen=True)
class Segment:
    """A header segment: its marker's second byte, where it starts, and the bounds of its payload."""

    marker: int
    at: int
    start: int
    end: int


@dataclass(frozen=True)
class JpegLayout:
    """segments: those before the first scan; end: the offset just behind the picture's EOI."""

    segments: tuple[Segment, ...]
    end: int


def jpeg_layout(data: bytes) -> JpegLayout:
    """Walks a JPEG from SOI to its EOI without decoding; raises InvalidImage where it is damaged or cut off."""
    segments: list[Segment] = []
    at = 2
    for _ in range(_MAX_SEGMENTS):
        segment = _segment_at(data, at)
        if segment.marker == _SOS:
            return JpegLayout(tuple(segments), _picture_end(data, segment))
        if segment.marker in (_EOI, _SOI):
            raise InvalidImage(f"damaged JPEG: marker FF{segment.marker:02X} before the picture, byte {at}")
        if segment.marker not in _WITHOUT_LENGTH:
            segments.append(segment)
        at = segment.end
    raise InvalidImage(f"damaged JPEG: more than {_MAX_SEGMENTS} header segments")


def _picture_end(data: bytes, scan: Segment) -> int:
    scans, at = 1, scan.end
    for _ in range(_MAX_SEGMENTS):
        match = _NEXT_MARKER.search(data, at)
        if match is None:
            raise InvalidImage(f"cut-off JPEG: the file ends at byte {len(data)}, before the picture does")
        marker, at = data[match.start() + 1], match.start()
        if marker == _EOI:
            return at + 2
        if marker not in _BETWEEN_SCANS:
            raise InvalidImage(f"damaged JPEG: marker FF{marker:02X} inside the picture, byte {at}")
        scans += marker == _SOS
        if scans > _MAX_SCANS:
            raise InvalidImage(f"damaged JPEG: more than {_MAX_SCANS} scans")
        at = _segment_at(data, at).end
    raise InvalidImage(f"damaged JPEG: more than {_MAX_SEGMENTS} segments between scans")


def _segment_at(data: bytes, at: int) -> Segment:
    start = at
    while data[at : at + 2] == b"\xff\xff" and at - start < _MAX_FILL_BYTES:
        at += 1
    if len(data) < at + 2:
        raise InvalidImage(f"cut-off JPEG: the file ends in its header, at byte {len(data)}")
    if data[at] != 0xFF or data[at + 1] in (0x00, 0xFF):
        raise InvalidImage(f"damaged JPEG: no marker at byte {at}, where one must stand")
    marker = data[at + 1]
    if marker in _WITHOUT_LENGTH or marker in (_EOI, _SOI):
        return Segment(marker, at, at + 2, at + 2)
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    if end < at + 4 or end > len(data):
        raise InvalidImage(f"cut-off JPEG: segment FF{marker:02X} at byte {at} reaches beyond the file's end")
    return Segment(marker, at, at + 4, end)
