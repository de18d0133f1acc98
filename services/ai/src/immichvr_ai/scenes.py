"""Several photos of one place become a scene: depth and cameras in one world, and Gaussians if a network makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from immichvr_inference import Compute, Scene, SceneNetwork, view_of
from immichvr_inference.context import RunContext
from immichvr_inference.errors import UnknownModel
from immichvr_media import Photo
from immichvr_networks import NETWORKS

if TYPE_CHECKING:
    import torch

SCENE_MODELS = tuple(key for key, network in NETWORKS.items() if isinstance(network, SceneNetwork))
"""Every model that sees several photos together."""


def make_scene(photos: Sequence[Photo], key: str, context: RunContext, *, splat: bool = True) -> Scene:
    """The place that all these photos show, by the registry's model of this key, fetched if need be.

    splat: Gaussians are wanted too; not every model makes them. Memory grows with the square of the number of photos.
    Raises UnknownModel, ModelUnavailable, ValueError where there is no photo, and what `context.on_download` raises.
    """
    network = context.network(key)
    if not isinstance(network, SceneNetwork):
        raise UnknownModel(f"{key} does not see several photos together; these do: {', '.join(SCENE_MODELS)}")
    if not photos:
        raise ValueError("a scene wants at least one photo")
    views = [view_of(photo) for photo in photos]

    def work(module: torch.nn.Module, compute: Compute) -> Scene:
        return network.scene(module, views, compute, splat=splat)

    scene, _ = context.run(key, work)
    return scene
