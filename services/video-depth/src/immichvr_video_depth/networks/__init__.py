"""Networks of this service alone beside those of single pictures, which others run too (`immichvr_networks`)."""

import immichvr_networks
from immichvr_inference import Network, networks_in

NETWORKS: dict[str, Network] = {**immichvr_networks.NETWORKS, **networks_in(__name__, __path__)}
"""The network behind each key of the model registry. Nothing heavy is imported before one is loaded."""

__all__ = ["NETWORKS"]
