"""What the index files of levels and tiles have in common: JSON beside the files it names."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.cloud import Camera, GaussianCloud
from immichvr_splats.compiled import F32
from immichvr_splats.errors import UnknownFormatError
from immichvr_splats.formats import FORMATS
from immichvr_splats.formats.glb import describe_marks
from immichvr_splats.lod.merging import LARGEST_LOG_SCALE
from immichvr_splats.losses import Loss

INDEX_VERSION = 1
_REACH = 3.0  # standard deviations beyond which a Gaussian is not seen


@dataclass(frozen=True)
class Bounds:
    """Smallest and largest corner of a box, metres, OpenCV axes."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    @classmethod
    def of(cls, cloud: GaussianCloud) -> "Bounds":
        """What the Gaussians reach, to three standard deviations along any of their axes."""
        if not cloud.count:
            return cls((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
        largest = cloud.log_scales.max(axis=1, keepdims=True).astype(np.float64)
        reach = _REACH * np.exp(np.minimum(largest, LARGEST_LOG_SCALE))
        return cls._between((cloud.means - reach).min(axis=0), (cloud.means + reach).max(axis=0))

    @classmethod
    def of_points(cls, points: F32) -> "Bounds":
        """The box around `points`, (N, 3) metres; zeros where there are none."""
        if not points.shape[0]:
            return cls((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
        return cls._between(points.min(axis=0), points.max(axis=0))

    @classmethod
    def _between(cls, low: NDArray[np.floating], high: NDArray[np.floating]) -> "Bounds":
        (a, b, c), (x, y, z) = low.tolist(), high.tolist()
        return cls((a, b, c), (x, y, z))


def extension_of(format: str) -> str:
    """The usual extension of a format that is written. Raises UnknownFormatError."""
    row = FORMATS.get(format)
    if row is None or not row.can_write:
        written = ", ".join(key for key, row in FORMATS.items() if row.can_write)
        raise UnknownFormatError(f"levels and tiles are not written as {format!r}, wants one of {written}")
    return row.extensions[0]


def cloud_entries(cloud: GaussianCloud) -> dict[str, object]:
    """What is told of the whole cloud, for which the files beside an index may have no place: camera and marks."""
    return {"camera": _camera_entry(cloud.camera), **describe_marks(cloud.marks)}


def _camera_entry(camera: Camera | None) -> dict[str, object] | None:
    """The camera as JSON: pixels, and the world-to-camera matrix row by row."""
    if camera is None:
        return None
    return {
        "fx": camera.fx,
        "fy": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        "width": camera.width,
        "height": camera.height,
        "extrinsic": camera.extrinsic.tolist(),
    }


def unique(losses: list[Loss]) -> list[Loss]:
    """One loss for each kind, counts summed."""
    by_code: dict[str, Loss] = {}
    for loss in losses:
        known = by_code.get(loss.code)
        by_code[loss.code] = Loss(loss.code, loss.message, loss.count + (known.count if known else 0))
    return list(by_code.values())


def write_index(path: Path, index: dict[str, object]) -> None:
    """Write JSON so that it appears whole or not at all: last, after the files it names."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        unfinished.write_text(json.dumps(index, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
