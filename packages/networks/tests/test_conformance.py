"""Every network does what networks do."""

from __future__ import annotations

from immichvr_inference import DepthNetwork, SplatNetwork
from immichvr_inference.testing.conformance import NetworkConformance
from immichvr_models import registry
from immichvr_networks import NETWORKS


class TestNetworks(NetworkConformance):
    networks = NETWORKS


def test_every_model_of_pictures_that_is_not_built_in_has_a_network() -> None:
    assert set(NETWORKS) == {model.key for model in registry if not model.built_in and model.service == "ai"}


def test_the_registry_says_what_each_network_makes() -> None:
    for key, network in NETWORKS.items():
        made = {name for name, kind in (("depth", DepthNetwork), ("splat", SplatNetwork)) if isinstance(network, kind)}
        assert made == {"depth", "splat"} & set(registry[key].makes), key
