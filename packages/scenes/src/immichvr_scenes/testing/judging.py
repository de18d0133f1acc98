"""How far estimated poses are from the true ones, after the best movement of the whole and change of scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from immichvr_scenes.alignment import Similarity, similarity
from immichvr_scenes.cameras import View


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


def _posts(views: Sequence[View]) -> np.ndarray:
    """Centres, (n, 3), and a point ahead of each camera, above and beside it, as far as the cameras are apart."""
    centres = np.array([view.centre for view in views])
    reach = float(np.linalg.norm(centres - centres.mean(axis=0), axis=1).mean())
    return np.concatenate(
        [centres, *(centres + reach * np.array([v.rotation[axis] for v in views]) for axis in range(3))]
    )
