"""One picture of a video, for lists: `python -m immichvr_video.poster VIDEO SIDE` writes a JPEG to standard output.

A program of its own, so that whoever shows videos of strangers decodes none of them in their own process.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from immichvr_video.errors import EmptyVideo, VideoError
from immichvr_video.facts import inspect
from immichvr_video.limits import VideoLimits
from immichvr_video.reader import VideoReader

_AT_S = 1.0
"""Where films have begun, and most clips go on."""
_LOOKED_S = 5.0
_QUALITY = 82
_MEMORY = 4 * 1024**3
_CPU_S = 20


def poster(path: Path, side: int, limits: VideoLimits | None = None) -> NDArray[np.uint8]:
    """The picture that is shown after a second, or in the middle of shorter ones: (h, w, 3) sRGB, upright.

    Its longer side is at most `side`. Raises VideoError.
    """
    limits = limits or VideoLimits(threads=1)
    length = inspect(path, limits).duration_s
    at = 0.0 if length is None else min(_AT_S, length / 2)
    for start in dict.fromkeys((at, 0.0)):
        with VideoReader(path, limits, (start, start + _LOOKED_S)) as reader:
            first = next(iter(reader), None)
        if first is not None:
            return _at_most(first.rgb, side)
    raise EmptyVideo("no frame of the video can be shown")


def _at_most(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return rgb
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def main() -> None:
    """Writes the picture; ends with 2 and a line of words where there is none."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    cv2.setNumThreads(1)
    try:
        picture = poster(Path(sys.argv[1]), int(sys.argv[2]))
    except VideoError as error:
        sys.stderr.write(f"{error.code} {error}")
        raise SystemExit(2) from error
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    sys.stdout.buffer.write(jpeg.tobytes())


if __name__ == "__main__":
    main()
