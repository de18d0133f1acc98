"""One pass of a network over the photos of one place, or over one photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from immichvr_depth.depth_map import FloatImage
from immichvr_inference.network import Compute

from immichvr_networks.depth_anything_3.poses import Matrices, square
from immichvr_networks.depth_anything_3.raw import RawGaussians


@dataclass(frozen=True)
class Output:
    """What a network says of S views on a canvas of H x W pixels.

    depth: (S, H, W) float32, in the network's unit: `scale` metres where the network is a nested one. confidence: the
    same shape. extrinsics: (S, 4, 4) world to camera, in the same unit, of any world. focals: (S, 2), fx and fy in
    pixels of the canvas. What a network does not give is None.
    """

    depth: FloatImage
    confidence: FloatImage | None
    extrinsics: Matrices | None
    focals: FloatImage | None
    gaussians: RawGaussians | None
    scale: float | None


@dataclass(frozen=True)
class Known:
    """Cameras that are known beforehand. extrinsics: (S, 4, 4), as `poses.normalised` gives them; intrinsics:
    (S, 3, 3), in pixels of the canvas."""

    extrinsics: Matrices
    intrinsics: Matrices


def run(
    module: torch.nn.Module, pixels: FloatImage, compute: Compute, *, splat: bool = False, known: Known | None = None
) -> Output:
    """The network's output for S photos, (S, 3, H, W), normalised, which all show one place.

    Raises ValueError where the output is not finite.
    """
    on_gpu = compute.device.type == "cuda"
    # The depth of the sky is that of a random sample of the rest: the same for the same photo, and nobody else's
    # random numbers are touched.
    own_random = torch.random.fork_rng(devices=[compute.device] if on_gpu else [])
    # Upstream's own call picks float16 on a CPU, where it is slow and overflows; here the precision is asked for.
    with torch.inference_mode(), own_random, compute.autocast():
        torch.manual_seed(0)
        output, scale = _forward(module, _inputs(pixels, known, compute.device), splat)
    return _checked(output, scale)


def _inputs(pixels: FloatImage, known: Known | None, device: torch.device) -> dict[str, torch.Tensor]:
    """The views of one scene: a batch of one, since heads that work in chunks of 8 views mix up batches."""
    inputs = {"x": torch.from_numpy(pixels)}
    if known is not None:
        inputs["extrinsics"] = torch.from_numpy(known.extrinsics)
        inputs["intrinsics"] = torch.from_numpy(known.intrinsics)
    return {name: tensor[None].float().to(device) for name, tensor in inputs.items()}


def _forward(module: torch.nn.Module, inputs: dict[str, torch.Tensor], splat: bool) -> tuple[Any, float | None]:
    """The output and, of a nested network, by what it was scaled."""
    if not hasattr(module, "da3_metric"):
        return module(**inputs, infer_gs=splat), None
    try:
        output = module(**inputs, infer_gs=splat)
        scale = float(output.scale_factor)
    except AssertionError:  # upstream's word for a photo of nothing but sky, which has no size
        scale = 0.0
    if np.isfinite(scale) and scale > 0:
        return output, scale
    return module.da3(**inputs, infer_gs=splat), None


def _checked(output: Any, scale: float | None) -> Output:
    depth = _numbers(output.depth)
    confidence = _numbers(output.depth_conf) if "depth_conf" in output else None
    extrinsics = focals = None
    if "extrinsics" in output:
        extrinsics = square(_numbers(output.extrinsics))
        focals = np.diagonal(_numbers(output.intrinsics), axis1=1, axis2=2)[:, :2]
    for part in (depth, confidence, extrinsics, focals):
        if part is not None and not np.isfinite(part).all():
            raise ValueError("the network's output is not finite")
    return Output(depth, confidence, extrinsics, focals, output.get("gaussians"), scale)


def _numbers(tensor: torch.Tensor) -> FloatImage:
    """The only scene of a batch, as an array of its own."""
    return np.array(tensor[0].float().cpu().numpy())
