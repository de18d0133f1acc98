"""Levels of detail that look like the whole cloud from where its photo was taken.

Merged Gaussians leave more open between them and have the mean colour of what they stand for, hidden or not: with
100,000 for a photo a screen shows it darker by 3 of 255. So they get the colours with which they come nearest to a
picture of the whole, of the size that screens show.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from immichvr_splats.cloud import Camera, GaussianCloud
from immichvr_splats.compiled import F64, U8
from immichvr_splats.rendering import count_reaches, fit_colors, render, view_of

_PIXELS = 960 * 720  # in fewer, gaps between Gaussians are closed that show on a screen
_LONGEST = 4096
_ROUNDS = 3
_SKEW = 0.01
_MOST_REACHES = 1 << 22  # of Gaussians into tiles, 34 MB to sort: those of a photo, half a million, have a quarter


@dataclass(frozen=True, eq=False)
class Likeness:
    """What a cloud looks like from the photographer's place. picture: (h, w, 3) uint8, sRGB, of the camera's size."""

    camera: Camera
    picture: U8

    @classmethod
    def of(cls, cloud: GaussianCloud) -> "Likeness | None":
        """None for a cloud without that place, or one that nobody can look from, with colours that change with it, made
        for antialiased rendering, or with too much to draw.
        """
        if cloud.camera is None or not _can_look(cloud.camera.extrinsic):
            return None
        camera = _as_on_a_screen(cloud.camera)
        if not _can_be_fitted(cloud, camera):
            return None
        drawn = render(cloud, camera, view_of(cloud, camera)).rgb
        return cls(camera, np.rint(255 * drawn.clip(0, 1)).astype(np.uint8))

    def given_to(self, level: GaussianCloud) -> GaussianCloud:
        """The level, in colours with which it looks so; as it is where there is too much to draw."""
        if not _can_be_fitted(level, self.camera):
            return level
        free = np.ones(level.count, np.float32)
        return replace(level, sh=fit_colors(level, self.camera, self.picture, free, _ROUNDS)[:, None])


def _as_on_a_screen(camera: Camera) -> Camera:
    scale = min(math.sqrt(_PIXELS / (camera.width * camera.height)), _LONGEST / max(camera.width, camera.height))
    width, height = max(1, round(scale * camera.width)), max(1, round(scale * camera.height))
    across, down = width / camera.width, height / camera.height
    return Camera(
        camera.fx * across, camera.fy * down, camera.cx * across, camera.cy * down, width, height, camera.extrinsic
    )


def _can_look(extrinsic: F64) -> bool:
    """Whether world to camera, (4, 4), is a rotation, of one size along all axes."""
    turn = extrinsic[:3, :3]
    size = float(np.linalg.norm(turn[0]))
    if not 0 < size < np.inf:
        return False
    turn = turn / size
    return bool(np.allclose(turn @ turn.T, np.eye(3), rtol=0, atol=_SKEW) and np.linalg.det(turn) > 0)


def _can_be_fitted(cloud: GaussianCloud, camera: Camera) -> bool:
    plain = cloud.sh_degree == 0 and not cloud.marks.antialiased
    return plain and count_reaches(cloud, camera) <= _MOST_REACHES
