"""Networks of this service alone beside those that others run too (`immichvr_networks`).

A module here that runs networks says so in its `NETWORKS`, by the keys of the model registry; nothing else lists them.
"""

import immichvr_networks
from immichvr_inference import Network, networks_in

OWN: dict[str, Network] = networks_in(__name__, __path__)
"""The networks of this service alone."""
NETWORKS: dict[str, Network] = {**immichvr_networks.NETWORKS, **OWN}
"""The network behind each key of the model registry. Nothing heavy is imported before one is loaded."""

__all__ = ["NETWORKS", "OWN", "Network"]
