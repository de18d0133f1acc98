"""How well places are made of pictures: training on the CPU, and a shake of the hand against one photo.

python -m immichvr_bench.places [--only WORDS] --json bench/results/scenes.json

Each row is measured in a process of its own. `seconds` are of the wall, `cpu_seconds` of all threads together. Rows of
other measurements that are in the file stay.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.heuristic import heuristic_depth
from immichvr_depth.lift import lift
from immichvr_scenes import Camera, Picture, View
from immichvr_scenes.frames import frames_of_photos
from immichvr_scenes.reconstruct import ReconstructOptions, reconstruct
from immichvr_scenes.testing import Room, around, room, shaking, write_photo
from immichvr_scenes.testing.judging import onto_truth, pose_errors
from immichvr_scenes.testing.textures import Paint
from immichvr_scenes.training import Score, TrainingOptions, compare, train
from immichvr_splats import GaussianCloud
from immichvr_splats.pointclouds import PointCloud
from immichvr_splats.rendering import Rendering, render

F64 = npt.NDArray[np.float64]
Drawer = Callable[[F64], Rendering]

_SMALL = Camera.central(160, 120, 130)
_PHOTO = Camera.central(400, 300, 340)
_PHOTOS = 12
_STEP_M = 0.08
_STEPS = ((_STEP_M, 0.0), (-_STEP_M, 0.0), (0.0, -_STEP_M))
_TOY = TrainingOptions(1_000, 4_000, 160, 0, refine_poses=False, evaluate_every=250)
_SHAKEN = TrainingOptions(700, 12_000, 400, 0, held_out=6, evaluate_every=350)


@dataclass(frozen=True)
class Row:
    """psnr: dB; ssim; both of pictures that were not trained on. note: what else belongs to it, in words."""

    what: str
    psnr: float
    ssim: float
    seconds: float = 0.0
    peak_mb: float = 0.0
    cpu_seconds: float = 0.0
    note: str = ""


def toy(paint: Paint) -> list[Row]:
    """24 pictures with true cameras and 20,000 points of the truth, brought to 4,000 Gaussians; three are held out."""
    place = room(0, paint=paint)
    looks = [(view, place.look(view).rgb) for view in around(_SMALL, 24)]
    pictures = [Picture(view, partial(np.copy, rgb)) for view, rgb in looks]
    points, colours, _ = place.scatter(20_000)
    began, spent = time.perf_counter(), time.process_time()
    made = train(pictures, PointCloud(points.astype(np.float32), colours), _TOY)
    score, note = made.held_out, f"{made.steps} steps, {made.cloud.count} Gaussians, true cameras and points"
    what = f"training, {paint} room, 24 views 160×120"
    return [Row(what, score.psnr, score.ssim, time.perf_counter() - began, 0, time.process_time() - spent, note)]


def shake(reach: float) -> list[Row]:
    """Photos of a hand that moves by centimetres, without EXIF: what is a step aside of the middle one."""
    place, views = room(0), shaking(_PHOTO, _PHOTOS, reach)
    looks = [place.look(view) for view in views]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = [write_photo(folder / f"{view.name}.jpg", look.rgb) for view, look in zip(views, looks, strict=True)]
        began, spent = time.perf_counter(), time.process_time()
        frames = frames_of_photos(photos, folder / "frames")
        found = reconstruct(frames, folder, ReconstructOptions(training=_SHAKEN))
        times = time.perf_counter() - began, time.process_time() - spent
    true = {frame.name: view for frame, view in zip(frames.frames, views, strict=True)}
    named = [replace(view, name=name) for name, view in true.items()]
    home = found.views[len(found.views) // 2]
    there = true[home.name]
    look = looks[views.index(there)]
    title = f"shake of {100 * reach:.0f} cm, {100 * _STEP_M:.0f} cm aside"
    rows = []
    if found.cloud is not None:
        off = pose_errors(found.views, named) if len(found.views) > 1 else None
        scale = 1 / onto_truth(found.views, named).scale if off else 1.0
        score = _aside(place, there, _drawer(found.cloud, home, home.world_to_camera, scale))
        error = f"cameras {1000 * off.metres:.1f} mm and {off.degrees:.2f}° off (median), " if off else "one photo, "
        note = error + f"{found.metrics.registered} of {_PHOTOS} registered; {'; '.join(found.notes)}"
        rows.append(Row(f"{title}, the place", score.psnr, score.ssim, times[0], 0, times[1], note))
    guessed = heuristic_depth(look.rgb)
    guessed *= np.float32(np.median(look.depth) / np.median(guessed))
    for kind, depth in (("guessed depth of true median", guessed), ("true depth", look.depth)):
        cloud = lift(look.rgb, DepthMap(depth, True, "bench", "1"), there.camera.fx, 300_000).cloud
        score = _aside(place, there, _drawer(cloud, there, np.eye(4), 1.0))
        rows.append(Row(f"{title}, one photo lifted, {kind}", score.psnr, score.ssim))
    return rows


def memory() -> list[Row]:
    """320 steps of training on 300 pictures of 1200×900 from disk; they are the same twelve again and again."""
    camera, place = Camera.central(1200, 900, 1000), room(0, paint="soft")
    views = around(camera, 300)
    with tempfile.TemporaryDirectory() as name:
        files = [write_photo(Path(name) / f"{n}.jpg", place.look(views[25 * n], 1).rgb) for n in range(12)]
        pictures = [Picture(view, files[number // 25]) for number, view in enumerate(views)]
        points, colours, _ = place.scatter(100_000)
        options = TrainingOptions(320, 100_000, 1200, 1, held_out=0)
        began, spent = time.perf_counter(), time.process_time()
        made = train(pictures, PointCloud(points.astype(np.float32), colours), options)
    times = time.perf_counter() - began, 0, time.process_time() - spent
    return [Row("training, 300 frames 1200×900, memory", 0, 0, *times, f"{made.steps} steps, 100,000 Gaussians")]


def _drawer(cloud: GaussianCloud, home: View, pose: F64, scale: float) -> Drawer:
    """What draws the cloud after a step from `home`, whose pose in the cloud's world is `pose`."""
    through = cloud.marks.antialiased
    return lambda move: render(cloud, home.for_splats, _moved(move, scale) @ pose, compensate=through)


