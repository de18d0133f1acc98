"""Every network does what networks do."""

from __future__ import annotations

from immichvr_inference.testing.conformance import NetworkConformance
from immichvr_networks import NETWORKS


class TestNetworks(NetworkConformance):
    networks = NETWORKS
