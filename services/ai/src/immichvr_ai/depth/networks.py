"""Depth by a network whose weights come from the model cache."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from immichvr_media import Photo
from immichvr_models import Cache, DownloadError, Progress

from immichvr_ai.depth_map import DepthMap
from immichvr_ai.errors import ModelError, ModelUnavailable, UnknownModel
from immichvr_ai.networks import NETWORKS
from immichvr_ai.networks.base import Compute, DepthNetwork, Network, View, ViewDepth
from immichvr_ai.runtime import Runtime

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


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
    network = NETWORKS.get(key)
    if not isinstance(network, DepthNetwork):
        raise UnknownModel(f"{key} makes no depth")

    def work(module: torch.nn.Module, compute: Compute) -> ViewDepth:
        return network.depth(module, [view_of(photo)], compute)[0]

    seen, note = run_network(key, network, work, cache, progress, runtime, accepted)
    return replace(depth_map(photo, seen, key, cache.registry[key].revision), reason=note)


def run_network(
    key: str,
    network: Network,
    work: Callable[[torch.nn.Module, Compute], T],
    cache: Cache,
    progress: Callable[[Progress], None] | None,
    runtime: Runtime,
    accepted: Collection[str],
) -> tuple[T, str]:
    """Do some work with the registry's model of this key, fetched if need be.

    Returns what it made, and in words what it had to do without. Raises as `network_depth` does, and DeviceFailed.
    """
    efforts: list[float] = []

    def noted(module: torch.nn.Module, compute: Compute) -> T:
        efforts.append(compute.effort)
        return work(module, compute)

    try:
        directory = cache.ensure(cache.registry[key], progress, accepted=key in accepted)
    except DownloadError as error:
        raise ModelUnavailable(key, error.code, str(error), error.remedy) from error
    try:
        made = runtime.run(key, directory, network, noted)
    except ModelError:
        raise
    except ImportError as error:
        raise ModelUnavailable(key, "not_installed", f"{error.name or error} is not installed") from error
    except (ValueError, RuntimeError) as error:
        raise ModelUnavailable(key, "invalid_weights", f"the network does not run: {error}") from error
    return made, f"{key} ran a second time with less effort, as memory ran out" if len(efforts) > 1 else ""


def view_of(photo: Photo) -> View:
    """A photo as networks get it."""
    return View(photo.rgb, photo.focal.px, focal_known=photo.focal.source != "default")


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
