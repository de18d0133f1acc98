"""Several photos of one place become a scene: depth and cameras in one world, and Gaussians if a network makes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from immichvr_media import Photo
from immichvr_models import Cache, Progress

from immichvr_ai.depth.networks import run_network, view_of
from immichvr_ai.errors import UnknownModel
from immichvr_ai.networks import NETWORKS
from immichvr_ai.networks.base import Compute, Scene, SceneNetwork
from immichvr_ai.runtime import RUNTIME, Runtime

if TYPE_CHECKING:
    import torch

SCENE_MODELS = tuple(key for key, network in NETWORKS.items() if isinstance(network, SceneNetwork))
"""Every model that sees several photos together."""


def make_scene(
    photos: Sequence[Photo],
    key: str,
    *,
    cache: Cache,
    splat: bool = True,
    progress: Callable[[Progress], None] | None = None,
    runtime: Runtime = RUNTIME,
    accepted: Collection[str] = (),
) -> Scene:
    """The place that all these photos show, by the registry's model of this key, fetched if need be.

    splat: Gaussians are wanted too; not every model makes them. Memory grows with the square of the number of photos.
    Raises UnknownModel, ModelUnavailable, ValueError where there is no photo, and what `progress` raises.
    """
    network = NETWORKS.get(key)
    if not isinstance(network, SceneNetwork):
        raise UnknownModel(f"{key} does not see several photos together; these do: {', '.join(SCENE_MODELS)}")
    if not photos:
        raise ValueError("a scene wants at least one photo")
    views = [view_of(photo) for photo in photos]

    def work(module: torch.nn.Module, compute: Compute) -> Scene:
        return network.scene(module, views, compute, splat=splat)

    scene, _ = run_network(key, network, work, cache, progress, runtime, accepted)
    return scene
