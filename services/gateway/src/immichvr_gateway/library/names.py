"""Names and types that come from outside, made safe to pass on."""

from __future__ import annotations

import os
import re
from pathlib import PurePath

_MEDIA_TYPE = re.compile(r"(image|video)/[a-z0-9][a-z0-9.+-]{0,63}")
_UNSAFE_LETTERS = frozenset('/\\"')
# SVG may carry scripts, which would run in the gateway's origin.
_ACTIVE_TYPES = frozenset({"image/svg+xml", "image/svg"})
_OPAQUE_TYPE = "application/octet-stream"


def printable_name(name: str) -> str:
    """The file name without what breaks headers, JSON, paths or terminals."""
    if name.isprintable() and _UNSAFE_LETTERS.isdisjoint(name):
        return name
    decoded = os.fsencode(name).decode("utf-8", "replace")
    return "".join(
        letter if letter.isprintable() and letter not in _UNSAFE_LETTERS else "\N{REPLACEMENT CHARACTER}"
        for letter in decoded
    )


def named_as(name: str, media_type: str) -> str:
    """What a file of that type is called that was made of one with this name, or belongs to it."""
    suffix = media_type.rpartition("/")[2]
    return f"{PurePath(name).stem}.{'mov' if suffix == 'quicktime' else suffix}"


def passive_type(media_type: str | None) -> str:
    """The media type if it is of pictures or videos and runs nothing in a browser, else one that is only downloaded."""
    bare = (media_type or "").partition(";")[0].strip().lower()
    return bare if _MEDIA_TYPE.fullmatch(bare) and bare not in _ACTIVE_TYPES else _OPAQUE_TYPE
