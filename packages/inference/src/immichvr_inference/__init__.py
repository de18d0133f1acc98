"""Running networks: where (device, precision, memory), which of them stay loaded, and what stands in for one.

Here is what a network is, which needs no other library; what runs it is in the modules beside.
"""

from immichvr_inference.finding import Networks, networks_in
from immichvr_inference.network import (
    Compute,
    DepthNetwork,
    Network,
    Scene,
    SceneNetwork,
    SplatNetwork,
    View,
    ViewDepth,
    view_of,
)

__all__ = [
    "Compute",
    "DepthNetwork",
    "Network",
    "Networks",
    "Scene",
    "SceneNetwork",
    "SplatNetwork",
    "View",
    "ViewDepth",
    "networks_in",
    "view_of",
]
