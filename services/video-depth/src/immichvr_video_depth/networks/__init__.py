"""Networks of this service alone beside those of single pictures, which others run too (`immichvr_networks`)."""

import immichvr_networks
from immichvr_inference import Networks, networks_in

NETWORKS = Networks(lambda: {**immichvr_networks.NETWORKS, **networks_in(__name__, __path__)})
"""The network behind each key of the model registry. Their files are imported when somebody first looks."""

__all__ = ["NETWORKS"]
