"""The names of assets that are of a part of a video alone: beside what is made of all of it, never in its place."""

from __future__ import annotations

import re

_OF_A_PART = re.compile(r"-part-\d{1,13}-(?:\d{1,13}|end)$")


def part_key(model_key: str, from_s: float, to_s: float | None) -> str:
    """The key under which a part is, by what made it and its seconds; None ends with the video."""
    end = "end" if to_s is None else round(to_s * 1000)
    return f"{model_key}-part-{round(from_s * 1000)}-{end}"


def whole_key(model_key: str) -> str:
    """What made it, whether or not it is of a part."""
    return _OF_A_PART.sub("", model_key)


def is_part(model_key: str) -> bool:
    """Whether it is of a part."""
    return _OF_A_PART.search(model_key) is not None
