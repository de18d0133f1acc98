"""The networks of this service alone do what networks do, and each of its models that is not built in has one."""

from __future__ import annotations

from immichvr_ai.networks import NETWORKS, OWN
from immichvr_inference.testing.conformance import NetworkConformance
from immichvr_models import registry


class TestNetworks(NetworkConformance):
    networks = OWN


def test_every_model_of_this_service_that_is_not_built_in_has_a_network() -> None:
    assert set(NETWORKS) == {model.key for model in registry if not model.built_in and model.service == "ai"}
