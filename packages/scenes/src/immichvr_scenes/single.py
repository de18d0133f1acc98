"""One photo instead of a place: what pictures from one spot become, and what a place must not be worse than."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_depth.depth_map import GUESS, DepthMap
from immichvr_depth.embedded import EMBEDDED
from immichvr_depth.heuristic import guess
from immichvr_depth.lift import lift
from immichvr_inference.context import RunContext
from immichvr_inference.errors import ModelUnavailable
from immichvr_inference.fallback import first_that_runs
from immichvr_inference.network import View as Seen
from immichvr_inference.splats import splat_networks, splats_of
from immichvr_splats import GaussianCloud
from immichvr_splats.rendering import render
from immichvr_splats.turning import moved

from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.pictures import Picture
from immichvr_scenes.points.guessing import network_depth
from immichvr_scenes.progress import Report, silent
from immichvr_scenes.training.evaluation import Score, compare
from immichvr_scenes.training.feed import shrunk

F32 = npt.NDArray[np.float32]

_LIFTING = "lifting"
_MOST = 500_000
"""Gaussians of one photo, as many as a photo by itself is lifted to."""


@dataclass(frozen=True)
class Lone:
    """The splat of one photo, in its camera's axes. network: that made it; empty where depth was lifted.

    reason: what stopped the networks that are better, and what this one had to do without.
    """

    cloud: GaussianCloud
    network: str = ""
    reason: str = ""

    @property
    def made_by(self) -> str:
        """What made it."""
        return self.network or _LIFTING

    def with_reason(self, reason: str) -> Lone:
        """The same for this reason."""
        return replace(self, reason=reason)

    def notes(self, context: RunContext | None) -> tuple[str, ...]:
        """Sentences about what made it, and what did not."""
        told = [self.reason] if self.reason else []
        if self.network and context is not None:
            model = context.cache.registry[self.network]
            told.append(f"{model.name} made the splat of that photo; its licence: {model.licence.name}")
        return tuple(told)


def alone(picture: Picture, context: RunContext | None, known: F32 | None = None, carried: F32 | None = None) -> Lone:
    """What comes of a photo that is by itself: of the best network that makes Gaussians and is here, else lifted.

    One that carries its depth is lifted. known, carried: as `lifted` has them.
    """
    networks = splat_networks(context) if context is not None and carried is None else []

    def make(key: str) -> Lone:
        if context is None or key == _LIFTING:
            return Lone(lifted(picture, context, known, carried))
        cloud, note = _by_network(picture, key, context)
        return Lone(_in_unit_of(known, picture.view.camera, cloud), key, note)

    return first_that_runs([*networks, _LIFTING], make)


def _by_network(picture: Picture, key: str, context: RunContext) -> tuple[GaussianCloud, str]:
    """The cloud, and what the network had to do without. Raises ModelUnavailable."""
    rgb, focal = _squared(picture.read_image(), picture.view.camera)
    [cloud], note = splats_of([Seen(rgb, focal)], key, context)
    if cloud.count == 0:
        raise ModelUnavailable(key, "invalid_weights", "the network made no Gaussians")
    return _seen_by(picture.view.camera, cloud), note


def _in_unit_of(known: F32 | None, camera: Camera, cloud: GaussianCloud) -> GaussianCloud:
    """The cloud, in this camera's axes, as large as what is known of the depth says: (h, w), 0 where nothing is."""
    if known is None:
        return cloud
    height, width = known.shape
    pixels, depth = View("", camera.scaled(width, height), np.eye(4)).projected(cloud.means)
    inside = ((pixels >= 0) & (pixels < [width, height])).all(axis=1)
    columns, rows = pixels[inside].astype(int).T
    unit = _unit(known[rows, columns], depth[inside])
    return moved(cloud, np.diag([unit, unit, unit, 1.0]))


def lifted(
    picture: Picture, context: RunContext | None, known: F32 | None = None, carried: F32 | None = None
) -> GaussianCloud:
    """The splat of one photo by its depth alone, in its camera's axes.

    The depth is what the photo carries, (h, w) of any size, else by the best network that is here, or guessed.
    known: (h, w) what is known of the depth in the unit of the world, 0 where nothing is, which the unit is taken from.
    """
    camera = picture.view.camera
    rgb, focal = _squared(picture.read_image(), camera)
    told = _depth(rgb, focal, context, carried)
    if known is not None:
        same = np.asarray(cv2.resize(told.depth, known.shape[::-1], interpolation=cv2.INTER_NEAREST))
        told = replace(told, depth=told.depth * np.float32(_unit(known, same)))
    return _seen_by(camera, lift(rgb, told, focal, _MOST).cloud)


def _depth(rgb: npt.NDArray[np.uint8], focal: float, context: RunContext | None, carried: F32 | None) -> DepthMap:
    if carried is not None:
        return DepthMap(carried, metric=False, model_key=EMBEDDED, revision="1")
    found = network_depth(rgb, focal, "", context) if context is not None else None
    if found is not None:
        return DepthMap(found, metric=False, model_key="network", revision="1")
    guessed, sure = guess(rgb)
    return DepthMap(guessed, metric=False, model_key=GUESS, revision="1", guessed=sure)


def _squared(rgb: npt.NDArray[np.uint8], camera: Camera) -> tuple[npt.NDArray[np.uint8], float]:
    """The picture with pixels as wide as they are high, and its focal length in them: lifting knows one."""
    focal = min(camera.fx, camera.fy)
    size = max(1, round(camera.width * focal / camera.fx)), max(1, round(camera.height * focal / camera.fy))
    if size == (camera.width, camera.height):
        return rgb, focal
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)), focal


def _seen_by(camera: Camera, cloud: GaussianCloud) -> GaussianCloud:
    """A cloud that was lifted as if the axis went through the picture's middle, moved to where the camera's goes."""
    aside = np.array([0.5 * camera.width - camera.cx, 0.5 * camera.height - camera.cy]) / [camera.fx, camera.fy]
    means = cloud.means.copy()
    means[:, :2] += means[:, 2:] * aside.astype(np.float32)
    at_origin = View("", camera, np.eye(4)).for_splats
    return replace(cloud, means=means, camera=at_origin)


def score_of(
    cloud: GaussianCloud, home: View, pictures: Sequence[Picture], longest: int, report: Report = silent
) -> Score:
    """How well the splat of the photo taken at `home` shows what the pictures show, each at most `longest` pixels."""
    scores = []
    for number, picture in enumerate(pictures):
        report(number / len(pictures), "training", f"picture {number + 1} of {len(pictures)} compared with one photo")
        view = shrunk(picture.view, longest)
        drawn = render(cloud, view.for_splats, view.world_to_camera @ home.camera_to_world)
        seen = picture.with_view(view)
        scores.append(compare(drawn.rgb, seen.read_image() / np.float32(255), seen.read_mask()))
    report(1, "training", "compared with one photo")
    return Score.mean(score for score in scores if score.views)


def _unit(known: F32, estimated: npt.NDArray[np.floating]) -> float:
    """Median of what is known of depths to what was estimated of the same; 1 where nothing is known."""
    sound = np.isfinite(known) & (known > 0)
    return float(np.median(known[sound] / estimated[sound])) if sound.any() else 1.0
