"""Networks that make Gaussians of single photos: which are here, and what one makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from immichvr_inference.context import RunContext
from immichvr_inference.network import Compute, SplatNetwork, View

if TYPE_CHECKING:
    import torch
    from immichvr_splats import GaussianCloud


def splat_networks(context: RunContext) -> list[str]:
    """The networks that make Gaussians of a photo themselves and are here and permitted, best first."""
    keys = context.cache.registry.preferred("splat")
    return [key for key in keys if makes_splats(key, context)]


def makes_splats(key: str, context: RunContext) -> bool:
    """Whether behind this key is a network that makes Gaussians of a photo itself, here and permitted."""
    return isinstance(context.network(key), SplatNetwork) and context.has_weights(key)


def splats_of(views: Sequence[View], key: str, context: RunContext) -> tuple[list[GaussianCloud], str]:
    """A cloud for each of these photos by the network of this key, which makes such; and what it had to do without.

    Raises as `RunContext.run` does.
    """
    network = context.network(key)

    def work(module: torch.nn.Module, compute: Compute) -> list[GaussianCloud]:
        assert isinstance(network, SplatNetwork)  # noqa: S101  # only such keys come here
        return network.splats(module, views, compute)

    return context.run(key, work)
