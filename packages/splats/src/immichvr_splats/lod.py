"""Levels of detail: fewer Gaussians that together look like the many they stand for.

Gaussians that share a cell are merged; none is pruned, so that no holes open. Cells are the nodes of a Z-order
curve, in the picture's space for a cloud with a camera, in the world's otherwise. Each step down the curve splits
cells in two, so the nodes of two neighbouring steps, mixed, give any exact count.
"""

import numpy as np

from .cleaning import clean
from .cloud import Camera, GaussianCloud
from .compiled import F32, F64, I64, U64, kernel
from .conversion import to_bytes
from .errors import InvalidCloudError
from .merging import View, masses, merge
from .order import morton_codes

_LIGHT_FORMAT = "spz"
_LIGHT_MARGIN = 0.98
_EVEN_COLOR_COST = 0.01  # squared colour distance that an even surface counts as, so that size decides there


def decimate(cloud: GaussianCloud, count: int) -> GaussianCloud:
    """The cloud merged down to `count` Gaussians; itself (cleaned) if it has no more than that.

    Merging matches moments: opacity-weighted mean, covariance and colour, and opacity that keeps the covered area.
    Raises InvalidCloudError for a count below 1.
    """
    if count < 1:
        raise InvalidCloudError(f"a level of detail of {count} Gaussians was asked for, wants at least 1")
    cloud, _ = clean(cloud)
    if count >= cloud.count:
        return cloud
    view = View.of(cloud.camera)
    codes = morton_codes(_cell_points(cloud.means, cloud.camera))
    order = np.argsort(codes, kind="stable")
    mass = masses(cloud, view)
    shown = mass / view.squared_distances(cloud.means)
    starts = _cell_starts(codes[order], shown[order], cloud.sh[:, 0][order], count)
    return merge(cloud, order, starts, mass, view)


def light(cloud: GaussianCloud, max_bytes: int = 5_000_000) -> GaussianCloud:
    """The largest level of detail, about, whose SPZ file has at most `max_bytes`; the cloud itself if it fits.

    Raises InvalidCloudError if not even one Gaussian fits.
    """
    level = cloud
    size = len(to_bytes(level, _LIGHT_FORMAT))
    while size > max_bytes:
        count = int(level.count * max_bytes / size * _LIGHT_MARGIN)
        if count < 1:
            raise InvalidCloudError(f"no {_LIGHT_FORMAT} file has as little as {max_bytes} bytes")
        level = decimate(cloud, count)
        size = len(to_bytes(level, _LIGHT_FORMAT))
    return level


def _cell_points(means: F32, camera: Camera | None) -> F64:
    """Where `means`, (N, 3), lie in the space that cells cut up evenly, (N, 3) float64.

    With a camera: two viewing angles and ln distance, so that a cell has the same size in the picture near and far;
    angles, unlike x/z, also hold beside and behind the camera. Without one: the means themselves.
    """
    points = means.astype(np.float64)
    if camera is not None:
        _to_angles(points, camera.extrinsic, float(np.finfo(np.float32).tiny))
    return points


@kernel
def _to_angles(points: F64, extrinsic: F64, nearest: float) -> None:
    for i in range(points.shape[0]):
        p, q, r = points[i]
        x = extrinsic[0, 0] * p + extrinsic[0, 1] * q + extrinsic[0, 2] * r + extrinsic[0, 3]
        y = extrinsic[1, 0] * p + extrinsic[1, 1] * q + extrinsic[1, 2] * r + extrinsic[1, 3]
        z = extrinsic[2, 0] * p + extrinsic[2, 1] * q + extrinsic[2, 2] * r + extrinsic[2, 3]
        sideways = np.hypot(x, z)
        points[i, 0] = np.arctan2(x, z)
        points[i, 1] = np.arctan2(y, sideways)
        points[i, 2] = np.log(max(np.hypot(y, sideways), nearest))


def _cell_starts(codes: U64, shown: F64, colors: F32, count: int) -> I64:
    """Starts of exactly `count` cells, and the end, (count + 1,), in clouds sorted by `codes`, (N,).

    shown: (N,) opacity times area in the picture. colors: (N, 3) f_dc.
    """
    levels = _boundary_levels(codes)
    boundaries_from = np.cumsum(np.bincount(levels[1:], minlength=65)[::-1])[::-1]
    level = int(np.argmax(boundaries_from + 1 <= count))
    coarse = np.flatnonzero(levels >= level)
    missing = count - coarse.size
    # Level 0 is the boundaries between equal codes, below which there are single Gaussians only.
    fine = np.flatnonzero(levels >= level - 1)
    costs = _merge_costs(np.append(fine, codes.size), shown, colors)
    splits = np.flatnonzero(levels[fine] == level - 1)
    chosen = splits[np.argpartition(-costs[splits], missing - 1)[:missing]] if missing else splits[:0]
    return np.sort(np.concatenate((coarse, fine[chosen], [codes.size]))).astype(np.int64)


@kernel
def _boundary_levels(codes: U64) -> I64:
    """Bits, (N,), up to the highest one in which each code differs from the one before it; 64 for the first."""
    levels = np.empty(codes.shape[0], np.int64)
    levels[0] = 64
    for i in range(1, codes.shape[0]):
        difference = codes[i] ^ codes[i - 1]
        bits = 0
        while difference:
            difference >>= np.uint64(1)
            bits += 1
        levels[i] = bits
    return levels


@kernel
def _merge_costs(starts: I64, shown: F64, colors: F32) -> F64:
    """What it costs, (M,), to merge each of M cells with the one before it: Ward's criterion on their colours."""
    costs = np.zeros(starts.shape[0] - 1)
    last_mass, last_r, last_g, last_b = 0.0, 0.0, 0.0, 0.0
    for cell in range(costs.shape[0]):
        mass, r, g, b = 1e-300, 0.0, 0.0, 0.0
        for i in range(starts[cell], starts[cell + 1]):
            mass += shown[i]
            r += shown[i] * colors[i, 0]
            g += shown[i] * colors[i, 1]
            b += shown[i] * colors[i, 2]
        r, g, b = r / mass, g / mass, b / mass
        distance = (r - last_r) ** 2 + (g - last_g) ** 2 + (b - last_b) ** 2
        costs[cell] = mass * last_mass / (mass + last_mass) * (distance + _EVEN_COLOR_COST)
        last_mass, last_r, last_g, last_b = mass, r, g, b
    return costs
