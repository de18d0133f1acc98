"""A depth map that is right but for scale and shift, brought onto points whose depth is known.

Networks of relative depth are right up to an affine change of inverse depth, those of metric depth up to a factor.
Source: Ranftl et al., "Towards robust monocular depth estimation" (2020); iteratively reweighted least squares, Huber.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

LEAST_POINTS = 12
_ROUNDS = 12
_NEAREST, _FARTHEST = 0.2, 5.0
"""Times the nearest and farthest known depth, where a fitted map ends."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """depth: (h, w) float32, in the unit of the points. error: median relative error at the points."""

    depth: F32
    error: float


def fitted(depth: F32, pixels: F64, known: F64) -> Fitted | None:
    """The map fitted to points; None where they are fewer than LEAST_POINTS, or tell nothing.

    depth: (h, w), above 0. pixels: (n, 2), x and y of the points in the map. known: (n,), their depth.
    """
    rows = np.clip(pixels[:, 1].astype(int), 0, depth.shape[0] - 1)
    columns = np.clip(pixels[:, 0].astype(int), 0, depth.shape[1] - 1)
    seen = depth[rows, columns].astype(np.float64)
    good = np.isfinite(seen) & (seen > 0) & np.isfinite(known) & (known > 0)
    seen, known = seen[good], known[good]
    if len(seen) < LEAST_POINTS:
        return None
    near, far = _NEAREST * float(known.min()), _FARTHEST * float(known.max())
    whole = depth.astype(np.float64)
    choices = [np.array([1 / np.median(known / seen), 0.0]), _affine(seen, known)]
    errors = [_error(_moved(seen, numbers), known) for numbers in choices]
    # Two numbers fit better than one by nature: the affine change has to be better by more than that.
    best = 1 if errors[1] < 0.9 * errors[0] else 0
    return Fitted(np.clip(_moved(whole, choices[best]), near, far).astype(np.float32), errors[best])


def _moved(depth: F64, numbers: F64) -> F64:
    """numbers: scale and shift of inverse depth."""
    inverse = numbers[0] / depth + numbers[1]
    return np.asarray(1 / np.maximum(inverse, 1e-9))


def _affine(seen: F64, known: F64) -> F64:
    """scale, shift: 1 / known = scale / seen + shift, weighted so that relative errors of depth count."""
    columns, target = np.stack([1 / seen, np.ones(len(seen))], axis=1), 1 / known
    weights = known.copy()
    numbers = np.array([np.median(target * seen), 0.0])
    for _ in range(_ROUNDS):
        numbers = np.linalg.lstsq(columns * weights[:, None], target * weights, rcond=None)[0]
        left = np.abs(columns @ numbers - target) * known
        spread = 1.5 * np.median(left) + 1e-9
        weights = known * np.sqrt(np.minimum(1, spread / np.maximum(left, 1e-12)))
    return np.asarray(numbers)


def _error(made: F64, known: F64) -> float:
    return float(np.median(np.abs(made / known - 1)))
