"""Who reaches whom through the NetworkPolicies: what each pod, and each of those outside, may open a connection to.

As Kubernetes says it: pods that no policy selects for a direction are open in it, rules of several policies add up,
and a connection is made where both its ends allow it. https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from immichvr_helm_check.objects import Object, Objects, Pod, of_kind, pods, selects

_OTHER = 61_999
_OWN_NAMESPACE = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Place:
    """Somebody who opens connections or takes them.

    address: an IP address. namespace: empty for what is no pod. ports: where it takes connections, by name and
    protocol. is_ours: whether policies of ours hold for it.
    """

    name: str
    address: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    is_ours: bool = False


@dataclass(frozen=True, order=True)
class Arrow:
    """A connection that can be made. port: its number, with the protocol where that is not TCP."""

    source: str
    target: str
    port: str


def places_of(objects: Objects, namespace: str) -> list[Place]:
    """A place for each kind of pod that objects start, by the name of what starts it."""
    return [
        Place(pod.where, f"10.42.7.{number}", namespace, pod.labels, _ports(pod), True)
        for number, pod in enumerate(pods(objects), 1)
    ]


def _ports(pod: Pod) -> dict[str, tuple[int, str]]:
    return {
        port.get("name", str(port["containerPort"])): (port["containerPort"], port.get("protocol", "TCP"))
        for container in pod.containers
        for port in container.get("ports") or []
    }


def arrow(source: Place, target: Place, port: tuple[int, str]) -> Arrow:
    """The connection from one to the other at a port and protocol."""
    number, protocol = port
    return Arrow(source.name, target.name, f"{number}" if protocol == "TCP" else f"{number}/{protocol}")


def arrows(objects: Objects, ours: Sequence[Place], outside: Sequence[Place]) -> set[Arrow]:
    """Every connection that can be made from or to a place of ours, to the ports that places have.

    Besides its own ports each of ours is tried at one that nobody has, which stands for all others.
    """
    policies = of_kind(objects, "NetworkPolicy")
    every = [*ours, *outside]
    return {
        arrow(source, target, (port, protocol))
        for source in every
        for target in every
        if source is not target and (source.is_ours or target.is_ours)
        for port, protocol in _tried(target)
        if _may(policies, source, target, port, protocol)
    }


def _tried(target: Place) -> Iterable[tuple[int, str]]:
    return {*target.ports.values(), *([(_OTHER, "TCP")] if target.is_ours else [])}


def _may(policies: list[Object], source: Place, target: Place, port: int, protocol: str) -> bool:
    ends = (("Egress", source, target, "egress", "to"), ("Ingress", target, source, "ingress", "from"))
    for direction, own, other, rules, side in ends:
        holding = [one["spec"] for one in policies if own.is_ours and _holds(one["spec"], own, direction)]
        allowed = (rule for spec in holding for rule in spec.get(rules) or [])
        if holding and not any(
            _is_peer(rule.get(side), own, other) and _is_port(rule.get("ports"), target, port, protocol)
            for rule in allowed
        ):
            return False
    return True


def _holds(spec: Mapping[str, Any], own: Place, direction: str) -> bool:
    default = ["Ingress", *(["Egress"] if "egress" in spec else [])]
    return direction in (spec.get("policyTypes") or default) and selects(spec["podSelector"], own.labels)


def _is_peer(peers: list[Mapping[str, Any]] | None, own: Place, other: Place) -> bool:
    """No list means everybody, and an empty one too."""
    return not peers or any(_is(peer, own, other) for peer in peers)


def _is(peer: Mapping[str, Any], own: Place, other: Place) -> bool:
    if block := peer.get("ipBlock"):
        # Whether a block of addresses takes in pods is left to the network's plugin; the wider reading is held here.
        address = ipaddress.ip_address(other.address)
        return address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(left_out) for left_out in block.get("except") or []
        )
    if not other.namespace:
        return False
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], {_OWN_NAMESPACE: other.namespace}):
            return False
    elif other.namespace != own.namespace:
        return False
    return selects(peer.get("podSelector"), other.labels)


def _is_port(ports: list[Mapping[str, Any]] | None, target: Place, port: int, protocol: str) -> bool:
    if not ports:
        return True
    for one in ports:
        if one.get("protocol", "TCP") != protocol:
            continue
        asked = one.get("port")
        if asked is None:
            return True
        if isinstance(asked, str):
            if target.ports.get(asked) == (port, protocol):
                return True
        elif asked <= port <= one.get("endPort", asked):
            return True
    return False
