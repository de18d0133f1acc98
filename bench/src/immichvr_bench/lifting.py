"""How well a lifted photo stands a sidestep: novel views of rendered scenes against the truth.

python -m immichvr_bench.lifting --pictures docs/images/lifting --json bench/results/lifting.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.lift import lift
from immichvr_splats import SH_C0, Camera, GaussianCloud
from immichvr_splats.rendering import Rendering, render
from PIL import Image

from immichvr_bench.scenes import SCENES, Scene, View, render_view

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Lifter = Callable[[Bytes, DepthMap, float, int], GaussianCloud]

MOVES = {"left": (-1.0, 0.0), "right": (1.0, 0.0), "up": (0.0, -1.0)}


@dataclass(frozen=True)
class Trial:
    """A scene seen from its place and from beside it: what is lifted, and what it is compared with."""

    source: View
    besides: dict[str, View]


@dataclass(frozen=True)
class Score:
    """psnr: dB over the pixels whose surface the source camera's frame covers, hidden there or not.

    holes: share of those pixels with alpha < 0.5. seen_psnr: dB over those that the source camera saw.
    """

    psnr: float
    seen_psnr: float
    holes: float


def make_trial(scene: Scene, width: int, height: int, sidestep: float, samples: int = 2) -> Trial:
    """Render the truth. sidestep: as a part of the median depth."""
    camera = scene.camera(width, height)
    source = render_view(scene, camera, samples)
    step = sidestep * float(np.median(source.depth))
    besides = {
        name: render_view(scene, moved(camera, step * right, step * down), samples)
        for name, (right, down) in MOVES.items()
    }
    return Trial(source, besides)


def moved(camera: Camera, right: float, down: float) -> Camera:
    """The camera after a step along its own axes, metres."""
    extrinsic = camera.extrinsic.copy()
    extrinsic[:3, 3] -= [right, down, 0.0]
    return Camera(camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height, extrinsic)


def relative_pose(source: Camera, other: Camera) -> npt.NDArray[np.float64]:
    """From the source camera's axes, in which a cloud is lifted, to another camera's."""
    pose: npt.NDArray[np.float64] = other.extrinsic @ np.linalg.inv(source.extrinsic)
    return pose


def score(rendering: Rendering, view: View, source: View) -> Score:
    """Compare a rendering, over black, with the truth."""
    covered, seen = _covered_by(view, source)
    error = (np.clip(rendering.rgb, 0, 1) - view.rgb / np.float32(255)) ** 2
    holes = float((rendering.alpha[covered] < 0.5).mean())
    return Score(_decibels(error[covered]), _decibels(error[seen]), holes)


def score_cloud(cloud: GaussianCloud, trial: Trial) -> dict[str, Score]:
    """Scores from the source's place and from beside it."""
    views = {"source": trial.source, **trial.besides}
    return {name: score(render_from(cloud, trial.source, view), view, trial.source) for name, view in views.items()}


def render_from(cloud: GaussianCloud, source: View, view: View) -> Rendering:
    """The cloud lifted from `source` as the camera of `view` sees it."""
    return render(cloud, view.camera, relative_pose(source.camera, view.camera))


def layered(rgb: Bytes, depth: DepthMap, focal_px: float, max_gaussians: int) -> GaussianCloud:
    """What the project does."""
    return lift(rgb, depth, focal_px, max_gaussians).cloud


def one_layer(rgb: Bytes, depth: DepthMap, focal_px: float, max_gaussians: int) -> GaussianCloud:
    """The same without the background behind edges."""
    lifted = lift(rgb, depth, focal_px, max_gaussians)
    return lifted.cloud.take(np.arange(int(lifted.stats["first_layer"])))


def round_blobs(rgb: Bytes, depth: DepthMap, focal_px: float, max_gaussians: int) -> GaussianCloud:
    """The usual first attempt: a round Gaussian for every pixel, as large as its pixel at its depth."""
    scale = min(1.0, np.sqrt(max_gaussians / (rgb.shape[0] * rgb.shape[1])))
    width, height = int(rgb.shape[1] * scale), int(rgb.shape[0] * scale)
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    z = cv2.resize(depth.depth, (width, height), interpolation=cv2.INTER_LINEAR)
    focal = focal_px * width / rgb.shape[1]
    x, y = np.meshgrid(np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2)
    count = width * height
    return GaussianCloud(
        means=np.stack([x * z / focal, y * z / focal, z], axis=-1).reshape(-1, 3).astype(np.float32),
        log_scales=np.repeat(np.log(0.6 * z / focal).reshape(-1, 1), 3, axis=1).astype(np.float32),
        quaternions=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        opacity_logits=np.full(count, 4.0, np.float32),
        sh=((small.reshape(-1, 1, 3) / 255 - 0.5) / SH_C0).astype(np.float32),
    )


def as_estimated(depth: Floats) -> Floats:
    """True depth as a network would give it at best: 686×518 values, edges blurred over three of them."""
    small = cv2.resize(1 / depth, (686, 518), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), 1.0)
    return np.asarray(1 / np.maximum(blurred, 1e-5), np.float32)


