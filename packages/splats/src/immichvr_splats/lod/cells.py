"""Cuts a cloud into cells of neighbours, each to become one Gaussian, so that the picture changes least.

Cells are nodes of the binary tree that a Z-order curve makes of the cloud. What it costs to not split a node is Ward's
criterion between its halves, on colour and on distance measured in sizes of their Gaussians, so that cells follow the
density of the cloud and stop at edges. Any count is met exactly: the tree is cut at the costliest splits.
"""

import numpy as np

from immichvr_splats.cloud import GaussianCloud
from immichvr_splats.compiled import F32, F64, I32, I64, kernel
from immichvr_splats.lod.merging import LARGEST_LOG_SCALE, View, masses
from immichvr_splats.order import LEVELS_PER_GRID, MOST_GRIDS, morton_tree

# Weights of the criterion against squared colour distance in f_dc. Measured on two-layer photos and on scenes seen
# from several places: less of either wastes Gaussians on fine texture, more blurs edges in colour.
_EVENNESS = 0.05  # what an even surface counts, so that size decides there
_DISTANCE = 0.02  # squared distance over the mean variance of the Gaussians
_FARTHEST = 200.0  # what that ratio levels off at, so that strays do not take the place of what is seen
# Where no eye is known, large Gaussians may be far away or flat: they count for less than their area.
_AREA_POWER = 0.25
_LEAST_SHOWN = 1e-100  # products of two still are float64
_MOST_OPEN_NODES = MOST_GRIDS * LEVELS_PER_GRID + 1  # as many as the tree has levels
_AFTER_LAST = LEVELS_PER_GRID + 1  # a level above that of any boundary
_RISE = 1 + 1e-12  # a parent costs more than its children, and is split first


def cells(cloud: GaussianCloud, count: int, view: View) -> tuple[I64, I64, F64]:
    """Exactly `count` cells, at most the cloud's count.

    Returns indices, (N,), sorted by cell; the starts of cells in them and the end, (count + 1,); and the masses, (N,),
    of `merging.masses`. The cloud is clean.
    """
    mass = masses(cloud, view)
    shown, sizes = _shown_and_sizes(cloud, mass, view)
    colors = cloud.sh.reshape(cloud.count, -1)
    return *cells_of_points(view.cell_points(cloud.means), colors, shown, sizes, count), mass


def cells_of_points(points: F64, colors: F32, shown: F64, sizes: F64, count: int) -> tuple[I64, I64]:
    """Exactly `count` cells of `points`, (N, 3) in the space that cells cut up evenly.

    colors: (N, 3 or more), f_dc first. shown: (N,), how much of the picture each makes up. sizes: (N,), variances in
    the space of the points. Returns indices, (N,), sorted by cell, and the starts of cells and the end, (count + 1,).
    """
    order, boundaries = morton_tree(points)
    costs = _split_costs(boundaries, order, points, colors, shown, sizes)
    # The first is no split but the start of the first cell: it comes before all.
    chosen = np.argpartition(-costs, count - 1)[:count]
    return order, np.append(np.sort(chosen), points.shape[0])


def _shown_and_sizes(cloud: GaussianCloud, mass: F64, view: View) -> tuple[F64, F64]:
    """How much of the picture each Gaussian makes up, (N,), and its variance in the space of cells, (N,)."""
    sizes = np.exp(2.0 * cloud.log_scales.clip(-LARGEST_LOG_SCALE, LARGEST_LOG_SCALE)).sum(axis=1, dtype=np.float64)
    if view.from_everywhere:
        opacities = 1 / (1 + np.exp(-np.maximum(cloud.opacity_logits, -80.0), dtype=np.float64))
        shown = mass**_AREA_POWER * opacities ** (1 - _AREA_POWER)
    else:
        squares = view.squared_distances(cloud.means)
        shown = mass / squares
        sizes /= squares
    return np.maximum(shown, _LEAST_SHOWN), sizes


@kernel
def _ward(one: F64, other: F64) -> float:
    """Cost of one Gaussian instead of two. one, other: (8,) mass, then mass times place, colour and size."""
    a, b = one[0], other[0]
    distance, contrast = 0.0, 0.0
    for k in range(1, 4):
        distance += (one[k] / a - other[k] / b) ** 2
        contrast += (one[k + 3] / a - other[k + 3] / b) ** 2
    size = (one[7] + other[7]) / (a + b)
    return float(a * b / (a + b) * (contrast + _EVENNESS + _DISTANCE * distance / (size + distance / _FARTHEST)))


@kernel
def _split_costs(boundaries: I32, order: I64, points: F64, colors: F32, shown: F64, sizes: F64) -> F64:
    """Cost, (N,), of joining the halves of the node that is split before each row; infinite for the first row.

    boundaries: (N,), levels of `morton_tree`. points: (N, 3). colors: (N, 3 or more), f_dc first.
    One pass: nodes that still miss their right half wait on a stack, coarser ones below finer ones.
    """
    count = order.shape[0]
    costs = np.empty(count)
    costs[0] = np.inf
    levels = np.empty(_MOST_OPEN_NODES, np.int64)
    splits = np.empty(_MOST_OPEN_NODES, np.int64)
    worst = np.empty(_MOST_OPEN_NODES)
    left = np.empty((_MOST_OPEN_NODES, 8))
    right = np.empty(8)
    waiting = 0
    for row in range(count):
        i = order[row]
        right[0] = shown[i]
        for k in range(3):
            right[1 + k] = shown[i] * points[i, k]
            right[4 + k] = shown[i] * colors[i, k]
        right[7] = shown[i] * sizes[i]
        cost = 0.0
        level = boundaries[row + 1] if row + 1 < count else _AFTER_LAST
        while waiting and levels[waiting - 1] <= level:
            waiting -= 1
            cost = max(max(cost, worst[waiting]) * _RISE, _ward(left[waiting], right))
            costs[splits[waiting]] = cost
            for k in range(8):
                right[k] += left[waiting, k]
        levels[waiting], splits[waiting], worst[waiting] = level, row + 1, cost
        left[waiting] = right
        waiting += 1
    return costs
