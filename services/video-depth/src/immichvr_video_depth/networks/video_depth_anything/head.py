"""The head: what the encoder saw becomes depth, coarse to fine, with looks at the other frames in between.

Source: Ranftl, Bochkovskiy, Koltun, "Vision Transformers for Dense Prediction" (ICCV 2021), with temporal attention
as in Chen et al., "Video Depth Anything: Consistent Depth Estimation for Super-Long Videos" (CVPR 2025).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from immichvr_video_depth.networks.video_depth_anything.shapes import PATCH, Shape
from immichvr_video_depth.networks.video_depth_anything.temporal import Step, TemporalModule

_AT_ONCE = 4
"""Frames of which the finest levels are computed at once, which is where most of the memory would go."""
_LAST = 32


class Head(nn.Module):  # type: ignore[misc]  # torch has no types here
    """Taps to depth."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        one, two, three, four = shape.channels
        self.projects = nn.ModuleList(nn.Conv2d(shape.width, channels, 1) for channels in shape.channels)
        self.resize_layers = nn.ModuleList(
            [
                nn.ConvTranspose2d(one, one, 4, 4),
                nn.ConvTranspose2d(two, two, 2, 2),
                nn.Identity(),
                nn.Conv2d(four, four, 3, 2, 1),
            ]
        )
        self.scratch = _Fusing(shape)
        self.motion_modules = nn.ModuleList(
            TemporalModule(width) for width in (three, four, shape.features, shape.features)
        )

    def forward(self, taps: list[Tensor], frames: int, step: Step) -> Tensor:
        """Depth (N, 1, H, W), not negative, of taps (N, D, H / 14, W / 14) of N / `frames` clips."""
        rows, columns = taps[0].shape[2:]
        levels = [
            resize(project(tap)) for tap, project, resize in zip(taps, self.projects, self.resize_layers, strict=True)
        ]
        levels[2] = self._in_time(0, levels[2], frames, step)
        levels[3] = self._in_time(1, levels[3], frames, step)
        fine, coarse = self.scratch.narrowed(levels)
        fused = self._in_time(2, self.scratch.refinenet4(coarse[1], size=coarse[0].shape[2:]), frames, step)
        fused = self._in_time(3, self.scratch.refinenet3(fused, coarse[0], size=fine[1].shape[2:]), frames, step)
        size = (rows * PATCH, columns * PATCH)
        parts = zip(*(tensor.split(_AT_ONCE) for tensor in (fused, *fine)), strict=True)
        return torch.cat([self.scratch.finest(fused_part, one, two, size) for fused_part, one, two in parts])

    def _in_time(self, index: int, features: Tensor, frames: int, step: Step) -> Tensor:
        clips = features.unflatten(0, (-1, frames)).transpose(1, 2)
        return self.motion_modules[index](clips, step).transpose(1, 2).flatten(0, 1)


class _Fusing(nn.Module):  # type: ignore[misc]
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        features = shape.features
        one, two, three, four = shape.channels
        self.layer1_rn = nn.Conv2d(one, features, 3, 1, 1, bias=False)
        self.layer2_rn = nn.Conv2d(two, features, 3, 1, 1, bias=False)
        self.layer3_rn = nn.Conv2d(three, features, 3, 1, 1, bias=False)
        self.layer4_rn = nn.Conv2d(four, features, 3, 1, 1, bias=False)
        self.refinenet1 = _Fusion(features)
        self.refinenet2 = _Fusion(features)
        self.refinenet3 = _Fusion(features)
        self.refinenet4 = _Fusion(features)
        self.output_conv1 = nn.Conv2d(features, features // 2, 3, 1, 1)
        self.output_conv2 = nn.ModuleDict(
            {"0": nn.Conv2d(features // 2, _LAST, 3, 1, 1), "2": nn.Conv2d(_LAST, 1, 1)},
        )

    def narrowed(self, levels: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """The levels with as many channels as they are fused in: the two finer ones, and the two coarser ones."""
        one, two, three, four = levels
        return [self.layer1_rn(one), self.layer2_rn(two)], [self.layer3_rn(three), self.layer4_rn(four)]

    def finest(self, fused: Tensor, one: Tensor, two: Tensor, size: tuple[int, int]) -> Tensor:
        """Depth (N, 1, H, W) of what the coarser levels were fused to and the two finer ones."""
        fused = self.refinenet2(fused, two, size=one.shape[2:])
        fused = self.refinenet1(fused, one, size=[2 * side for side in one.shape[2:]])
        features = _resized(self.output_conv1(fused), size)
        # In single precision whatever the rest runs in: here small differences of depth are made.
        with torch.autocast(features.device.type, enabled=False):
            features = functional.relu(self.output_conv2["0"](features.float()))
            return functional.relu(self.output_conv2["2"](features))


class _Fusion(nn.Module):  # type: ignore[misc]
    """Two levels to one of the finer one's size."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.out_conv = nn.Conv2d(features, features, 1)
        self.resConfUnit1 = _Residual(features)  # the coarsest level has no use for it; published files have it
        self.resConfUnit2 = _Residual(features)

    def forward(self, coarser: Tensor, finer: Tensor | None = None, *, size: list[int]) -> Tensor:
        fused = coarser if finer is None else coarser + self.resConfUnit1(finer)
        return self.out_conv(_resized(self.resConfUnit2(fused), size))


class _Residual(nn.Module):  # type: ignore[misc]
    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, 3, 1, 1)
        self.conv2 = nn.Conv2d(features, features, 3, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.conv2(functional.relu(self.conv1(functional.relu(features))))


def _resized(features: Tensor, size: list[int] | tuple[int, int]) -> Tensor:
    return functional.interpolate(features, size, mode="bilinear", align_corners=True)