def as_stored(depth: Floats) -> Floats:
    """True depth as phones store it: a third of the resolution, 256 levels of inverse depth."""
    inverse = 1 / depth[1::3, 1::3]
    low, high = inverse.min(), inverse.max()
    levels = np.round((inverse - low) / (high - low) * 255) / 255
    return np.asarray(1 / np.maximum(levels * (high - low) + low, 1e-4), np.float32)


METHODS: dict[str, tuple[Lifter, Callable[[Floats], Floats]]] = {
    "layered, true depth": (layered, np.array),
    "layered, stored depth": (layered, as_stored),
    "layered, blurred depth": (layered, as_estimated),
    "one layer, true depth": (one_layer, np.array),
    "round blobs, true depth": (round_blobs, np.array),
}


def cpu_seconds(view: View, repeats: int = 5) -> float:
    """Median CPU time, all threads, of lifting the view enlarged to 12 megapixels to 500,000 Gaussians."""
    photo = np.asarray(cv2.resize(view.rgb, (4000, 3000), interpolation=cv2.INTER_CUBIC), np.uint8)
    depth = DepthMap(as_estimated(view.depth), True, "true", "1")
    focal = view.camera.fx * 4000 / view.camera.width
    times = []
    for _ in range(repeats + 1):
        start = time.process_time()
        lift(photo, depth, focal)
        times.append(time.process_time() - start)
    return float(np.median(times[1:]))


def _covered_by(view: View, source: View) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Pixels whose true surface lies inside the source's frame, and those of them that nothing hid there.

    What lies outside is a border band that no photo taken from there holds.
    """
    camera = view.camera
    x = (np.arange(camera.width) + 0.5 - camera.cx) / camera.fx
    y = (np.arange(camera.height) + 0.5 - camera.cy) / camera.fy
    rays = np.stack([*np.meshgrid(x, y), np.ones(view.depth.shape)], axis=-1)
    pose = np.linalg.inv(relative_pose(source.camera, camera))
    local = rays * view.depth[..., None] @ pose[:3, :3].T + pose[:3, 3]
    u = source.camera.fx * local[..., 0] / local[..., 2] + source.camera.cx
    v = source.camera.fy * local[..., 1] / local[..., 2] + source.camera.cy
    height, width = source.depth.shape
    covered = (u >= 0) & (u < width) & (v >= 0) & (v < height) & (local[..., 2] > 0)
    there = source.depth[np.clip(v, 0, height - 1).astype(np.int64), np.clip(u, 0, width - 1).astype(np.int64)]
    return covered, covered & (there > 0.97 * local[..., 2])


def _decibels(square_error: npt.NDArray[np.floating]) -> float:
    return float(-10 * np.log10(np.mean(square_error, dtype=np.float64)))


def _save_pictures(folder: Path, name: str, trial: Trial, clouds: dict[str, GaussianCloud]) -> None:
    """Photo and round blobs above, layered and the truth below; all but the photo from the right."""
    view = trial.besides["right"]
    strip = [trial.source.rgb]
    for method in ("round blobs, true depth", "layered, true depth"):
        rgb = render_from(clouds[method], trial.source, view).rgb
        strip.append(np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8))
    strip.append(view.rgb)
    rows = [np.concatenate(strip[:2], axis=1), np.concatenate(strip[2:], axis=1)]
    sheet = Image.fromarray(np.concatenate(rows, axis=0))
    sheet = sheet.resize((1120, round(1120 * sheet.height / sheet.width)), Image.Resampling.LANCZOS)
    folder.mkdir(parents=True, exist_ok=True)
    sheet.save(folder / f"{name}.jpg", quality=66, optimize=True, progressive=True)


def main() -> None:
    """Print the tables; write the figures and pictures asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=960)
    parser.add_argument("--sidestep", type=float, default=0.05, help="as a part of the median depth")
    parser.add_argument("--gaussians", type=int, default=500_000)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    seconds = {}
    print("| scene | lift | source dB | left | right | up | seen, right | holes, worst % |")
    print("|---|---|---|---|---|---|---|---|")
    for name, build in SCENES.items():
        trial = make_trial(build(), options.width, options.width * 3 // 4, options.sidestep)
        seconds[name] = cpu_seconds(trial.source)
        clouds = {}
        for method, (lifter, degrade) in METHODS.items():
            depth = DepthMap(degrade(trial.source.depth), True, "true", "1")
            clouds[method] = lifter(trial.source.rgb, depth, trial.source.camera.fx, options.gaussians)
            scores = score_cloud(clouds[method], trial)
            results.setdefault(name, {})[method] = {view: asdict(value) for view, value in scores.items()}
            decibels = " | ".join(f"{scores[view].psnr:.1f}" for view in ("source", *MOVES))
            worst = max(scores[view].holes for view in MOVES)
            seen = scores["right"].seen_psnr
            print(f"| {name} | {method} | {decibels} | {seen:.1f} | {100 * worst:.3f} |", flush=True)
        if options.pictures:
            _save_pictures(options.pictures, name, trial, clouds)
    print(f"CPU seconds for 12 megapixels: {seconds}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"scores": results, "cpu_seconds": seconds}, indent=1) + "\n")


if __name__ == "__main__":
    main()
