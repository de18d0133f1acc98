"""Gaussians out of the pixels of a SOG's textures."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from immichvr_splats.cloud import SH_COEFFICIENTS, GaussianCloud
from immichvr_splats.compiled import F32, U8, kernel
from immichvr_splats.formats.sog import texels
from immichvr_splats.formats.sog.metadata import Meta
from immichvr_splats.stream import Rows


class Tables(NamedTuple):
    """What numbers in textures stand for.

    positions: (3, 65536), by axis and u16. scales, colors: (3, 256). logits: (256,). centroids: (palette rows, 3 K).
    """

    positions: F32
    scales: F32
    colors: F32
    logits: F32
    centroids: F32


def centroids_of(meta: Meta, pixels: Mapping[str, U8]) -> F32:
    """The palette's rows, (lines * 64, 3 K), coefficient-major; none where there is no palette."""
    if not meta.coefficients:
        return np.empty((0, 0), np.float32)
    return meta.centroids[pixels["shN_centroids"][:, :3]].reshape(-1, 3 * meta.coefficients)


def unpack_means(pixels: Mapping[str, U8], tables: Tables, rows: Rows) -> F32:
    """The means at `rows`, (M, 3)."""
    low, high = _at(pixels, "means_l", rows), _at(pixels, "means_u", rows)
    means = np.empty((low.shape[0], 3), np.float32)
    texels.unpack_means(low, high, tables.positions, means)
    return means


def unpack(pixels: Mapping[str, U8], tables: Tables, rows: Rows, coefficients: int) -> GaussianCloud:
    """The Gaussians at `rows`, with so many coefficients beyond the colour. pixels: (pixels, 4) by texture."""
    quats, scales, sh0 = (_at(pixels, name, rows) for name in ("quats", "scales", "sh0"))
    cloud = GaussianCloud.empty(quats.shape[0], SH_COEFFICIENTS.index(coefficients + 1))
    cloud.means[:] = unpack_means(pixels, tables, rows)
    texels.unpack_rotations(quats, cloud.quaternions)
    targets = (cloud.log_scales, cloud.opacity_logits, cloud.flat_sh)
    _unpack_levels(scales, sh0, tables.scales, tables.colors, tables.logits, *targets)
    if coefficients:
        _unpack_harmonics(_at(pixels, "shN_labels", rows), tables.centroids, cloud.flat_sh)
    return cloud


def _at(pixels: Mapping[str, U8], name: str, rows: Rows) -> U8:
    chosen = pixels[name][rows]
    chosen.flags.writeable = False  # one kind of array, one compiled kernel
    return chosen


@kernel
def _unpack_levels(
    scales: U8, sh0: U8, scale_book: F32, color_book: F32, logits_of_bytes: F32, log_scales: F32, logits: F32, sh: F32
) -> None:
    for i in range(scales.shape[0]):
        for j in range(3):
            log_scales[i, j] = scale_book[j, scales[i, j]]
            sh[i, j] = color_book[j, sh0[i, j]]
        logits[i] = logits_of_bytes[sh0[i, 3]]


@kernel
def _unpack_harmonics(labels: U8, centroids: F32, sh: F32) -> None:
    for i in range(labels.shape[0]):
        row = np.uint64(labels[i, 0]) | np.uint64(labels[i, 1]) << np.uint64(8)
        for j in range(np.uint64(sh.shape[1] - 3)):
            sh[i, np.uint64(3) + j] = centroids[row, j]
