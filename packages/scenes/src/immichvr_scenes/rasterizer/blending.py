"""Spots drawn in tiles by the renderer's own kernels, as one step of a graph of gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from immichvr_splats.rendering.blending import draw_row
from immichvr_splats.rendering.tiles import count_in_tiles, put_into_tiles, tiles_along
from immichvr_splats.threads import in_order

from immichvr_scenes.rasterizer.gradients import MOMENTS, gather, moments_of_row

F32 = npt.NDArray[np.float32]


class Blend(torch.autograd.Function):  # type: ignore[misc]  # torch is without types here
    """spots (N, WIDTH), height, width -> rgb (h, w, 3), alpha (h, w), depth (h, w) times alpha."""

    @staticmethod
    def forward(ctx: Any, spots: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, ...]:
        """Draw the spots."""
        rows = np.ascontiguousarray(spots.detach().numpy(), np.float32)
        starts, members = _tiled(rows, height, width)
        rgb = np.empty((height, width, 3), np.float32)
        alpha, depth = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
        _each_row(height, lambda row: draw_row(row, rows, starts[row], members, rgb, alpha, depth))
        depth *= alpha
        ctx.drawn = rows, starts, members, rgb, alpha, depth
        return torch.from_numpy(rgb), torch.from_numpy(alpha), torch.from_numpy(depth)

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """The gradient of the spots, from those of what was drawn."""
        rows, starts, members, rgb, alpha, depth = ctx.drawn
        height = alpha.shape[0]
        of_rgb, of_alpha, of_depth = (np.ascontiguousarray(one.numpy(), np.float32) for one in given)
        # What is still to come behind each spot, and what lets the background through, weigh on its opacity alike.
        rest = (of_rgb * rgb).sum(axis=2) + of_depth * depth - of_alpha * (1 - alpha)
        moments = np.zeros((members.size, MOMENTS), np.float32)
        _each_row(height, lambda row: moments_of_row(row, rows, starts[row], members, rest, of_rgb, of_depth, moments))
        found = np.zeros_like(rows)
        gather(rows, members, moments, found)
        return torch.from_numpy(found), None, None


def _tiled(spots: F32, height: int, width: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Where the members of each tile begin, (rows, columns + 1), and the members, which are not sorted yet."""
    rows, columns = tiles_along(height), tiles_along(width)
    counts = np.zeros((rows, columns), np.int64)
    count_in_tiles(spots, counts)
    ends = np.concatenate(([0], np.cumsum(counts)))
    members = np.empty(ends[-1], np.uint64)
    put_into_tiles(spots, 0, rows, 0, ends[:-1].reshape(rows, columns).copy(), members)
    starts = np.stack([ends[row * columns : (row + 1) * columns + 1] for row in range(rows)])
    return starts, members


def _each_row(height: int, work: Callable[[int], None]) -> None:
    for _ in in_order(work, range(tiles_along(height))):
        pass
