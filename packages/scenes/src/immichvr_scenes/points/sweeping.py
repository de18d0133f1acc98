"""Depth of a view by its neighbours: planes are swept through what it sees, and each pixel takes the best one.

Sources: Collins, "A space-sweep approach to true multi-image matching" (1996); Gallup et al., "Real-time plane-sweeping
stereo with multiple sweeping directions" (2007). What looks alike is told by zero-mean normalised cross-correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from immichvr_scenes.cameras import View

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_WINDOW = (7, 7)
_LEAST_PLANES, _MOST_PLANES = 24, 96
_PIXELS_A_PLANE = 2.0
"""A window of seven pixels correlates over several; what lies between planes is found by a second look."""
_SECOND_LOOK = np.arange(-3, 4) * 0.25
"""Of the distance between planes, around what the first look found."""
_OUTSIDE = -1000.0
_WORSE = 0.05
"""By which a second look may be worse and is still taken: it is smoothed."""
_LEAST_VARIANCE = 4.0
"""Of grey in a window, 0 to 255 squared: where there is less, everything looks alike."""
_HALF_PIXEL = np.array([[1.0, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
"""From pixels whose first centre is (0.5, 0.5) to OpenCV's, where it is (0, 0)."""


@dataclass(frozen=True, eq=False)
class Swept:
    """depth: (h, w) float32 along the axis. likeness: (h, w) float32, -1 to 1, of the best plane."""

    depth: F32
    likeness: F32


@dataclass(frozen=True, eq=False)
class Grey:
    """A picture as it is compared. view: whose camera has the size of `grey`, (h, w) float32."""

    view: View
    grey: F32


def swept(reference: Grey, others: Sequence[Grey], near: float, far: float) -> Swept:
    """The depth of every pixel of `reference` between `near` and `far`; others: at least one."""
    inverse = np.linspace(1 / far, 1 / near, _planes(reference.view, others, near, far))
    mean = cv2.blur(reference.grey, _WINDOW)
    spread = cv2.blur(reference.grey * reference.grey, _WINDOW) - mean * mean
    likeness = np.stack([_of_plane(reference, others, mean, spread, float(1 / one)) for one in inverse])
    found, best = _best(likeness, inverse[0], inverse[1] - inverse[0])
    # Whole surfaces, tilted as they are, instead of planes.
    surface = cv2.medianBlur(found, 5)
    step = float(inverse[1] - inverse[0])
    rays = _rays(reference.view, others)
    looks = [_of_surface(reference, rays, mean, spread, surface + np.float32(one * step)) for one in _SECOND_LOOK]
    offset, again = _best(np.stack(looks), _SECOND_LOOK[0] * step, 0.25 * step)
    sure = again > best - _WORSE
    depth = 1 / np.where(sure, surface + offset, found)
    return Swept(depth.astype(np.float32), np.where(sure, np.maximum(again, best), best))


def _planes(view: View, others: Sequence[Grey], near: float, far: float) -> int:
    """So many that neighbouring planes are _PIXELS_A_PLANE apart in the picture that moves most."""
    baseline = max(float(np.linalg.norm(other.view.centre - view.centre)) for other in others)
    shift = view.camera.fx * baseline * (1 / near - 1 / far)
    return int(np.clip(np.ceil(shift / _PIXELS_A_PLANE), _LEAST_PLANES, _MOST_PLANES))


def _of_plane(reference: Grey, others: Sequence[Grey], mean: F32, spread: F32, depth: float) -> F32:
    """How alike everything would look if it were all at this depth."""
    height, width = reference.grey.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    every = []
    for other in others:
        move = _homography(reference.view, other.view, depth)
        seen = cv2.warpPerspective(other.grey, move, (width, height), flags=flags, borderValue=_OUTSIDE)
        every.append(_likeness(reference.grey, np.asarray(seen), mean, spread))
    return _agreed(every)


