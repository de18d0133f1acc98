"""Whether every Secret, ConfigMap and claim that is named is there, with the key that is named."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from immichvr_helm_check.objects import Object, Objects, Pod, name_of, names, of_kind, pods

Contents = Mapping[str, Mapping[str, str]]
"""What Secrets or ConfigMaps hold: by their names, texts by their keys."""
Existing = Mapping[str, Contents]
"""What the person who installs has made before, by kind: Secrets, ConfigMaps, claims."""
_OF_NO_KEYS = ("PersistentVolumeClaim", "TriggerAuthentication")


@dataclass(frozen=True)
class Named:
    """A place that names something. key: empty where all of it is meant."""

    where: str
    kind: str
    name: str
    key: str = ""
    optional: bool = False


def check(objects: Objects, existing: Existing) -> list[str]:
    """A sentence for each Secret, ConfigMap, key or claim that is named and neither rendered nor there before."""
    there = contents(objects, existing)
    return list(dict.fromkeys(sentence for named in _named(objects) for sentence in _missing(named, there)))


def contents(objects: Objects, existing: Existing) -> dict[str, Contents]:
    """By kind, what is rendered and what was there before; of what has no keys, the names."""
    found: dict[str, Contents] = {
        "Secret": secrets(objects),
        "ConfigMap": config_maps(objects),
        **{kind: {name: {} for name in names(objects, kind)} for kind in _OF_NO_KEYS},
    }
    return {kind: {**there, **existing.get(kind, {})} for kind, there in found.items()}


def secrets(objects: Objects) -> dict[str, dict[str, str]]:
    """What the rendered Secrets hold."""
    found: dict[str, dict[str, str]] = {}
    for one in of_kind(objects, "Secret"):
        decoded = {key: base64.b64decode(value).decode() for key, value in (one.get("data") or {}).items()}
        found[one["metadata"]["name"]] = {**decoded, **(one.get("stringData") or {})}
    return found


def config_maps(objects: Objects) -> dict[str, dict[str, str]]:
    """What the rendered ConfigMaps hold."""
    return {one["metadata"]["name"]: dict(one.get("data") or {}) for one in of_kind(objects, "ConfigMap")}


def _missing(named: Named, there: Mapping[str, Contents]) -> Iterator[str]:
    if named.optional:
        return
    if named.name not in there[named.kind]:
        yield f"{named.where}: there is no {named.kind} {named.name!r}"
    elif named.key and named.key not in there[named.kind][named.name]:
        yield f"{named.where}: the {named.kind} {named.name!r} has no key {named.key!r}"


def _named(objects: Objects) -> Iterator[Named]:
    for pod in pods(objects):
        yield from _of_pod(pod)
    for one in objects:
        where, spec = name_of(one), one.get("spec") or {}
        match one["kind"]:
            case "Ingress":
                for tls in spec.get("tls") or []:
                    if "secretName" in tls:
                        # Whoever gives certificates out makes it.
                        yield Named(where, "Secret", tls["secretName"], optional=True)
            case "ServiceMonitor" | "PodMonitor":
                for endpoint in spec.get("endpoints") or spec.get("podMetricsEndpoints") or []:
                    for ref in (
                        (endpoint.get("authorization") or {}).get("credentials"),
                        endpoint.get("bearerTokenSecret"),
                    ):
                        if ref:
                            yield Named(where, "Secret", ref["name"], ref["key"], bool(ref.get("optional")))
            case "TriggerAuthentication":
                for ref in spec.get("secretTargetRef") or []:
                    yield Named(where, "Secret", ref["name"], ref["key"])
            case "ScaledObject":
                for trigger in spec["triggers"]:
                    if name := (trigger.get("authenticationRef") or {}).get("name"):
                        yield Named(where, "TriggerAuthentication", name)


def _of_pod(pod: Pod) -> Iterator[Named]:
    for container in pod.all_containers:
        where = f"{pod.where}: container {container['name']}"
        for variable in container.get("env") or []:
            source = variable.get("valueFrom") or {}
            for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
                if ref := source.get(field):
                    yield Named(
                        f"{where}: {variable['name']}", kind, ref["name"], ref["key"], bool(ref.get("optional"))
                    )
        for source in container.get("envFrom") or []:
            for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
                if ref := source.get(field):
                    yield Named(where, kind, ref["name"], optional=bool(ref.get("optional")))
        for mount in container.get("volumeMounts") or []:
            yield from _of_sub_path(f"{where}: {mount['mountPath']}", pod.volumes.get(mount["name"]), mount)
    for volume in pod.volumes.values():
        where = f"{pod.where}: volume {volume['name']}"
        if claim := volume.get("persistentVolumeClaim"):
            yield Named(where, "PersistentVolumeClaim", claim["claimName"])
        for source in [volume, *((volume.get("projected") or {}).get("sources") or [])]:
            yield from _of_source(where, source)


def _of_source(where: str, source: Object) -> Iterator[Named]:
    for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
        if ref := source.get(field):
            name, optional = ref.get("secretName") or ref["name"], bool(ref.get("optional"))
            yield Named(where, kind, name, optional=optional)
            for item in ref.get("items") or []:
                yield Named(where, kind, name, item["key"], optional)


def _of_sub_path(where: str, volume: Object | None, mount: Object) -> Iterator[Named]:
    """A subPath names one file; without `items` that is a key."""
    path = mount.get("subPath")
    if volume is None or not path:
        return
    for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
        ref = volume.get(field)
        if ref and not ref.get("items"):
            yield Named(where, kind, ref.get("secretName") or ref["name"], path, bool(ref.get("optional")))
