"""The names of a video's assets that lie beside the usual one, never in its place: of another codec, of a part."""

from __future__ import annotations

import re

USUAL_CODEC = "hevc"
_OTHER_CODECS = ("av1", "h264")
_OF_A_PART = re.compile(r"-part-\d{1,13}-(?:\d{1,13}|end)$")
_OF_A_CODEC = re.compile(rf"-(?:{'|'.join(_OTHER_CODECS)})$")


def codec_key(model_key: str, codec: str) -> str:
    """The key under which depth in this codec is, by what made it."""
    return f"{model_key}-{codec}" if codec in _OTHER_CODECS else model_key


def part_key(model_key: str, from_s: float, to_s: float | None) -> str:
    """The key under which a part is, by that of the whole and its seconds; None ends with the video."""
    end = "end" if to_s is None else round(to_s * 1000)
    return f"{model_key}-part-{round(from_s * 1000)}-{end}"


def whole_key(model_key: str) -> str:
    """What made it, of whatever part and in whatever codec it is."""
    return _OF_A_CODEC.sub("", _OF_A_PART.sub("", model_key))


def is_part(model_key: str) -> bool:
    """Whether it is of a part."""
    return _OF_A_PART.search(model_key) is not None


def is_usual(model_key: str) -> bool:
    """Whether it is of all of a video, in the codec that is written where none is asked for."""
    return whole_key(model_key) == model_key
