"""Size, length, date and place of a video, from the boxes at its head or its end, without a frame.

Layout: ISO/IEC 14496-12 (moov, mvhd, trak, tkhd, hdlr); QuickTime file format (udta, meta, keys, ilst); Spherical
Video V1 (its uuid box).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from immichvr_media.about import NOTHING, About, camera_named, position_in_iso6709
from immichvr_media.dates import parsed_date
from immichvr_media.motion import content_id

_MOST_BOXES = 2000
_MOST_READ = 256 * 1024
_LONGEST_S = 7 * 24 * 3600
_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
_SPHERICAL = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
_APPLE = "com.apple.quicktime."
_FIRST_YEAR = 1980


@dataclass(frozen=True, slots=True)
class MovieHeader:
    """width, height: pixels, upright; duration_s; taken: naive where no zone is told; None where it is not told.

    projection: what it is instead of flat; content_id: what ties it to a live photo.
    """

    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    taken: datetime | None = None
    projection: str | None = None
    content_id: str | None = None
    about: About = NOTHING


@dataclass(frozen=True)
class _Box:
    kind: bytes
    start: int
    end: int


class _Unusable(ValueError):
    """Boxes that do not fit each other."""


class _File:
    """A file of which few boxes are looked at."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, _MOST_BOXES

    def boxes(self, start: int, end: int) -> Iterator[_Box]:
        """Those that follow each other."""
        while start + 8 <= end and self._left > 0:
            self._left -= 1
            head = self.read(start, start + 16)
            size, skipped = int.from_bytes(head[:4], "big"), 8
            if size == 1:
                size, skipped = int.from_bytes(head[8:16], "big"), 16
            stop = end if size == 0 else start + size
            if stop < start + skipped or stop > end:
                raise _Unusable
            yield _Box(head[4:8], start + skipped, stop)
            start = stop

    def read(self, start: int, end: int) -> bytes:
        """Bytes, not too many of them."""
        self._file.seek(start)
        return self._file.read(max(0, min(end - start, _MOST_READ)))

    def all_of(self, box: _Box) -> bytes:
        """A box's content."""
        return self.read(box.start, box.end)


def read_movie_header(file: BinaryIO, size: int) -> MovieHeader:
    """What an open MP4 or MOV file of `size` bytes says; nothing where it is another kind, or damaged.

    Raises OSError where the file cannot be read.
    """
    boxes, told = _File(file), MovieHeader()
    try:
        for box in boxes.boxes(0, size):
            if box.kind == b"moov":
                return _movie(boxes, box, told)
    except (_Unusable, struct.error, ValueError, OverflowError, IndexError):
        pass
    return told


def _movie(boxes: _File, moov: _Box, told: MovieHeader) -> MovieHeader:
    for box in boxes.boxes(moov.start, moov.end):
        if box.kind == b"mvhd":
            told = _times(boxes.all_of(box), told)
        elif box.kind == b"trak" and told.width is None:
            told = _track(boxes, box, told)
        elif box.kind == b"meta":
            told = _keyed(boxes, box, told)
        elif box.kind == b"udta":
            for inner in boxes.boxes(box.start, box.end):
                if inner.kind == b"\xa9xyz" and told.about.latitude is None:
                    told = _placed(boxes.all_of(inner)[4:].decode("ascii", "replace"), told)
                elif inner.kind == b"meta" and told.content_id is None:
                    told = _keyed(boxes, inner, told)
    return told


def _times(mvhd: bytes, told: MovieHeader) -> MovieHeader:
    made, scale, length = struct.unpack_from(">Q8xIQ" if mvhd[0] == 1 else ">I4xII", mvhd, 4)
    duration = length / scale if scale else 0.0
    taken = _EPOCH + timedelta(seconds=made) if 0 < made < 2**34 else None
    return replace(
        told,
        duration_s=round(duration, 3) if 0 < duration <= _LONGEST_S else None,
        taken=taken if taken is not None and taken.year >= _FIRST_YEAR else None,
    )


def _track(boxes: _File, trak: _Box, told: MovieHeader) -> MovieHeader:
    size: tuple[int, int] | None = None
    is_video, projection = False, None
    for box in boxes.boxes(trak.start, trak.end):
        if box.kind == b"tkhd":
            size = _upright(boxes.all_of(box))
        elif box.kind == b"mdia":
            handlers = [boxes.all_of(one) for one in boxes.boxes(box.start, box.end) if one.kind == b"hdlr"]
            is_video = any(one[8:12] == b"vide" for one in handlers)
        elif box.kind == b"uuid":
            content = boxes.all_of(box)
            if content.startswith(_SPHERICAL) and b"Spherical>true" in content:
                projection = "equirectangular"
    if not is_video or size is None:
        return told
    return replace(told, width=size[0], height=size[1], projection=projection)


def _upright(tkhd: bytes) -> tuple[int, int] | None:
    """Width and height as shown: the matrix may turn the frames."""
    at = 52 if tkhd[0] == 1 else 40
    a, b = struct.unpack_from(">ii", tkhd, at)
    width, height = (number >> 16 for number in struct.unpack_from(">II", tkhd, at + 36))
    if not (0 < width <= 65535 and 0 < height <= 65535):
        return None
    return (height, width) if abs(b) > abs(a) else (width, height)


def _keyed(boxes: _File, meta: _Box, told: MovieHeader) -> MovieHeader:
    """QuickTime's metadata: names in `keys`, values in `ilst`. An ISO meta box begins with a version, this one not."""
    start = meta.start + (0 if boxes.read(meta.start + 4, meta.start + 8) in (b"hdlr", b"keys", b"ilst") else 4)
    names: list[str] = []
    values: dict[str, str] = {}
    for box in boxes.boxes(start, meta.end):
        if box.kind == b"keys":
            names = [boxes.all_of(one).decode("utf-8", "replace") for one in boxes.boxes(box.start + 8, box.end)]
        elif box.kind == b"ilst":
            for entry in boxes.boxes(box.start, box.end):
                number = int.from_bytes(entry.kind, "big")
                data = next((one for one in boxes.boxes(entry.start, entry.end) if one.kind == b"data"), None)
                if data is not None and 1 <= number <= len(names):
                    values[names[number - 1]] = boxes.all_of(data)[8:].decode("utf-8", "replace")
    told = _placed(values.get(f"{_APPLE}location.ISO6709", ""), told)
    return replace(
        told,
        taken=parsed_date(values.get(f"{_APPLE}creationdate")) or told.taken,
        content_id=content_id(values.get(f"{_APPLE}content.identifier", "")),
        about=replace(told.about, camera=camera_named(values.get(f"{_APPLE}make"), values.get(f"{_APPLE}model"))),
    )


def _placed(text: str, told: MovieHeader) -> MovieHeader:
    latitude, longitude = position_in_iso6709(text)
    if latitude is None:
        return told
    return replace(told, about=replace(told.about, latitude=latitude, longitude=longitude))
