"""Depth by a network whose weights come from the model cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
from immichvr_media import Photo
from immichvr_models import Cache, DownloadError, Progress

from immichvr_ai.depth.depth_anything import DepthAnythingV2
from immichvr_ai.depth.errors import DepthUnavailable
from immichvr_ai.depth.runtime import Runtime
from immichvr_ai.depth_map import DepthMap, FloatImage

if TYPE_CHECKING:
    import torch
    from immichvr_media import Photo


class DepthNetwork(Protocol):
    """What a file about one family of networks knows: its weights, its input, the meaning of its output."""

    metric: bool

    def load(self, directory: Path) -> torch.nn.Module:
        """Load the network from the registry's files; OSError, ValueError or RuntimeError where they do not fit."""

    def prepare(self, rgb: npt.NDArray[np.uint8]) -> FloatImage:
        """The input, (1, 3, h, w) float32, for a photo (H, W, 3) uint8."""

    def depth(self, output: FloatImage, height: int, width: int) -> FloatImage:
        """Depth, as `DepthMap` has it, of a photo of this size from the network's output (h, w)."""


NETWORKS: dict[str, DepthNetwork] = {"da2-small": DepthAnythingV2()}
"""The network behind each key of the model registry."""
RUNTIME = Runtime()
"""The networks of this process."""


def network_depth(
    photo: Photo,
    key: str,
    cache: Cache,
    progress: Callable[[Progress], None] | None,
    runtime: Runtime,
) -> DepthMap:
    """Depth by the registry's model of this key, fetched if need be.

    Raises DepthUnavailable with what stopped it, and what `progress` raises.
    """
    model = cache.registry[key]
    try:
        directory = cache.ensure(model, progress)
    except DownloadError as error:
        raise DepthUnavailable(key, error.code, str(error)) from error
    network = NETWORKS[key]
    try:
        output = runtime.infer(key, directory, network.load, network.prepare(photo.rgb))
    except ImportError as error:
        raise DepthUnavailable(key, "not_installed", f"{error.name} is not installed") from error
    except MemoryError as error:
        raise DepthUnavailable(key, "out_of_memory", "the device has not enough memory") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise DepthUnavailable(key, "invalid_weights", f"the network does not run: {error}") from error
    if not np.isfinite(output).all():
        raise DepthUnavailable(key, "invalid_weights", "the network's output is not finite")
    height, width = photo.rgb.shape[:2]
    return DepthMap(
        depth=network.depth(output, height, width),
        metric=network.metric,
        model_key=key,
        revision=model.revision,
    )
