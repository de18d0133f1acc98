"""Edge-aware smoothing: the guided filter, with a colour guide and at two resolutions."""

from __future__ import annotations

import cv2
import numpy as np

from immichvr_depth.depth_map import FloatImage


def box(image: FloatImage, radius: int) -> FloatImage:
    """Mean over a square window of 2 * radius + 1 pixels."""
    size = (2 * radius + 1, 2 * radius + 1)
    return np.asarray(cv2.blur(image, size, borderType=cv2.BORDER_REFLECT), np.float32)


def magnitude(dx: FloatImage, dy: FloatImage) -> FloatImage:
    """Length of the gradients whose parts are given, (h, w) each; the same for the same ones, wherever they lie.

    OpenCV's `magnitude` rounds otherwise where its result happens to be aligned otherwise in memory.
    """
    return np.asarray(np.sqrt(dx * dx + dy * dy), np.float32)


def guided_upsample(
    guide: FloatImage, signal: FloatImage, radius: int, epsilon: float, fine_guide: FloatImage
) -> FloatImage:
    """Smooth `signal` along the edges of a colour guide and evaluate it on a finer version of that guide.

    guide: (h, w, 3) float32, 0..1; signal: (h, w) float32; fine_guide: (H, W, 3) float32, the same picture.
    Returns (H, W) float32. The local linear model is fitted at (h, w) and its coefficients are interpolated.
    Source: He, Sun, Tang, "Guided Image Filtering" (PAMI 2013) eq. 16-19; He, Sun, "Fast Guided Filter" (2015).
    """
    mean_guide = box(guide, radius)
    mean_signal = box(signal, radius)
    covariance = box(guide * signal[..., None], radius) - mean_guide * mean_signal[..., None]
    slope = _solve_symmetric(_guide_covariance(guide, mean_guide, radius, epsilon), covariance)
    offset = mean_signal - np.einsum("hwc,hwc->hw", slope, mean_guide)
    model = box(np.dstack([slope, offset]).astype(np.float32), radius)
    height, width = fine_guide.shape[:2]
    fine = np.asarray(cv2.resize(model, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    result = np.einsum("hwc,hwc->hw", fine[..., :3], fine_guide) + fine[..., 3]
    return np.asarray(result, np.float32)


def _guide_covariance(
    guide: FloatImage, mean: FloatImage, radius: int, epsilon: float
) -> tuple[FloatImage, FloatImage]:
    """Variances (rr, gg, bb) plus epsilon, and covariances (rg, rb, gb) of the guide in each window."""
    first, second = [0, 0, 1], [1, 2, 2]
    squares = box(guide * guide, radius) - mean * mean + epsilon
    products = box(guide[..., first] * guide[..., second], radius) - mean[..., first] * mean[..., second]
    return np.asarray(squares, np.float32), np.asarray(products, np.float32)


def _solve_symmetric(matrix: tuple[FloatImage, FloatImage], vector: FloatImage) -> FloatImage:
    """Solve the symmetric 3x3 system of every pixel by its adjugate."""
    (rr, gg, bb) = np.moveaxis(matrix[0], -1, 0)
    (rg, rb, gb) = np.moveaxis(matrix[1], -1, 0)
    (x, y, z) = np.moveaxis(vector, -1, 0)
    a, b, c = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    d, e, f = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = np.maximum(rr * a + rg * b + rb * c, np.float32(1e-12))
    solved = np.stack([a * x + b * y + c * z, b * x + d * y + e * z, c * x + e * y + f * z], axis=-1)
    return np.asarray(solved / determinant[..., None], np.float32)
