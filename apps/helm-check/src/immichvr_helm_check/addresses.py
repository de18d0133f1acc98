"""Whether what is told of other parts of the release is so: addresses of Services, durables that KEDA counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from immichvr_catalog import CLASSES, POOLS, workers
from immichvr_common.bus.streams import JOBS, durable_name
from immichvr_common.errors import InvalidRequest
from immichvr_gateway.scaling.external_scaler import jobs_per_replica, workers_of

from immichvr_helm_check.objects import Object, Objects, name_of, of_kind, pods
from immichvr_helm_check.rendering import NAMESPACE, RELEASE

_ADDRESS = re.compile(rf"(?<![\w.-])({RELEASE}[a-z0-9-]*)(?:\.([a-z0-9-]+)(?:\.svc(?:\.cluster\.local)?)?)?:(\d+)")


def check(objects: Objects) -> list[str]:
    """A sentence for each address of the release behind which there is no Service, or not at that port."""
    services = {one["metadata"]["name"]: one for one in of_kind(objects, "Service")}
    told = [*_told(objects)]
    return [*(wrong for where, text in told for wrong in _wrong(where, text, services)), *_of_triggers(objects)]


def _told(objects: Objects) -> Iterator[tuple[str, str]]:
    """What containers and KEDA are told, with where it stands."""
    for pod in pods(objects):
        for container in pod.all_containers:
            where = f"{pod.where}: container {container['name']}"
            for variable in container.get("env") or []:
                yield f"{where}: {variable['name']}", str(variable.get("value", ""))
            for word in [*(container.get("command") or []), *(container.get("args") or [])]:
                yield where, word
    for one in of_kind(objects, "ScaledObject"):
        for trigger in one["spec"]["triggers"]:
            for name, value in trigger["metadata"].items():
                yield f"{name_of(one)}: {name}", value


def _wrong(where: str, text: str, services: dict[str, Object]) -> Iterator[str]:
    for name, namespace, port in _ADDRESS.findall(text):
        if namespace and namespace != NAMESPACE:
            yield f"{where}: {name} is not in the namespace {namespace}"
        elif name not in services:
            yield f"{where}: there is no Service {name!r}"
        elif not any(each["port"] == int(port) for each in services[name]["spec"]["ports"]):
            yield f"{where}: Service/{name} has no port {port}"


def _of_triggers(objects: Objects) -> Iterator[str]:
    """KEDA gives up where a consumer is not there, or where the gateway does not know what it is asked about."""
    there = {durable_name(one.name, pool, job_class) for one in workers() for pool in POOLS for job_class in CLASSES}
    for one in of_kind(objects, "ScaledObject"):
        for trigger in one["spec"]["triggers"]:
            told = trigger["metadata"]
            if trigger["type"] != "nats-jetstream":
                yield from _refused(one, told)
            elif told.get("consumer") not in there:
                yield f"{name_of(one)}: {told.get('consumer')} is no durable of {JOBS}"
            elif told.get("stream") != JOBS:
                yield f"{name_of(one)}: {told.get('stream')} is not {JOBS}, which holds the jobs"


def _refused(one: Object, told: Mapping[str, str]) -> Iterator[str]:
    try:
        workers_of(told)
        jobs_per_replica(told)
    except InvalidRequest as error:
        yield f"{name_of(one)}: {error}"
