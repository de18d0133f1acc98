"""`rgbd.mp4`: colour and depth side by side, for the viewer; its segments are watched while it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_common.keeping import keep
from immichvr_common.tasks import MadeFile
from immichvr_video import Encoding, plays_in_browsers

from immichvr_video_depth.engine.frames import DepthFrame
from immichvr_video_depth.engine.levels import write_levels
from immichvr_video_depth.outputs.clip import Clip
from immichvr_video_depth.outputs.layout import GUTTER, layout_of
from immichvr_video_depth.outputs.sealed import Encoded, SealedVideo, as_asked


class Keep(Protocol):
    """Has a file outlive the attempt, to be watched meanwhile (immichvr_common.keeping)."""

    def __call__(self, name: str, path: Path, *, facts: Mapping[str, Any]) -> None: ...


class RgbdVideo:
    """H.264, 8 bits, BT.709: colour left, grey disparity right (white is nearest)."""

    def __init__(self, folder: Path, clip: Clip, keep: Keep = keep, encoded: Encoded = as_asked) -> None:
        """keep: gets `init.mp4` with the layout, then `00001.m4s`, … with the seconds that they show."""
        self._layout = layout_of(clip.width, clip.height)
        self._drawn = np.empty((self._layout.height, self._layout.width, 3), np.uint8)
        self._keep = keep
        encoding = Encoding(self._layout.width, self._layout.height, "h264", fps=clip.fps)
        heard = clip.audio if plays_in_browsers(clip.audio_codec) else None
        self._video = SealedVideo(folder / "rgbd.mp4", encoded(encoding), heard)
        self._since: float | None = None
        self._until = 0.0

    def write(self, frame: DepthFrame) -> None:
        """The next frame."""
        if self._since is None:
            self._since = float(frame.time)
        self._until = float(frame.time + frame.duration)
        self._video.write(self._picture(frame), frame.time, frame.duration)

    def seal(self) -> list[Path]:
        """The new segment, which can be watched from now on."""
        files = self._video.seal()
        for path in files:
            is_head = path.suffix == ".mp4"
            facts = self.details() if is_head else {"from_s": self._since, "to_s": self._until}
            self._keep(path.name.removeprefix("rgbd-"), path, facts=facts)
        self._since = None
        return files

    def resume(self, parts: Sequence[Path]) -> None:
        """Go on after these."""
        self._video.resume(parts)

    def finish(self) -> list[MadeFile]:
        """The whole."""
        self.seal()
        there = self._video.finish()
        return [MadeFile("rgbd.mp4", "rgbd", "mp4", "video/mp4")] if there else []

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._video.abandon()

    def details(self) -> dict[str, Any]:
        """Where in the picture colour and depth are."""
        return {"rgbd": self._layout.details()}

    def _picture(self, frame: DepthFrame) -> npt.NDArray[np.uint8]:
        layout, picture = self._layout, self._drawn
        width, height = layout.view_width, layout.height
        colour, depth = picture[:, :width], picture[:, layout.depth_x :]
        colour[:] = sized(frame.rgb, width, height)
        write_levels(frame, 255, depth)
        picture[:, width : width + GUTTER // 2] = colour[:, -1:]
        picture[:, width + GUTTER // 2 : layout.depth_x] = depth[:, :1]
        return picture


def sized(rgb: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    """A picture at a size."""
    if rgb.shape[:2] == (height, width):
        return rgb
    if height <= rgb.shape[0] <= height + 1 and width <= rgb.shape[1] <= width + 1:
        return rgb[:height, :width]  # an odd side loses its last line, so that pixels stay pixels
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
