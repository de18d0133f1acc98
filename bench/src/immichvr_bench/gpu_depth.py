"""Depth Anything 3 and lifting on a GPU."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from immichvr_depth.depth_map import DepthMap
from immichvr_depth.lift import lift
from immichvr_inference.network import Compute, SplatNetwork
from immichvr_networks import NETWORKS

from immichvr_bench.gpu_photos import jpeg, spz_of, view_of
from immichvr_bench.gpu_report import Bench

DA3 = ("da3-small", "da3-base", "da3-large", "da3-giant")
_PRECISIONS = {"bfloat16": torch.bfloat16, "float32": torch.float32}


def measure_networks(bench: Bench) -> None:
    """Frames of 504 x 378 a second, from the pixels of a photo to arrays on this computer."""
    view = view_of(jpeg(128, 96) if bench.small else jpeg(1280, 960))
    for key in (DA3[0], DA3[-1]) if bench.small else DA3:
        network: Any = NETWORKS[key]
        module: Any = None
        with bench.row("DA3", f"{key}: random weights, made on the device") as row:
            bench.in_time()
            module = network.tiny().to(bench.device) if bench.small else _random(key, bench.device)
            row.other["million parameters"] = sum(one.numel() for one in module.parameters()) / 1e6
        if module is None:
            continue
        for name, dtype in _PRECISIONS.items():
            compute = Compute(bench.device, dtype)
            _frames(bench, f"{key}, depth, {name}", partial(network.depth, module, [view], compute))
            if isinstance(network, SplatNetwork):
                _frames(bench, f"{key}, Gaussians, {name}", partial(network.splats, module, [view], compute))


def measure_lifting(bench: Bench) -> None:
    """A photo and its depth to a file, on the CPU."""
    size, count = ((160, 120), 5_000) if bench.small else ((4032, 3024), 500_000)
    with bench.row("lifting", f"{size[0]} x {size[1]} photo, depth of 504 x 378, {count:,} Gaussians at most") as row:
        view = view_of(jpeg(*size))
        x, y = np.meshgrid(np.linspace(0, 9, 504), np.linspace(0, 7, 378))
        depth = DepthMap((2 + np.sin(x) * np.sin(y)).astype(np.float32), False, "none", "0")
        row.ms["lift"] = bench.timed(lambda: lift(view.rgb, depth, view.focal_px, count))
        cloud = lift(view.rgb, depth, view.focal_px, count).cloud
        row.other["Gaussians"] = cloud.count
        row.ms["SPZ"] = bench.timed(lambda: spz_of(cloud))


def _frames(bench: Bench, name: str, work: Callable[[], object]) -> None:
    with bench.row("DA3", name) as row, torch.inference_mode():
        row.ms["a frame"] = bench.timed(work, seconds=2.0)
        row.other["frames/s"] = 1000 / row.ms["a frame"]
        row.other["peak, GB"] = bench.peak_mb(work) / 1e3


def _random(key: str, device: torch.device) -> torch.nn.Module:
    from immichvr_networks.depth_anything_3 import weights

    with device:
        return weights.full_random(key).requires_grad_(False)
