"""Where a new shot begins, found while the video is read: scenedetect's adaptive detector, two frames behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray
from scenedetect import AdaptiveDetector, FrameTimecode

from immichvr_video.reader import Frame

_WIDTH: Final = 192
_SHORTEST_FRAMES: Final = 2
_RETURNED: Final = 0.4
"""Of the change into a flash, so much at most is left when it is over."""


class ShotFinder:
    """Push every frame; each push tells, of the frames that are settled by it, whether a shot begins there.

    A frame is settled when LOOK_AHEAD later ones are known; `finish` settles the last. The first begins a shot.
    """

    LOOK_AHEAD: Final = 2

    def __init__(self) -> None:
        self._detector = AdaptiveDetector(window_width=self.LOOK_AHEAD, min_scene_len=_SHORTEST_FRAMES)
        self._pushed = self._settled = 0
        self._cuts: set[int] = set()
        self._seen: deque[MatLike] = deque(maxlen=2 * self.LOOK_AHEAD + 2)

    def push(self, rgb: NDArray[np.uint8]) -> list[bool]:
        """Frames that are settled now, in order: True where a shot begins. rgb: (h, w, 3), always of one size."""
        self._look(_small(rgb), self._pushed)
        self._pushed += 1
        return self._settle(self._pushed - self.LOOK_AHEAD)

    def finish(self) -> list[bool]:
        """The frames that are left, as if the last went on."""
        if self._seen:
            for ahead in range(self.LOOK_AHEAD):
                self._look(self._seen[-1], self._pushed + ahead)
        return self._settle(self._pushed)

    def _look(self, small: MatLike, index: int) -> None:
        self._seen.append(small)
        for cut in self._detector.process_frame(FrameTimecode(index, 30.0), small[..., ::-1]):
            if not self._is_flash(index - cut.frame_num):
                self._cuts.add(cut.frame_num)

    def _is_flash(self, ago: int) -> bool:
        """Whether what was seen before a change is seen again within LOOK_AHEAD frames, or was before it: a flash."""
        at = len(self._seen) - 1 - ago
        if at < 1:
            return False
        before, after = self._seen[at - 1], self._seen[at]
        change = _RETURNED * float(np.mean(cv2.absdiff(before, after)))
        returns = [self._seen[i] for i in range(at + 1, min(len(self._seen), at + 1 + self.LOOK_AHEAD))]
        earlier = [self._seen[i] for i in range(max(0, at - 1 - self.LOOK_AHEAD), at - 1)]
        return any(np.mean(cv2.absdiff(before, one)) < change for one in returns) or any(
            np.mean(cv2.absdiff(after, one)) < change for one in earlier
        )

    def _settle(self, until: int) -> list[bool]:
        first, self._settled = self._settled, max(self._settled, until)
        told = [index == 0 or index in self._cuts for index in range(first, self._settled)]
        self._cuts = {cut for cut in self._cuts if cut >= self._settled}
        return told


def shots(frames: Iterable[Frame]) -> Iterator[tuple[Frame, int]]:
    """The frames with the number of their shot, from 0; LOOK_AHEAD frames are held back."""
    finder, waiting, shot = ShotFinder(), deque[Frame](), -1
    for frame in frames:
        waiting.append(frame)
        for begins in finder.push(frame.rgb):
            shot += begins
            yield waiting.popleft(), shot
    for begins in finder.finish():
        shot += begins
        yield waiting.popleft(), shot


def _small(rgb: NDArray[np.uint8]) -> MatLike:
    """A picture of about _WIDTH columns: means over whole pixels of two or three lines, as all of them tell no more."""
    step = max(1, rgb.shape[1] // _WIDTH)
    lines = rgb[:: max(1, step // 2)]
    down = min(step // max(1, step // 2), len(lines))
    width, height = rgb.shape[1] // step, len(lines) // down
    whole = lines[: height * down, : width * step]
    return cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
