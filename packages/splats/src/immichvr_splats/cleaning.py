"""Makes the values of a cloud ones that every format and renderer can work with.

What is damage, and what only the limit of a value that makes sense, is decided here for all formats: a log-scale of
minus infinity is a flat Gaussian, an infinite opacity logit one that is opaque or not there. Readers give them as they
are. Everything else that is no finite number is damage, and the Gaussian that has it is dropped.
"""

from dataclasses import replace

import numpy as np

from immichvr_splats.cloud import OPACITY_LOGIT_LIMIT, THINNEST_LOG_SCALE, GaussianCloud
from immichvr_splats.compiled import F32, F64, I32, I64, U8, kernel
from immichvr_splats.errors import EmptyCloudError
from immichvr_splats.losses import Loss, number
from immichvr_splats.numerics import bounds, largest_magnitude
from immichvr_splats.stream import Places, SoundStream, Stream
from immichvr_splats.threads import in_order

_SOUND, _MEAN, _SCALE, _ROTATION, _OPACITY, _COLOR, _CLAMPED, _NOT_UNIT, _FLAT = range(9)
_UNIT_TOLERANCE = 1e-6
_CAUSES = {
    _MEAN: "non-finite means",
    _SCALE: "log-scales NaN or infinitely large",
    _ROTATION: "zero or non-finite rotations",
    _OPACITY: "opacity NaN",
    _COLOR: "non-finite colours",
}
# The bits of float32 order like integers do, signs apart, and NaN comes after infinity: one maximum tells for all.
_INFINITY, _UNIT_LOW, _UNIT_HIGH, _TINY, _HUGE = (
    int(np.float32(value).view(np.int32)) for value in (np.inf, 1 - _UNIT_TOLERANCE, 1 + _UNIT_TOLERANCE, 1e-30, 1e30)
)


def clean(cloud: GaussianCloud) -> tuple[GaussianCloud, list[Loss]]:
    """Drop Gaussians with damaged values, clamp infinite opacity logits and flat log-scales, make quaternions unit.

    Returns `cloud` itself where nothing had to change. What was dropped or clamped is counted in the losses.
    """
    counts, cause = _examine(cloud)
    if cause is not None and counts[_MEAN : _COLOR + 1].any():
        cloud = cloud.take(np.flatnonzero(cause == _SOUND))
    return _repaired(cloud, counts), _losses(counts)


def check_any_left(before: int, after: int, losses: list[Loss]) -> None:
    """Raise EmptyCloudError if of some Gaussians, or points, none is left. losses: what tells why."""
    if before and not after:
        raise EmptyCloudError(f"nothing is left to write: {'; '.join(loss.message for loss in losses)}")


def survey(stream: Stream) -> tuple[SoundStream, list[Loss]]:
    """As `clean`, of a stream that is read through once to learn what is wrong with it, and where its bounds lie."""
    totals = np.zeros(9, np.int64)
    seen = [np.full(3, np.inf)], [np.full(3, -np.inf)]
    causes: list[tuple[int, U8 | None]] = []
    for size, counts, cause, low, high in in_order(lambda rows: _inspect(stream, rows), stream.slices()):
        totals += counts
        causes.append((size, cause))
        if low is not None and high is not None:
            seen[0].append(low)
            seen[1].append(high)
    if totals[_MEAN : _COLOR + 1].any():
        sound = [np.zeros(size, np.uint8) == _SOUND if cause is None else cause == _SOUND for size, cause in causes]
        stream = stream.selected(np.flatnonzero(np.concatenate(sound)))
    if totals[_CLAMPED] or totals[_NOT_UNIT] or totals[_FLAT]:
        stream = stream.changed(lambda block: _repaired(block, totals))
    known = stream.count and len(seen[0]) == len(causes) + 1
    extent = (np.min(seen[0], axis=0), np.max(seen[1], axis=0)) if known else None
    places = Places(stream.means, tuple(stream.slices()), extent)
    return SoundStream(**vars(stream), places=places), _losses(totals)


def _examine(cloud: GaussianCloud) -> tuple[I64, U8 | None]:
    """How many Gaussians are in which state, (9,), and the state of each, (N,), None where none is to be dropped."""
    counts = np.zeros(9, np.int64)
    values, logits, norm_low, norm_high = _extremes(
        _bits(cloud.means),
        _bits(cloud.log_scales),
        _bits(cloud.quaternions),
        _bits(cloud.sh),
        _bits(cloud.opacity_logits),
        cloud.quaternions,
    )
    if _can_stay(max(values, logits), norm_low, norm_high):
        counts[_NOT_UNIT] = norm_low < _UNIT_LOW or norm_high > _UNIT_HIGH
        return counts, None
    cause = np.empty(cloud.count, np.uint8)
    _classify(cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits, cloud.flat_sh, cause, counts)
    return counts, cause


