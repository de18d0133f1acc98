"""How far a camera has come between frames of a video, seen by the points that it passes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

_CORNERS = 300
_LEAST_LEFT = 60
_FAR = 0.06
"""Share of the width by which points have moved when others are looked for."""
_TURNING = 0.15
"""What a movement that a turn of the camera explains counts beside parallax: frames are wanted there too, but fewer."""
_WINDOW = (15, 15)


@dataclass
class MotionMeter:
    """Push the frames of a shot; `way` says how far the camera has come, as a share of the picture's width.

    Points are followed from a key frame. What a homography, and so any turn of the camera, does not explain of their
    movement is parallax (its upper quartile); the rest counts little. Cuts are told by `begin`.
    """

    way: float = 0.0
    _base: float = 0.0
    _grey: U8 | None = None
    _first: F32 | None = None
    _now: F32 | None = None

    def begin(self) -> None:
        """What comes next has nothing to do with what was before."""
        self._grey, self._base = None, self.way

    def push(self, grey: U8) -> float:
        """The way until this frame; grey: (h, w) uint8, always of one size."""
        if self._grey is not None and self._now is not None and self._first is not None and len(self._now):
            self._follow(self._grey, grey)
        if self._is_spent(grey.shape[1]):
            self._base = self.way
            self._first = _corners(grey)
            self._now = self._first
        self._grey = grey
        return self.way

    def _follow(self, before: U8, after: U8) -> None:
        assert self._now is not None and self._first is not None  # noqa: S101 - for the type checker
        found, status, _ = cv2.calcOpticalFlowPyrLK(before, after, self._now, None, winSize=_WINDOW)
        back, returned, _ = cv2.calcOpticalFlowPyrLK(after, before, found, None, winSize=_WINDOW)
        sure = (status.ravel() == 1) & (returned.ravel() == 1)
        sure &= np.abs(back - self._now).max(axis=1) < 0.7
        self._first, self._now = self._first[sure], np.asarray(found[sure])
        if len(self._now) >= 12:
            self.way = max(self.way, self._base + _moved(self._first, self._now) / after.shape[1])

    def _is_spent(self, width: int) -> bool:
        if self._grey is None or self._first is None or self._now is None or len(self._now) < _LEAST_LEFT:
            return True
        return float(np.median(np.linalg.norm(self._now - self._first, axis=1))) > _FAR * width


def _corners(grey: U8) -> F32:
    found = cv2.goodFeaturesToTrack(grey, _CORNERS, 0.005, 7)
    return np.zeros((0, 2), np.float32) if found is None else np.asarray(found.reshape(-1, 2), np.float32)


def _moved(first: F32, now: F32) -> float:
    """Pixels of parallax, and of the rest a share."""
    all_of_it = float(np.median(np.linalg.norm(now - first, axis=1)))
    homography, _ = cv2.findHomography(first, now, cv2.LMEDS)
    if homography is None:
        return _TURNING * all_of_it
    turned = cv2.perspectiveTransform(first[:, None], homography)[:, 0]
    return float(np.percentile(np.linalg.norm(now - turned, axis=1), 75)) + _TURNING * all_of_it
