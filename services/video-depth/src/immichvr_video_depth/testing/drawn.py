"""Scenes drawn from geometry, so that what any eye sees of them at any time is known exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from immichvr_video_depth.engine.frames import DepthFrame, Share

FPS = 25
_FINE = 3  # samples of a pixel along x and y

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Ball:
    """A textured disc before the wall: centre and radius as shares of the height, value, movement a second."""

    x: float
    y: float
    radius: float
    value: float
    moves: tuple[float, float] = (0.0, 0.0)
    seed: int = 7


@dataclass(frozen=True)
class Drawn:
    """A slanted wall (value `left` at the left side, `right` at the right one) with balls before it.

    pans: shares of the height by which the camera turns a second.
    """

    width: int
    height: int
    balls: tuple[Ball, ...]
    left: float = 0.15
    right: float = 0.3
    pans: float = 0.0
    colour: tuple[int, int, int] = field(default=(110, 120, 95))

    @lru_cache(maxsize=128)  # noqa: B019  # scenes of tests live as long as the tests
    def seen(self, gain: float = 0.0, convergence: float = 0.5, seconds: float = 0.0) -> tuple[Picture, Floats]:
        """The picture (h, w, 3) from a place where x is moved to x + gain * (value - convergence), and its values."""
        w, h = self.width, self.height
        fine_x = (np.arange(w * _FINE, dtype=np.float32) + 0.5) / _FINE - 0.5
        fine_y = (np.arange(h * _FINE, dtype=np.float32) + 0.5) / _FINE - 0.5
        slope = (self.right - self.left) / w
        x = (fine_x - gain * (self.left - convergence)) / (1 + gain * slope)
        turned = self.pans * seconds * h
        picture = _texture((x + turned).astype(np.float32), fine_y.astype(np.float32), h, 1) + np.array(
            self.colour, np.float32
        )
        values = np.broadcast_to(self.left + slope * x, (h * _FINE, w * _FINE)).astype(np.float32)
        for ball in sorted(self.balls, key=lambda ball: ball.value):
            own = fine_x - gain * (ball.value - convergence) + turned
            centre_x = (ball.x + ball.moves[0] * seconds) * h
            centre_y = (ball.y + ball.moves[1] * seconds) * h
            columns = np.flatnonzero(np.abs(own - centre_x) < ball.radius * h)
            rows = np.flatnonzero(np.abs(fine_y - centre_y) < ball.radius * h)
            if not len(columns) or not len(rows):
                continue
            box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            across = (own[columns] - centre_x).astype(np.float32)
            down = (fine_y[rows] - centre_y).astype(np.float32)
            inside = across[None] ** 2 + down[:, None] ** 2 < (ball.radius * h) ** 2
            picture[box][inside] = (_texture(across, down, h, ball.seed) + np.array((190, 90, 70), np.float32))[inside]
            values[box][inside] = ball.value
        picture = np.clip(picture, 0, 255)
        small = cv2.resize(picture, (w, h), interpolation=cv2.INTER_AREA)
        middle = values[_FINE // 2 :: _FINE, _FINE // 2 :: _FINE]
        return np.rint(small).astype(np.uint8), np.ascontiguousarray(middle)


def depth_frames(
    scene: Drawn, count: int, *, network: tuple[int, int] | None = None, shot_at: int = -1
) -> Iterator[DepthFrame]:
    """A scene's frames with true depth, or with such as networks of that size give: small, and blurred over edges.

    shot_at: the frame that begins the second shot.
    """
    for number in range(count):
        rgb, values = scene.seen(seconds=number / FPS)
        if network is not None:
            values = cv2.GaussianBlur(cv2.resize(values, network, interpolation=cv2.INTER_AREA), (0, 0), 0.8)
        yield DepthFrame(
            index=number, time=Fraction(number, FPS), duration=Fraction(1, FPS), shot=int(0 <= shot_at <= number),
            rgb=rgb, shares=(Share(np.asarray(values * 3 + 1, np.float32)),), low=1.0, high=4.0,
        )  # fmt: skip


def psnr(one: Picture, other: Picture, where: npt.NDArray[np.bool_] | None = None) -> float:
    """Peak signal-to-noise ratio in dB, of all pixels or of some."""
    difference = one.astype(np.float64) - other
    if where is not None:
        difference = difference[where]
    return float(10 * np.log10(255**2 / max(float(np.mean(difference**2)), 1e-9)))


def _texture(x: Floats, y: Floats, height: int, seed: int) -> Floats:
    random = np.random.default_rng(seed)
    out = np.zeros((len(y), len(x), 3), np.float32)
    for waves in (3, 7, 13, 23):
        for channel in range(3):
            angle, phase = random.uniform(0, np.pi), random.uniform(0, 2 * np.pi)
            across = (2 * np.pi * waves / height * np.cos(angle) * x).astype(np.float32)
            down = (2 * np.pi * waves / height * np.sin(angle) * y + phase).astype(np.float32)
            # sin(a + b), without a sine of every sample
            wave = np.outer(np.cos(down), np.sin(across)) + np.outer(np.sin(down), np.cos(across))
            out[..., channel] += np.float32(14) * wave
    return out
