"""Render the sample photos: scenes of ours with their true depth in the file, as a phone would store it.

.venv/bin/python tools/make_samples.py            # all of them, into samples/
.venv/bin/python tools/make_samples.py street     # one
"""

from __future__ import annotations

import argparse
import io
import math
import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from immichvr_bench.scenes import SCENES, View, render_view
from immichvr_media import embed_depth
from immichvr_splats import Camera
from PIL import Image
from PIL.ExifTags import IFD, Base

SIZE = (1600, 1200)
DEPTH_SIZE = (800, 600)
LARGEST_FILE = 300_000
SAMPLES_PER_SIDE = 4
FULL_FRAME_DIAGONAL = math.hypot(36, 24)
FARTHEST = 1000.0  # metres; beyond, 256 levels of inverse depth say nothing

CAPTIONS = {
    "still-life": ("Fruit and flowers by the window", "2026:05:09 09:41:00"),
    "colonnade": ("In the colonnade", "2026:06:14 15:20:00"),
    "landscape": ("Evening below the mountains", "2026:09:26 17:48:00"),
    "street": ("Lamps are being lit", "2026:10:03 18:32:00"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SCENES)}; all if none is given")
    parser.add_argument("--folder", type=Path, default=Path(__file__).resolve().parent.parent / "samples")
    options = parser.parse_args()
    unknown = set(options.names) - set(SCENES)
    if unknown:
        parser.error(f"no scene is called {', '.join(sorted(unknown))}; there are {', '.join(SCENES)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names or SCENES:
        path = options.folder / f"{name}.jpg"
        path.write_bytes(make_sample(name))
        print(f"{path}: {path.stat().st_size} bytes")
    return 0


def make_sample(name: str) -> bytes:
    """The photo as a JPEG of at most LARGEST_FILE bytes."""
    scene = SCENES[name]()
    camera, focal_35mm = with_whole_focal_length(scene.camera(*SIZE))
    view = render_view(scene, camera, SAMPLES_PER_SIDE)
    depth = pick_depth(view.depth)
    for quality in range(90, 40, -2):
        jpeg = as_jpeg(view, name, focal_35mm, quality)
        sample = embed_depth(jpeg, depth, near=float(depth.min()), far=float(min(depth.max(), FARTHEST)), bits=8)
        if len(sample) <= LARGEST_FILE:
            return sample
    raise RuntimeError(f"{name} does not fit into {LARGEST_FILE} bytes even at a poor quality")


def with_whole_focal_length(camera: Camera) -> tuple[Camera, int]:
    """The camera with the nearest focal length that EXIF can hold: whole millimetres at 35 mm equivalent."""
    diagonal = math.hypot(camera.width, camera.height)
    focal_35mm = round(camera.fx * FULL_FRAME_DIAGONAL / diagonal)
    focal = focal_35mm * diagonal / FULL_FRAME_DIAGONAL
    return (
        Camera(focal, focal, camera.cx, camera.cy, camera.width, camera.height, camera.extrinsic),
        focal_35mm,
    )


def pick_depth(depth: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Depth at DEPTH_SIZE: values of the map, since means would blend fore- and background."""
    return np.asarray(cv2.resize(depth, DEPTH_SIZE, interpolation=cv2.INTER_NEAREST_EXACT), np.float32)


def as_jpeg(view: View, name: str, focal_35mm: int, quality: int) -> bytes:
    """The picture with the EXIF of the camera it was rendered with."""
    caption, taken = CAPTIONS[name]
    exif = Image.Exif()
    exif[Base.Make] = "ImmichVR"
    exif[Base.Model] = "ImmichVR samples"
    exif[Base.ImageDescription] = caption
    exif[Base.Orientation] = 1
    details = exif.get_ifd(IFD.Exif)
    details[Base.DateTimeOriginal] = taken
    details[Base.FocalLength] = float(focal_35mm)
    details[Base.FocalLengthIn35mmFilm] = focal_35mm
    out = io.BytesIO()
    picture = Image.fromarray(view.rgb)
    picture.save(out, "JPEG", quality=quality, optimize=True, progressive=True, subsampling=2, exif=exif)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
