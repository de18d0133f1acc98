"""The networks of the family: depth from one photo, scenes from several, Gaussians from either."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from immichvr_inference.network import Compute, Scene, View, ViewDepth
from immichvr_splats import Camera, GaussianCloud

from immichvr_networks.depth_anything_3 import poses, weights
from immichvr_networks.depth_anything_3.inputs import Canvas, canvas_of

if TYPE_CHECKING:
    import torch

    from immichvr_networks.depth_anything_3.forward import Known


class _Weights:
    """What all of them have: weights of their own. Upstream runs them in bfloat16 where the device can."""

    bf16 = True

    def __init__(self, key: str, *, metric: bool = False) -> None:
        self.key, self.metric = key, metric

    def load(self, directory: Path) -> torch.nn.Module:
        """The network with the weights of `model.safetensors`, on the CPU. Raises OSError, ValueError."""
        return weights.loaded(partial(weights.full, self.key), directory)

    def tiny(self, seed: int = 0) -> torch.nn.Module:
        """Upstream's network with 0.2 to 0.7 million random weights."""
        return weights.tiny(self.key, seed)


class MonocularNetwork(_Weights):
    """The networks that give depth without a camera: `da3mono-large`, `da3metric-large`."""

    def depth(self, module: torch.nn.Module, views: Sequence[View], compute: Compute) -> list[ViewDepth]:
        """Depth of each photo, in a pass of its own: the sky's is estimated over all photos of a pass."""
        from immichvr_networks.depth_anything_3 import forward, results

        depths = []
        for view in views:
            canvas = canvas_of([view], compute.effort)
            output = forward.run(module, canvas.pixels, compute)
            depths.append(results.monocular(view, canvas.windows[0], output, metric=self.metric))
        return depths


class AnyViewNetwork(_Weights):
    """The networks that give depth and cameras of one or several views: `da3-small`, `da3-base`, `da3-large`."""

    def depth(self, module: torch.nn.Module, views: Sequence[View], compute: Compute) -> list[ViewDepth]:
        """Depth and camera of each photo, in a pass of its own."""
        return [self.scene(module, [view], compute, splat=False).views[0] for view in views]

    def scene(
        self,
        module: torch.nn.Module,
        views: Sequence[View],
        compute: Compute,
        *,
        splat: bool,
        known: Sequence[Camera] | None = None,
    ) -> Scene:
        """The place that all these views show.

        known: the cameras of the views where they are known, in metres and in pixels of each photo. They help the
        network and put the scene on their scale; the cameras in the result are still those that the network sees,
        to which its depth belongs.
        """
        from immichvr_networks.depth_anything_3 import forward, results

        canvas = canvas_of(views, compute.effort)
        told = None if known is None else _told(known, canvas)
        output = forward.run(module, canvas.pixels, compute, splat=splat, known=told)
        return results.scene(views, canvas, output, None if known is None else poses.extrinsics_of(known))


class SplatNetwork(AnyViewNetwork):
    """The networks that make Gaussians too: `da3-giant`, `da3nested-giant-large`."""

    def splats(self, module: torch.nn.Module, views: Sequence[View], compute: Compute) -> list[GaussianCloud]:
        """A cloud for each photo, in its camera's axes; in metres where `metric`, else with a median depth of 2."""
        scenes = [self.scene(module, [view], compute, splat=True) for view in views]
        return [scene.cloud for scene in scenes if scene.cloud is not None]


def _told(known: Sequence[Camera], canvas: Canvas) -> Known:
    """Known cameras as the network takes them."""
    from immichvr_networks.depth_anything_3.forward import Known

    height, width = canvas.pixels.shape[2:]
    intrinsics = np.tile(np.eye(3), (len(known), 1, 1))
    for matrix, camera, window in zip(intrinsics, known, canvas.windows, strict=True):
        matrix[0, 0] = camera.fx * window.width / camera.width
        matrix[1, 1] = camera.fy * window.height / camera.height
        matrix[:2, 2] = width / 2, height / 2
    return Known(poses.normalised(poses.extrinsics_of(known)), intrinsics)
