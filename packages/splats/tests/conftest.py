"""Clouds and pictures that the tests of this package share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from immichvr_splats import SH_C0, Camera, GaussianCloud
from numpy.typing import NDArray

VECTORS = Path(__file__).parents[4] / "shared/vectors/splats"


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Files that other tools wrote; beside the repository, not in it."""
    if not VECTORS.is_dir():
        pytest.skip("no conformance vectors in ../shared/vectors/splats")
    return VECTORS


def random_cloud(count: int, degree: int = 0, camera: Camera | None = None, seed: int = 0) -> GaussianCloud:
    random = np.random.default_rng(seed)
    quaternions = random.standard_normal((count, 4))
    sh = 0.2 * random.standard_normal((count, (degree + 1) ** 2, 3))
    return GaussianCloud(
        means=random.uniform((-5, -5, 2), (5, 5, 12), (count, 3)),
        log_scales=random.uniform(-6, -1, (count, 3)),
        quaternions=quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True),
        opacity_logits=random.uniform(-4, 6, count),
        sh=sh.clip(-0.9, 0.9),
        camera=camera,
    )


def photo_camera(width: int = 64, height: int = 48) -> Camera:
    return Camera(fx=60.0, fy=60.0, cx=width / 2, cy=height / 2, width=width, height=height)


def lifted_photo(columns: int = 48, rows: int = 36) -> GaussianCloud:
    """A waved, striped surface seen from the camera, one flat Gaussian for each sample."""
    camera = photo_camera()
    v, u = np.mgrid[0:rows, 0:columns].reshape(2, -1) + 0.5
    depth = 2 + 0.3 * np.sin(u / 9) * np.cos(v / 7)
    x = (u / columns * camera.width - camera.cx) / camera.fx * depth
    y = (v / rows * camera.height - camera.cy) / camera.fy * depth
    spacing = depth * camera.width / columns / camera.fx
    color = np.stack((0.5 + 0.4 * np.sin(u / 6), 0.5 + 0.4 * np.cos(v / 5), u / columns), axis=1)
    return GaussianCloud(
        means=np.stack((x, y, depth), axis=1),
        log_scales=np.log(spacing[:, None] * [0.6, 0.6, 0.1]),
        quaternions=np.tile([1.0, 0, 0, 0], (u.size, 1)),
        opacity_logits=np.full(u.size, 3.0),
        sh=((color - 0.5) / SH_C0)[:, None],
        camera=camera,
    )


def picture_of(cloud: GaussianCloud) -> NDArray[np.float64]:
    """What the cloud's camera at the origin sees, (height, width, 3): EWA splatting, back to front, on black."""
    camera = cloud.camera or photo_camera()
    v, u = np.mgrid[0 : camera.height, 0 : camera.width] + 0.5
    image = np.zeros((camera.height, camera.width, 3))
    colors = 0.5 + SH_C0 * cloud.sh[:, 0].astype(float)
    for i in np.argsort(-cloud.means[:, 2]):
        x, y, z = cloud.means[i].astype(float)
        to_pixels = np.array([[camera.fx / z, 0, -camera.fx * x / z**2], [0, camera.fy / z, -camera.fy * y / z**2]])
        spread = to_pixels @ covariance_of(cloud, i) @ to_pixels.T + 0.1 * np.eye(2)
        a, b, c = np.linalg.inv(spread).take([0, 1, 3])
        du, dv = u - camera.fx * x / z - camera.cx, v - camera.fy * y / z - camera.cy
        weight = np.exp(-0.5 * (a * du * du + 2 * b * du * dv + c * dv * dv)) / (1 + np.exp(-cloud.opacity_logits[i]))
        image += weight[..., None] * (colors[i] - image)
    return image


def covariance_of(cloud: GaussianCloud, index: int) -> NDArray[np.float64]:
    w, x, y, z = cloud.quaternions[index].astype(float)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    axes = rotation * np.exp(cloud.log_scales[index].astype(float))
    covariance: NDArray[np.float64] = axes @ axes.T
    return covariance


@pytest.fixture(scope="session")
def make_cloud() -> Callable[..., GaussianCloud]:
    return random_cloud


@pytest.fixture(scope="session")
def camera() -> Camera:
    return photo_camera()


@pytest.fixture(scope="session")
def lifted() -> Callable[..., GaussianCloud]:
    return lifted_photo


@pytest.fixture(scope="session")
def photo_cloud() -> GaussianCloud:
    return lifted_photo()


@pytest.fixture(scope="session")
def covariance() -> Callable[[GaussianCloud, int], NDArray[np.float64]]:
    return covariance_of


@pytest.fixture(scope="session")
def render() -> Callable[[GaussianCloud], NDArray[np.float64]]:
    return picture_of
