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
from immichvr_scenes.poses import estimate_poses
from immichvr_scenes.reconstruct import Reconstruction, ReconstructOptions, reconstruct
from immichvr_scenes.testing import around, room, shaking, through, write_photo
from immichvr_scenes.testing.judging import onto_truth, pose_errors, seen_aside
from immichvr_scenes.testing.textures import Paint
from immichvr_scenes.training import TrainingOptions, train
from immichvr_splats.pointclouds import PointCloud

F32 = npt.NDArray[np.float32]

_SMALL = Camera.central(160, 120, 130)
_PHOTO = Camera.central(1200, 900, 1020)
_JUDGED = 400, 300
_PHOTOS = 12
_STEP_M = 0.08
_TOY = TrainingOptions(1_000, 4_000, 160, 0, refine_poses=False, evaluate_every=250)
_SHAKEN = TrainingOptions(200, 30_000, 400, 0, held_out=6, evaluate_every=100)


@dataclass(frozen=True)
class Row:
    """psnr: dB; ssim; both of pictures that were not trained on, None where it is not about pictures. note: what else
    belongs to it, in words."""

    what: str
    psnr: float | None
    ssim: float | None
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
    """Photos of a hand that moves by centimetres, without EXIF: what is a step aside of the middle one.

    The single photo is told its true median depth, which is more than it knows.
    """
    place, views = room(0), shaking(_PHOTO, _PHOTOS, reach)
    looks = [place.look(view) for view in views]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = [write_photo(folder / f"{view.name}.jpg", look.rgb) for view, look in zip(views, looks, strict=True)]
        began, spent = time.perf_counter(), time.process_time()
        frames = frames_of_photos(photos, folder / "frames")
        found = reconstruct(frames, folder, ReconstructOptions(training=_SHAKEN))
        times = time.perf_counter() - began, 0.0, time.process_time() - spent
    true = {frame.name: view for frame, view in zip(frames.frames, views, strict=True)}
    home = found.views[len(found.views) // 2]
    there = true[home.name]
    look, judged = looks[views.index(there)], there.scaled(*_JUDGED)
    title = f"shake of {100 * reach:.0f} cm, {100 * _STEP_M:.0f} cm aside"
    rows = []
    if found.cloud is not None:
        scale, error = _against(found, [replace(view, name=name) for name, view in true.items()], look.depth)
        score = seen_aside(place, judged, found.cloud, home, scale, _STEP_M)
        metrics = found.metrics
        of = f"{metrics.registered} of {_PHOTOS} registered, {metrics.steps} steps, {metrics.gaussians:,} Gaussians"
        note = "; ".join([error, of, *found.notes])
        rows.append(Row(f"{title}, the place", score.psnr, score.ssim, *times, note))
    guessed = heuristic_depth(look.rgb)
    guessed *= np.float32(np.median(look.depth) / np.median(guessed))
    for kind, depth in (("guessed depth of true median", guessed), ("true depth", look.depth)):
        cloud = lift(look.rgb, DepthMap(depth, True, "bench", "1"), there.camera.fx).cloud
        score = seen_aside(place, judged, cloud, View("", there.camera, np.eye(4)), 1.0, _STEP_M)
        rows.append(Row(f"{title}, one photo lifted, {kind}", score.psnr, score.ssim))
    return rows


def _against(found: Reconstruction, true: Sequence[View], depth: F32) -> tuple[float, str]:
    """How many of its units a metre is in the place, and in words how far its cameras are off.

    depth: what the middle camera truly sees, which alone tells it of a single photo.
    """
    if len(found.views) > 1:
        off = pose_errors(found.views, true)
        error = f"cameras {1000 * off.metres:.1f} mm and {off.degrees:.2f}° off (median), focal {100 * off.focal:.1f} %"
        return 1 / onto_truth(found.views, true).scale, error
    assert found.cloud is not None
    return float(np.median(found.cloud.means[:, 2]) / np.median(depth)), "one photo"


def poses(ordered: bool) -> list[Row]:
    """30 photos of a megapixel with EXIF, decoded and placed."""
    views = through(Camera.central(1152, 864, 950), 30)
    place = room(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = [write_photo(folder / f"{view.name}.jpg", place.look(view).rgb, view.camera.fx) for view in views]
        began, spent = time.perf_counter(), time.process_time()
        frames = frames_of_photos(photos, folder / "frames", ordered=ordered)
        found = estimate_poses(frames, folder / "work")
        times = time.perf_counter() - began, 0, time.process_time() - spent
    true = [replace(view, name=frame.name) for frame, view in zip(frames.frames, views, strict=True)]
    off = pose_errors(found.views, true)
    note = f"{len(found.views)} of 30 placed, {1000 * off.metres:.1f} mm and {off.degrees:.2f}° off (median)"
    return [Row(f"poses, 30 photos 1152×864, {'in' if ordered else 'without'} an order", None, None, *times, note)]


def memory() -> list[Row]:
    """A whole job of 300 frames 1280×720 whose cameras are known: depth, points, masks, a few steps of training."""
    camera, place = Camera.central(1280, 720, 1050), room(0, paint="soft")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = [
            Picture(view, write_photo(folder / f"{view.name}.jpg", place.look(view, 1).rgb))
            for view in around(camera, 300)
        ]
        training = TrainingOptions(320, 100_000, 1280, 1, held_out=0)
        began, spent = time.perf_counter(), time.process_time()
        made = reconstruct(pictures, folder / "work", ReconstructOptions(training=training))
    times = time.perf_counter() - began, 0, time.process_time() - spent
    note = (
        f"known cameras, {made.points.count:,} points, {made.metrics.steps} steps, {made.metrics.gaussians:,} Gaussians"
    )
    return [Row("a job of 300 frames 1280×720, memory", None, None, *times, note)]


MEASURED: dict[str, Callable[[], list[Row]]] = {
    "toy-soft": lambda: toy("soft"),
    "toy-spotted": lambda: toy("spotted"),
    "shake-2": lambda: shake(0.02),
    "shake-5": lambda: shake(0.05),
    "shake-8": lambda: shake(0.08),
    "poses-ordered": lambda: poses(True),
    "poses": lambda: poses(False),
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
            figures = f"{shown(row)} | {row.seconds:.0f} | {row.cpu_seconds:.0f} | {row.peak_mb:.0f}"
            print(f"| {row.what} | {figures} | {row.note} |", flush=True)
        if asked.json:
            merge(asked.json, rows)


def shown(row: Row) -> str:
    """Both measures of its pictures as two cells of a table."""
    return " | " if row.psnr is None else f"{row.psnr:.1f} | {row.ssim:.3f}"


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
