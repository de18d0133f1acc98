"""Networks: one file for each family, all with the same shape (`base.py`), under the keys of the model registry."""

from immichvr_ai.networks.base import Network
from immichvr_ai.networks.depth_anything_v2 import DepthAnythingV2
from immichvr_ai.networks.depth_pro import DepthPro
from immichvr_ai.networks.midas import Midas
from immichvr_ai.networks.zoedepth import ZoeDepth

NETWORKS: dict[str, Network] = {
    "da2-small": DepthAnythingV2(),
    "da2-base": DepthAnythingV2(),
    "da2-large": DepthAnythingV2(),
    "midas-dpt-large": Midas(),
    "zoedepth": ZoeDepth(),
    "depthpro": DepthPro(),
}
"""The network behind each key of the model registry. Nothing heavy is imported before one is loaded."""

__all__ = ["NETWORKS", "Network"]
