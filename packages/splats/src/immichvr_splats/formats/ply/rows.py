"""Rows of a PLY of Gaussians: their values to and from the arrays of a cloud."""

from collections.abc import Iterable

import numpy as np

from immichvr_splats.cloud import SH_COEFFICIENTS, STORED_SH_COEFFICIENTS, GaussianCloud
from immichvr_splats.compiled import F32, F64, I32, I64, U64, kernel
from immichvr_splats.numerics import largest_magnitude
from immichvr_splats.stream import Glance, Rows, row_numbers

BASE = (
    "x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
    "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3",
)  # fmt: skip
REST_COUNTS = tuple(3 * (k - 1) for k in SH_COEFFICIENTS)

_TILE = 256
_FLOATS_PER_LINE = 16  # of the caches


def rest_names(count: int) -> tuple[str, ...]:
    """The properties of the higher harmonics, as they stand in a file."""
    return tuple(f"f_rest_{i}" for i in range(count))


def columns_of(names: Iterable[str], degree: int, degree_of_rows: int) -> U64:
    """Where `BASE`, and then the harmonics up to `degree` in the order of a cloud, stand among `names`.

    degree_of_rows: that of f_rest_* in `names`, which are channel-major.
    """
    place = {name: column for column, name in enumerate(names)}
    place.setdefault(BASE[9], place[BASE[8]])  # of a Gaussian with two scales, filled in afterwards
    bands = STORED_SH_COEFFICIENTS[degree_of_rows] - 1
    rest = [f"f_rest_{channel * bands + k}" for k in range(SH_COEFFICIENTS[degree] - 1) for channel in range(3)]
    return np.array([place[name] for name in (*BASE, *rest)], np.uint64)


def decode(rows: F32, which: Rows, columns: U64, degree: int) -> GaussianCloud:
    """The Gaussians of some of `rows`, (N, properties)."""
    cloud = GaussianCloud.empty(which.stop - which.start if isinstance(which, slice) else which.size, degree)
    _deinterleave(rows, row_numbers(which), columns, *_arrays(cloud))
    return cloud


def decode_means(rows: F32, which: Rows, columns: U64) -> F32:
    """The means of some of `rows`, (M, 3)."""
    indices = row_numbers(which)
    means = np.empty((indices.size, 3), np.float32)
    _deinterleave_means(rows, indices, columns, means)
    return means


def encode(cloud: GaussianCloud, columns: U64, width: int) -> F32:
    """Rows, (N, width), zero where no column is."""
    rows = (np.empty if width == columns.size else np.zeros)((cloud.count, width), np.float32)
    _interleave(*_arrays(cloud), columns, rows)
    return rows


def glance(rows: F32, columns: U64) -> Glance:
    """At `rows`, (N, properties), without taking them apart."""
    low, high = np.empty(3), np.empty(3)
    return Glance(*_glance(rows.reshape(-1).view(np.int32), rows, columns, low, high), low, high)


def _arrays(cloud: GaussianCloud) -> tuple[F32, F32, F32, F32, F32]:
    return cloud.means, cloud.log_scales, cloud.quaternions, cloud.opacity_logits, cloud.flat_sh


@kernel
def _deinterleave(
    rows: F32, indices: I64, columns: U64, means: F32, log_scales: F32, quaternions: F32, logits: F32, sh: F32
) -> None:
    for first in range(0, indices.shape[0], _TILE):
        tile = slice(first, min(first + _TILE, indices.shape[0]))
        if indices[tile.stop - 1] - indices[first] != tile.stop - 1 - first:
            _touch(rows, indices[tile])
        _deinterleave_tile(
            rows, indices[tile], columns, means[tile], log_scales[tile], quaternions[tile], logits[tile], sh[tile]
        )


# Unsigned indices in the two loops below: for signed ones each access also asks whether they count from the end.
# Columns in variables are not read again for each row, as they are where they could be among what is written.


