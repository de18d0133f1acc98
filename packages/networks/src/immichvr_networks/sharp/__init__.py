"""SHARP: single photos to Gaussians in metres.

`network.py` is the network as the service sees it, `upstream.py` makes upstream's module, `precision.py` says which of
its parts may run in fewer bits. `unprojection.py`, `ellipsoids.py` and `packing.py` are the way from its output to a
cloud, on the module's device.
"""

from immichvr_networks.sharp.network import Sharp

NETWORKS = {"sharp": Sharp()}

__all__ = ["NETWORKS", "Sharp"]
