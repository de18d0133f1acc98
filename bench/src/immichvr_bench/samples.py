"""The sample photos: rendered scenes that carry their true depth, as phones' portrait pictures carry theirs.

python -m immichvr_bench.samples samples
"""

from __future__ import annotations

import io
import math
import sys
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from immichvr_media import embed_depth
from PIL import Image

from immichvr_bench.scenes import SCENES, View, render_view

_WIDTH, _HEIGHT = 1600, 1200
_DEPTH_WIDTH, _DEPTH_HEIGHT = 800, 600
_LARGEST = 300_000
_FIRST_TAKEN = datetime(2026, 5, 17, 9, 30)  # EXIF times have no zone
_MAKE, _MODEL, _TAKEN, _FOCAL_35MM = 0x010F, 0x0110, 0x9003, 0xA405
_EXIF_BLOCK = 0x8769


def sample(view: View, taken: datetime) -> bytes:
    """A JPEG of at most 300 kB with its depth in XMP and a focal length that fits its camera.

    The best quality that fits is found by trying.
    """
    depth = view.depth.astype(np.float32)
    small = cv2.resize(depth, (_DEPTH_WIDTH, _DEPTH_HEIGHT), interpolation=cv2.INTER_NEAREST)
    near, far = float(small.min()), float(min(small.max(), 200 * small.min()))
    for quality in range(92, 50, -3):
        photo = io.BytesIO()
        Image.fromarray(view.rgb).save(photo, "JPEG", quality=quality, exif=_exif(view, taken), optimize=True)
        whole = embed_depth(photo.getvalue(), np.minimum(small, far), near=near, far=far, bits=8)
        if len(whole) <= _LARGEST:
            return whole
    raise ValueError(f"no quality makes this view fit into {_LARGEST} bytes")


def _exif(view: View, taken: datetime) -> Image.Exif:
    width, height = view.camera.width, view.camera.height
    focal_35mm = view.camera.fx * math.hypot(36, 24) / math.hypot(width, height)
    exif = Image.Exif()
    exif[_MAKE], exif[_MODEL] = "ImmichVR", "Rendered sample"
    block = exif.get_ifd(_EXIF_BLOCK)
    block[_TAKEN] = taken.strftime("%Y:%m:%d %H:%M:%S")
    block[_FOCAL_35MM] = round(focal_35mm)
    return exif


def main() -> None:
    """Renders every scene into the folder named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, make) in enumerate(SCENES.items()):
        scene = make()
        view = render_view(scene, scene.camera(_WIDTH, _HEIGHT), samples=2)
        data = sample(view, _FIRST_TAKEN + timedelta(days=number))
        (folder / f"{name}.jpg").write_bytes(data)
        sys.stdout.write(f"{name}.jpg: {len(data) // 1000} kB\n")


if __name__ == "__main__":
    main()
