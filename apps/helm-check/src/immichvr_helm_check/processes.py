"""A container as a process: its command, the environment it is given, and the files that are mounted into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from immichvr_catalog import SERVICES

from immichvr_helm_check.objects import Object, Objects, Pod, pods
from immichvr_helm_check.references import Contents, Existing, contents

_EXPANSION = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
_DEFAULT = re.compile(r"^default ([A-Z_]+) (\S+)$", re.MULTILINE)
_START = "/opt/start.sh"
_OF_DOWNWARD = {"metadata.namespace": "immichvr", "status.podIP": "127.0.0.1", "spec.nodeName": "node"}


@dataclass(frozen=True)
class Process:
    """What a container runs.

    service: whose program that is; empty where it is none of ours. command: empty where the image says it.
    files: what Secrets and ConfigMaps put there, by absolute path. folders: further places that volumes are mounted at.
    """

    pod: Pod
    container: Object
    service: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    files: Mapping[str, str]
    folders: tuple[str, ...]

    @property
    def where(self) -> str:
        """How a sentence names it."""
        return f"{self.pod.where}: container {self.container['name']}"

    @property
    def is_the_service(self) -> bool:
        """Whether it is the service that runs, as the image starts it, and not an errand with its program."""
        return bool(self.service) and (not self.command or self.command[-1] in (_START, self._module))

    @property
    def _module(self) -> str:
        return SERVICES[self.service].module


def processes(objects: Objects, existing: Existing) -> list[Process]:
    """Every container of every pod, those that come first too."""
    there = contents(objects, existing)
    return [_process(pod, container, there) for pod in pods(objects) for container in pod.all_containers]


def service_of(image: str) -> str:
    """The service whose image that is: …/immichvr-video-depth:1.0-cuda is of video-depth. Empty for others' images."""
    name = re.split(r"[:@]", image.rpartition("/")[2])[0]
    return next((service.name for service in SERVICES.values() if name == service.image), "")


def defaults_of_images(start: Path) -> dict[str, str]:
    """What an image's start.sh sets where nobody said otherwise, without the service's prefix."""
    return dict(_DEFAULT.findall(start.read_text("utf-8")))


def _process(pod: Pod, container: Object, there: Mapping[str, Contents]) -> Process:
    environment = _environment(pod, container, there)
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    files, folders = _mounts(pod, container, there)
    return Process(
        pod,
        container,
        service_of(container["image"]),
        tuple(_expanded(word, environment) for word in words),
        environment,
        files,
        tuple(folders),
    )


def _environment(pod: Pod, container: Object, there: Mapping[str, Contents]) -> dict[str, str]:
    found: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            if ref := source.get(field):
                prefix = source.get("prefix", "")
                found |= {prefix + key: value for key, value in there[kind].get(ref["name"], {}).items()}
    for variable in container.get("env") or []:
        value = _value(pod, variable, there)
        if value is not None:
            found[variable["name"]] = _expanded(value, found)
    return found


def _value(pod: Pod, variable: Object, there: Mapping[str, Contents]) -> str | None:
    """None for what is optional and not there."""
    source = variable.get("valueFrom")
    if source is None:
        return str(variable.get("value", ""))
    for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
        if ref := source.get(field):
            return there[kind].get(ref["name"], {}).get(ref["key"])
    if ref := source.get("fieldRef"):
        path = ref["fieldPath"]
        return pod.owner["metadata"]["name"] + "-0" if path == "metadata.name" else _OF_DOWNWARD.get(path, "")
    return "1"


def _expanded(text: str, environment: Mapping[str, str]) -> str:
    return _EXPANSION.sub(lambda found: environment.get(found[1], found[0]), text)


def _mounts(pod: Pod, container: Object, there: Mapping[str, Contents]) -> tuple[dict[str, str], list[str]]:
    files: dict[str, str] = {}
    folders: list[str] = []
    for mount in container.get("volumeMounts") or []:
        place, volume = Path(mount["mountPath"]), pod.volumes.get(mount["name"], {})
        inside = _files_of(volume, there)
        if inside is None:
            folders.append(str(place))
        elif sub := mount.get("subPath"):
            files |= {str(place): text for name, text in inside.items() if name == sub}
        else:
            files |= {str(place / name): text for name, text in inside.items()}
    return files, folders


def _files_of(volume: Object, there: Mapping[str, Contents]) -> dict[str, str] | None:
    """What a volume of Secrets and ConfigMaps holds; None for one to write to."""
    sources = (volume.get("projected") or {}).get("sources") or [volume]
    found: dict[str, str] = {}
    is_one = "projected" in volume
    for source in sources:
        for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
            if ref := source.get(field):
                is_one = True
                held = there[kind].get(ref.get("secretName") or ref["name"], {})
                items = {item["key"]: item["path"] for item in ref.get("items") or []} or {key: key for key in held}
                found |= {path: held[key] for key, path in items.items() if key in held}
    return found if is_one else None
