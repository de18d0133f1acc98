"""Where each pixel of a moved camera's picture comes from, in two layers.

Every four neighbouring pixels are a small piece of a surface. It is carried to where the camera sees it now, and says
of each pixel's centre below it which place of the photo lies there; the nearest piece wins. A piece across a step is
torn: its near side goes on half a pixel and fades, so that edges are smooth and the unmoved picture is the photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from immichvr_depth.compiled import Floats, Indices, Mask, kernel

from immichvr_video_depth.motion.camera import View

_EPSILON = 1e-4  # pixels: a centre on the border of two pieces must not lie in neither


@dataclass(frozen=True)
class Warped:
    """(h, w) arrays of one picture.

    x, y: float32, the place in the photo, or that in the background with the photo's height added to y. nearness:
    float32, the shift of what is seen there. edge: float32, how much of the pixel the soft edge of something nearer
    covers, 0..1. edge_from: int32, the pixel whose colour that edge has, counted by rows; -1 where there is none.
    """

    x: Floats
    y: Floats
    nearness: Floats
    edge: Floats
    edge_from: Indices


def warp(shift: Floats, right: Mask, down: Mask, behind: Floats, differs: Mask, view: View) -> Warped:
    """See Warped. shift, behind: (h, w) of photo and background; right, down: (h, w) steps of the photo.

    differs: (h, w), where the background is another picture than the photo.
    """
    size = shift.shape
    x, y = np.zeros(size, np.float32), np.zeros(size, np.float32)
    nearness = np.full(size, -1, np.float32)
    edge, edge_near = np.zeros(size, np.float32), np.full(size, -1, np.float32)
    edge_from = np.full(size, -1, np.int32)
    terms = np.array([view.right, view.down, view.forward, view.focus, view.scale], np.float64)
    _front(shift, right, down, terms, x, y, nearness, edge, edge_near, edge_from)
    back = np.full(size, -1, np.float32)
    _back(behind, differs, terms, x, y, nearness, back)
    _close(x, y, nearness, back)
    edge[edge_near <= np.maximum(nearness, back)] = 0
    return Warped(x, y, np.where(nearness >= 0, nearness, back), edge, edge_from)


@kernel
def _place(
    x: float, y: float, shift: float, terms: npt.NDArray[np.float64], width: int, height: int
) -> tuple[float, float]:
    """Where a pixel's centre goes, in pixels' indices."""
    right, down, forward, focus, scale = terms[0], terms[1], terms[2], terms[3], terms[4]
    middle_x, middle_y = 0.5 * (width - 1), 0.5 * (height - 1)
    nearer = scale / (1.0 - forward * shift)
    return (
        middle_x + nearer * (x - middle_x - right * shift) + scale * right * focus,
        middle_y + nearer * (y - middle_y - down * shift) + scale * down * focus,
    )


@kernel
def _inside(px: float, py: float, corners: npt.NDArray[np.float64]) -> tuple[bool, float, float]:
    """Whether a point lies in a piece with corners (x, y) at (0, 0), (1, 0), (0, 1), (1, 1), and where in it."""
    ax, ay = corners[0, 0], corners[0, 1]
    bx, by = corners[1, 0] - ax, corners[1, 1] - ay
    cx, cy = corners[2, 0] - ax, corners[2, 1] - ay
    det = bx * cy - by * cx
    if abs(det) > 1e-9:
        u = ((px - ax) * cy - (py - ay) * cx) / det
        v = (bx * (py - ay) - by * (px - ax)) / det
        if u >= -_EPSILON and v >= -_EPSILON and u + v <= 1.0 + _EPSILON:
            return True, min(max(u, 0.0), 1.0), min(max(v, 0.0), 1.0)
    ax, ay = corners[3, 0], corners[3, 1]
    bx, by = corners[2, 0] - ax, corners[2, 1] - ay
    cx, cy = corners[1, 0] - ax, corners[1, 1] - ay
    det = bx * cy - by * cx
    if abs(det) > 1e-9:
        u = ((px - ax) * cy - (py - ay) * cx) / det
        v = (bx * (py - ay) - by * (px - ax)) / det
        if u >= -_EPSILON and v >= -_EPSILON and u + v <= 1.0 + _EPSILON:
            return True, min(max(1.0 - u, 0.0), 1.0), min(max(1.0 - v, 0.0), 1.0)
    return False, 0.0, 0.0


@kernel
def _bounds(corners: npt.NDArray[np.float64], axis: int, size: int) -> tuple[int, int]:
    """The first pixel whose centre may lie in a piece, and the one after the last."""
    a, b, c, d = corners[0, axis], corners[1, axis], corners[2, axis], corners[3, axis]
    low, high = min(min(a, b), min(c, d)), max(max(a, b), max(c, d))
    return max(0, int(np.ceil(low - _EPSILON))), min(size, int(np.floor(high + _EPSILON)) + 1)


@kernel
def _front(
    shift: Floats,
    right: Mask,
    down: Mask,
    terms: npt.NDArray[np.float64],
    out_x: Floats,
    out_y: Floats,
    nearness: Floats,
    edge: Floats,
    edge_near: Floats,
    edge_from: Indices,
) -> None:
    height, width = shift.shape
    corners = np.empty((4, 2))
    values = np.empty(4)
    for y in range(height - 1):
        for x in range(width - 1):
            values[0], values[1] = shift[y, x], shift[y, x + 1]
            values[2], values[3] = shift[y + 1, x], shift[y + 1, x + 1]
            if right[y, x] or right[y + 1, x] or down[y, x] or down[y, x + 1]:
                _torn(x, y, values, terms, corners, out_x, out_y, nearness, edge, edge_near, edge_from)
                continue
            for k in range(4):
                corners[k] = _place(x + k % 2, y + k // 2, values[k], terms, width, height)
            left, end = _bounds(corners, 0, width)
            top, bottom = _bounds(corners, 1, height)
            for py in range(top, bottom):
                for px in range(left, end):
                    hit, u, v = _inside(px, py, corners)
                    if not hit:
                        continue
                    near = (values[0] * (1 - u) + values[1] * u) * (1 - v) + (values[2] * (1 - u) + values[3] * u) * v
                    if near > nearness[py, px]:
                        nearness[py, px] = near
                        out_x[py, px], out_y[py, px] = x + u, y + v


@kernel
def _torn(
    x: int,
    y: int,
    values: npt.NDArray[np.float64],
    terms: npt.NDArray[np.float64],
    corners: npt.NDArray[np.float64],
    out_x: Floats,
    out_y: Floats,
    nearness: Floats,
    edge: Floats,
    edge_near: Floats,
    edge_from: Indices,
) -> None:
    """A piece across a step, as what its near corners and what its far corners belong to."""
    height, width = nearness.shape
    lowest, highest = values.min(), values.max()
    middle = 0.5 * (lowest + highest)
    for side in range(2):
        stand_in = highest if side == 0 else lowest
        for k in range(4):
            mine = (values[k] > middle) == (side == 0)
            corners[k] = _place(x + k % 2, y + k // 2, values[k] if mine else stand_in, terms, width, height)
        left, end = _bounds(corners, 0, width)
        top, bottom = _bounds(corners, 1, height)
        for py in range(top, bottom):
            for px in range(left, end):
                hit, u, v = _inside(px, py, corners)
                if not hit:
                    continue
                cover, best, at = 0.0, 0.0, 0
                for k in range(4):
                    if (values[k] > middle) == (side == 0):
                        weight = (u if k % 2 else 1 - u) * (v if k // 2 else 1 - v)
                        cover += weight
                        if weight > best:
                            best, at = weight, k
                if best == 0.0:
                    continue
                from_x, from_y = x + at % 2, y + at // 2
                if side == 1:
                    if cover >= 0.5 and values[at] > nearness[py, px]:
                        nearness[py, px] = values[at]
                        out_x[py, px], out_y[py, px] = from_x, from_y
                elif cover > 1.0 - 1e-3 and values[at] > nearness[py, px]:
                    nearness[py, px] = values[at]
                    out_x[py, px], out_y[py, px] = from_x, from_y
                elif cover > edge[py, px]:
                    edge[py, px], edge_near[py, px] = cover, values[at]
                    edge_from[py, px] = from_y * width + from_x


@kernel
def _back(
    behind: Floats,
    differs: Mask,
    terms: npt.NDArray[np.float64],
    out_x: Floats,
    out_y: Floats,
    nearness: Floats,
    back: Floats,
) -> None:
    """The background where nothing of the photo came to lie."""
    height, width = behind.shape
    corners = np.empty((4, 2))
    for y in range(height - 1):
        for x in range(width - 1):
            if not differs[y, x]:
                continue
            for k in range(4):
                corners[k] = _place(x + k % 2, y + k // 2, behind[y + k // 2, x + k % 2], terms, width, height)
            left, end = _bounds(corners, 0, width)
            top, bottom = _bounds(corners, 1, height)
            for py in range(top, bottom):
                for px in range(left, end):
                    if nearness[py, px] >= 0 or behind[y, x] <= back[py, px]:
                        continue
                    hit, u, v = _inside(px, py, corners)
                    if hit:
                        back[py, px] = behind[y, x]
                        out_x[py, px], out_y[py, px] = x + u, height + y + v


@kernel
def _close(out_x: Floats, out_y: Floats, nearness: Floats, back: Floats) -> None:
    """What neither layer covers shows what its row shows beside it, the farther side first."""
    height, width = nearness.shape
    for y in range(height):
        x = 0
        while x < width:
            if nearness[y, x] >= 0 or back[y, x] >= 0:
                x += 1
                continue
            end = x
            while end < width and nearness[y, end] < 0 and back[y, end] < 0:
                end += 1
            at = -1
            if x > 0:
                at = x - 1
            if end < width and (at < 0 or max(nearness[y, end], back[y, end]) < max(nearness[y, at], back[y, at])):
                at = end
            for hole in range(x, end):
                if at >= 0:
                    out_x[y, hole], out_y[y, hole] = out_x[y, at], out_y[y, at]
                    back[y, hole] = max(nearness[y, at], back[y, at])
            x = end
