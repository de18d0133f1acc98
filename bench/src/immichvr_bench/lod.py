"""What levels of detail look like beside the clouds they stand for, ours and splat-transform's.

python -m immichvr_bench.lod [--clouds waves,still-life,street,walk] [--count 100000] [--without-peer]

Each cloud of about 1.18 million Gaussians is merged down, and rendered at 512 x 512 from where it was seen, from a
step to the right, and from a step to the right, up and forward. PSNR is against renderings of the full cloud.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from immichvr_splats import Camera, GaussianCloud, lod, read, warm, write
from immichvr_splats.rendering import render, shifted
from rich.console import Console
from rich.table import Table

from immichvr_bench.clouds import SHARP_SIDE, photo_cloud, walk_cloud, waves_cloud
from immichvr_bench.convert_tools import decimate_with_splat_transform
from immichvr_bench.scenes import SCENES

_RESULTS = Path("bench/results/lod.json")
_WALK_PLACES = 5
_VIEW_SIDE = 512
_STEP = 0.1  # of the median depth
_RUNS = 5

CLOUDS: dict[str, Callable[[int], GaussianCloud]] = {
    "waves": waves_cloud,
    "still-life": lambda side: photo_cloud("still-life", side),
    "street": lambda side: photo_cloud("street", side),
    "walk": lambda side: walk_cloud("colonnade", round(side * (2 / _WALK_PLACES) ** 0.5), _WALK_PLACES),
}
"""Three photos lifted to two layers, and a scene seen from five places, without a camera."""


def viewpoints(cloud: GaussianCloud) -> tuple[Camera, list[npt.NDArray[np.float64]]]:
    """A camera of 512 x 512, and where it stands: the cloud's own place, one step aside, and a diagonal one."""
    own = cloud.camera or SCENES["colonnade"]().camera(_VIEW_SIDE, _VIEW_SIDE)
    focal = own.fx / own.width * _VIEW_SIDE
    camera = Camera(focal, focal, _VIEW_SIDE / 2, _VIEW_SIDE / 2, _VIEW_SIDE, _VIEW_SIDE)
    depths = cloud.means[:, 2]
    step = _STEP * float(np.median(depths[depths > 0]))
    part = step / np.sqrt(2)
    return camera, [shifted(camera), shifted(camera, step), shifted(camera, part, -part, part)]


def pictures(cloud: GaussianCloud, camera: Camera, places: Iterable[npt.NDArray[np.float64]]) -> list[npt.NDArray[Any]]:
    """Renderings, (h, w, 3) each, 0…1, over black."""
    return [np.clip(render(cloud, camera, place).rgb, 0, 1) for place in places]


def psnr(picture: npt.NDArray[Any], truth: npt.NDArray[Any]) -> float:
    """Of two pictures with values 0…1, dB."""
    return float(-10 * np.log10(np.mean((picture - truth) ** 2)))


def measure_cloud(name: str, count: int, side: int, with_peer: bool) -> list[dict[str, Any]]:
    """A row for ours, for ours without the camera where there is one, and for the peer."""
    cloud = CLOUDS[name](side)
    camera, places = viewpoints(cloud)
    truths = pictures(cloud, camera, places)

    def row(method: str, level: GaussianCloud, cpu: float) -> dict[str, Any]:
        scores = [psnr(*pair) for pair in zip(pictures(level, camera, places), truths, strict=True)]
        return {
            "cloud": name,
            "gaussians": cloud.count,
            "method": method,
            "count": level.count,
            "psnr_db": [round(score, 2) for score in scores],
            "cpu_s": round(cpu, 2),
        }

    rows = [row("lod", *timed(cloud, count))]
    if cloud.camera is not None:
        rows.append(row("lod, camera forgotten", *timed(replace(cloud, camera=None), count)))
    if with_peer:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "cloud.ply", Path(folder) / "level.ply"
            write(cloud, source, "ply", layout="inria")
            cpu = decimate_with_splat_transform(source, target, count).cpu
            rows.append(row("splat-transform --decimate", read(target).cloud, cpu))
    return rows


def timed(cloud: GaussianCloud, count: int) -> tuple[GaussianCloud, float]:
    """The level, and the median CPU seconds of making it."""
    seconds = []
    for _ in range(_RUNS):
        start = time.process_time()
        level = lod(cloud, count)
        seconds.append(time.process_time() - start)
    return level, statistics.median(seconds)


def main() -> None:
    """Measures, shows, and writes down."""
    parser = argparse.ArgumentParser(description="Compare levels of detail with the clouds they stand for.")
    parser.add_argument("--clouds", default=",".join(CLOUDS), help="some of these, separated by commas")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--side", type=int, default=SHARP_SIDE, help="of a layer of a photo's cloud")
    parser.add_argument("--without-peer", action="store_true")
    parser.add_argument("--json", type=Path, default=_RESULTS)
    options = parser.parse_args()
    warm()
    rows: list[dict[str, Any]] = []
    for name in options.clouds.split(","):
        rows += measure_cloud(name, options.count, options.side, not options.without_peer)
    table = Table("cloud", "method", "count", "own place", "aside", "diagonal", "CPU s", title="PSNR in dB")
    for row in rows:
        cells = (row["cloud"], row["method"], row["count"], *row["psnr_db"], row["cpu_s"])
        table.add_row(*[str(cell) for cell in cells])
    Console().print(table)
    results = {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}",
        "date": datetime.now(UTC).date().isoformat(),
        "rows": rows,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
