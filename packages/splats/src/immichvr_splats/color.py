"""Colours of a cloud, and the spaces that they are in."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from immichvr_splats.cloud import SH_C0, GaussianCloud
from immichvr_splats.compiled import F32


def dc_coefficients(colors: NDArray[np.generic]) -> F32:
    """The constant spherical harmonics of sRGB colours, (…, 3) of 0 to 255."""
    levels = np.asarray(colors, np.float32)
    return ((levels / np.float32(255) - np.float32(0.5)) / np.float32(SH_C0)).astype(np.float32)


def to_srgb(cloud: GaussianCloud) -> GaussianCloud:
    """The cloud with sRGB colours; itself if it has them already.

    The constant coefficient goes through the transfer function of IEC 61966-2-1. Higher bands are scaled by its
    slope at that colour, which is exact to first order.
    """
    if cloud.color_space == "srgb":
        return cloud
    linear = 0.5 + SH_C0 * cloud.sh[:, 0]
    sh = np.empty_like(cloud.sh)
    sh[:, 0] = (_encode(linear) - 0.5) / SH_C0
    if cloud.sh_degree:
        sh[:, 1:] = cloud.sh[:, 1:] * _slope(linear)[:, None, :]
    return replace(cloud, sh=sh, color_space="srgb")


def _encode(linear: F32) -> F32:
    bright = np.maximum(linear, 0.0031308)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * bright ** (1 / 2.4) - 0.055).astype(np.float32)


def _slope(linear: F32) -> F32:
    bright = np.maximum(linear, 0.0031308)
    return np.where(linear <= 0.0031308, 12.92, 1.055 / 2.4 * bright ** (1 / 2.4 - 1)).astype(np.float32)
