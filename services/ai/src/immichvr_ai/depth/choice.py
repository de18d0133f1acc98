"""Which model makes depth where nobody asked for one by name, and what stands in where memory is short."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from immichvr_models import PREFERRED_DEPTH, Cache

from immichvr_ai.networks import NETWORKS
from immichvr_ai.networks.base import DepthNetwork

FETCHED = "da2-small"
"""The network that `auto` fetches where no other is there."""


def automatic(cache: Cache, accepted: Collection[str]) -> Iterator[str]:
    """Networks that `auto` tries, best first: what is there and permitted, and the one that may be fetched."""
    for key in PREFERRED_DEPTH:
        if key == FETCHED or at_hand(key, cache, accepted):
            yield key


def at_hand(key: str, cache: Cache, accepted: Collection[str]) -> bool:
    """Whether this model makes depth here without a download and without another yes to its licence."""
    if key in cache.registry and cache.registry[key].built_in:
        return "depth" in cache.registry[key].makes
    return isinstance(NETWORKS.get(key), DepthNetwork) and is_here(key, cache, accepted)


def is_here(key: str, cache: Cache, accepted: Collection[str]) -> bool:
    """Whether a model's weights are here, checked, and its licence is accepted or asks for nothing."""
    if key not in cache.registry:
        return False
    model = cache.registry[key]
    if cache.state(model) != "ready":
        return False
    return model.licence.permissive or key in accepted or key in cache.settings.accepted or key in cache.accepted()
