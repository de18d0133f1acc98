"""A photo that has fewer pixels than a screen still looks like one, and not like the Gaussians it is made of."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.lift import lift
from immichvr_splats import Camera
from immichvr_splats.rendering import render

Bytes = npt.NDArray[np.uint8]
SAMPLES = Path(__file__).parents[4] / "samples"
SCREEN = 960


def photo(name: str, width: int) -> Bytes:
    large = cv2.cvtColor(cv2.imread(str(SAMPLES / name)), cv2.COLOR_BGR2RGB)
    size = (width, round(large.shape[0] * width / large.shape[1]))
    return np.asarray(cv2.resize(large, size, interpolation=cv2.INTER_AREA), np.uint8)


def slanted(rgb: Bytes) -> DepthMap:
    height, width = rgb.shape[:2]
    return DepthMap(np.linspace(4, 2, height, dtype=np.float32)[:, None].repeat(width, 1), True, "embedded", "1")


def shown(rgb: Bytes, max_gaussians: int) -> tuple[Bytes, Bytes]:
    """What a screen shows of the splats of a photo at rest, and of the photo."""
    cloud = lift(rgb, slanted(rgb), rgb.shape[1], max_gaussians).cloud
    here = cloud.camera
    assert here is not None
    size = (SCREEN, round(here.height * SCREEN / here.width))
    x, y = size[0] / here.width, size[1] / here.height
    camera = Camera(here.fx * x, here.fy * y, here.cx * x, here.cy * y, *size)
    splats = np.round(255 * np.clip(render(cloud, camera).rgb, 0, 1)).astype(np.uint8)
    return splats, np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def sharpness(rgb: Bytes) -> float:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std())


@pytest.mark.parametrize(("name", "width"), [("street.jpg", 200), ("landscape.jpg", 451), ("still-life.jpg", 800)])
def test_a_small_photo_is_as_sharp_in_splats_as_it_is_flat(name: str, width: int) -> None:
    splats, flat = shown(photo(name, width), 500_000)
    # Grain of the size of a cell is softened; what would make it seem sharper is a weave that is not in the photo.
    assert 0.7 <= sharpness(splats) / sharpness(flat) <= 1.05
    assert 10 * np.log10(255**2 / np.mean((splats.astype(float) - flat) ** 2)) > 38


def test_a_small_photo_is_magnified_within_the_budget_and_not_without_end() -> None:
    for width, budget in ((300, 500_000), (300, 100_000), (9, 500_000)):
        rgb = photo("street.jpg", width)
        lifted = lift(rgb, slanted(rgb), width, budget)
        assert lifted.cloud.count <= budget
        assert width < lifted.stats["grid_width"] <= 3 * width