def _can_stay(largest: int, norm_low: int, norm_high: int) -> bool:
    return largest < _INFINITY and norm_low > _TINY and norm_high < _HUGE


def _inspect(stream: Stream, rows: slice) -> tuple[int, I64, U8 | None, F64 | None, F64 | None]:
    """Size, states as of `_examine`, and bounds, if they were seen, of one block."""
    if stream.glance:
        seen = stream.glance(rows)
        if _can_stay(seen.largest, seen.least_norm, seen.most_norm):
            counts = np.zeros(9, np.int64)
            counts[_NOT_UNIT] = seen.least_norm < _UNIT_LOW or seen.most_norm > _UNIT_HIGH
            return rows.stop - rows.start, counts, None, seen.low, seen.high
    block = stream.decode(rows)
    counts, cause = _examine(block)
    return block.count, counts, cause, *bounds(block.means if cause is None else block.means[cause == _SOUND])


def _repaired(cloud: GaussianCloud, counts: I64) -> GaussianCloud:
    """`cloud` with finite logits and log-scales, and unit quaternions, as far as `counts` says that some are not."""
    if counts[_CLAMPED]:
        logits = cloud.opacity_logits
        limit = np.copysign(np.float32(OPACITY_LOGIT_LIMIT), logits)
        cloud = replace(cloud, opacity_logits=np.where(np.isinf(logits), limit, logits))
    if counts[_FLAT]:
        cloud = replace(cloud, log_scales=np.where(np.isneginf(cloud.log_scales), THINNEST_LOG_SCALE, cloud.log_scales))
    if counts[_NOT_UNIT]:
        unit = np.empty_like(cloud.quaternions)
        _normalise(cloud.quaternions, unit)
        cloud = replace(cloud, quaternions=unit)
    return cloud


def _losses(counts: I64) -> list[Loss]:
    losses = []
    dropped = int(counts[_MEAN : _COLOR + 1].sum())
    if dropped:
        reasons = ", ".join(f"{counts[c]:,} with {text}" for c, text in _CAUSES.items() if counts[c])
        losses.append(Loss("dropped", f"{number(dropped, 'Gaussian')} dropped: {reasons}", dropped))
    clamped = int(counts[_CLAMPED])
    if clamped:
        message = f"{number(clamped, 'infinite opacity logit')} clamped to ±{OPACITY_LOGIT_LIMIT:g}"
        losses.append(Loss("clamped", message, clamped))
    flat = int(counts[_FLAT])
    if flat:
        message = (
            f"{number(flat, 'flat Gaussian')} (log-scale -inf): given a thickness of {np.exp(THINNEST_LOG_SCALE):.2g} m"
        )
        losses.append(Loss("clamped", message, flat))
    return losses


def _bits(values: F32) -> I32:
    bits: I32 = values.reshape(-1).view(np.int32)
    return bits


@kernel
def _extremes(
    means: I32, log_scales: I32, quaternions: I32, sh: I32, logits: I32, rotations: F32
) -> tuple[int, int, int, int]:
    """Bits of the largest magnitudes but for logits, of logits, and of the least and largest squared norm."""
    values = max(
        max(largest_magnitude(means), largest_magnitude(log_scales)),
        max(largest_magnitude(quaternions), largest_magnitude(sh)),
    )
    norms = np.empty(rotations.shape[0], np.float32)
    for i in range(rotations.shape[0]):
        w, x, y, z = rotations[i, 0], rotations[i, 1], rotations[i, 2], rotations[i, 3]
        norms[i] = w * w + x * x + y * y + z * z
    low, high = np.int32(0x7FFFFFFF), np.int32(0)
    bits = norms.view(np.int32)
    for i in range(bits.shape[0]):
        low = min(low, bits[i])
        high = max(high, bits[i])
    return values, largest_magnitude(logits), int(low), int(high)


@kernel
def _classify(means: F32, log_scales: F32, quaternions: F32, logits: F32, sh: F32, cause: U8, counts: I64) -> None:
    # Times zero is zero for a finite number and NaN for every other: one comparison tells for all three.
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
        elif not (log_scales[i, 0] < np.inf and log_scales[i, 1] < np.inf and log_scales[i, 2] < np.inf):
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
            counts[_FLAT] += min(log_scales[i, 0], log_scales[i, 1], log_scales[i, 2]) == -np.inf
            counts[_NOT_UNIT] += abs(norm - 1) > _UNIT_TOLERANCE


@kernel
def _normalise(quaternions: F32, unit: F32) -> None:
    for i in range(quaternions.shape[0]):
        w, x = np.float64(quaternions[i, 0]), np.float64(quaternions[i, 1])
        y, z = np.float64(quaternions[i, 2]), np.float64(quaternions[i, 3])
        inverse = 1 / np.sqrt(w * w + x * x + y * y + z * z)
        unit[i, 0] = w * inverse
        unit[i, 1] = x * inverse
        unit[i, 2] = y * inverse
        unit[i, 3] = z * inverse
