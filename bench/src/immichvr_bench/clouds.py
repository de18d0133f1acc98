"""Clouds to measure with, of rendered scenes: photos lifted to two layers as SHARP does, and walks around a scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from immichvr_splats import SH_C0, Camera, GaussianCloud

from immichvr_bench.scenes import SCENES, Scene, View, render_view

SHARP_SIDE = 768
"""SHARP (Apple, 2025) gives two layers of 768 x 768 Gaussians."""

Floats = npt.NDArray[np.float32]

_FARTHEST = 200.0  # SHARP's skies are far, not endless
_FOOTPRINT = 0.6  # standard deviation in pixels: closed surfaces with some overlap
_THICKNESS = 0.2  # along the normal, as a part of the footprint
_FRONT_LOGIT, _BACK_LOGIT = 2.5, 1.0


def photo_cloud(name: str, side: int = SHARP_SIDE, seed: int = 0) -> GaussianCloud:
    """2 x side² Gaussians of degree 0 of one view of the scene `name`, with its camera, in its camera's axes."""
    scene = SCENES[name]()
    return lifted(render_view(scene, scene.camera(side, side)), seed)


def waves_cloud(side: int = SHARP_SIDE, seed: int = 0) -> GaussianCloud:
    """2 x side² Gaussians of degree 0 of a photo of waves in depth and colour: smooth, where photos are not."""
    camera = Camera(1.2 * side, 1.2 * side, side / 2, side / 2, side, side)
    u, v = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    depth = 2 + 0.5 * np.sin(7 * u) * np.cos(5 * v) + 0.15 * np.sin(23 * u + 11 * v)
    tints = [0.5 + 0.4 * np.sin(a * u + b * v) * np.cos(c * v) for a, b, c in ((9, 5, 3), (4, 21, 6), (14, -8, 2))]
    rgb = np.round(255 * np.stack(tints, axis=-1)).astype(np.uint8)
    return lifted(View(rgb, depth.astype(np.float32), camera), seed)


def walk_cloud(name: str, side: int, places: int = 5, seed: int = 0) -> GaussianCloud:
    """places x side² Gaussians of degree 0 of the scene `name`, seen from places beside each other; no camera.

    In the axes of the scene's own camera.
    """
    scene = SCENES[name]()
    first = scene.camera(side, side)
    parts = []
    for place in range(places):
        view = render_view(scene, _step_aside(scene, first, place, places))
        pose = first.extrinsic @ np.linalg.inv(view.camera.extrinsic)
        parts.append(_moved(_front_layer(view, np.random.default_rng(seed + place)), pose))
    return joined(parts)


def joined(parts: list[GaussianCloud]) -> GaussianCloud:
    """One cloud of all `parts`, without a camera."""
    return GaussianCloud(
        np.concatenate([part.means for part in parts]),
        np.concatenate([part.log_scales for part in parts]),
        np.concatenate([part.quaternions for part in parts]),
        np.concatenate([part.opacity_logits for part in parts]),
        np.concatenate([part.sh for part in parts]),
    )


def with_view_dependence(cloud: GaussianCloud, degree: int, seed: int = 0) -> GaussianCloud:
    """The cloud with spherical harmonics up to `degree` that vary from place to place, and noise on top."""
    random = np.random.default_rng(seed)
    count = (degree + 1) ** 2 - 1
    waves = random.normal(0, 1, (3, count, 3))
    span = np.linalg.norm(np.subtract(*cloud.bounds()))
    phases = np.einsum("na,akc->nkc", cloud.means / (0.02 * span), waves).astype(np.float32)
    rest = 0.06 * np.sin(phases) + random.normal(0, 0.02, phases.shape).astype(np.float32)
    return replace(cloud, sh=np.concatenate((cloud.sh, rest), axis=1))


def lifted(view: View, seed: int = 0) -> GaussianCloud:
    """Two layers of a view: its surfaces, and a blurred guess of what is behind them. In the view's axes."""
    random = np.random.default_rng(seed)
    front = _front_layer(view, random)
    hidden = View(_blurred(view.rgb.astype(np.float32), 8).astype(np.uint8), _behind(view.depth), view.camera)
    both = joined([front, _layer(hidden, random, _BACK_LOGIT)])
    return replace(both, camera=replace(view.camera, extrinsic=np.eye(4)))


def _front_layer(view: View, random: np.random.Generator) -> GaussianCloud:
    return _layer(view, random, _FRONT_LOGIT)


