"""The encoder: a DINOv2 vision transformer that sees each frame by itself.

Source: Oquab et al., "DINOv2: Learning Robust Visual Features without Supervision" (2023). It is written here as the
tensors of published files have its names, and as transformers' resizes the embedding of positions by another rule.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from immichvr_video_depth.networks.video_depth_anything.shapes import HEAD_WIDTH, PATCH, TRAINED_GRID, Shape

_EPS = 1e-6
_OFFSET = 0.1
"""Of a patch, by which the factor that resizes the embedding of positions exceeds the grid's own."""


class Encoder(nn.Module):  # type: ignore[misc]  # torch has no types here
    """Frames to what the tapped blocks make of them."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.taps = shape.taps
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + TRAINED_GRID**2, width))
        self.mask_token = nn.Parameter(torch.zeros(1, width))  # of training alone; published files have it
        self.patch_embed = _Patches(width)
        self.blocks = nn.ModuleList(_Block(width) for _ in range(shape.blocks))
        self.norm = nn.LayerNorm(width, eps=_EPS)

    def forward(self, frames: Tensor) -> list[Tensor]:
        """The taps (N, D, H / 14, W / 14), shallowest first, of frames (N, 3, H, W), normalised."""
        rows, columns = frames.shape[2] // PATCH, frames.shape[3] // PATCH
        tokens = self.patch_embed(frames)
        tokens = torch.cat([self.cls_token.expand(len(tokens), -1, -1).to(tokens.dtype), tokens], 1)
        tokens = tokens + self.positions(rows, columns).to(tokens.dtype)
        seen = []
        for index, block in enumerate(self.blocks):
            tokens = block(tokens)
            if index in self.taps:
                patches = self.norm(tokens)[:, 1:]
                seen.append(patches.transpose(1, 2).unflatten(2, (rows, columns)))
        return seen

    def positions(self, rows: int, columns: int) -> Tensor:
        """The embedding of positions (1, 1 + rows * columns, D) float32 for a grid of patches.

        The trained grid is resized by factors a tenth of a patch larger than the grid asks for, as it was in training.
        """
        if rows == columns == TRAINED_GRID:
            return self.pos_embed
        grid = self.pos_embed[:, 1:].float().transpose(1, 2).unflatten(2, (TRAINED_GRID, TRAINED_GRID))
        factors = ((rows + _OFFSET) / TRAINED_GRID, (columns + _OFFSET) / TRAINED_GRID)
        resized = functional.interpolate(grid, scale_factor=factors, mode="bicubic")
        return torch.cat([self.pos_embed[:, :1].float(), resized.flatten(2).transpose(1, 2)], 1)


class _Patches(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, PATCH)

    def forward(self, frames: Tensor) -> Tensor:
        return self.proj(frames).flatten(2).transpose(1, 2)


class _Block(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=_EPS)
        self.attn = _Attention(width)
        self.ls1 = _LayerScale(width)
        self.norm2 = nn.LayerNorm(width, eps=_EPS)
        self.mlp = _FeedForward(width)
        self.ls2 = _LayerScale(width)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        return tokens + self.ls2(self.mlp(self.norm2(tokens)))


class _Attention(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self.qkv(tokens).unflatten(2, (3, -1, HEAD_WIDTH)).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value)
        return self.proj(seen.transpose(1, 2).flatten(2))


class _FeedForward(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(tokens)))


class _LayerScale(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens * self.gamma
