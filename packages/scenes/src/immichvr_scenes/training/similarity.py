"""Structural similarity (Wang et al. 2004) with its gradient: kernels for the CPU, convolutions elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from immichvr_splats.compiled import F32, fused_kernel

_REACH = 5
"""Pixels to each side of a window."""
_SIGMA = 1.5
_C1, _C2 = np.float32(0.01**2), np.float32(0.03**2)
_WEIGHTS = np.exp(-(np.arange(_REACH + 1) ** 2) / (2 * _SIGMA**2))
_WEIGHTS = (_WEIGHTS / (_WEIGHTS[0] + 2 * _WEIGHTS[1:].sum())).astype(np.float32)
_W0, _W1, _W2, _W3, _W4, _W5 = (np.float32(weight) for weight in _WEIGHTS)
_BLURRED, _SLOPES = 5, 3


def similarity(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Of two pictures (h, w, 3) of 0 to 1 around every pixel, (h, w, 3): 1 where they are alike.

    Beyond the edges is black. On the CPU `other` gets no gradient.
    """
    if one.device.type == "cpu":
        alike: torch.Tensor = _Similarity.apply(one, other)
        return alike
    return _convolved(one, other)


class _Similarity(torch.autograd.Function):  # type: ignore[misc]  # torch is without types here
    @staticmethod
    def forward(ctx: Any, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        a, b = (np.ascontiguousarray(picture.detach().numpy().transpose(2, 0, 1)) for picture in (one, other))
        alike, slopes = np.empty_like(a), np.empty((_SLOPES, *a.shape), np.float32)
        room = _room(a)
        for channel in range(a.shape[0]):
            _compare(a[channel], b[channel], alike[channel], slopes[:, channel], room)
        ctx.compared = a, b, slopes
        return torch.from_numpy(alike).permute(1, 2, 0)

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        a, b, slopes = ctx.compared
        of_alike = np.ascontiguousarray(given[0].numpy().transpose(2, 0, 1), np.float32)
        found, room = np.empty_like(a), _room(a)
        for channel in range(a.shape[0]):
            _derive(a[channel], b[channel], of_alike[channel], slopes[:, channel], found[channel], room)
        return torch.from_numpy(found).permute(1, 2, 0), None


def _room(planes: F32) -> F32:
    """For one channel: what is to be blurred, with black around it, and what is blurred across."""
    _, height, width = planes.shape
    return np.zeros((2, _BLURRED, height + 2 * _REACH, width + 2 * _REACH), np.float32)


@fused_kernel
def _compare(a: F32, b: F32, alike: F32, slopes: F32, room: F32) -> None:
    """Fill in `alike`, (h, w), and by how much it grows with the means of a, of a² and of a b: slopes (3, h, w)."""
    height, width = a.shape
    for y in range(height):
        for x in range(width):
            here, there = a[y, x], b[y, x]
            room[0, 0, y + _REACH, x + _REACH] = here
            room[0, 1, y + _REACH, x + _REACH] = there
            room[0, 2, y + _REACH, x + _REACH] = here * here
            room[0, 3, y + _REACH, x + _REACH] = there * there
            room[0, 4, y + _REACH, x + _REACH] = here * there
    for plane in range(_BLURRED):
        _blur(room[0, plane], room[1, plane])
    two = np.float32(2)
    for y in range(height):
        for x in range(width):
            m, n = room[0, 0, y + _REACH, x + _REACH], room[0, 1, y + _REACH, x + _REACH]
            light, lights = two * m * n + _C1, m * m + n * n + _C1
            change = two * (room[0, 4, y + _REACH, x + _REACH] - m * n) + _C2
            changes = room[0, 2, y + _REACH, x + _REACH] + room[0, 3, y + _REACH, x + _REACH] - m * m - n * n + _C2
            as_light, as_changed = light / lights, change / changes
            alike[y, x] = as_light * as_changed
            slopes[1, y, x] = -as_light * as_changed / changes
            slopes[2, y, x] = two * as_light / changes
            of_light = two * (n - m * as_light) / lights * as_changed
            slopes[0, y, x] = of_light + two * as_light * (m * as_changed - n) / changes


@fused_kernel
def _derive(a: F32, b: F32, of_alike: F32, slopes: F32, found: F32, room: F32) -> None:
    height, width = a.shape
    for plane in range(_SLOPES):
        for y in range(height):
            for x in range(width):
                room[0, plane, y + _REACH, x + _REACH] = slopes[plane, y, x] * of_alike[y, x]
        _blur(room[0, plane], room[1, plane])
    for y in range(height):
        for x in range(width):
            of_mean = room[0, 0, y + _REACH, x + _REACH]
            of_square, of_product = room[0, 1, y + _REACH, x + _REACH], room[0, 2, y + _REACH, x + _REACH]
            found[y, x] = of_mean + np.float32(2) * a[y, x] * of_square + b[y, x] * of_product


@fused_kernel
def _blur(plane: F32, across: F32) -> None:
    """Blur a plane with a rim of _REACH in its place; the rim stays. across: as large, its rim zeros."""
    height, width = plane.shape[0] - 2 * _REACH, plane.shape[1] - 2 * _REACH
    for y in range(_REACH, height + _REACH):
        row, out = plane[y], across[y]
        for x in range(width):
            near = _W0 * row[x + 5] + _W1 * (row[x + 4] + row[x + 6]) + _W2 * (row[x + 3] + row[x + 7])
            far = _W3 * (row[x + 2] + row[x + 8]) + _W4 * (row[x + 1] + row[x + 9]) + _W5 * (row[x] + row[x + 10])
            out[x + 5] = near + far
    for y in range(height):
        out = plane[y + 5]
        r0, r1, r2, r3, r4, r5 = across[y], across[y + 1], across[y + 2], across[y + 3], across[y + 4], across[y + 5]
        r6, r7, r8, r9, r10 = across[y + 6], across[y + 7], across[y + 8], across[y + 9], across[y + 10]
        for x in range(_REACH, width + _REACH):
            near = _W0 * r5[x] + _W1 * (r4[x] + r6[x]) + _W2 * (r3[x] + r7[x])
            out[x] = near + _W3 * (r2[x] + r8[x]) + _W4 * (r1[x] + r9[x]) + _W5 * (r0[x] + r10[x])


def _convolved(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    a, b = one.permute(2, 0, 1), other.permute(2, 0, 1)
    half = torch.from_numpy(_WEIGHTS).to(one)
    across = torch.cat([half.flip(0), half[1:]]).reshape(1, 1, 1, -1)
    planes = torch.cat([a, b, a * a, b * b, a * b])[:, None]
    blurred = torch.nn.functional.conv2d(planes, across, padding=(0, _REACH))
    blurred = torch.nn.functional.conv2d(blurred, across.transpose(2, 3), padding=(_REACH, 0))[:, 0]
    mean_a, mean_b, aa, bb, ab = blurred.split(3)
    variance_a, variance_b, covariance = aa - mean_a**2, bb - mean_b**2, ab - mean_a * mean_b
    c1, c2 = float(_C1), float(_C2)
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return (light * (2 * covariance + c2) / (variance_a + variance_b + c2)).permute(1, 2, 0)
