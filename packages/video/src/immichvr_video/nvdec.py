"""Which videos NVIDIA's decoder (NVDEC) may read: plain ones, of which it gives the very pictures that software gives.

ffmpeg's own decoder reads the stream there, too, with its order, times and what is missing; only the samples come from
the device, and only 8 bits of 4:2:0, whole frames and ordinary range are left to it. These codecs decide every bit of a
picture, so that what was made of one half of a video can be gone on with in software.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from itertools import islice, zip_longest
from pathlib import Path
from typing import Final

import numpy as np

from immichvr_video.decoding import Decoder, Picture
from immichvr_video.errors import DeviceGaveUp, VideoError
from immichvr_video.facts import VideoFacts
from immichvr_video.limits import VideoLimits
from immichvr_video.opening import open_video

_CODECS: Final = frozenset({"h264", "hevc", "vp9"})
_COMPARED: Final = 12
"""Pictures, from the beginning: some of every kind that a group of them has."""
_PLANAR: Final = frozenset({"yuv420p", "yuvj420p"})


def why_not_on_device(path: Path, facts: VideoFacts, limits: VideoLimits) -> str:
    """Why this video is decoded in software; empty where a device gives the same pictures of its beginning."""
    if facts.codec not in _CODECS or facts.bits != 8 or facts.hdr or facts.interlaced or facts.container == "avi":
        return "NVDEC is left H.264, HEVC and VP9 of 8 bits, ordinary range and whole frames"
    try:
        with (
            closing(_beginning(path, limits, on_device=True)) as theirs,
            closing(_beginning(path, limits, on_device=False)) as ours,
        ):
            alike = all(_are_same(*pair) for pair in zip_longest(theirs, ours))
    except (DeviceGaveUp, VideoError) as error:
        return f"NVDEC does not decode it here: {error}"
    return "" if alike else "NVDEC gives other pictures of its beginning than software does"


def _beginning(path: Path, limits: VideoLimits, *, on_device: bool) -> Generator[Picture]:
    container, stream = open_video(path, limits, on_device)
    with container:
        yield from islice(Decoder(container, stream, limits, on_device).pictures(), _COMPARED)


def _are_same(theirs: Picture | None, ours: Picture | None) -> bool:
    if theirs is None or ours is None or ours.frame.format.name not in _PLANAR:
        return False
    is_alike = (ours.time, ours.frame.key_frame) == (theirs.time, theirs.frame.key_frame)
    return is_alike and np.array_equal(ours.frame.to_ndarray(), theirs.frame.to_ndarray())
