"""Photos whose depth is known: a card before a wall, both with detail."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from immichvr_depth import DepthMap
from immichvr_depth.compiled import Bytes

WIDTH, HEIGHT = 240, 136


def detail(seed: int, base: tuple[int, int, int]) -> Bytes:
    """Soft blotches around a colour."""
    noise = np.random.default_rng(seed).normal(0, 90, (HEIGHT, WIDTH, 1)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 2.5)[..., None]
    return np.clip(blurred + np.array(base, np.float32), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def card_before_wall() -> tuple[Bytes, DepthMap]:
    """A red card at 2 m in the middle of a blue wall at 6 m."""
    card = np.zeros((HEIGHT, WIDTH), np.bool_)
    card[HEIGHT // 4 : 3 * HEIGHT // 4, WIDTH // 3 : 2 * WIDTH // 3] = True
    wall, front = detail(1, (70, 85, 140)), detail(2, (150, 80, 70))
    rgb = np.where(card[..., None], front, wall).astype(np.uint8)
    return rgb, DepthMap(np.where(card, 2.0, 6.0).astype(np.float32), True, "embedded", "1")
