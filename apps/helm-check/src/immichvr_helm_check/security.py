"""What the Pod Security Standard `restricted` asks of a pod, and what we ask beyond it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from immichvr_helm_check.objects import Object, Objects, Pod, pods

_VOLUMES = {
    "name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected",
    "secret",
}  # fmt: skip
_SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
}  # fmt: skip
_SECCOMP = ("RuntimeDefault", "Localhost")


def check(objects: Objects) -> list[str]:
    """A sentence for each thing that `restricted` forbids, for each token of the cluster that a pod is given, for each
    root that can be written to, and for each container that may take any amount of memory."""
    return [sentence for pod in pods(objects) for sentence in (*_of_pod(pod), *_of_containers(pod))]


def _of_pod(pod: Pod) -> Iterator[str]:
    spec, where = pod.spec, pod.where
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield f"{where}: {field} is on"
    if spec.get("automountServiceAccountToken") is not False:
        yield f"{where}: a token of the cluster is mounted: automountServiceAccountToken has to be false"
    for volume in spec.get("volumes") or []:
        if foreign := sorted(set(volume) - _VOLUMES):
            yield f"{where}: the volume {volume['name']} is a {foreign[0]}, which restricted forbids"
    for one in _context(spec).get("sysctls") or []:
        if one["name"] not in _SYSCTLS:
            yield f"{where}: sets the sysctl {one['name']}"


def _of_containers(pod: Pod) -> Iterator[str]:
    of_pod = _context(pod.spec)
    for container in pod.all_containers:
        where, own = f"{pod.where}: container {container['name']}", _context(container)
        if own.get("privileged"):
            yield f"{where} is privileged"
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{where} may gain privileges: allowPrivilegeEscalation has to be false"
        if own.get("runAsNonRoot", of_pod.get("runAsNonRoot")) is not True:
            yield f"{where} may run as root: runAsNonRoot has to be true"
        if own.get("runAsUser", of_pod.get("runAsUser")) == 0:
            yield f"{where} runs as root"
        profile = (own.get("seccompProfile") or of_pod.get("seccompProfile") or {}).get("type")
        if profile not in _SECCOMP:
            yield f"{where} has the seccomp profile {profile}, not RuntimeDefault"
        capabilities = own.get("capabilities") or {}
        if "ALL" not in (capabilities.get("drop") or []):
            yield f"{where} keeps capabilities: it has to drop ALL"
        if kept := set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}:
            yield f"{where} adds the capability {sorted(kept)[0]}"
        if own.get("readOnlyRootFilesystem") is not True:
            yield f"{where} can write to its root: readOnlyRootFilesystem has to be true"
        if "memory" not in ((container.get("resources") or {}).get("limits") or {}):
            yield f"{where} has no limit of memory"
        for port in container.get("ports") or []:
            if port.get("hostPort"):
                yield f"{where} takes the port {port['hostPort']} of its node"


def _context(spec: Object) -> dict[str, Any]:
    found: dict[str, Any] = spec.get("securityContext") or {}
    return found
