"""Whether pods that share a claim which one node alone may mount are put on one node: anywhere else they would wait for
ever to mount it.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes
https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
"""

from __future__ import annotations

from collections.abc import Iterator

from immichvr_helm_check.objects import Objects, Pod, of_kind, pods, selects

_MANY = "ReadWriteMany"
_NODE = "kubernetes.io/hostname"


def check(objects: Objects) -> list[str]:
    """A sentence for each pod that may be put on another node than one with which it shares a rendered claim."""
    return list(_apart(objects))


def _apart(objects: Objects) -> Iterator[str]:
    for claim in of_kind(objects, "PersistentVolumeClaim"):
        name = claim["metadata"]["name"]
        if _MANY in claim["spec"]["accessModes"]:
            continue
        sharing = [pod for pod in pods(objects) if name in _claims_of(pod)]
        for pod in sharing:
            for other in sharing:
                if (other is not pod or _most(objects, pod) > 1) and not _follows(pod, other):
                    yield f"{pod.where} may be put on another node than {other.where}: one alone mounts {name}"


def _claims_of(pod: Pod) -> set[str]:
    volumes = pod.volumes.values()
    return {volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume}


def _most(objects: Objects, pod: Pod) -> int:
    """How many of a pod there may be."""
    own, kind = pod.owner["metadata"]["name"], pod.owner["kind"]
    for one in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        spec = one["spec"]
        target = spec["scaleTargetRef"]
        if (target.get("kind", "Deployment"), target["name"]) == (kind, own):
            return int(spec.get("maxReplicas", spec.get("maxReplicaCount", 100)))
    return int(pod.owner["spec"].get("replicas", 1))


def _follows(pod: Pod, other: Pod) -> bool:
    affinity = (pod.spec.get("affinity") or {}).get("podAffinity") or {}
    return any(
        term["topologyKey"] == _NODE and selects(term.get("labelSelector"), other.labels)
        for term in affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or []
    )
