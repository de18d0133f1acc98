"""How well a lifted photo stands a sidestep: novel views of rendered scenes against the truth.

python -m immichvr_bench.lifting --pictures docs/pictures/lifting --json bench/results/lifting.json
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from immichvr_splats import Camera, GaussianCloud

from immichvr_bench.rasterizer import Rendering, render
from immichvr_bench.scenes import Scene, View, render_view

Lift = Callable[[npt.NDArray[np.uint8], npt.NDArray[np.float32], float], GaussianCloud]

MOVES = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "up": (0.0, -1.0)}


@dataclass(frozen=True)
class Trial:
    """A scene seen from its place and from beside it: what is lifted, and what it is compared with."""

    source: View
    besides: dict[str, View]


@dataclass(frozen=True)
class Score:
    """psnr: dB over the pixels that the source camera's frame covers. holes: share of them with alpha < 0.5."""

    psnr: float
    holes: float


def make_trial(scene: Scene, width: int, height: int, sidestep: float, samples: int = 2) -> Trial:
    """Render the truth. sidestep: as a part of the median depth."""
    camera = scene.camera(width, height)
    source = render_view(scene, camera, samples)
    step = sidestep * float(np.median(source.depth))
    besides = {
        name: render_view(scene, moved(camera, step * right, step * down), samples)
        for name, (right, down) in MOVES.items()
    }
    return Trial(source, besides)


def moved(camera: Camera, right: float, down: float) -> Camera:
    """The camera after a step along its own axes, metres."""
    extrinsic = camera.extrinsic.copy()
    extrinsic[:3, 3] -= [right, down, 0.0]
    return Camera(camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height, extrinsic)


def relative_pose(source: Camera, other: Camera) -> npt.NDArray[np.float64]:
    """From the source camera's axes, in which a cloud is lifted, to another camera's."""
    pose: npt.NDArray[np.float64] = other.extrinsic @ np.linalg.inv(source.extrinsic)
    return pose


def within_frame(view: View, source: Camera) -> npt.NDArray[np.bool_]:
    """Pixels of `view` whose true surface lies inside the source camera's frame, hidden from it or not.

    What lies outside is a border band that no photo taken there holds.
    """
    camera = view.camera
    x = (np.arange(camera.width) + 0.5 - camera.cx) / camera.fx
    y = (np.arange(camera.height) + 0.5 - camera.cy) / camera.fy
    rays = np.stack([*np.meshgrid(x, y), np.ones(view.depth.shape)], axis=-1)
    points = rays * view.depth[..., None]
    pose = np.linalg.inv(relative_pose(source, camera))
    local = points @ pose[:3, :3].T + pose[:3, 3]
    u = source.fx * local[..., 0] / local[..., 2] + source.cx
    v = source.fy * local[..., 1] / local[..., 2] + source.cy
    inside = (u >= 0) & (u < source.width) & (v >= 0) & (v < source.height)
    return np.asarray(inside & (local[..., 2] > 0))


def score(rendering: Rendering, view: View, source: Camera) -> Score:
    """Compare a rendering with the truth, over black, where the source's frame reaches."""
    mask = within_frame(view, source)
    error = np.clip(rendering.rgb, 0, 1)[mask] - view.rgb[mask] / 255.0
    holes = float((rendering.alpha[mask] < 0.5).mean())
    return Score(float(-10 * np.log10(np.mean(error**2))), holes)


def score_cloud(cloud: GaussianCloud, trial: Trial) -> dict[str, Score]:
    """Scores from the source's place and from beside it."""
    source = trial.source.camera
    views = {"source": trial.source, **trial.besides}
    return {
        name: score(render(cloud, view.camera, relative_pose(source, view.camera)), view, source)
        for name, view in views.items()
    }
