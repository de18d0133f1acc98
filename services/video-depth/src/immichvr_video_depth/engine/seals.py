"""At which ends of windows outputs seal: an encoder that ends is paid for by those frames alone that it has written."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from immichvr_video_depth.engine.frames import DepthFrame, Estimator
from immichvr_video_depth.engine.stages import Seam

_APART_S: Final = 2
"""Of film, the least between two seals."""
_AT_A_CUT_S: Final = 1
"""The same at the end of a shot, where an encoder that notices the cut begins with a whole picture in any case."""


class Seals:
    """Tells at which seams to seal, from what was written before each.

    The first is one, so that there is something to watch; each other is the next that has two seconds of film since the
    one before it, or one second at a cut. Where the network is slow, each is one: there a window costs more than any
    encoder, whether it is waited for or made again. Nothing but the film, the network and whether that is slow decide,
    so that work which is taken up on the same kind of device seals where it would have.
    """

    def __init__(self, estimator: Estimator, is_begun: bool) -> None:
        """is_begun: whether an earlier try has sealed."""
        self._any = estimator.slow
        self._is_first = not is_begun
        self._since: Fraction | None = None
        self._until = Fraction(0)

    def note(self, frame: DepthFrame) -> None:
        """The next frame is written."""
        if self._since is None:
            self._since = frame.time
        self._until = frame.time + frame.duration

    def take(self, seam: Seam) -> bool:
        """Whether outputs seal here, where work can be taken up and there is enough; if so, nothing is written yet."""
        if seam.place is None or self._since is None:
            return False
        least = _APART_S if seam.place.window else _AT_A_CUT_S
        if not (self._any or self._is_first or self._until - self._since >= least):
            return False
        self._since, self._is_first = None, False
        return True
