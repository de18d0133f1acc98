"""Photos."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from immichvr_media import CarriedDepth, FocalLength, Photo


@pytest.fixture
def photo() -> Callable[..., Photo]:
    """Makes a photo of given size: a bright top over a dark bottom, and a square in the middle."""

    def make(height: int = 90, width: int = 120, depth: CarriedDepth | None = None) -> Photo:
        rgb: npt.NDArray[np.uint8] = np.full((height, width, 3), 60, np.uint8)
        rgb[: height // 2] = (200, 210, 230)
        rgb[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = (180, 40, 30)
        focal = FocalLength(px=float(width), source="default")
        return Photo(rgb=rgb, focal=focal, depth=depth, format="png", orientation=1)

    return make