def _aside(place: Room, there: View, drawn: Drawer) -> Score:
    """How well what is drawn after each step aside is what is seen there."""
    scores = []
    for right, down in _STEPS:
        move = np.array([-right, -down, 0.0])
        aside = View("aside", there.camera, _moved(move, 1.0) @ there.world_to_camera)
        scores.append(compare(drawn(move).rgb, place.look(aside).rgb / np.float32(255)))
    return Score.mean(scores)


def _moved(move: F64, scale: float) -> F64:
    matrix = np.eye(4)
    matrix[:3, 3] = scale * move
    return matrix


MEASURED: dict[str, Callable[[], list[Row]]] = {
    "toy-soft": lambda: toy("soft"),
    "toy-spotted": lambda: toy("spotted"),
    "shake-2": lambda: shake(0.02),
    "shake-5": lambda: shake(0.05),
    "shake-8": lambda: shake(0.08),
    "memory": memory,
}


def measured_alone(name: str) -> list[Row]:
    """The rows of one measurement, made in a process of its own."""
    command = [sys.executable, "-m", "immichvr_bench.places", "--here", name]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [Row(**row) for row in json.loads(told.stdout.splitlines()[-1])]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(MEASURED), choices=list(MEASURED))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--here", choices=list(MEASURED), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.here:
        rows = MEASURED[asked.here]()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps([asdict(replace(row, peak_mb=peak if row.seconds else 0.0)) for row in rows]))
        return
    print("| what | PSNR dB | SSIM | seconds | CPU s | peak MB | |\n|---|---|---|---|---|---|---|")
    for name in asked.only:
        rows = measured_alone(name)
        for row in rows:
            figures = f"{row.psnr:.1f} | {row.ssim:.3f} | {row.seconds:.0f} | {row.cpu_seconds:.0f} | {row.peak_mb:.0f}"
            print(f"| {row.what} | {figures} | {row.note} |", flush=True)
        if asked.json:
            merge(asked.json, rows)


def merge(path: Path, rows: Sequence[Row]) -> None:
    """Write rows beside those that are there, in place of the ones of the same name."""
    known = {row["what"]: row for row in json.loads(path.read_text())} if path.exists() else {}
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
    }
    for row in rows:
        values = {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(row).items()}
        known[row.what] = values | about
    path.write_text(json.dumps(list(known.values()), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
