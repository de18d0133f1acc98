"""What a motion clip takes: three seconds of `sway` at 1920×1080, of the sample photos, by the depth that they carry.

python -m immichvr_bench.motion

Prints a table and writes bench/results/motion.json. The limits, 25 s on two cores and 3 MB, are those of the clip:
what is compiled is compiled before.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from immichvr_depth import DepthMap
from immichvr_media import decode_photo
from immichvr_video_depth.motion.ahead import compile_ahead
from immichvr_video_depth.motion.camera import Travel
from immichvr_video_depth.motion.clip import make_clip
from immichvr_video_depth.motion.depths import depth_of
from rich.console import Console
from rich.table import Table

_SAMPLES, _RESULTS = Path("samples"), Path("bench/results/motion.json")
_PHOTOS = ("street", "landscape")
_SIZE = (1920, 1080)
_MOST_S, _MOST_MB = 25, 3


def row(path: Path, size: tuple[int, int], travel: Travel) -> dict[str, Any]:
    """One clip of a photo, whose middle is brought to a size (width, height)."""
    photo = decode_photo(path)
    known = depth_of(photo, None, "")
    rows = round(photo.width * size[1] / size[0])
    wide = slice((photo.height - rows) // 2, (photo.height - rows) // 2 + rows)
    rgb = np.asarray(cv2.resize(photo.rgb[wide], size, interpolation=cv2.INTER_AREA), np.uint8)
    depth = DepthMap(cv2.resize(known.depth[wide], size), known.metric, known.model_key, known.revision)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "clip.mp4")
        wall, cpu = time.perf_counter(), time.process_time()
        make_clip(rgb, depth, photo.focal.px * size[0] / photo.width, travel, clip, lambda _: None)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {
            "photo": path.stem, "path": travel.path, "seconds": travel.seconds, "resolution": f"{size[0]}x{size[1]}",
            "wall_s": round(wall, 1), "cpu_s": round(cpu, 1), "mb": round(clip.stat().st_size / 1e6, 2),
        }  # fmt: skip


def table_of(rows: Sequence[dict[str, Any]]) -> Table:
    """The rows as a table for people."""
    table = Table("photo", f"wall s (≤ {_MOST_S} on two cores)", "CPU s", f"MB (≤ {_MOST_MB})")
    for one in rows:
        table.add_row(*(str(one[name]) for name in ("photo", "wall_s", "cpu_s", "mb")))
    return table


def main() -> None:
    """Measure, print and write."""
    compile_ahead()
    rows = [row(_SAMPLES / f"{name}.jpg", _SIZE, Travel()) for name in _PHOTOS]
    Console(width=120).print(table_of(rows))
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "most_s": _MOST_S, "most_mb": _MOST_MB, "rows": rows,
    }  # fmt: skip
    _RESULTS.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
