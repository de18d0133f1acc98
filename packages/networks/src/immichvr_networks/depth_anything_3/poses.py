"""Cameras of several views: in the first one's axes, on a known scale, as the network takes them.

Extrinsics are (S, 4, 4) float64, world to camera, OpenCV axes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from immichvr_splats import Camera

Matrices = npt.NDArray[np.float64]

_LEAST_BASELINE = 0.1
"""Upstream's least distance by which known poses are divided (`_normalize_extrinsics`)."""


def square(extrinsics: npt.NDArray[np.float32]) -> Matrices:
    """(S, 3, 4) extrinsics with their last row, (S, 4, 4)."""
    matrices = np.tile(np.eye(4), (len(extrinsics), 1, 1))
    matrices[:, :3] = extrinsics[:, :3]
    return matrices


def in_first(extrinsics: Matrices) -> Matrices:
    """The same cameras in a world that is the first camera's."""
    relative = extrinsics @ np.linalg.inv(extrinsics[0])
    relative[0] = np.eye(4)
    return relative


def scaled(extrinsics: Matrices, scale: float) -> Matrices:
    """The same cameras in a world `scale` times as large."""
    larger = extrinsics.copy()
    larger[:, :3, 3] *= scale
    return larger


def scale_to(known: Matrices, estimated: Matrices) -> float | None:
    """By how much to enlarge the estimated cameras' world for their distances to be the known ones.

    The median over all pairs of cameras, so two are enough: aligning two camera paths, as upstream does it
    (Umeyama 1991), has no solution for two cameras, nor for any in one line. None where cameras do not differ.
    """
    first, second = np.triu_indices(len(known), 1)
    wanted, found = (
        np.linalg.norm(centres[first] - centres[second], axis=1) for centres in (_centres(known), _centres(estimated))
    )
    apart = (wanted > 1e-6 * max(1.0, wanted.max(initial=0))) & (found > 1e-9)
    return float(np.median(wanted[apart] / found[apart])) if apart.any() else None


def normalised(known: Matrices) -> Matrices:
    """Known cameras as the network takes them: in the first one's axes, with a median distance to it of 1.

    As upstream does it, save for two cameras: it takes the lower median of 0 and their distance, which is 0.
    """
    relative = in_first(known)
    distances = np.sort(np.linalg.norm(_centres(relative), axis=1))
    middle = float(distances[(len(distances) - 1) // 2 if len(distances) > 2 else -1])
    return scaled(relative, 1 / max(middle, _LEAST_BASELINE))


def extrinsics_of(cameras: Sequence[Camera]) -> Matrices:
    """The extrinsics of cameras."""
    return np.stack([camera.extrinsic for camera in cameras])


def _centres(extrinsics: Matrices) -> Matrices:
    centres: Matrices = -np.einsum("nji,nj->ni", extrinsics[:, :3, :3], extrinsics[:, :3, 3])
    return centres
