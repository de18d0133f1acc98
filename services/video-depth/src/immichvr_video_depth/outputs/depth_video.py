"""`depth.mp4`: disparity as a video of ten bits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from immichvr_common.tasks import MadeFile
from immichvr_video import Codec, Encoding

from immichvr_video_depth.engine.frames import DepthFrame
from immichvr_video_depth.engine.levels import write_levels
from immichvr_video_depth.outputs.clip import Clip
from immichvr_video_depth.outputs.layout import bounded
from immichvr_video_depth.outputs.sealed import Encoded, SealedVideo, as_asked

MOST_PIXELS = 1280 * 720
"""Of a frame: networks see about half as many, and nothing is gained by writing more."""
_QUALITY = {"h264": 12, "hevc": 12, "av1": 18}
_KEYS_APART_S = 3
"""Between two key frames at most: about as long as segments are, which begin with one. Nobody seeks in it, and a key
frame takes libx265 many times as long as another."""


class DepthVideo:
    """Grey, full range, without sound: luma 0 is the range's low end, the greatest its high end (depth.json)."""

    def __init__(self, folder: Path, clip: Clip, codec: Codec = "hevc", encoded: Encoded = as_asked) -> None:
        self._size = bounded(clip.width, clip.height, MOST_PIXELS)
        keys = {"g": str(max(1, round(_KEYS_APART_S * clip.fps)))}
        encoding = Encoding(*self._size, codec, grey=True, fps=clip.fps, quality=_QUALITY[codec], options=keys)
        self._top = (1 << encoding.bits) - 1
        self._luma = np.empty(self._size[::-1], np.uint8 if encoding.bits == 8 else np.uint16)
        self._video = SealedVideo(folder / "depth.mp4", encoded(encoding))
        self._codec = codec

    def write(self, frame: DepthFrame) -> None:
        """The next frame."""
        write_levels(frame, self._top, self._luma)
        self._video.write(self._luma, frame.time, frame.duration)

    def seal(self) -> list[Path]:
        """The new segment."""
        return self._video.seal()

    def resume(self, parts: Sequence[Path]) -> None:
        """Go on after these."""
        self._video.resume(parts)

    def finish(self) -> list[MadeFile]:
        """The whole."""
        there = self._video.finish()
        return [MadeFile("depth.mp4", "depth-video", "mp4", "video/mp4")] if there else []

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._video.abandon()

    def details(self) -> dict[str, Any]:
        """How it is encoded."""
        width, height = self._size
        return {"depth_video": {"width": width, "height": height, "codec": self._codec, "top": self._top}}
