"""Kubernetes objects as they are rendered, and the pods that they start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
Objects = Sequence[Object]

_TEMPLATED = ("DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet")


@dataclass(frozen=True)
class Pod:
    """A pod that would run. owner: what starts it."""

    owner: Object
    template: Object

    @property
    def where(self) -> str:
        """How a sentence names it: Deployment/immichvr-ai."""
        return name_of(self.owner)

    @property
    def labels(self) -> Mapping[str, str]:
        """By which selectors find it."""
        found: Mapping[str, str] = (self.template.get("metadata") or {}).get("labels") or {}
        return found

    @property
    def spec(self) -> Object:
        """Its PodSpec."""
        found: Object = self.template["spec"]
        return found

    @property
    def containers(self) -> list[Object]:
        """Those that stay."""
        return list(self.spec.get("containers") or [])

    @property
    def all_containers(self) -> list[Object]:
        """Those that come first, and those that stay."""
        return [*(self.spec.get("initContainers") or []), *self.containers]

    @property
    def volumes(self) -> dict[str, Object]:
        """By name."""
        return {volume["name"]: volume for volume in self.spec.get("volumes") or []}

    @property
    def service(self) -> str:
        """The component that it says it is, in its labels; empty where it says nothing."""
        return self.labels.get("app.kubernetes.io/component", "")


def pods(objects: Objects) -> Iterator[Pod]:
    """Every pod that these objects start."""
    for one in objects:
        spec = one.get("spec") or {}
        match one["kind"]:
            case "Pod":
                yield Pod(one, one)
            case "CronJob":
                yield Pod(one, spec["jobTemplate"]["spec"]["template"])
            case kind if kind in _TEMPLATED:
                yield Pod(one, spec["template"])


def name_of(one: Object) -> str:
    """How a sentence names an object."""
    return f"{one['kind']}/{one['metadata']['name']}"


def of_kind(objects: Objects, *kinds: str) -> list[Object]:
    """Those of these kinds."""
    return [one for one in objects if one["kind"] in kinds]


def names(objects: Objects, kind: str) -> set[str]:
    """The names of all objects of a kind."""
    return {one["metadata"]["name"] for one in of_kind(objects, kind)}


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector takes these labels; an empty one takes any."""
    chosen = selector or {}
    if any(labels.get(key) != value for key, value in (chosen.get("matchLabels") or {}).items()):
        return False
    return all(_is_met(rule, labels) for rule in chosen.get("matchExpressions") or [])


def _is_met(rule: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(rule["key"])
    match rule["operator"]:
        case "In":
            return value in rule["values"]
        case "NotIn":
            return value not in rule["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case operator:
            raise ValueError(f"a selector has the operator {operator!r}")
