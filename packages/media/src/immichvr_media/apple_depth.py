"""Depth of iPhone portraits: the auxiliary depth or disparity image of a HEIC, and Apple's XMP about it.

Sources: ISO/IEC 23008-2 annex F.14 (depth representation information, which libheif reads), and the apdi and
depthData properties as iPhones write them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pillow_heif import HeifDepthImage

from immichvr_media.boxes import BoxesUnusable, auxiliary_xmp
from immichvr_media.carried import DepthUnusable, StoredDepth
from immichvr_media.limits import DecodeLimits
from immichvr_media.range_coding import finite_number
from immichvr_media.xmp import XmpUnusable, all_properties, parse_packet

_PIXEL_INFO_NAMESPACE = "http://ns.apple.com/pixeldatainfo/1.0/"
_DEPTH_DATA_NAMESPACE = "http://ns.apple.com/depthData/1.0/"

_INVERSE_Z, _DISPARITY, _Z = 0, 1, 2
# Disparity near zero is "far away", not infinitely far: the far end is at most this many times the near end.
_FARTHEST_OF_NEAREST = 200.0
_DECODE_ERRORS = (OSError, ValueError, SyntaxError, RuntimeError, EOFError)


@dataclass(frozen=True)
class _Coding:
    """What the stored values 0..1 stand for: `low`..`high` of depth or of disparity (1 / depth)."""

    kind: Literal["depth", "disparity"]
    low: float
    high: float
    metric: bool


def apple_depth(
    depth_images: Sequence[HeifDepthImage], data: bytes, limits: DecodeLimits, notes: list[str]
) -> StoredDepth | None:
    """The first depth image of a HEIC, None where it has none; raises DepthUnusable."""
    if not depth_images:
        return None
    image = depth_images[0]
    values = _unit_values(image, limits)
    coding = _coding_from_xmp(data, limits, notes) or _coding_from_header(image.info.get("metadata") or {})
    stored = coding.low + values.astype(np.float64) * (coding.high - coding.low)
    if coding.kind == "depth":
        if coding.high <= 0:
            raise DepthUnusable(f"its farthest depth is {coding.high}; it must be above 0")
        depth = np.maximum(stored, coding.high / _FARTHEST_OF_NEAREST)
    else:
        if coding.high <= 0:
            raise DepthUnusable(f"its largest disparity is {coding.high}; it must be above 0")
        depth = 1.0 / np.maximum(stored, coding.high / _FARTHEST_OF_NEAREST)
    return StoredDepth(
        depth=depth.astype(np.float32),
        metric=coding.metric,
        source="apple_depth" if coding.kind == "depth" else "apple_disparity",
    )


def _unit_values(image: HeifDepthImage, limits: DecodeLimits) -> npt.NDArray[np.float32]:
    width, height = image.size
    if width * height > limits.max_depth_pixels:
        raise DepthUnusable(f"it has {width} x {height} pixels; the limit is {limits.max_depth_pixels} pixels")
    try:
        pixels = np.asarray(image)
    except _DECODE_ERRORS as error:
        raise DepthUnusable(f"its picture is damaged: {error}") from error
    width, height = image.size
    if pixels.ndim == 3:
        pixels = pixels[:, :, 0]
    return pixels[:height, :width].astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)


def _coding_from_xmp(data: bytes, limits: DecodeLimits, notes: list[str]) -> _Coding | None:
    try:
        for packet in auxiliary_xmp(data):
            roots = [parse_packet(packet, limits)]
            pixels = all_properties(roots, _PIXEL_INFO_NAMESPACE)
            kind = pixels.get("AuxiliaryImageType")
            if kind not in ("depth", "disparity") or "FloatMaxValue" not in pixels:
                continue
            low = finite_number(pixels.get("FloatMinValue"), "smallest value")
            high = finite_number(pixels["FloatMaxValue"], "largest value")
            if low >= high:
                raise DepthUnusable(f"its values go from {low} to {high}")
            accuracy = all_properties(roots, _DEPTH_DATA_NAMESPACE).get("Accuracy")
            return _Coding("depth" if kind == "depth" else "disparity", low, high, accuracy == "absolute")
    except (BoxesUnusable, XmpUnusable, DepthUnusable) as error:
        notes.append(f"Apple's description of the carried depth left out: {error}")
    return None


def _coding_from_header(described: Mapping[str, float]) -> _Coding:
    """From the depth representation message; without one, disparity up to scale."""
    kind = described.get("representation_type", _DISPARITY)
    near, far = described.get("z_near"), described.get("z_far")
    if kind in (_INVERSE_Z, _Z) and near is not None and far is not None and 0 < near < far:
        if kind == _Z:
            return _Coding("depth", near, far, metric=False)
        return _Coding("disparity", 1 / far, 1 / near, metric=False)
    low, high = described.get("d_min"), described.get("d_max")
    if kind == _DISPARITY and low is not None and high is not None and low < high:
        return _Coding("disparity", low, high, metric=False)
    return _Coding("depth" if kind == _Z else "disparity", 0.0, 1.0, metric=False)
