"""The arrows of docs/architecture.md as a table, held against the connections that the NetworkPolicies allow.

Outside are those who have something to do with a release, and some who have not: a pod beside it in its namespace, one
of another namespace, the address at which clouds give out the node's own credentials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from immichvr_catalog import GATEWAY, KINDS, SERVICES, workers

from immichvr_helm_check.objects import Objects, of_kind, pods, selects
from immichvr_helm_check.reach import Arrow, Place, arrow, arrows, places_of
from immichvr_helm_check.rendering import NAMESPACE

_WEB = {"http": (80, "TCP"), "https": (443, "TCP")}
_DNS = {"dns": (53, "UDP"), "dns-tcp": (53, "TCP")}
_SSH = {"ssh": (22, "TCP")}
_EPHEMERAL = (40_000, "TCP")
"""A port of those that the system chooses, as it does for each live session."""

NAMES, IMMICH, PROMETHEUS, KEDA, PROXY = "the cluster's DNS", "Immich", "Prometheus", "KEDA", "the proxy"
NEIGHBOUR, STRANGER, INTERNET, NODE = "a neighbour", "a stranger", "the internet", "the node's credentials"
OTHER_NATS, OTHER_S3, COLLECTOR = "another NATS", "another S3", "the collector"
OTHER_GATEWAY = "a gateway elsewhere"
NATS, S3, INIT, MODELS, MAINTENANCE, TEST = "nats", "s3", "init", "models", "maintenance", "test"
"""Components beside the services, as their labels name them: the embedded servers, the job that makes streams, the one
that fetches models, those that look after what is stored, and `helm test`."""
_KEEPING = (INIT, MAINTENANCE)
"""Components that speak to the bus and to storage, and to nobody else."""

OUTSIDE = (
    Place(NAMES, "10.42.0.10", "kube-system", {"k8s-app": "kube-dns"}, _DNS),
    Place(IMMICH, "10.42.1.1", "immich", {"app.kubernetes.io/name": "server"}, {"http": (2283, "TCP"), **_SSH}),
    Place(PROMETHEUS, "10.42.2.1", "monitoring", {"app.kubernetes.io/name": "prometheus"}, {"http": (9090, "TCP")}),
    Place(KEDA, "10.42.3.1", "keda", {"app": "keda-operator", "app.kubernetes.io/name": "keda-operator"}),
    Place(PROXY, "10.42.4.1", "ingress", {"app.kubernetes.io/name": "ingress-nginx"}, _WEB),
    Place(NEIGHBOUR, "10.42.7.200", NAMESPACE, {"app.kubernetes.io/name": "other"}, {**_WEB, "redis": (6379, "TCP")}),
    Place(STRANGER, "10.42.5.1", "default", {"app.kubernetes.io/name": "other"}, {**_WEB, "kube": (6443, "TCP")}),
    Place(INTERNET, "93.184.215.14", ports={**_WEB, **_SSH, "smtp": (25, "TCP")}),
    Place(NODE, "169.254.169.254", ports=_WEB),
    Place(OTHER_NATS, "10.42.6.1", "nats", {"app.kubernetes.io/name": "nats"}, {"nats": (4222, "TCP"), **_SSH}),
    Place(COLLECTOR, "10.42.9.1", "tracing", {"app.kubernetes.io/name": "collector"}, {"otlp": (4318, "TCP"), **_SSH}),
    Place(OTHER_GATEWAY, "93.184.216.1", ports={"attach": (9443, "TCP"), **_SSH}),
    Place(OTHER_S3, "10.42.8.1", "s3", {"app.kubernetes.io/name": "s3"}, {"s3": (8333, "TCP"), **_SSH}),
)


@dataclass(frozen=True)
class Row:
    """Who may open connections to whom, at a port of that name."""

    source: str
    target: str
    port: str


def table(objects: Objects) -> set[Row]:
    """Every arrow between components that there are, and those outside.

    The gateway is the only public door, and the only one that speaks to Immich and to people's webhooks; it calls
    workers where the catalogue says so. Workers open connections to the bus and to storage, and to where models come
    from if they run some. Where a server is not embedded, another's is meant. NATS is for workers elsewhere too where
    its Service is one for outside. Live sessions of workers elsewhere come to the gateway's own door for them.
    """
    there = {pod.service for pod in pods(objects)}
    nats, s3 = (NATS if NATS in there else OTHER_NATS), (S3 if S3 in there else OTHER_S3)
    services = [GATEWAY, *(worker.name for worker in workers())]
    live = KINDS["live"].service
    rows = {
        *(Row(name, part, port) for name in (*services, *_KEEPING) for part, port in ((nats, "nats"), (s3, "s3"))),
        *(Row(name, NAMES, port) for name in (*services, *_KEEPING, MODELS, TEST) for port in _DNS),
        *(Row(name, INTERNET, port) for name in (*services, MODELS) if _asks_outside(name) for port in _WEB),
        *(Row(GATEWAY, worker.name, "rpc") for worker in workers() if worker.gateway_calls),
        Row(GATEWAY, live, "live"),
        *(Row(name, COLLECTOR, "otlp") for name in services if _is_told(objects, "_TRACING__ENDPOINT")),
        Row(TEST, GATEWAY, "http"),
        *(Row(place.name, GATEWAY, "http") for place in OUTSIDE),
        *(Row(place.name, NATS, "nats") for place in OUTSIDE if _is_for_outside(objects, NATS)),
        *(Row(place.name, GATEWAY, "attach") for place in OUTSIDE),
        *(Row(PROMETHEUS, name, "metrics") for name in services if of_kind(objects, "ServiceMonitor")),
        Row(KEDA, GATEWAY, "scaler"),
        Row(KEDA, NATS, "monitor"),
    }
    if _is_told(objects, "IMMICH_URL"):
        rows.add(Row(GATEWAY, IMMICH, "http"))
    if _is_told(objects, "_LIVE__ATTACH__ADDRESS"):
        rows |= {Row(live, OTHER_GATEWAY, "attach"), Row(live, GATEWAY, "attach")}
    return {row for row in rows if {row.source, row.target} <= there | {place.name for place in OUTSIDE}}


def _is_told(objects: Objects, variable: str) -> bool:
    """Whether some container has a variable whose name ends so: of a collector of traces, of Immich, of a gateway."""
    containers = (container for pod in pods(objects) for container in pod.containers)
    return any(one["name"].endswith(variable) for container in containers for one in container.get("env") or [])


def _is_for_outside(objects: Objects, component: str) -> bool:
    """Whether a Service makes a component known outside the cluster."""
    found = [pod.labels for pod in pods(objects) if pod.service == component]
    return any(
        one["spec"].get("type", "ClusterIP") in ("LoadBalancer", "NodePort")
        and any(selects({"matchLabels": one["spec"]["selector"]}, labels) for labels in found)
        for one in of_kind(objects, "Service")
    )


def _asks_outside(service: str) -> bool:
    """Whether it speaks to the internet: webhooks of people, weights of models."""
    return service in (GATEWAY, MODELS) or SERVICES[service].runs_models


def check(objects: Objects) -> list[str]:
    """A sentence for each connection that can be made and is no arrow, and for each arrow that cannot.

    Nothing where the chart is told to leave the network to others.
    """
    return list(_differences(objects)) if of_kind(objects, "NetworkPolicy") else []


def _differences(objects: Objects) -> Iterator[str]:
    component = {pod.where: pod.service for pod in pods(objects)}
    ours = [_with_sessions(place, component[place.name]) for place in places_of(objects, NAMESPACE)]
    every = (*ours, *OUTSIDE)
    rows = table(objects)
    wanted = {
        arrow(source, target, port)
        for source in every
        for target in every
        for name, port in target.ports.items()
        if Row(component.get(source.name, source.name), component.get(target.name, target.name), name) in rows
    }
    found: set[Arrow] = arrows(objects, ours, OUTSIDE)
    for one in sorted(found - wanted):
        yield f"{one.source} reaches {one.target} at {one.port}, which is no arrow of the architecture"
    for one in sorted(wanted - found):
        yield f"{one.source} does not reach {one.target} at {one.port}, as the architecture wants it"


def _with_sessions(place: Place, component: str) -> Place:
    """With the port at which it serves a live session, if it serves any."""
    serves = component == KINDS["live"].service
    return replace(place, ports={**place.ports, "live": _EPHEMERAL}) if serves else place
