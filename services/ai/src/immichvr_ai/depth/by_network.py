"""Depth by a network whose weights come from the model cache."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from immichvr_depth import DepthMap
from immichvr_inference import Compute, DepthNetwork, ViewDepth, view_of
from immichvr_inference.context import RunContext
from immichvr_inference.errors import UnknownModel
from immichvr_media import Photo

if TYPE_CHECKING:
    import torch


def network_depth(photo: Photo, key: str, context: RunContext) -> DepthMap:
    """Depth by the registry's model of this key, fetched if need be.

    Raises ModelUnavailable with what stopped it, and what `context.on_download` raises.
    """
    network = context.network(key)
    if not isinstance(network, DepthNetwork):
        raise UnknownModel(f"{key} makes no depth")

    def work(module: torch.nn.Module, compute: Compute) -> ViewDepth:
        return network.depth(module, [view_of(photo)], compute)[0]

    seen, note = context.run(key, work)
    return replace(depth_map(photo, seen, key, context.cache.registry[key].revision), reason=note)


def depth_map(photo: Photo, seen: ViewDepth, key: str, revision: str) -> DepthMap:
    """What a network saw of a photo; its estimate of the focal length counts where the photo's own is a guess."""
    focal_px = None
    if seen.camera is not None and photo.focal.source == "default":
        focal_px = seen.camera.fx * photo.width / seen.camera.width
    return DepthMap(
        depth=seen.depth,
        metric=seen.metric,
        model_key=key,
        revision=revision,
        confidence=seen.confidence,
        focal_px=focal_px,
    )
