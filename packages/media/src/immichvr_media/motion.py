"""Photos that carry the seconds around them as a film, and what ties a live photo to its film.

Sources: Motion Photo format 1.0 (developer.android.com/media/platform/motion-photo-format) and its forerunner
MicroVideo; Samsung's trailer (SEF), as ExifTool describes it; Apple's maker note, tag 0x11.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO
from xml.etree.ElementTree import Element

from immichvr_media.apple_note import apple_value
from immichvr_media.xmp import all_properties, properties

_CAMERA = "http://ns.google.com/photos/1.0/camera/"
_ITEM = "http://ns.google.com/photos/1.0/container/item/"
_NUMBER = re.compile(r"\d{1,12}")
_MOST_ITEMS = 100

_SEF_TAIL, _SEF_HEAD = b"SEFT", b"SEFH"
_MOST_SEF = 64 * 1024
_SEF_FILM = 0x0A30

_APPLE_CONTENT_ID = 0x11
_LONGEST_CONTENT_ID = 64
_CONTENT_ID = re.compile(r"[0-9A-Fa-f-]{16,64}")


@dataclass(frozen=True, slots=True)
class Clip:
    """Where in a photo's file its film lies: bytes."""

    start: int
    length: int


def told_clip(roots: Sequence[Element]) -> tuple[int, int] | None:
    """What XMP says of a film: how many bytes before the file's end it begins, and its length."""
    if not roots:
        return None
    camera = all_properties(roots, _CAMERA)
    if camera.get("MotionPhoto") == "1":
        items = [_item(element) for root in roots for element in root.iter()]
        listed = [one for one in items if one is not None][:_MOST_ITEMS]
        for at, (semantic, length, padding) in enumerate(listed):
            if semantic == "MotionPhoto" and length > 0:
                after = sum(long + pad for _, long, pad in listed[at + 1 :])
                return length + padding + after, length
    offset = camera.get("MicroVideoOffset", "")
    if camera.get("MicroVideo") == "1" and _NUMBER.fullmatch(offset):
        return int(offset), int(offset)
    return None


def found_clip(file: BinaryIO, size: int, told: tuple[int, int] | None) -> Clip | None:
    """The film in an open file, as XMP told of it or Samsung's trailer does; None where there is none."""
    if told is not None:
        before_end, length = told
        clip = Clip(size - before_end, length)
        if clip.start > 0 and _is_film(file, clip):
            return clip
    clip_of_samsung = _samsung_clip(file, size)
    return clip_of_samsung if clip_of_samsung is not None and _is_film(file, clip_of_samsung) else None


def apple_content_id(maker_note: object) -> str | None:
    """What a live photo and its film both carry, in upper case."""
    value = apple_value(maker_note, _APPLE_CONTENT_ID)
    if value is None:
        return None
    return content_id(value.data[:_LONGEST_CONTENT_ID].rstrip(b"\0").decode("ascii", "replace"))


def content_id(text: str) -> str | None:
    """A content identifier as it is compared; None where it is none."""
    return text.upper() if _CONTENT_ID.fullmatch(text) else None


def _item(element: Element) -> tuple[str, int, int] | None:
    told: Mapping[str, str] = properties(element, _ITEM)
    length, padding = told.get("Length", "0"), told.get("Padding", "0")
    if "Semantic" not in told or not (_NUMBER.fullmatch(length) and _NUMBER.fullmatch(padding)):
        return None
    return told["Semantic"], int(length), int(padding)


def _is_film(file: BinaryIO, clip: Clip) -> bool:
    file.seek(clip.start)
    return file.read(8)[4:] == b"ftyp"


def _samsung_clip(file: BinaryIO, size: int) -> Clip | None:
    if size < 24:
        return None
    file.seek(size - 8)
    tail = file.read(8)
    length = int.from_bytes(tail[:4], "little")
    head_at = size - 8 - length
    if tail[4:] != _SEF_TAIL or not 12 <= length <= _MOST_SEF or head_at < 0:
        return None
    file.seek(head_at)
    directory = file.read(length)
    if not directory.startswith(_SEF_HEAD):
        return None
    for entry in range(12, min(length, 12 + 12 * int.from_bytes(directory[8:12], "little")), 12):
        kind = int.from_bytes(directory[entry + 2 : entry + 4], "little")
        before, long = (int.from_bytes(directory[entry + at : entry + at + 4], "little") for at in (4, 8))
        if kind == _SEF_FILM and 8 < long <= before <= head_at:
            file.seek(head_at - before + 4)
            named = int.from_bytes(file.read(4), "little")
            if named < 64 and 8 + named < long:
                return Clip(head_at - before + 8 + named, long - 8 - named)
    return None
