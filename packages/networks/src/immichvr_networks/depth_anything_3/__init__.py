"""Depth Anything 3: depth, cameras and Gaussians from one photo or several views of one place.

Source: Lin et al., "Depth Anything 3: Recovering the Visual Space from Any Views" (2025), through the package
depth-anything-3 0.1.1, whose network runs as it is. What goes in and what comes out is ours:

- Photos come upright and whole. Views of different shapes share a canvas; upstream crops them to what is common.
- One photo, or one place, is one pass: scale and sky are estimated over all that is in a pass.
- The nested network scales depth and cameras to metres and leaves its Gaussians behind; here they follow.
- `da3metric-large` gives metres for a focal length of 300 pixels of the input, and takes the photo's.
- Known cameras give their scale by the distances between them, which two cameras suffice for.
- Results are arrays of their own, and nothing is written: upstream's exports, and its `api`, are never imported.
- Precision is asked for; on a CPU it is float32, where upstream takes float16.

Upstream's `GaussianAdapter` is not imported either: it needs evo, which is under the GPL, and e3nn. `raw` takes its
place in the network, and `gaussians` gives each channel of the head its meaning. A scene leaves out what upstream's
export does, the border and the farthest tenth of each view; a single photo keeps both.
"""

from immichvr_networks.depth_anything_3.family import AnyViewNetwork, MonocularNetwork, SplatNetwork

NETWORKS = {
    "da3-small": AnyViewNetwork("da3-small"),
    "da3-base": AnyViewNetwork("da3-base"),
    "da3-large": AnyViewNetwork("da3-large"),
    "da3-giant": SplatNetwork("da3-giant"),
    "da3nested-giant-large": SplatNetwork("da3nested-giant-large", metric=True),
    "da3metric-large": MonocularNetwork("da3metric-large", metric=True),
    "da3mono-large": MonocularNetwork("da3mono-large"),
}

__all__ = ["NETWORKS", "AnyViewNetwork", "MonocularNetwork", "SplatNetwork"]
