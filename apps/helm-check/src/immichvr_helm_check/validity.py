"""What an API server refuses and schemas do not know: names, quantities, what may not stand there twice, what has to be
less than another thing.

https://kubernetes.io/docs/concepts/overview/working-with-objects/names
https://kubernetes.io/docs/concepts/configuration/manage-resources-containers
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from immichvr_helm_check.objects import Object, Objects, Pod, name_of, of_kind, pods

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*")
_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")
_UNITS = {
    "": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50,
}  # fmt: skip
_LABELS = ("Service",)
"""Kinds whose name becomes one label of a name in DNS."""
_PODS_NAME = {"StatefulSet": 52, "CronJob": 52, "Job": 63}
"""How long a name may be to which the system adds for its pods."""
_MOST_OF_A_MAP = 1024 * 1024


def check(objects: Objects) -> list[str]:
    """A sentence for each thing that would be refused."""
    return [
        *(sentence for one in objects for sentence in _of_object(one)),
        *(sentence for pod in pods(objects) for sentence in (*_of_pod(pod), *_of_containers(pod))),
        *_of_counts(objects),
    ]


def quantity(text: object) -> float | None:
    """The number behind 512Mi, 250m or 2; None for what is no quantity."""
    found = _QUANTITY.fullmatch(str(text))
    return float(found[1]) * _UNITS[found[2] or ""] if found else None


def _of_object(one: Object) -> Iterator[str]:
    where, name, kind = name_of(one), one["metadata"]["name"], one["kind"]
    pattern, most = (_LABEL, 63) if kind in _LABELS else (_SUBDOMAIN, _PODS_NAME.get(kind, 253))
    if not pattern.fullmatch(name) or len(name) > most:
        yield f"{where}: a {kind} cannot have a name like that; it has {len(name)} characters, of {most}"
    yield from _of_labels(where, one["metadata"].get("labels") or {})
    if kind == "ConfigMap" and sum(map(len, (one.get("data") or {}).values())) > _MOST_OF_A_MAP:
        yield f"{where}: a ConfigMap holds a mebibyte at most"
    if kind == "Service":
        yield from _twice(where, "port", (port.get("name") for port in one["spec"].get("ports") or []))
    if kind == "PodDisruptionBudget" and {"minAvailable", "maxUnavailable"} <= set(one["spec"]):
        yield f"{where}: minAvailable and maxUnavailable do not go together"


def _of_labels(where: str, labels: Mapping[str, str]) -> Iterator[str]:
    for key, value in labels.items():
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            yield f"{where}: {key}={value} can be no label"


def _of_pod(pod: Pod) -> Iterator[str]:
    where, spec = pod.where, pod.spec
    yield from _of_labels(f"{where}: its pods", pod.labels)
    yield from _twice(where, "container", (one["name"] for one in pod.all_containers))
    yield from _twice(where, "volume", (one["name"] for one in spec.get("volumes") or []))
    named = (port.get("name") for container in pod.containers for port in container.get("ports") or [])
    yield from _twice(where, "port", named)
    for volume in spec.get("volumes") or []:
        sources = (volume.get("projected") or {}).get("sources") or []
        paths = [item["path"] for source in sources for ref in source.values() for item in ref.get("items") or []]
        yield from _twice(f"{where}: volume {volume['name']}", "path", paths)
        if (size := (volume.get("emptyDir") or {}).get("sizeLimit")) is not None and quantity(size) is None:
            yield f"{where}: volume {volume['name']}: {size} is no size"
    if pod.owner["kind"] in ("Job", "CronJob") and spec.get("restartPolicy") not in ("OnFailure", "Never"):
        yield f"{where}: a Job's pods restart OnFailure or Never, not {spec.get('restartPolicy', 'Always')}"


def _of_containers(pod: Pod) -> Iterator[str]:
    grace = pod.spec.get("terminationGracePeriodSeconds", 30)
    for container in pod.all_containers:
        where = f"{pod.where}: container {container['name']}"
        yield from _twice(where, "mount", (mount["mountPath"] for mount in container.get("volumeMounts") or []))
        for port in container.get("ports") or []:
            if "name" in port and not _PORT_NAME.fullmatch(port["name"]):
                yield f"{where}: {port['name']} can be no port's name: 15 lower-case characters, with a letter"
        pause = ((container.get("lifecycle") or {}).get("preStop") or {}).get("sleep", {}).get("seconds", 0)
        if pause > grace:
            yield f"{where}: it sleeps for {pause} s before its end, and has {grace} s for all of it"
        yield from _of_resources(where, container.get("resources") or {})


def _of_resources(where: str, resources: Mapping[str, Any]) -> Iterator[str]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, text in {**limits, **requests}.items():
        if quantity(text) is None:
            yield f"{where}: {text} of {name} is no quantity"
    for name, text in requests.items():
        asked, most = quantity(text), quantity(limits.get(name, text))
        if asked is not None and most is not None and asked > most:
            yield f"{where}: asks for {text} of {name}, and may have {limits[name]}"
    for name, text in limits.items():
        if "/" in name and (quantity(text) or 0) % 1:
            yield f"{where}: {name} comes in whole numbers, not {text}"


def _of_counts(objects: Objects) -> Iterator[str]:
    for one in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        spec = one["spec"]
        least = spec.get("minReplicas", spec.get("minReplicaCount", 0))
        most = spec.get("maxReplicas", spec.get("maxReplicaCount", 100))
        if least > most:
            yield f"{name_of(one)}: {least} replicas at least and {most} at most"


def _twice(where: str, what: str, every: Iterable[str | None]) -> Iterator[str]:
    for name, count in Counter(every).items():
        if name is not None and count > 1:
            yield f"{where}: there are {count} of the {what} {name!r}"