@kernel
def _deinterleave_tile(
    rows: F32, indices: I64, columns: U64, means: F32, log_scales: F32, quaternions: F32, logits: F32, sh: F32
) -> None:
    values = rows.reshape(-1)
    x, y, z, red, green, blue = columns[0], columns[1], columns[2], columns[3], columns[4], columns[5]
    opacity, s0, s1, s2 = columns[6], columns[7], columns[8], columns[9]
    q0, q1, q2, q3 = columns[10], columns[11], columns[12], columns[13]
    for i in range(np.uint64(indices.shape[0])):
        row = np.uint64(indices[i]) * np.uint64(rows.shape[1])
        means[i, 0], means[i, 1], means[i, 2] = values[row + x], values[row + y], values[row + z]
        sh[i, 0], sh[i, 1], sh[i, 2] = values[row + red], values[row + green], values[row + blue]
        logits[i] = values[row + opacity]
        log_scales[i, 0], log_scales[i, 1], log_scales[i, 2] = values[row + s0], values[row + s1], values[row + s2]
        quaternions[i, 0], quaternions[i, 1] = values[row + q0], values[row + q1]
        quaternions[i, 2], quaternions[i, 3] = values[row + q2], values[row + q3]
        for j in range(np.uint64(3), np.uint64(sh.shape[1])):
            sh[i, j] = values[row + columns[np.uint64(11) + j]]


@kernel
def _interleave(means: F32, log_scales: F32, quaternions: F32, logits: F32, sh: F32, columns: U64, rows: F32) -> None:
    values = rows.reshape(-1)
    for i in range(np.uint64(rows.shape[0])):
        row = i * np.uint64(rows.shape[1])
        for j in range(np.uint64(3)):
            values[row + columns[j]] = means[i, j]
            values[row + columns[np.uint64(3) + j]] = sh[i, j]
            values[row + columns[np.uint64(7) + j]] = log_scales[i, j]
        values[row + columns[6]] = logits[i]
        for j in range(np.uint64(4)):
            values[row + columns[np.uint64(10) + j]] = quaternions[i, j]
        for j in range(np.uint64(3), np.uint64(sh.shape[1])):
            values[row + columns[np.uint64(11) + j]] = sh[i, j]


@kernel
def _touch(rows: F32, indices: I64) -> np.float32:
    # Rows in another order than the file's wait for memory. A loop that does nothing else lets many wait at once.
    total = np.float32(0)
    for i in range(indices.shape[0]):
        for j in range(0, rows.shape[1], _FLOATS_PER_LINE):
            total += rows[indices[i], j]
        total += rows[indices[i], rows.shape[1] - 1]
    return total


@kernel
def _deinterleave_means(rows: F32, indices: I64, columns: U64, means: F32) -> None:
    for i in range(indices.shape[0]):
        for j in range(3):
            means[i, j] = rows[indices[i], columns[j]]


@kernel
def _glance(bits: I32, rows: F32, columns: U64, low: F64, high: F64) -> tuple[int, int, int]:
    x, y, z = columns[0], columns[1], columns[2]
    a, b, c, d = columns[10], columns[11], columns[12], columns[13]
    infinity = np.float32(np.inf)
    x0, y0, z0, x1, y1, z1 = infinity, infinity, infinity, -infinity, -infinity, -infinity
    least, most = infinity, np.float32(0)
    largest, width = 0, rows.shape[1]
    for i in range(rows.shape[0]):
        if i % _TILE == 0:
            largest = max(largest, largest_magnitude(bits[i * width : (i + _TILE) * width]))
        x0, y0, z0 = min(x0, rows[i, x]), min(y0, rows[i, y]), min(z0, rows[i, z])
        x1, y1, z1 = max(x1, rows[i, x]), max(y1, rows[i, y]), max(z1, rows[i, z])
        norm = rows[i, a] * rows[i, a] + rows[i, b] * rows[i, b] + rows[i, c] * rows[i, c] + rows[i, d] * rows[i, d]
        least, most = min(least, norm), max(most, norm)
    low[0], low[1], low[2] = x0, y0, z0
    high[0], high[1], high[2] = x1, y1, z1
    return int(largest), int(np.float32(least).view(np.int32)), int(np.float32(most).view(np.int32))
