"""Where things are in a JPEG file: header segments, the end of the picture, what follows it.

Layout: ITU-T T.81, annex B. Every marker is FF xx; header segments carry a big-endian length that counts itself.
What decoders pass over (libjpeg's next_marker and jpeg_resync_to_restart) is passed over here: stray bytes, markers
without a meaning, a missing end marker. Whether the picture is complete then only decoding tells.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from immichvr_media.errors import InvalidImage

APP1 = 0xE1
_SOS = 0xDA
_EOI = 0xD9
_SOI = 0xD8
_NOTHING = 0x00
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES = frozenset({*range(0xC0, 0xD0)}) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
# Segments that may stand between the scans of one picture: DHT, DAC, SOS, DQT, DNL, DRI, APPn, COM.
_BETWEEN_SCANS = frozenset({0xC4, 0xCC, _SOS, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE})
_MARKER = re.compile(rb"\xff[^\x00\xff]")
# In entropy-coded data FF 00 is a stuffed byte, FF D0..D7 a restart and FF FF a fill byte.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")

# Real files have some dozens of segments (or, with a large extended XMP, some hundreds) and a dozen scans;
# each scan costs the decoder a pass over the whole picture, and each stray byte before it a step in Python.
_MAX_SEGMENTS = 10_000
_MAX_SCANS = 100
_MAX_STRAY_BYTES = 64 * 1024


@dataclass(frozen=True)
class Segment:
    """A header segment: its marker's second byte, where it starts, and the bounds of its payload."""

    marker: int
    at: int
    start: int
    end: int


@dataclass(frozen=True)
class JpegLayout:
    """segments: those before the first scan; end: the offset just behind the picture and its EOI, if it has one.

    ends: whether it has one. doubts: what a sound file has not, in words; decoding tells whether the picture is whole.
    """

    segments: tuple[Segment, ...]
    end: int
    ends: bool = True
    doubts: tuple[str, ...] = ()

    @property
    def data_end(self) -> int:
        """Where the picture's data end, before the EOI."""
        return self.end - 2 if self.ends else self.end


def jpeg_layout(data: bytes) -> JpegLayout:
    """Walks a JPEG from SOI to its EOI without decoding; raises InvalidImage where no picture can be in it."""
    segments: list[Segment] = []
    at = 2
    stray = 0
    for _ in range(_MAX_SEGMENTS):
        segment = _segment_at(data, at)
        stray += segment.at - at
        if stray > _MAX_STRAY_BYTES:
            raise InvalidImage(f"damaged JPEG: no marker within {_MAX_STRAY_BYTES} bytes, before byte {segment.at}")
        if segment.marker == _SOS:
            doubts = [f"{stray} stray bytes in the header were passed over"] if stray else []
            return _picture(data, segments, segment, doubts)
        if segment.marker in (_EOI, _SOI):
            raise InvalidImage(f"damaged JPEG: marker FF{segment.marker:02X} before the picture, byte {at}")
        if segment.marker not in _WITHOUT_LENGTH:
            segments.append(segment)
        at = segment.end
    raise InvalidImage(f"damaged JPEG: more than {_MAX_SEGMENTS} header segments")


def _picture(data: bytes, segments: Sequence[Segment], first: Segment, doubts: list[str]) -> JpegLayout:
    scans, at, strange = [first], first.end, list[int]()
    for _ in range(_MAX_SEGMENTS):
        match = _NEXT_MARKER.search(data, at)
        marker, at = (_NOTHING, len(data)) if match is None else (data[match.start() + 1], match.start())
        if marker in (_EOI, _SOI, _NOTHING):
            return _ended(data, segments, scans, marker, at, strange, doubts)
        if marker not in _BETWEEN_SCANS:
            strange.append(at)
            at += 2
            continue
        segment = _segment_at(data, at)
        if marker == _SOS:
            scans.append(segment)
        if len(scans) > _MAX_SCANS:
            raise InvalidImage(f"damaged JPEG: more than {_MAX_SCANS} scans")
        at = segment.end
    raise InvalidImage(f"damaged JPEG: more than {_MAX_SEGMENTS} segments between scans")


def _ended(
    data: bytes,
    segments: Sequence[Segment],
    scans: Sequence[Segment],
    marker: int,
    at: int,
    strange: list[int],
    doubts: list[str],
) -> JpegLayout:
    """The layout of a picture that ends at `at`: by its EOI, the next picture's SOI, or because nothing follows."""
    last = [one for one in strange if one > scans[-1].end]
    if last and _RESTART.search(data, last[0], at) is None:
        # Decoders give up there; what is behind it belongs to no picture.
        marker, at = _NOTHING, last[0]
    if strange:
        doubts = [*doubts, f"{len(strange)} markers that mean nothing in the picture's data were passed over"]
    if marker == _EOI:
        return JpegLayout(tuple(segments), at + 2, True, tuple(doubts))
    if not _all_scans_begun(data, segments, scans):
        raise InvalidImage(f"cut-off JPEG: its data end at byte {at}, before its last scan")
    end = _end_of_data(data, scans[-1].end, at)
    return JpegLayout(tuple(segments), end, False, (*doubts, "the file has no end marker"))


def _end_of_data(data: bytes, start: int, end: int) -> int:
    """Where the data between two offsets end: zeros that fill a file up are none, but for one that FF may need."""
    stop = end
    while end > start and not any(data[max(start, end - 4096) : end]):
        end = max(start, end - 4096)
    rest = data[max(start, end - 4096) : end].rstrip(b"\0")
    end = min(max(start, end - 4096) + len(rest) + 1, stop)
    return end - 1 if data[end - 1] == 0xFF else end


def _all_scans_begun(data: bytes, segments: Sequence[Segment], scans: Sequence[Segment]) -> bool:
    """Whether the scans bring every coefficient of every component to its full precision (T.81, G.1.1.1)."""
    frame = next((one for one in segments if one.marker in _FRAMES), None)
    if frame is None:
        return False
    count = int.from_bytes(data[frame.start + 5 : frame.start + 6], "big")
    lacking = {
        data[at]: set(range(64)) for at in range(frame.start + 6, min(frame.start + 6 + 3 * count, frame.end), 3)
    }
    for scan in scans:
        taken = data[scan.start] if scan.end > scan.start else 0
        bounds = data[scan.start + 1 + 2 * taken : scan.end]
        if len(bounds) < 3:
            return False
        low, high, precision = bounds[0], bounds[1], bounds[2] & 15
        if frame.marker not in _PROGRESSIVE:
            low, high, precision = 0, 63, 0
        for at in range(scan.start + 1, scan.start + 1 + 2 * taken, 2):
            if precision == 0:
                lacking.get(data[at], set()).difference_update(range(low, high + 1))
    return not any(lacking.values())


def _segment_at(data: bytes, at: int) -> Segment:
    """The next segment at or behind `at`."""
    match = _MARKER.search(data, at, at + _MAX_STRAY_BYTES + 2)
    if match is None:
        if len(data) <= at + _MAX_STRAY_BYTES:
            raise InvalidImage(f"cut-off JPEG: the file ends in its header, at byte {len(data)}")
        raise InvalidImage(f"damaged JPEG: no marker within {_MAX_STRAY_BYTES} bytes from byte {at} on")
    at = match.start()
    marker = data[at + 1]
    if marker in _WITHOUT_LENGTH or marker in (_EOI, _SOI):
        return Segment(marker, at, at + 2, at + 2)
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    if end < at + 4 or end > len(data):
        raise InvalidImage(f"cut-off JPEG: segment FF{marker:02X} at byte {at} reaches beyond the file's end")
    return Segment(marker, at, at + 4, end)
