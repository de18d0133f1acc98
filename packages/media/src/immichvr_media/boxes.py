"""Items of an ISO media file (HEIC, AVIF), as far as finding colours and the metadata of auxiliary images needs.

Layout: ISO/IEC 14496-12, section 8.11 (meta, iinf, iref, iloc, idat), 12.1.5 (colr) and ISO/IEC 23008-12 (auxl, cdsc).
"""

from collections.abc import Iterator
from dataclasses import dataclass

# Sound files have some hundreds of boxes and items; a description of a depth map has some kilobytes.
_MAX_BOXES = 10_000
_MAX_EXTENTS = 10_000
_MAX_CONTENT = 1 << 20


class BoxesUnusable(ValueError):
    """Boxes that do not fit each other; the message says where."""


@dataclass(frozen=True)
class _Reader:
    """A cursor-free view of part of a file; reading beyond its end raises BoxesUnusable."""

    data: bytes
    start: int
    end: int

    def number(self, at: int, size: int) -> int:
        return int.from_bytes(self.slice(at, size), "big")

    def slice(self, at: int, size: int) -> bytes:
        lo = self.start + at
        if at < 0 or size < 0 or lo + size > self.end:
            raise BoxesUnusable(f"a box ends at byte {self.end}, its content goes on")
        return self.data[lo : lo + size]

    def boxes(self, at: int = 0) -> "Iterator[tuple[bytes, _Reader]]":
        """The boxes that follow each other from `at` on: type and content."""
        lo = self.start + at
        for _ in range(_MAX_BOXES):
            if lo + 8 > self.end:
                return
            head, size = 8, int.from_bytes(self.data[lo : lo + 4], "big")
            if size == 1:
                head, size = 16, int.from_bytes(self.data[lo + 8 : lo + 16], "big")
            stop = self.end if size == 0 else lo + size
            if stop < lo + head or stop > self.end:
                raise BoxesUnusable(f"the box at byte {lo} reaches beyond what holds it")
            yield self.data[lo + 4 : lo + 8], _Reader(self.data, lo + head, stop)
            lo = stop
        raise BoxesUnusable(f"more than {_MAX_BOXES} boxes in a row")


def auxiliary_xmp(data: bytes) -> list[bytes]:
    """The XMP packets that describe auxiliary images of the primary image; raises BoxesUnusable."""
    top = _meta_box(data)
    if top is None:
        return []
    meta = dict(top.boxes(at=4))
    if not {b"pitm", b"iinf", b"iref", b"iloc"} <= meta.keys():
        return []
    primary = meta[b"pitm"].number(4, 2 if meta[b"pitm"].number(0, 1) == 0 else 4)
    references = list(_references(meta[b"iref"]))
    auxiliary = {source for kind, source, targets in references if kind == b"auxl" and primary in targets}
    describing = {source for kind, source, targets in references if kind == b"cdsc" and auxiliary & targets}
    wanted = describing & set(_xmp_items(meta[b"iinf"]))
    if not wanted:
        return []
    inner = meta.get(b"idat")
    return [_content(extents, data, inner) for item, extents in _locations(meta[b"iloc"]) if item in wanted]


def colour_code_points(data: bytes) -> tuple[int, int] | None:
    """Primaries and transfer characteristics of the first nclx colour property; raises BoxesUnusable."""
    box = _meta_box(data)
    for kind, skipped in ((b"iprp", 4), (b"ipco", 0)):
        box = None if box is None else dict(box.boxes(at=skipped)).get(kind)
    if box is None:
        return None
    for kind, colour in box.boxes():
        if kind == b"colr" and colour.slice(0, 4) == b"nclx":
            return colour.number(4, 2), colour.number(6, 2)
    return None


def _meta_box(data: bytes) -> _Reader | None:
    """The file's own meta box, the first one; what follows it, such as bytes behind the last box, is not looked at."""
    boxes = _Reader(data, 0, len(data)).boxes()
    return next((content for kind, content in boxes if kind == b"meta"), None)


def _references(iref: _Reader) -> Iterator[tuple[bytes, int, set[int]]]:
    """(type, from, to) of every item reference."""
    size = 2 if iref.number(0, 1) == 0 else 4
    for kind, box in iref.boxes(at=4):
        count = box.number(size, 2)
        yield kind, box.number(0, size), {box.number(size + 2 + i * size, size) for i in range(count)}


def _xmp_items(iinf: _Reader) -> Iterator[int]:
    at = 6 if iinf.number(0, 1) == 0 else 8
    for kind, box in iinf.boxes(at=at):
        version = box.number(0, 1)
        if kind != b"infe" or version not in (2, 3):
            continue
        size = 2 if version == 2 else 4
        names = box.slice(10 + size, box.end - box.start - 10 - size)
        if box.slice(6 + size, 4) == b"mime" and b"application/rdf+xml" in names.split(b"\x00")[:2]:
            yield box.number(4, size)


@dataclass(frozen=True)
class _Extents:
    in_idat: bool
    spans: tuple[tuple[int, int], ...]


def _locations(iloc: _Reader) -> Iterator[tuple[int, _Extents]]:
    version, sizes = iloc.number(0, 1), iloc.number(4, 2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version in (1, 2) else 0
    id_size = 4 if version == 2 else 2
    at, extents = 6 + id_size, 0
    for _ in range(iloc.number(6, id_size)):
        item = iloc.number(at, id_size)
        at += id_size
        method = iloc.number(at, 2) & 15 if version in (1, 2) else 0
        at += 4 if version in (1, 2) else 2
        base = iloc.number(at, base_size)
        count = iloc.number(at + base_size, 2)
        at += base_size + 2
        extents += count
        if extents > _MAX_EXTENTS:
            raise BoxesUnusable(f"more than {_MAX_EXTENTS} extents")
        spans = []
        for _ in range(count):
            at += index_size
            spans.append((base + iloc.number(at, offset_size), iloc.number(at + offset_size, length_size)))
            at += offset_size + length_size
        if method in (0, 1):
            yield item, _Extents(method == 1, tuple(spans))


def _content(extents: _Extents, data: bytes, idat: _Reader | None) -> bytes:
    whole = idat if extents.in_idat else _Reader(data, 0, len(data))
    if whole is None:
        raise BoxesUnusable("an item lies in an idat box that is not there")
    if sum(length for _, length in extents.spans) > _MAX_CONTENT:
        raise BoxesUnusable(f"an item of metadata above {_MAX_CONTENT} bytes")
    return b"".join(whole.slice(offset, length) for offset, length in extents.spans)