def _layer(view: View, random: np.random.Generator, logit: float) -> GaussianCloud:
    camera = view.camera
    depth = np.minimum(view.depth, _FARTHEST).astype(np.float64)
    u, v = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    points = np.stack(((u - camera.cx) / camera.fx * depth, (v - camera.cy) / camera.fy * depth, depth), axis=-1)
    count = depth.size
    footprint = _FOOTPRINT * depth.ravel() / camera.fx * np.exp(random.normal(0, 0.15, count))
    scales = footprint[:, None] * np.exp(random.normal(0, 0.1, (count, 3))) * [1, 1, _THICKNESS]
    colours = (view.rgb.reshape(-1, 3) / 255.0 - 0.5) / SH_C0
    means = points.reshape(-1, 3) + 0.1 * footprint[:, None] * random.standard_normal((count, 3))
    return GaussianCloud(
        means.astype(np.float32),
        np.log(scales),
        _facing(_normals(points).reshape(-1, 3), random).astype(np.float32),
        random.normal(logit, 1.0, count).astype(np.float32),
        (colours + random.normal(0, 0.02, (count, 3))).astype(np.float32)[:, None],
    )


def _normals(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Of a surface, (h, w, 3), towards the origin; across an edge in depth they look at the origin."""
    across, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    normals = np.cross(down, across)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-30)
    rays = -points / np.linalg.norm(points, axis=-1, keepdims=True)
    grazing = (normals * rays).sum(axis=-1, keepdims=True) < 0.3
    return np.where(grazing, rays, normals)


def _facing(normals: npt.NDArray[np.float64], random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Quaternions, wxyz, that turn the z axis along `normals`, after any turn around it."""
    x, y, z = -normals.T  # flat Gaussians look the same from both sides
    towards = np.stack((1 + z, -y, x, np.zeros_like(z)), axis=1)
    towards[z < -1 + 1e-9] = 0, 1, 0, 0
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    half = random.uniform(0, np.pi, z.size)
    return _times(towards, np.stack((np.cos(half), 0 * half, 0 * half, np.sin(half)), axis=1))


def _times(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    w, x, y, z = a.T
    p, q, r, s = b.T
    return np.stack(
        (
            w * p - x * q - y * r - z * s,
            w * q + x * p + y * s - z * r,
            w * r - x * s + y * p + z * q,
            w * s + x * r - y * q + z * p,
        ),
        axis=1,
    )


def _behind(depth: Floats) -> Floats:
    """The farthest depth nearby, a little farther still."""
    far = np.minimum(depth, _FARTHEST)
    for axis in (0, 1):
        far = np.max([np.roll(far, shift, axis) for shift in range(-12, 13, 2)], axis=0)
    return np.asarray(1.05 * _blurred(far[..., None], 4)[..., 0], np.float32)


def _blurred(picture: Floats, reach: int) -> Floats:
    out = picture
    for axis in (0, 1):
        out = np.mean([np.roll(out, shift, axis) for shift in range(-reach, reach + 1)], axis=0, dtype=np.float32)
    return np.asarray(out, np.float32)


def _step_aside(scene: Scene, camera: Camera, place: int, places: int) -> Camera:
    """The camera `place` of `places` on an arc around what the scene looks at."""
    angle = np.radians(50) * (place / max(places - 1, 1) - 0.5)
    eye, target = np.asarray(scene.eye, float), np.asarray(scene.target, float)
    arm = eye - target
    turned = np.array(
        [arm[0] * np.cos(angle) + arm[2] * np.sin(angle), arm[1], arm[2] * np.cos(angle) - arm[0] * np.sin(angle)]
    )
    return replace(scene, eye=target + turned).camera(camera.width, camera.height)


def _moved(cloud: GaussianCloud, pose: npt.NDArray[np.float64]) -> GaussianCloud:
    turn = _quaternion(pose[:3, :3])
    return replace(
        cloud,
        means=(cloud.means @ pose[:3, :3].T + pose[:3, 3]).astype(np.float32),
        quaternions=_times(np.broadcast_to(turn, (cloud.count, 4)), cloud.quaternions.astype(np.float64)).astype(
            np.float32
        ),
    )


def _quaternion(rotation: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    w = 0.5 * np.sqrt(1 + np.trace(rotation))  # poses here turn by much less than half a turn
    x, y, z = (rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1])
    return np.array([w, x / (4 * w), y / (4 * w), z / (4 * w)])
