"""Where a scene is looked at from while it is completed: on a path around its cameras, at places that show the holes.

Candidates are the cameras themselves and steps away from them, no farther than people may walk: within what the
cameras span and a margin, with nothing right before the lens. Of these the ones are taken that show most of what is
missing and still enough of what is known to go on from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt
from immichvr_splats import GaussianCloud

from immichvr_scenes.cameras import View
from immichvr_scenes.completion.errors import CannotComplete
from immichvr_scenes.completion.missing import MissingRules, Seen, missing_pixels

F64 = npt.NDArray[np.float64]

REACH = 0.15
"""How far a step leads away from a camera, over the median depth that it sees."""
NEAREST = 0.2
"""Nothing may be nearer to a candidate than this share of the median depth of its camera."""
LEAST_MISSING = 0.001
"""A view that shows less has nothing to fill."""
MOST_MISSING = 0.7
"""A view that shows more holes than this has too little to go on from."""
GLANCE = 96
"""Pixels of the longer side of a candidate's picture."""
_GLANCED = 0.4
"""Of the work, what is done when every camera has had its look."""
MOST_CAMERAS = 12
"""Of which steps lead away."""
_STEPS = (-1.0, 0.0, 1.0)


def look_around(
    cloud: GaussianCloud,
    cameras: Sequence[View],
    count: int,
    longest: int,
    rules: MissingRules,
    on_look: Callable[[float], None] = lambda share: None,
) -> list[View]:
    """At most `count` views of which each shows something missing, in an order in which one could walk them.

    cameras: that the cloud was made with, at least one. longest: pixels of the views' longer side. on_look: told the
    share that is done at every look; what it raises stops the work. Raises CannotComplete where nothing can be seen
    from any of the cameras, or so little that there is nothing to go on from.
    """
    glances = list[Seen]()
    for number, camera in enumerate(cameras):
        on_look(_GLANCED * number / len(cameras))
        glances.append(Seen.of(cloud, fitted(camera, GLANCE)))
    inputs = glances if len(glances) > 1 else []
    depths = [float(np.median(one.depth[one.depth > 0])) if (one.depth > 0).any() else 0.0 for one in glances]
    if not any(depths):
        raise CannotComplete("none of the cameras sees anything of the scene; it may be in another coordinate system")
    reach = REACH * float(np.median([depth for depth in depths if depth > 0]))
    candidates = [*cameras, *_steps_away(cameras, depths, reach)]
    at_a_glance = replace(rules, dilations=0)
    scored: list[tuple[View, float]] = []
    most = 0.0
    for number, view in enumerate(candidates):
        on_look(_GLANCED + (1 - _GLANCED) * number / len(candidates))
        seen = glances[number] if number < len(cameras) else Seen.of(cloud, fitted(view, GLANCE))
        if number >= len(cameras) and not _is_clear(seen, reach / REACH):
            continue
        share = float(missing_pixels(seen, inputs, at_a_glance).mean())
        if number < len(cameras):
            most = max(most, share)
        if LEAST_MISSING <= share <= MOST_MISSING:
            scored.append((view, share))
    if not scored and most > MOST_MISSING:
        raise CannotComplete(
            f"up to {most:.0%} of what the cameras see of this scene is missing, too much to go on from; make it anew "
            "in a higher quality, or of more photos"
        )
    chosen = _most_telling(scored, count, reach)
    return [fitted(view, longest, f"path-{number:02d}") for number, view in enumerate(_in_walking_order(chosen))]


def fitted(view: View, longest: int, name: str = "") -> View:
    """The view with a picture no longer than that, its sides multiples of 8 where they are more than that."""
    scale = min(1.0, longest / max(view.camera.width, view.camera.height))
    width, height = (_eighths(side * scale) for side in (view.camera.width, view.camera.height))
    return View(name or view.name, view.camera.scaled(width, height), view.world_to_camera)


def _eighths(side: float) -> int:
    return max(8, round(side / 8) * 8)


def _steps_away(cameras: Sequence[View], depths: Sequence[float], reach: float) -> list[View]:
    """Steps to the side, up and down from cameras, turned so that the middle of the picture stays where it is."""
    centres = np.array([camera.centre for camera in cameras])
    low, high = centres.min(axis=0) - reach, centres.max(axis=0) + reach
    seeing = [number for number, depth in enumerate(depths) if depth > 0]
    taken = [seeing[i] for i in np.unique(np.linspace(0, len(seeing) - 1, min(MOST_CAMERAS, len(seeing))).astype(int))]
    found = []
    for number in taken:
        camera, depth = cameras[number], depths[number]
        pivot = camera.centre + depth * camera.rotation[2]
        for across, down in product(_STEPS, _STEPS):
            move = across * camera.rotation[0] + 0.6 * down * camera.rotation[1]
            eye = np.clip(camera.centre + reach * move, low, high)
            if np.linalg.norm(eye - camera.centre) > 0.1 * reach:
                found.append(_turned_to(camera, eye, pivot, f"{camera.name}{across:+.0f}{down:+.0f}"))
    return found


def _turned_to(camera: View, eye: F64, pivot: F64, name: str) -> View:
    forward = (pivot - eye) / np.linalg.norm(pivot - eye)
    right = np.cross(camera.rotation[1], forward)
    right /= np.linalg.norm(right)
    return View.turned(name, camera.camera, eye, np.stack([right, np.cross(forward, right), forward]))


def _is_clear(seen: Seen, median: float) -> bool:
    """Whether nothing to speak of stands right before the lens."""
    ahead = seen.depth[seen.alpha > 0.5]
    return bool(ahead.size) and float(np.percentile(ahead, 2)) > NEAREST * median


def _most_telling(scored: Sequence[tuple[View, float]], count: int, reach: float) -> list[View]:
    """Those that show most, each worth less the nearer it is to one that was taken before."""
    left, taken = list(scored), list[View]()
    while left and len(taken) < count:
        worths = [share * _novelty(view, taken, reach) for view, share in left]
        best = int(np.argmax(worths))
        if worths[best] <= 0:
            break
        taken.append(left.pop(best)[0])
    return taken


def _novelty(view: View, taken: Sequence[View], reach: float) -> float:
    if not taken:
        return 1.0
    apart = min(
        float(np.linalg.norm(view.centre - one.centre)) / reach + 2 * _angle(view.rotation, one.rotation)
        for one in taken
    )
    return 1 - float(np.exp(-apart * apart))


def _angle(one: F64, other: F64) -> float:
    return float(np.arccos(np.clip((np.trace(one @ other.T) - 1) / 2, -1, 1)))


def _in_walking_order(views: Sequence[View]) -> list[View]:
    """Always on to the nearest one."""
    left, path = list(views), list[View]()
    while left:
        distances = [float(np.linalg.norm(view.centre - path[-1].centre)) if path else 0.0 for view in left]
        path.append(left.pop(int(np.argmin(distances))))
    return path
