"""How steady depth of videos is over time, on moving scenes whose depth is known: frame by frame, raw and aligned.

python -m immichvr_bench.video_steadiness      prints the table of docs/video.md

A scene is traced exactly: a floor and a wall, spheres that move, a camera that moves, small things that fly past close
to it; after half of the clip it is cut to another. The trained weights of networks are not here. What stands for a
network of single pictures is the true disparity as such a network would give it: with another scale and shift for every
frame, and an error of its own that wanders over the picture from frame to frame.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_common.tasks import MadeFile
from immichvr_video import Frame, shots
from immichvr_video_depth.engine import DepthFrame, Estimator, SeesPictures, run
from immichvr_video_depth.estimators.frames import Guessed

WIDTH, HEIGHT = 160, 96
FRAMES = 60
CUT = 30
"""The frame with which the second shot begins."""
_FOCAL = 150.0
_GLITTER = 1.2
"""Metres: what is nearer flies past, and is in the truth but in no track."""

Floats = npt.NDArray[np.float64]
Maps = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sight:
    """A frame with its truth. depth: (h, w) metres along the axis. track: (h, w, 2), where each pixel's point is in the
    next frame (column, row), NaN where it is hidden there or there is no next."""

    rgb: npt.NDArray[np.uint8]
    depth: Floats
    track: Floats


@dataclass(frozen=True)
class _Ball:
    centre: tuple[float, float, float]
    velocity: tuple[float, float, float]
    radius: float
    colour: tuple[int, int, int]

    def at(self, t: int) -> Floats:
        return np.asarray(np.array(self.centre) + t * np.array(self.velocity), np.float64)


@dataclass(frozen=True)
class _World:
    balls: tuple[_Ball, ...]
    pan: tuple[float, float, float]
    wall: float
    shade: float


_WORLDS = (
    _World(
        balls=(
            _Ball((-1.5, 0.3, 5), (0.06, 0, 0), 0.8, (220, 70, 60)),
            _Ball((1.2, -0.4, 8), (0, 0, -0.08), 1.0, (60, 90, 220)),
            _Ball((-2.0, -0.5, 1.0), (0.35, 0.05, 0), 0.06, (250, 250, 250)),
        ),
        pan=(0.02, 0, 0.03), wall=14, shade=0.9,
    ),
    _World(
        balls=(
            _Ball((0, -0.2, 4), (0.03, 0.01, 0.05), 1.0, (80, 200, 90)),
            _Ball((4.0, 0.2, 1.0), (-0.25, -0.02, 0), 0.05, (250, 240, 90)),
        ),
        pan=(-0.03, 0, 0), wall=9, shade=0.5,
    ),
)  # fmt: skip


def clip() -> list[Sight]:
    """The frames of both shots."""
    return [*_shot(_WORLDS[0], CUT), *_shot(_WORLDS[1], FRAMES - CUT)]


def _shot(world: _World, count: int) -> Iterator[Sight]:
    seen = [_traced(world, t) for t in range(count)]
    for t, (rgb, depth, points, of) in enumerate(seen):
        track = np.full((HEIGHT, WIDTH, 2), np.nan)
        if t + 1 < count:
            track = _track(world, t, points, of, seen[t + 1][1])
        yield Sight(rgb, depth, track)


def _traced(world: _World, t: int) -> tuple[npt.NDArray[np.uint8], Floats, Floats, npt.NDArray[np.int64]]:
    """Colour, depth, the point in the world of each pixel, and the number of its ball, -1 for what stands."""
    origin = t * np.array(world.pan)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    rays = np.stack([(x - WIDTH / 2) / _FOCAL, (y - HEIGHT / 2) / _FOCAL, np.ones_like(x, float)], -1)
    with np.errstate(divide="ignore"):
        floor = np.where(rays[..., 1] > 0, (1.3 - origin[1]) / rays[..., 1], np.inf)
    depth = np.minimum(floor, world.wall - origin[2])
    points = origin + rays * depth[..., None]
    cells = np.floor(2 * points + 1e-6).astype(int).sum(-1) % 2
    rgb = world.shade * (70 + 90 * cells[..., None] + 8 * points[..., :1] * np.array((1, 0.6, 0.3)))
    of = np.full((HEIGHT, WIDTH), -1)
    for number, ball in enumerate(world.balls):
        offset = origin - ball.at(t)
        a, b = (rays**2).sum(-1), rays @ offset
        root = b**2 - a * (offset @ offset - ball.radius**2)
        near = (-b - np.sqrt(np.maximum(root, 0))) / a
        hit = (root > 0) & (near > 0.2) & (near < depth)
        depth, of = np.where(hit, near, depth), np.where(hit, number, of)
        points = np.where(hit[..., None], origin + rays * near[..., None], points)
        light = 0.4 + 0.6 * np.clip((points - ball.at(t)) @ np.array((-0.5, -0.7, -0.5)) / ball.radius, 0, 1)
        rgb = np.where(hit[..., None], light[..., None] * np.array(ball.colour), rgb)
    return np.clip(rgb, 0, 255).astype(np.uint8), depth, points, of


def _track(world: _World, t: int, points: Floats, of: npt.NDArray[np.int64], after: Floats) -> Floats:
    moves = np.array([*(ball.velocity for ball in world.balls), (0.0, 0.0, 0.0)])  # the last is what stands: of = -1
    seen = points + moves[of] - (t + 1) * np.array(world.pan)
    track = _FOCAL * seen[..., :2] / seen[..., 2:] + np.array((WIDTH / 2, HEIGHT / 2))
    there = _sampled(after, track)
    is_visible = np.abs(there / seen[..., 2] - 1) < 0.03
    return np.where((is_visible & (seen[..., 2] > _GLITTER))[..., None], track, np.nan)


def _sampled(values: npt.NDArray[np.float64], track: Floats) -> Floats:
    places = np.nan_to_num(track, nan=-1e6).astype(np.float32)
    sampled = cv2.remap(
        values.astype(np.float32), places[..., 0], places[..., 1], cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT, borderValue=float("nan"),
    )  # fmt: skip
    return np.asarray(sampled, np.float64)


class Jumping(SeesPictures):
    """A network of single pictures: the true disparity, with a scale, a shift and an error of each frame's own."""

    key, revision, reason, metric, window = "jumping", "1", "", False, 1

    def __init__(self, truth: Sequence[Floats], seed: int = 0) -> None:
        self._truth, self._random, self._next = truth, np.random.default_rng(seed), 0

    def infer(self, frames: Sequence[npt.NDArray[np.uint8]]) -> Maps:
        """The disparity of the next frames, in order."""
        return np.stack([self._one() for _ in frames])

    def _one(self) -> Maps:
        disparity = 1 / self._truth[self._next]
        self._next += 1
        spread = float(np.ptp(np.percentile(disparity, (2, 98))))
        wander = cv2.resize(self._random.standard_normal((4, 6)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        scale, shift = np.exp(0.15 * self._random.standard_normal()), 0.1 * spread * self._random.standard_normal()
        return np.asarray(scale * (disparity + 0.02 * spread * wander) + shift, np.float32)


class _Kept:
    """An output that keeps the disparity of every frame."""

    def __init__(self) -> None:
        self.maps: list[Maps] = []
        self.shots: list[int] = []

    def write(self, frame: DepthFrame) -> None:
        self.maps.append(frame.disparity.copy())
        self.shots.append(frame.shot)

    def seal(self) -> list[Path]:
        return []

    def resume(self, parts: Sequence[Path]) -> None:
        raise NotImplementedError

    def finish(self) -> list[MadeFile]:
        return []

    def abandon(self) -> None:
        pass


@dataclass(frozen=True)
class Steadiness:
    """error: mean difference from the true disparity after one scale and shift for each shot, in percent of it.
    change: by how much that differs along the track of a point from one frame to the next, in percent. shots: found."""

    error: float
    change: float
    shots: int


def raw(make: Callable[[], Estimator], sights: Sequence[Sight]) -> Steadiness:
    """What an estimator of single frames gives, as it is."""
    return _held(make().infer([one.rgb for one in sights]), sights, 0)


def fitted(make: Callable[[], Estimator], sights: Sequence[Sight]) -> Steadiness:
    """The same with the scale and shift that fit the truth best in every frame, which nobody knows."""
    maps = make().infer([one.rgb for one in sights])
    return _held([_fitted(_sized(one), 1 / sight.depth) for one, sight in zip(maps, sights, strict=True)], sights, 0)


def aligned(make: Callable[[], Estimator], sights: Sequence[Sight]) -> Steadiness:
    """The same through the engine, which finds the cut by itself."""
    kept = _Kept()
    frames = (Frame(n, Fraction(n, 30), Fraction(1, 30), one.rgb) for n, one in enumerate(sights))
    run(shots(frames), make(), [kept])
    return _held(kept.maps, sights, 1 + max(kept.shots))


def _held(maps: Iterable[Maps | Floats], sights: Sequence[Sight], found: int) -> Steadiness:
    truth = np.stack([1 / one.depth for one in sights])
    sized = np.stack([_sized(one) for one in maps])
    ratio = np.concatenate([_fitted(sized[part], truth[part]) / truth[part] for part in (slice(CUT), slice(CUT, None))])
    changes = [
        np.abs(_sampled(ratio[n + 1], one.track) - ratio[n])
        for n, one in enumerate(sights[:-1]) if n + 1 != CUT
    ]  # fmt: skip
    return Steadiness(100 * float(np.abs(ratio - 1).mean()), 100 * float(np.nanmean(np.stack(changes))), found)


def _sized(values: Maps | Floats) -> Floats:
    return np.asarray(cv2.resize(values, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR), np.float64)


def _fitted(maps: Floats, truth: Floats) -> Floats:
    matrix = np.stack([maps.ravel(), np.ones(maps.size)], 1)
    scale, shift = np.linalg.lstsq(matrix, truth.ravel(), rcond=None)[0]
    return np.asarray(scale * maps + shift)


def models(sights: Sequence[Sight]) -> dict[str, Callable[[], Estimator]]:
    """What sees each frame alone, by the name that it has in the table."""
    return {
        "stands for a network of photos": lambda: Jumping([one.depth for one in sights]),
        "`heuristic`": lambda: Guessed("heuristic", "1"),
    }


def main() -> int:
    """Prints the table."""
    print("| | raw: error | change | aligned: error | change | best scale and shift: error | change |")
    print("|---|---|---|---|---|---|---|")
    sights = clip()
    for name, make in models(sights).items():
        found = [how(make, sights) for how in (raw, aligned, fitted)]
        cells = [cell for one in found for cell in (f"{one.error:.1f} %", f"{one.change:.2f} %")]
        print(f"| {' | '.join([name, *cells])} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
