"""Deterministic noise: hashed lattices, smooth value noise, its fractal sum, and cell noise."""

from __future__ import annotations

import numpy as np

from immichvr_bench.scenes.compiled import kernel


@kernel
def hashed(x: int, y: int, z: int) -> float:
    """A number in [0, 1) for a lattice point (integer finaliser of MurmurHash3)."""
    h = np.uint32(x) * np.uint32(73856093) ^ np.uint32(y) * np.uint32(19349663) ^ np.uint32(z) * np.uint32(83492791)
    h ^= h >> np.uint32(16)
    h = np.uint32(h * np.uint32(0x85EBCA6B))
    h ^= h >> np.uint32(13)
    h = np.uint32(h * np.uint32(0xC2B2AE35))
    h ^= h >> np.uint32(16)
    return float(h) / 4294967296.0


@kernel
def value_noise(x: float, y: float, z: float) -> float:
    """Smooth noise in [0, 1], one lattice point per unit."""
    xf, yf, zf = np.floor(x), np.floor(y), np.floor(z)
    i, j, k = int(xf), int(yf), int(zf)
    u, v, w = x - xf, y - yf, z - zf
    u, v, w = u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v), w * w * (3.0 - 2.0 * w)
    a = hashed(i, j, k) * (1.0 - u) + hashed(i + 1, j, k) * u
    b = hashed(i, j + 1, k) * (1.0 - u) + hashed(i + 1, j + 1, k) * u
    c = hashed(i, j, k + 1) * (1.0 - u) + hashed(i + 1, j, k + 1) * u
    d = hashed(i, j + 1, k + 1) * (1.0 - u) + hashed(i + 1, j + 1, k + 1) * u
    return float((a * (1.0 - v) + b * v) * (1.0 - w) + (c * (1.0 - v) + d * v) * w)


@kernel
def fractal(x: float, y: float, z: float, octaves: int) -> float:
    """Sum of octaves of value noise, in [0, 1]."""
    total, weight, amplitude = 0.0, 0.0, 0.5
    for _ in range(octaves):
        total += amplitude * value_noise(x, y, z)
        weight += amplitude
        amplitude *= 0.5
        x, y, z = 2.03 * x + 7.1, 2.03 * y + 3.7, 2.03 * z + 1.3
    return total / weight


@kernel
def cells(x: float, z: float) -> tuple[float, float]:
    """Cell noise in the plane: gap between the two nearest feature points, and a number for the nearest cell."""
    i, k = int(np.floor(x)), int(np.floor(z))
    first, second, name = 9.0, 9.0, 0.0
    for a in range(i - 1, i + 2):
        for b in range(k - 1, k + 2):
            px = a + 0.15 + 0.7 * hashed(a, 11, b)
            pz = b + 0.15 + 0.7 * hashed(a, 29, b)
            distance = (px - x) ** 2 + (pz - z) ** 2
            if distance < first:
                first, second, name = distance, first, hashed(a, 47, b)
            elif distance < second:
                second = distance
    return np.sqrt(second) - np.sqrt(first), name
