"""antimatter15's `.splat`: no header, 32 bytes per Gaussian, little endian.

| bytes | value                                                                    |
|-------|--------------------------------------------------------------------------|
| 0-11  | mean, 3 x f32                                                            |
| 12-23 | scale, 3 x f32, linear (metres)                                          |
| 24-26 | red, green, blue: trunc((0.5 + 0.28209479177387814 * f_dc) * 255)        |
| 27    | opacity: trunc(sigmoid(logit) * 255)                                     |
| 28-31 | quaternion w, x, y, z: trunc(q * 128 + 128)                              |

No spherical harmonics beyond the colour, no camera. Bytes are truncated, not rounded, as the reference does.
Source: github.com/antimatter15/splat `convert.py`.
"""

import numpy as np

from ..cloud import OPACITY_LOGIT_LIMIT, SH_C0, GaussianCloud
from ..compiled import F32, U8, kernel
from ..errors import InvalidCloudError, MalformedFileError
from ..losses import Loss, number
from ..source import ReadLimits, Source
from .base import Decoded, Encoded

_BYTES = 32
_ROW = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("rotation", "u1", 4)])
_ORDERS = ("file", "importance")
_LARGEST_LOG_SCALE = 88.0  # exp of more is infinite in float32


def read(source: Source, limits: ReadLimits) -> Decoded:
    """Decode; the file's order is kept."""
    count, left = divmod(source.size, _BYTES)
    if left:
        raise MalformedFileError(
            f"{source.name}: {source.size:,} bytes are no multiple of {_BYTES}; "
            f"{left} bytes are left at offset {count * _BYTES:,}"
        )
    limits.check_points(count, source.name)
    rows = np.frombuffer(source.data, _ROW)
    with np.errstate(divide="ignore", invalid="ignore"):  # what is no size is dropped by its non-finite logarithm
        log_scales = np.log(rows["scale"])
        alpha = rows["rgba"][:, 3].astype(np.float32) / 255
        logits = np.clip(np.log(alpha / (1 - alpha)), -OPACITY_LOGIT_LIMIT, OPACITY_LOGIT_LIMIT)
    colors: F32 = rows["rgba"][:, :3].astype(np.float32) / np.float32(255)
    cloud = GaussianCloud(
        means=rows["mean"],
        log_scales=log_scales,
        quaternions=(rows["rotation"].astype(np.float32) - np.float32(128)) / np.float32(128),
        opacity_logits=logits,
        sh=((colors - np.float32(0.5)) / np.float32(SH_C0))[:, None, :],
    )
    return Decoded(cloud, [])


def write(cloud: GaussianCloud, *, order: str = "file") -> Encoded:
    """Encode.

    order: "file" keeps the cloud's order; "importance" puts large opaque Gaussians first, so that viewers that draw
    while loading show the scene early.
    """
    if order not in _ORDERS:
        raise InvalidCloudError(f"order is {order!r}, splat takes one of {', '.join(_ORDERS)}")
    losses = []
    if order == "importance":
        cloud = cloud.take(np.argsort(-_importance(cloud), kind="stable"))
        losses.append(Loss("order", "Gaussians were sorted by size and opacity"))
    if cloud.sh_degree:
        message = f"spherical harmonics of degree 1 to {cloud.sh_degree}: splat holds degree 0"
        losses.append(Loss("sh_degree", message, cloud.count))
    if cloud.camera is not None:
        losses.append(Loss("camera", "splat has no place for the camera"))
    rows = np.empty(cloud.count, _ROW)
    packed = np.empty((cloud.count, 8), np.uint8)
    rows["mean"] = cloud.means
    rows["scale"] = np.exp(np.minimum(cloud.log_scales, np.float32(_LARGEST_LOG_SCALE)))
    vivid = _pack(cloud.sh.reshape(cloud.count, 3 * cloud.sh.shape[1]), cloud.opacity_logits, cloud.quaternions, packed)
    rows["rgba"] = packed[:, :4]
    rows["rotation"] = packed[:, 4:]
    if vivid:
        losses.append(Loss("clamped", f"{number(vivid, 'Gaussian')} with a colour outside 0 to 1, clamped", vivid))
    return Encoded([rows.view(np.uint8).data], losses)


def _importance(cloud: GaussianCloud) -> F32:
    # ln(volume * opacity): the same order as the product, which could overflow
    log_volume: F32 = cloud.log_scales.sum(axis=1)
    return log_volume - np.logaddexp(np.float32(0), -cloud.opacity_logits)


@kernel
def _pack(colors: F32, logits: F32, quaternions: F32, packed: U8) -> int:
    vivid = 0
    for i in range(logits.shape[0]):
        outside = False
        for j in range(3):
            color = (np.float32(0.5) + np.float32(SH_C0) * colors[i, j]) * np.float32(255)
            outside |= color < 0 or color >= 256
            packed[i, j] = int(min(max(color, np.float32(0)), np.float32(255)))
        vivid += outside
        packed[i, 3] = int(np.float32(255) / (np.float32(1) + np.exp(-logits[i])))
        for j in range(4):
            level = quaternions[i, j] * np.float32(128) + np.float32(128)
            packed[i, 4 + j] = int(min(max(level, np.float32(0)), np.float32(255)))
    return vivid
