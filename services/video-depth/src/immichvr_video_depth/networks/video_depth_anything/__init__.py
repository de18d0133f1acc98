"""Video Depth Anything: depth of the frames of a clip, consistent over time.

Source: Chen et al., "Video Depth Anything: Consistent Depth Estimation for Super-Long Videos" (CVPR 2025). Nobody
packages it: the network is written here, and takes the published weights. `testing.golden` and the tests beside it hold
every part against what the authors' own code gives.
"""

from immichvr_video_depth.networks.video_depth_anything.family import VideoDepthAnythingFamily
from immichvr_video_depth.networks.video_depth_anything.shapes import BASE, LARGE, SMALL

NETWORKS = {
    f"vda-{metric}{size}": VideoDepthAnythingFamily(shape, metric=bool(metric))
    for metric in ("", "metric-")
    for size, shape in (("small", SMALL), ("base", BASE), ("large", LARGE))
}

__all__ = ["NETWORKS", "VideoDepthAnythingFamily"]
