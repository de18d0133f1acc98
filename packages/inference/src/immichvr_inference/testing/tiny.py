"""Networks made small."""

from __future__ import annotations

from copy import copy

from immichvr_inference.network import Network


def with_tiny_weights(network: Network, seed: int = 0) -> Network:
    """The network, but that it loads few and random weights, whatever the directory."""
    twin = copy(network)
    vars(twin)["load"] = lambda _: network.tiny(seed)
    return twin
