"""Who reaches whom, by the rules of NetworkPolicies."""

from __future__ import annotations

from typing import Any

import pytest
from immichvr_helm_check.reach import Place, arrows

FRONT = Place("front", "10.0.0.1", "ours", {"app": "front"}, {"http": (80, "TCP")}, True)
BACK = Place("back", "10.0.0.2", "ours", {"app": "back"}, {"rpc": (50051, "TCP"), "dns": (53, "UDP")}, True)
OUTSIDE = Place("outside", "93.184.215.14", ports={"https": (443, "TCP")})
METADATA = Place("metadata", "169.254.169.254", ports={"http": (80, "TCP")})
MONITOR = Place("monitor", "10.0.9.1", "watching", {"app": "prometheus"})


def policy(app: str | None, **spec: Any) -> dict[str, Any]:
    selector = {"matchLabels": {"app": app}} if app else {}
    return {"kind": "NetworkPolicy", "metadata": {"name": "one"}, "spec": {"podSelector": selector, **spec}}


def found(*policies: dict[str, Any]) -> set[tuple[str, str, str]]:
    every = arrows(policies, [FRONT, BACK], [OUTSIDE, METADATA, MONITOR])
    return {(one.source, one.target, one.port) for one in every if one.port != "61999"}


DENY = policy(None, policyTypes=["Ingress", "Egress"])
TO_BACK = policy("front", policyTypes=["Egress"], egress=[{"to": [{"podSelector": {"matchLabels": {"app": "back"}}}]}])
FROM_FRONT = policy("back", ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "front"}}}]}])


def test_without_policies_everybody_reaches_everybody() -> None:
    assert ("outside", "back", "50051") in found()
    assert ("back", "metadata", "80") in found()


def test_whom_a_policy_without_rules_selects_is_shut() -> None:
    assert found(DENY) == set()


def test_both_ends_have_to_allow_a_connection() -> None:
    assert found(DENY, TO_BACK) == set()
    assert found(DENY, FROM_FRONT) == set()
    assert found(DENY, TO_BACK, FROM_FRONT) == {("front", "back", "50051"), ("front", "back", "53/UDP")}


@pytest.mark.parametrize(
    ("ports", "reached"),
    [
        ([{"port": "rpc"}], {"50051"}),
        ([{"port": 50051}], {"50051"}),
        ([{"port": 50000, "endPort": 50100}], {"50051"}),
        ([{"port": 53}], set()),
        ([{"port": 53, "protocol": "UDP"}], {"53/UDP"}),
        ([{"protocol": "TCP"}], {"50051"}),
        ([{"port": "grpc"}], set()),
    ],
)
def test_a_rule_holds_for_its_ports(ports: list[dict[str, Any]], reached: set[str]) -> None:
    rules = policy("back", ingress=[{"ports": ports}])
    assert {port for source, target, port in found(rules) if (source, target) == ("front", "back")} == reached


def test_a_block_of_addresses_leaves_out_what_it_says() -> None:
    block = {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16", "10.0.0.0/8"]}
    rules = policy("front", policyTypes=["Egress"], egress=[{"to": [{"ipBlock": block}]}])
    assert {target for source, target, _ in found(rules) if source == "front"} == {"outside"}


def test_pods_of_another_namespace_are_meant_only_where_it_is_named() -> None:
    own = policy("back", ingress=[{"from": [{"podSelector": {}}]}])
    assert {source for source, target, _ in found(own) if target == "back"} == {"front"}
    named = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "watching"}}}
    other = policy("back", ingress=[{"from": [named]}])
    assert {source for source, target, _ in found(other) if target == "back"} == {"monitor"}
    narrower = policy("back", ingress=[{"from": [{**named, "podSelector": {"matchLabels": {"app": "grafana"}}}]}])
    assert {source for source, target, _ in found(narrower) if target == "back"} == set()