def _of_surface(reference: Grey, rays: Sequence[tuple[Grey, F32, F32]], mean: F32, spread: F32, inverse: F32) -> F32:
    """How alike everything would look at these inverse depths, (h, w). rays: of `_rays`."""
    every = []
    for other, directions, step in rays:
        # What is at depth 1 / i on a ray r is seen along R r + i t.
        seen_at = directions + inverse[..., None] * step
        ahead = np.maximum(seen_at[..., 2], 1e-6)
        camera = other.view.camera
        across = seen_at[..., 0] / ahead * np.float32(camera.fx) + np.float32(camera.cx - 0.5)
        down = seen_at[..., 1] / ahead * np.float32(camera.fy) + np.float32(camera.cy - 0.5)
        seen = cv2.remap(other.grey, across, down, cv2.INTER_LINEAR, borderValue=_OUTSIDE)
        every.append(_likeness(reference.grey, np.asarray(seen), mean, spread))
    return _agreed(every)


def _rays(view: View, others: Sequence[Grey]) -> list[tuple[Grey, F32, F32]]:
    """For each other view the rays of `view` in its axes, (h, w, 3), and where `view` stands in them, (3,)."""
    told, rays = [], view.camera.rays()
    for other in others:
        rotation = other.view.rotation @ view.rotation.T
        step = other.view.translation - rotation @ view.translation
        told.append((other, (rays @ rotation.T).astype(np.float32), step.astype(np.float32)))
    return told


def _agreed(likeness: Sequence[F32]) -> F32:
    """The mean over the better half of the others."""
    every = np.stack(likeness)
    if len(every) <= 2:
        # Of two others, one sees what is hidden from the other.
        return np.asarray(every.max(axis=0))
    half = (len(every) + 1) // 2
    return np.asarray(np.partition(every, len(every) - half, axis=0)[-half:].mean(axis=0))


def _likeness(reference: F32, seen: F32, mean: F32, spread: F32) -> F32:
    """mean, spread: of the reference in each pixel's window."""
    outside = cv2.blur((seen < -1).astype(np.float32), _WINDOW) > 0
    seen = np.maximum(seen, 0)
    mean_seen = cv2.blur(seen, _WINDOW)
    spread_seen = cv2.blur(seen * seen, _WINDOW) - mean_seen * mean_seen
    together = cv2.blur(reference * seen, _WINDOW) - mean * mean_seen
    like = together / np.sqrt(np.maximum(spread, _LEAST_VARIANCE) * np.maximum(spread_seen, _LEAST_VARIANCE))
    like[outside] = -1
    return np.asarray(like, np.float32)


def _homography(view: View, other: View, depth: float) -> F64:
    """From a pixel of `view`, OpenCV's, to that of `other`, of what is on the plane at `depth` before the former."""
    rotation = other.rotation @ view.rotation.T
    step = other.translation - rotation @ view.translation
    plane = rotation + np.outer(step, [0, 0, 1 / depth])
    return np.asarray(
        _HALF_PIXEL @ other.camera.matrix @ plane @ np.linalg.inv(view.camera.matrix) @ np.linalg.inv(_HALF_PIXEL)
    )


def _best(likeness: F32, first: float, step: float) -> tuple[F32, F32]:
    """Where along the first axis the best is, and how good: between steps by the parabola through three of them."""
    at = likeness.argmax(axis=0)
    inner = np.clip(at, 1, len(likeness) - 2)
    before, peak, after = (np.take_along_axis(likeness, (inner + step)[None], axis=0)[0] for step in (-1, 0, 1))
    bend = before - 2 * peak + after
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(bend < -1e-6, 0.5 * (before - after) / bend, 0.0)
    place = np.where(at == inner, inner + np.clip(part, -0.5, 0.5), at)
    best = np.take_along_axis(likeness, at[None], axis=0)[0]
    # At either end the best may lie beyond.
    best = np.where((at == 0) | (at == len(likeness) - 1), np.float32(-1), best)
    return (first + step * place).astype(np.float32), np.asarray(best, np.float32)
