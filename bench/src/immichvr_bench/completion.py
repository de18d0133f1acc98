"""How well holes in a scene are filled: balls cut out of rooms whose truth is known, seen from places in between.

python -m immichvr_bench.completion --json bench/results/scenes.json --pictures docs/images/completion

Only methods that run without downloaded weights are measured. `individual` and `joint-multiview` run here with random
networks alone, which says nothing of what they paint, so that they have no row; what it costs to paint each view by
itself has one: `individual` with what paints for `fill`.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from immichvr_scenes.cameras import Camera, View
from immichvr_scenes.completion import Completed, CompletionOptions, MissingRules, complete
from immichvr_scenes.completion.carrying import as_bytes
from immichvr_scenes.completion.methods import Fill
from immichvr_scenes.completion.missing import Seen
from immichvr_scenes.completion.options import MethodKey
from immichvr_scenes.completion.seeding import joined, seed, thinned
from immichvr_scenes.testing import Room, room, through
from immichvr_splats import GaussianCloud
from PIL import Image
from skimage.metrics import structural_similarity

from immichvr_bench.places import Row, merge, shown

PAINTS: tuple[Literal["spotted", "soft"], ...] = ("spotted", "soft")
VIEWS = 8
BALLS = ((0.5, 0.62), (0.35, 0.3), (0.72, 0.75))
"""Where, in the pictures of three of the cameras, the middles of the balls are: rows and columns, 0 to 1."""
_NAMES: dict[MethodKey, str] = {
    "reference": "reference by guessed depth", "individual": "individual, painted as fill paints"
}  # fmt: skip
RADIUS = 0.15
"""Of a ball, over the depth of its middle."""


@dataclass(frozen=True)
class Trial:
    """whole: a room as Gaussians. cut: the same with holes. views: its cameras. between: where it is judged from."""

    whole: GaussianCloud
    cut: GaussianCloud
    views: Sequence[View]
    between: Sequence[View]


def make_trial(place: Room, width: int, height: int) -> Trial:
    """Cameras that walk through a room; every second place of the walk is one to judge from."""
    walk = through(Camera.central(width, height, 0.8 * width), 2 * VIEWS - 1)
    views, between = walk[::2], walk[1::2]
    looks = [place.look(view) for view in views]
    everything, like = np.ones((height, width), bool), GaussianCloud.empty(0, 0)
    whole = thinned(
        joined(
            [
                seed(view, np.asarray(look.rgb / 255, np.float32), look.depth, everything, like)
                for view, look in zip(views, looks, strict=True)
            ]
        ),
        5_000_000,
    )
    gone = np.zeros(whole.count, bool)
    for number, (down, across) in zip((1, VIEWS // 2, VIEWS - 2), BALLS, strict=True):
        depth = looks[number].depth
        y, x = int(down * height), int(across * width)
        middle = views[number].unprojected(depth)[y, x]
        gone |= np.linalg.norm(whole.means - middle, axis=1) < RADIUS * depth[y, x]
    return Trial(whole, whole.take(np.flatnonzero(~gone)), views, between)


def measure(trial: Trial, what: str, done: GaussianCloud, seconds: float) -> Row:
    """What a completed cloud is worth, judged by pictures of the whole one."""
    inside, alike, outside = list[npt.NDArray[np.float32]](), list[npt.NDArray[np.float32]](), [np.zeros(0, np.float32)]
    for view in trial.between:
        truth, was, now = (Seen.of(cloud, view) for cloud in (trial.whole, trial.cut, done))
        hole = (np.abs(truth.rgb - was.rgb).max(axis=2) > 0.02) | (np.abs(truth.alpha - was.alpha) > 0.02)
        squares = np.square(np.clip(truth.rgb, 0, 1) - np.clip(now.rgb, 0, 1)).mean(axis=2)
        _, similar = structural_similarity(  # type: ignore[no-untyped-call]
            np.clip(truth.rgb, 0, 1), np.clip(now.rgb, 0, 1), channel_axis=2, data_range=1.0, full=True
        )
        inside.append(squares[hole])
        alike.append(similar.mean(axis=2)[hole])
        outside.append(squares[~hole & (truth.alpha > 0.98)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rest = _decibels(np.concatenate(outside))
    return Row(
        what,
        _decibels(np.concatenate(inside)),
        float(np.concatenate(alike).mean()),
        seconds,
        peak,
        note=f"inside what was cut out; {rest:.1f} dB elsewhere; {done.count - trial.cut.count} new Gaussians",
    )


def _decibels(squares: npt.NDArray[np.float32]) -> float:
    return float(-10 * np.log10(max(float(squares.mean()), 1e-10)))


def rows(width: int, height: int, pictures: Path | None = None, iterations: int = 0) -> Iterator[Row]:
    """Doing nothing and every method, in each room."""
    rules = MissingRules()
    for paint in PAINTS:
        trial = make_trial(room(0, paint), width, height)
        yield measure(trial, f"completion, {paint} room, nothing done", trial.cut, 0.0)
        clouds = [trial.whole, trial.cut]
        methods: list[tuple[MethodKey, int]] = [("fill", 0), ("reference", 0), ("individual", 0)]
        if iterations:
            methods.append(("fill", iterations))
        for method, steps in methods:
            options = CompletionOptions(
                method=method,
                path_views=VIEWS,
                longest=width,
                rules=rules,
                iterations=steps,
            )
            start = time.monotonic()
            done = completed(trial, options)
            seconds = time.monotonic() - start
            name = _NAMES.get(method, method)
            what = f"completion, {paint} room, {name}" + (f", {steps} steps" if steps else "")
            yield measure(trial, what, done.cloud, seconds)
            if not steps and method != "individual":
                clouds.append(done.cloud)
        if pictures is not None:
            _picture(clouds, trial.between[VIEWS // 2], pictures / f"{paint}.jpg")


def completed(trial: Trial, options: CompletionOptions) -> Completed:
    """The holes filled; for `individual`, whose weights are not here, each view is painted alone as `fill` paints."""
    if options.method != "individual":
        return complete(trial.cut, trial.views, options)
    alone = Fill("individual", together=True)
    with patch("immichvr_scenes.completion.complete.method_for", lambda *_: (alone, "")):
        return complete(trial.cut, trial.views, options)


def _picture(clouds: Sequence[GaussianCloud], view: View, path: Path) -> None:
    """What a view shows of each cloud, side by side: the truth, what was left of it, what methods made of that."""
    side_by_side = np.hstack([as_bytes(Seen.of(cloud, view).rgb) for cloud in clouds])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(side_by_side).save(path, quality=88)


def main() -> None:
    """Measures and prints; writes where it is told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--width", type=int, default=160)
    parser.add_argument("--height", type=int, default=120)
    parser.add_argument("--iterations", type=int, default=0)
    asked = parser.parse_args()
    for row in rows(asked.width, asked.height, asked.pictures, asked.iterations):
        print(f"| {row.what} | {shown(row)} | {row.seconds:.0f} | {row.note} |", flush=True)
        if asked.json is not None:
            merge(asked.json, [row])


if __name__ == "__main__":
    main()
