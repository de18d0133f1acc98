"""New Gaussians where a view was painted: one for a pixel, thinned so that views that overlap do not fill twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from immichvr_splats import GaussianCloud
from immichvr_splats.color import dc_coefficients

from immichvr_scenes.cameras import View
from immichvr_scenes.completion.missing import Seen, pixels_of

F32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SIGMA = 0.5
"""Pixels of the view that a Gaussian was seen in."""
OPACITY = 0.95
BEFORE = 0.02
"""Share of depth by which a new Gaussian may be nearer than what an input camera sees there."""
_FLAT = 0.1
"""Thickness over width."""


def seed(view: View, rgb: F32, depth: F32, missing: Mask, like: GaussianCloud) -> GaussianCloud:
    """A cloud of one Gaussian for each missing pixel of a painted view, flat against the surface.

    rgb: (h, w, 3), 0 to 1. depth: (h, w), along the axis. like: whose degree of harmonics it gets. Colours are sRGB.
    """
    points = view.unprojected(depth)
    normals = _normals(points, view)[missing]
    rows = points[missing].astype(np.float32)
    across = (depth[missing] / view.camera.fx).astype(np.float32) * np.float32(SIGMA)
    slant = np.abs(np.einsum("ij,ij->i", normals, _towards(rows, view)))
    widths = across / np.clip(slant, 0.25, 1) ** 0.5
    scales = np.stack([widths, widths, _FLAT * widths], axis=1)
    sh = np.zeros((len(rows), like.sh.shape[1], 3), np.float32)
    sh[:, 0] = dc_coefficients(255 * rgb[missing])
    return GaussianCloud(
        means=rows,
        log_scales=np.log(np.maximum(scales, 1e-9)),
        quaternions=_turned_to(normals),
        opacity_logits=np.full(len(rows), np.log(OPACITY / (1 - OPACITY)), np.float32),
        sh=sh,
        camera=like.camera,
        color_space=like.color_space,
        marks=like.marks,
    )


def unhidden(cloud: GaussianCloud, inputs: Sequence[Seen]) -> Mask:
    """Which Gaussians stand before nothing that an input camera sees, (N,): the others would hide what is known."""
    free = np.ones(cloud.count, bool)
    for seen in inputs:
        pixels, depth, inside = pixels_of(cloud.means, seen)
        front = seen.nearest[pixels[:, 1], pixels[:, 0]]
        covered = seen.alpha[pixels[:, 1], pixels[:, 0]] > 0.9
        free &= ~(inside & covered & (depth < front * (1 - BEFORE)))
    return free


def thinned(cloud: GaussianCloud, most: int) -> GaussianCloud:
    """One Gaussian for each voxel of its own width, the first that is there; at most so many."""
    if not cloud.count:
        return cloud
    widths = np.exp(cloud.log_scales.max(axis=1)) / SIGMA
    # Voxels of powers of two, so that Gaussians seen from near and from far are compared at one size.
    levels = np.round(np.log2(np.maximum(widths, 1e-9))).astype(np.int64)
    voxels = np.floor(cloud.means.astype(np.float64) / np.exp2(levels)[:, None]).astype(np.int64)
    _, first = np.unique(np.column_stack([levels, voxels]), axis=0, return_index=True)
    kept = np.sort(first)
    if len(kept) > most:
        kept = kept[np.linspace(0, len(kept) - 1, most).astype(np.int64)]
    return cloud.take(kept)


def joined(clouds: Sequence[GaussianCloud]) -> GaussianCloud:
    """All Gaussians of these clouds, in order; what else is known is the first one's."""
    first = clouds[0]
    return replace(
        first,
        means=np.concatenate([cloud.means for cloud in clouds]),
        log_scales=np.concatenate([cloud.log_scales for cloud in clouds]),
        quaternions=np.concatenate([cloud.quaternions for cloud in clouds]),
        opacity_logits=np.concatenate([cloud.opacity_logits for cloud in clouds]),
        sh=np.concatenate([cloud.sh for cloud in clouds]),
    )


def _normals(points: npt.NDArray[np.float64], view: View) -> F32:
    """Of the surface that a depth map shows, (h, w, 3), towards the camera."""
    down, across = np.gradient(points, axis=(0, 1)) if min(points.shape[:2]) > 1 else (points * 0, points * 0)
    normals = np.cross(across, down)
    lengths = np.linalg.norm(normals, axis=-1, keepdims=True)
    towards = view.centre - points
    towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
    normals = np.where(lengths > 1e-12, normals / np.maximum(lengths, 1e-12), towards)
    facing = np.einsum("ijk,ijk->ij", normals, towards)[..., None]
    normals = np.where(facing < 0, -normals, normals)
    # Across a step of depth the surface would be seen from its edge: there it faces the camera.
    return np.where(np.abs(facing) < 0.2, towards, normals).astype(np.float32)


def _towards(points: F32, view: View) -> F32:
    ways = view.centre - points
    return np.asarray(ways / np.linalg.norm(ways, axis=1, keepdims=True), np.float32)


def _turned_to(normals: F32) -> F32:
    """Quaternions, (N, 4) wxyz, that turn the z axis to these directions, (N, 3)."""
    x, y, z = normals.T
    quaternions = np.stack([1 + z, -y, x, np.zeros_like(z)], axis=1)
    turned_over = quaternions[:, 0] < 1e-6
    quaternions[turned_over] = (0, 1, 0, 0)
    return np.asarray(quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True), np.float32)
