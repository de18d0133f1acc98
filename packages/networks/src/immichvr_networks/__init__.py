"""Networks that make depth, or Gaussians, of pictures: a file for each family (`immichvr_inference.network`).

A module here that runs networks says so in its `NETWORKS`, by the keys of the model registry; nothing else lists them.
"""

from immichvr_inference import networks_in

NETWORKS = networks_in(__name__, __path__)
"""The network behind each key of the model registry.

Their files are imported when somebody first looks, what is heavy when one is loaded.
"""

__all__ = ["NETWORKS"]
