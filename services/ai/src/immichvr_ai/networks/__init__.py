"""Networks: one file for each family, all with the same shape (`base.py`), under the keys of the model registry."""

from immichvr_ai.networks import depth_anything_3 as da3
from immichvr_ai.networks.base import Network
from immichvr_ai.networks.depth_anything_v2 import DepthAnythingV2
from immichvr_ai.networks.depth_pro import DepthPro
from immichvr_ai.networks.midas import Midas
from immichvr_ai.networks.sharp import Sharp
from immichvr_ai.networks.zoedepth import ZoeDepth

NETWORKS: dict[str, Network] = {
    "da2-small": DepthAnythingV2(),
    "da2-base": DepthAnythingV2(),
    "da2-large": DepthAnythingV2(),
    "midas-dpt-large": Midas(),
    "zoedepth": ZoeDepth(),
    "depthpro": DepthPro(),
    "da3-small": da3.AnyViewNetwork("da3-small"),
    "da3-base": da3.AnyViewNetwork("da3-base"),
    "da3-large": da3.AnyViewNetwork("da3-large"),
    "da3-giant": da3.SplatNetwork("da3-giant"),
    "da3nested-giant-large": da3.SplatNetwork("da3nested-giant-large", metric=True),
    "da3metric-large": da3.MonocularNetwork("da3metric-large", metric=True),
    "da3mono-large": da3.MonocularNetwork("da3mono-large"),
    "sharp": Sharp(),
}
"""The network behind each key of the model registry. Nothing heavy is imported before one is loaded."""

__all__ = ["NETWORKS", "Network"]
