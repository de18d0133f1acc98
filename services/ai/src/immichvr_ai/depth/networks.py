"""Depth by a network whose weights come from the model cache."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from immichvr_media import Photo
from immichvr_models import Cache, DownloadError, Progress

from immichvr_ai.depth_map import DepthMap
from immichvr_ai.errors import ModelUnavailable, UnknownModel
from immichvr_ai.networks import NETWORKS
from immichvr_ai.networks.base import Compute, DepthNetwork, View, ViewDepth
from immichvr_ai.runtime import Runtime

if TYPE_CHECKING:
    import torch


def network_depth(
    photo: Photo,
    key: str,
    cache: Cache,
    progress: Callable[[Progress], None] | None,
    runtime: Runtime,
    accepted: Collection[str] = (),
) -> DepthMap:
    """Depth by the registry's model of this key, fetched if need be.

    Raises ModelUnavailable with what stopped it, and what `progress` raises.
    """
    model, network = cache.registry[key], NETWORKS[key]
    if not isinstance(network, DepthNetwork):
        raise UnknownModel(f"{key} makes no depth")
    try:
        directory = cache.ensure(model, progress, accepted=key in accepted)
    except DownloadError as error:
        raise ModelUnavailable(key, error.code, str(error)) from error

    def work(module: torch.nn.Module, compute: Compute) -> ViewDepth:
        return network.depth(module, [view_of(photo)], compute)[0]

    try:
        seen = runtime.run(key, directory, network, work)
    except ModelUnavailable:
        raise
    except (ValueError, RuntimeError) as error:
        raise ModelUnavailable(key, "invalid_weights", f"the network does not run: {error}") from error
    return DepthMap(depth=seen.depth, metric=seen.metric, model_key=key, revision=model.revision)


def view_of(photo: Photo) -> View:
    """A photo as networks get it."""
    return View(photo.rgb, photo.focal.px, focal_known=photo.focal.source != "default")
