"""Where pictures were taken from: pinhole cameras, and where they stand.

Axes are OpenCV's, in the world and in the camera: x right, y down, z forward. The first pixel's centre is (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from immichvr_splats import Camera as SplatCamera

F64 = npt.NDArray[np.float64]

MOST_AWAY = 1e6
"""Of a camera from the origin, along each axis, that somebody gives: farther away, numbers of 32 bits tell nothing."""
_RIGID = 1e-4
"""How far a matrix may be from a rotation, each entry of R Rᵀ."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera. width, height: pixels. fx, fy, cx, cy: in pixels. Raises ValueError where none is like that."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        numbers = (self.fx, self.fy, self.cx, self.cy)
        if min(self.width, self.height) < 1 or not np.isfinite(numbers).all() or min(self.fx, self.fy) <= 0:
            raise ValueError(f"a camera wants a positive size and focal length, and finite numbers; this is {self}")

    @classmethod
    def central(cls, width: int, height: int, focal: float) -> Camera:
        """A camera with square pixels whose axis goes through the middle of the picture."""
        return cls(width, height, focal, focal, width / 2, height / 2)

    @property
    def matrix(self) -> F64:
        """The matrix of intrinsics, (3, 3)."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]], np.float64)

    def scaled(self, width: int, height: int) -> Camera:
        """The same camera for the whole picture at another size."""
        across, down = width / self.width, height / self.height
        return Camera(width, height, self.fx * across, self.fy * down, self.cx * across, self.cy * down)

    def rays(self) -> F64:
        """Where every pixel's centre looks, (h, w, 3), in the camera's axes, with z = 1."""
        x = (np.arange(self.width) + 0.5 - self.cx) / self.fx
        y = (np.arange(self.height) + 0.5 - self.cy) / self.fy
        rays = np.ones((self.height, self.width, 3))
        rays[..., 0], rays[..., 1] = x[None, :], y[:, None]
        return rays


@dataclass(frozen=True, eq=False)
class View:
    """A camera in a place.

    name: of the picture, unique in a set. world_to_camera: (4, 4) float64, rigid. Raises ValueError where it is not.
    """

    name: str
    camera: Camera
    world_to_camera: F64

    def __post_init__(self) -> None:
        matrix = np.array(self.world_to_camera, np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or not _is_rigid(matrix):
            raise ValueError(f"the pose of {self.name!r} is no rigid movement of shape (4, 4)")
        object.__setattr__(self, "world_to_camera", matrix)

    @classmethod
    def looking(cls, name: str, camera: Camera, eye: npt.ArrayLike, target: npt.ArrayLike) -> View:
        """A camera at `eye` that looks at `target`, (3,) each, upright: the world's y is down."""
        centre = np.asarray(eye, np.float64)
        forward = np.asarray(target, np.float64) - centre
        forward /= np.linalg.norm(forward)
        right = np.cross([0.0, 1.0, 0.0], forward)
        right /= np.linalg.norm(right)
        return cls.turned(name, camera, centre, np.stack([right, np.cross(forward, right), forward]))

    @classmethod
    def turned(cls, name: str, camera: Camera, centre: npt.ArrayLike, rotation: F64) -> View:
        """A camera at `centre`, (3,), whose axes in the world are the rows of `rotation`, (3, 3)."""
        pose = np.eye(4)
        pose[:3, :3] = rotation
        pose[:3, 3] = -rotation @ np.asarray(centre, np.float64)
        return cls(name, camera, pose)

    @property
    def rotation(self) -> F64:
        """World to camera, (3, 3)."""
        return self.world_to_camera[:3, :3]

    @property
    def translation(self) -> F64:
        """World to camera, (3,)."""
        return self.world_to_camera[:3, 3]

    @property
    def centre(self) -> F64:
        """Where the camera stands in the world, (3,)."""
        centre: F64 = -self.rotation.T @ self.translation
        return centre

    @property
    def camera_to_world(self) -> F64:
        """(4, 4)."""
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = self.rotation.T, self.centre
        return pose

    def scaled(self, width: int, height: int) -> View:
        """The same view with its picture at another size."""
        return replace(self, camera=self.camera.scaled(width, height))

    def projected(self, points: npt.NDArray[np.floating]) -> tuple[F64, F64]:
        """Points of the world, (N, 3): pixels, (N, 2), and depth along the axis, (N,).

        What is not before the camera, at a depth of 0 or less, has no pixel: NaN.
        """
        local = points.astype(np.float64) @ self.rotation.T + self.translation
        depth = local[:, 2]
        ahead = np.where(depth > 0, depth, np.nan)
        pixels = local[:, :2] / ahead[:, None] * [self.camera.fx, self.camera.fy] + [self.camera.cx, self.camera.cy]
        return pixels, depth

    def unprojected(self, depth: npt.NDArray[np.floating]) -> F64:
        """The points of the world that a depth map, (h, w) of any size, shows: (h, w, 3)."""
        height, width = depth.shape
        local = self.camera.scaled(width, height).rays() * depth[..., None]
        points: F64 = (local - self.translation) @ self.rotation
        return points

    @property
    def for_splats(self) -> SplatCamera:
        """As `immichvr_splats` knows cameras."""
        camera = self.camera
        return SplatCamera(
            camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height, self.world_to_camera
        )


def within_reach(view: View) -> View:
    """The view, if it is near enough for anything to be reckoned with it. Raises ValueError."""
    if np.abs(view.centre).max() > MOST_AWAY:
        raise ValueError(
            f"{view.name[:80]!r} stands farther than {MOST_AWAY:,.0f} from the origin; move all nearer to it"
        )
    return view


def _is_rigid(matrix: F64) -> bool:
    rotation = matrix[:3, :3]
    bottom = np.array_equal(matrix[3], [0, 0, 0, 1])
    orthogonal = np.abs(rotation @ rotation.T - np.eye(3)).max() < _RIGID
    return bottom and bool(orthogonal) and bool(np.linalg.det(rotation) > 0)
