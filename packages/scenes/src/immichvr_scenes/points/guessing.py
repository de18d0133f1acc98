"""What a network of the registry says of one picture's depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from immichvr_inference.choice import automatic, is_available
from immichvr_inference.context import RunContext
from immichvr_inference.network import Compute, DepthNetwork, View

if TYPE_CHECKING:
    import torch

F32 = npt.NDArray[np.float32]


def network_depth(rgb: npt.NDArray[np.uint8], focal: float, key: str, context: RunContext) -> F32 | None:
    """Depth, (h, w) of its own size, by the network of this key, or the best that is here ("").

    None where there is none without a download. Raises what a network raises.
    """
    chosen = key or next((one for one in automatic("depth", context) if is_network(one, context)), "")
    if not chosen:
        return None
    network = context.network(chosen)
    if not isinstance(network, DepthNetwork):
        return None

    def work(module: torch.nn.Module, compute: Compute) -> F32:
        [seen] = network.depth(module, [View(rgb, focal)], compute)
        return seen.depth

    made, _ = context.run(chosen, work)
    return np.asarray(made, np.float32)


def is_network(key: str, context: RunContext) -> bool:
    """Whether a network is behind this key, with its weights here."""
    return context.network(key) is not None and is_available(key, "depth", context)
