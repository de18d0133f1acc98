"""How far estimated poses are from the true ones, after the best movement of the whole and change of scale; and how
well a cloud shows what is seen from a step aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from immichvr_splats import GaussianCloud
from immichvr_splats.rendering import render

from immichvr_scenes.alignment import Similarity, similarity
from immichvr_scenes.cameras import View
from immichvr_scenes.testing.rooms import Room
from immichvr_scenes.training.evaluation import Score, compare


@dataclass(frozen=True)
class PoseErrors:
    """Of the views that are in both, by name. metres: median distance of centres; degrees: median angle between axes.

    worst_metres, worst_degrees: of the worst view. focal: median relative error of focal lengths.
    """

    views: int
    metres: float
    degrees: float
    worst_metres: float
    worst_degrees: float
    focal: float


def onto_truth(estimated: Sequence[View], true: Sequence[View]) -> Similarity:
    """The movement that brings the estimated world onto the true one, by the views that are in both."""
    named = {view.name: view for view in true}
    return similarity(_posts(estimated), _posts([named[view.name] for view in estimated]))


def pose_errors(estimated: Sequence[View], true: Sequence[View]) -> PoseErrors:
    """Compare at least two views; three, not in one line, tell the whole movement, of fewer the axes help."""
    named = {view.name: view for view in true}
    pairs = [(view, named[view.name]) for view in estimated]
    move = onto_truth(estimated, true)
    apart = [np.linalg.norm(move.applied(one.centre[None])[0] - other.centre) for one, other in pairs]
    angles = []
    for one, other in pairs:
        turn = one.rotation @ move.rotation.T @ other.rotation.T
        angles.append(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))
    focal = [abs(one.camera.fx / one.camera.width * other.camera.width / other.camera.fx - 1) for one, other in pairs]
    worst = float(np.max(apart)), float(np.max(angles))
    return PoseErrors(len(pairs), float(np.median(apart)), float(np.median(angles)), *worst, float(np.median(focal)))


def seen_aside(
    place: Room, there: View, cloud: GaussianCloud, home: View, scale: float = 1.0, metres: float = 0.08
) -> Score:
    """How well a cloud shows what is truly seen from a step to the right, to the left and up, in the mean.

    there: where the steps begin, at the size at which pictures are compared. home: the same place in the cloud's world,
    with the camera that it is believed to be. scale: of the cloud's units to a metre.
    """
    scores = []
    camera = home.scaled(there.camera.width, there.camera.height).for_splats
    for step in metres * np.array([[1.0, 0, 0], [-1, 0, 0], [0, -1, 0]]):
        aside = View("aside", there.camera, _after(step) @ there.world_to_camera)
        pose = _after(scale * step) @ home.world_to_camera
        drawn = render(cloud, camera, pose, compensate=cloud.marks.antialiased)
        scores.append(compare(drawn.rgb, place.look(aside, 3).rgb / np.float32(255)))
    return Score.mean(scores)


def _after(step: np.ndarray) -> np.ndarray:
    """What a step, (3,) in a camera's axes, does to what it sees: (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, 3] = -step
    return matrix


def _posts(views: Sequence[View]) -> np.ndarray:
    """Centres, (n, 3), and a point ahead of each camera, above and beside it, as far as the cameras are apart."""
    centres = np.array([view.centre for view in views])
    reach = float(np.linalg.norm(centres - centres.mean(axis=0), axis=1).mean())
    return np.concatenate(
        [centres, *(centres + reach * np.array([v.rotation[axis] for v in views]) for axis in range(3))]
    )
