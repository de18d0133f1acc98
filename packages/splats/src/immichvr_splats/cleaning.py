"""Makes the values of a cloud ones that every format and renderer can work with."""

from dataclasses import replace

import numpy as np

from .cloud import OPACITY_LOGIT_LIMIT, GaussianCloud
from .compiled import F32, I64, U8, kernel
from .losses import Loss, number

_SOUND, _MEAN, _SCALE, _ROTATION, _OPACITY, _COLOR, _CLAMPED, _NOT_UNIT = range(8)
_UNIT_TOLERANCE = 1e-6
_CAUSES = {
    _MEAN: "non-finite means",
    _SCALE: "non-finite log-scales",
    _ROTATION: "zero or non-finite rotations",
    _OPACITY: "opacity NaN",
    _COLOR: "non-finite colours",
}


def clean(cloud: GaussianCloud) -> tuple[GaussianCloud, list[Loss]]:
    """Drop Gaussians with non-finite values, clamp infinite opacity logits to ±20, make quaternions unit.

    Returns `cloud` itself where nothing had to change. What was dropped or clamped is counted in the losses.
    """
    cause = np.empty(cloud.count, np.uint8)
    counts = _classify(
        cloud.means,
        cloud.log_scales,
        cloud.quaternions,
        cloud.opacity_logits,
        cloud.sh.reshape(cloud.count, cloud.sh.shape[1] * 3),
        cause,
    )
    losses = []
    dropped = int(counts[_MEAN : _COLOR + 1].sum())
    if dropped:
        reasons = ", ".join(f"{counts[c]:,} with {text}" for c, text in _CAUSES.items() if counts[c])
        losses.append(Loss("dropped", f"{number(dropped, 'Gaussian')} dropped: {reasons}", dropped))
        cloud = cloud.take(np.flatnonzero(cause == _SOUND))
    clamped = int(counts[_CLAMPED])
    if clamped:
        limit = OPACITY_LOGIT_LIMIT
        message = f"{number(clamped, 'infinite opacity logit')} clamped to ±{limit:g}"
        losses.append(Loss("clamped", message, clamped))
        logits = cloud.opacity_logits
        finite = np.where(np.isinf(logits), np.copysign(np.float32(limit), logits), logits)
        cloud = replace(cloud, opacity_logits=finite)
    if counts[_NOT_UNIT]:
        unit = np.empty_like(cloud.quaternions)
        _normalise(cloud.quaternions, unit)
        cloud = replace(cloud, quaternions=unit)
    return cloud, losses


@kernel
def _classify(means: F32, log_scales: F32, quaternions: F32, logits: F32, sh: F32, cause: U8) -> I64:
    # Times zero is zero for a finite number and NaN for every other: one comparison tells for all three.
    counts = np.zeros(8, np.int64)
    zero = np.float32(0)
    for i in range(means.shape[0]):
        w, x, y, z = quaternions[i, 0], quaternions[i, 1], quaternions[i, 2], quaternions[i, 3]
        norm = np.float64(w) * w + np.float64(x) * x + np.float64(y) * y + np.float64(z) * z
        color = zero
        for j in range(sh.shape[1]):
            color += sh[i, j] * zero
        row = _SOUND
        if means[i, 0] * zero + means[i, 1] * zero + means[i, 2] * zero != 0:
            row = _MEAN
        elif log_scales[i, 0] * zero + log_scales[i, 1] * zero + log_scales[i, 2] * zero != 0:
            row = _SCALE
        elif not (norm > 0 and norm < np.inf):
            row = _ROTATION
        elif logits[i] != logits[i]:
            row = _OPACITY
        elif color != 0:
            row = _COLOR
        cause[i] = row
        if row != _SOUND:
            counts[row] += 1
        else:
            counts[_CLAMPED] += abs(logits[i]) == np.inf
            counts[_NOT_UNIT] += abs(norm - 1) > _UNIT_TOLERANCE
    return counts


@kernel
def _normalise(quaternions: F32, unit: F32) -> None:
    for i in range(quaternions.shape[0]):
        q = quaternions[i]
        w, x, y, z = np.float64(q[0]), np.float64(q[1]), np.float64(q[2]), np.float64(q[3])
        inverse = 1 / np.sqrt(w * w + x * x + y * y + z * z)
        unit[i, 0] = w * inverse
        unit[i, 1] = x * inverse
        unit[i, 2] = y * inverse
        unit[i, 3] = z * inverse
