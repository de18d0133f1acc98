"""Running networks: where (device, precision, memory), which of them stay loaded, and what stands in for one.

Here is what a network is, which needs numpy alone; what runs it is in the modules beside.
"""

from immichvr_inference.finding import networks_in
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
    "Scene",
    "SceneNetwork",
    "SplatNetwork",
    "View",
    "ViewDepth",
    "networks_in",
    "view_of",
]
