"""Whether what objects say of one another is there: selectors, targets of scaling, backends, claims, accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from immichvr_helm_check.objects import Object, Objects, Pod, name_of, names, of_kind, pods, selects

_WORKLOADS = ("DaemonSet", "Deployment", "StatefulSet")


def check(objects: Objects) -> list[str]:
    """A sentence for each selector that finds nothing or too much, and for each name behind which there is nothing."""
    return [
        *_of_workloads(objects),
        *_of_services(objects),
        *_of_budgets(objects),
        *_of_policies(objects),
        *_of_scaling(objects),
        *_of_monitors(objects),
        *_of_backends(objects),
        *_of_pods(objects),
    ]


def _of_workloads(objects: Objects) -> Iterator[str]:
    every = list(pods(objects))
    for one in of_kind(objects, *_WORKLOADS):
        selector = one["spec"]["selector"]
        taken = [pod.where for pod in every if selects(selector, pod.labels)]
        where = name_of(one)
        if where not in taken:
            yield f"{where}: its selector does not find its own pods"
        for other in taken:
            if other != where:
                yield f"{where}: its selector takes the pods of {other} too"
        governing = one["spec"].get("serviceName")
        if one["kind"] == "StatefulSet" and governing not in names(objects, "Service"):
            yield f"{where}: there is no Service {governing!r}, which is to name its pods"


def _of_services(objects: Objects) -> Iterator[str]:
    for one in of_kind(objects, "Service"):
        selector = one["spec"].get("selector")
        if not selector:
            continue
        found = [pod for pod in pods(objects) if selects({"matchLabels": selector}, pod.labels)]
        if not found:
            yield f"{name_of(one)}: its selector finds no pod"
        for pod in found:
            for port in one["spec"].get("ports") or []:
                target = port.get("targetPort", port["port"])
                if not has_port(pod, target):
                    yield f"{name_of(one)}: {pod.where} has no port {target!r}, to which {port['port']} leads"


def has_port(pod: Pod, port: str | int) -> bool:
    """Whether a pod names this port, by name or number."""
    return any(port in (one.get("name"), one["containerPort"]) for one in _ports(pod))


def _ports(pod: Pod) -> list[Object]:
    return [port for container in pod.containers for port in container.get("ports") or []]


def _of_budgets(objects: Objects) -> Iterator[str]:
    for one in of_kind(objects, "PodDisruptionBudget"):
        if not any(selects(one["spec"].get("selector"), pod.labels) for pod in pods(objects)):
            yield f"{name_of(one)}: its selector finds no pod"


def _of_policies(objects: Objects) -> Iterator[str]:
    every = list(pods(objects))
    for one in of_kind(objects, "NetworkPolicy"):
        spec, where = one["spec"], name_of(one)
        if not any(selects(spec["podSelector"], pod.labels) for pod in every):
            yield f"{where}: its selector finds no pod"
        rules = [(rule, "from") for rule in spec.get("ingress") or []] + [(r, "to") for r in spec.get("egress") or []]
        for rule, side in rules:
            for peer in rule.get(side) or []:
                # Of another namespace nobody here knows the pods.
                own = peer.get("podSelector") if "namespaceSelector" not in peer else None
                if own is not None and not any(selects(own, pod.labels) for pod in every):
                    yield f"{where}: no pod is selected by the {side!r} {own}"


def _of_scaling(objects: Objects) -> Iterator[str]:
    scaled: dict[str, str] = {}
    for one in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        target = one["spec"]["scaleTargetRef"]
        kind, where = target.get("kind", "Deployment"), name_of(one)
        found = [each for each in of_kind(objects, kind) if each["metadata"]["name"] == target["name"]]
        if not found:
            yield f"{where}: there is no {kind} {target['name']!r} to scale"
            continue
        name = name_of(found[0])
        if "replicas" in found[0]["spec"]:
            yield f"{name} says how many replicas there are, and so does {where}"
        if name in scaled:
            yield f"{name} is scaled by {scaled[name]} and by {where}"
        scaled[name] = where


def _of_monitors(objects: Objects) -> Iterator[str]:
    for one in of_kind(objects, "ServiceMonitor"):
        found = [
            each
            for each in of_kind(objects, "Service")
            if selects(one["spec"]["selector"], each["metadata"].get("labels") or {})
        ]
        if not found:
            yield f"{name_of(one)}: its selector finds no Service"
        for endpoint in one["spec"]["endpoints"]:
            for service in found:
                ports = [port.get("name") for port in service["spec"].get("ports") or []]
                if "port" in endpoint and endpoint["port"] not in ports:
                    yield f"{name_of(one)}: {name_of(service)} has no port {endpoint['port']!r}"
    for one in of_kind(objects, "PodMonitor"):
        chosen = [pod for pod in pods(objects) if selects(one["spec"]["selector"], pod.labels)]
        if not chosen:
            yield f"{name_of(one)}: its selector finds no pod"
        for endpoint in one["spec"]["podMetricsEndpoints"]:
            for pod in chosen:
                if "port" in endpoint and not has_port(pod, endpoint["port"]):
                    yield f"{name_of(one)}: {pod.where} has no port {endpoint['port']!r}"


def _of_backends(objects: Objects) -> Iterator[str]:
    for one in of_kind(objects, "Ingress"):
        for rule in one["spec"].get("rules") or []:
            for path in (rule.get("http") or {}).get("paths") or []:
                service = path["backend"]["service"]
                port = service["port"].get("name", service["port"].get("number"))
                yield from _backend(objects, one, service["name"], port)
    for one in of_kind(objects, "HTTPRoute"):
        for rule in one["spec"].get("rules") or []:
            for ref in rule.get("backendRefs") or []:
                yield from _backend(objects, one, ref["name"], ref.get("port"))


def _backend(objects: Objects, one: Object, name: str, port: str | int | None) -> Iterator[str]:
    found = [each for each in of_kind(objects, "Service") if each["metadata"]["name"] == name]
    if not found:
        yield f"{name_of(one)}: there is no Service {name!r} to lead to"
    elif not any(port in (each.get("name"), each["port"]) for each in found[0]["spec"]["ports"]):
        yield f"{name_of(one)}: Service/{name} has no port {port!r}"


def _of_pods(objects: Objects) -> Iterator[str]:
    accounts = names(objects, "ServiceAccount") | {"default"}
    for pod in pods(objects):
        account = pod.spec.get("serviceAccountName", "default")
        if account not in accounts:
            yield f"{pod.where}: there is no ServiceAccount {account!r}"
        for what, selector in _of_places(pod.spec):
            if not selects(selector, pod.labels):
                yield f"{pod.where}: the selector of its {what} does not find its own pods"
        mounted = {volume for container in pod.all_containers for volume in _mounted(container)}
        declared = set(pod.volumes) | _templates_of(pod.owner)
        for name in sorted(mounted - declared):
            yield f"{pod.where}: mounts the volume {name!r}, which it has not"
        for name in sorted(declared - mounted):
            yield f"{pod.where}: has the volume {name!r}, which no container mounts"


def _of_places(spec: Object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for constraint in spec.get("topologySpreadConstraints") or []:
        yield "spread", constraint.get("labelSelector") or {}


def _mounted(container: Object) -> Iterable[str]:
    return [mount["name"] for mount in container.get("volumeMounts") or []]


def _templates_of(owner: Object) -> set[str]:
    return {claim["metadata"]["name"] for claim in owner["spec"].get("volumeClaimTemplates") or []}
