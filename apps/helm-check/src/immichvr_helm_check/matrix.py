"""The ways of rendering the chart that are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from immichvr_catalog import workers

from immichvr_helm_check.references import Existing, secrets
from immichvr_helm_check.rendering import render
from immichvr_helm_check.schemas import RELEASES

CHART = Path("helm/immichvr")
MANIFESTS = Path("deploy/k8s")


@dataclass(frozen=True)
class Way:
    """One way of rendering. values: beside the chart's own. existing: what there was before, by kind.

    since: the first of `schemas.RELEASES` that knows what it asks for.
    """

    name: str
    values: Mapping[str, Any]
    existing: Existing = field(default_factory=dict)
    since: str = RELEASES[0]


_PHOTOS = {"photos": {"existingClaim": "photos"}, "models": {"offline": True}}
_OF_MONITORING = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
_CERTIFICATE = {"tls.crt": "-", "tls.key": "-", "ca.crt": "-"}
_GPU = {
    "jobs": "gpu",
    "gpu": {"count": 1},
    "runtimeClassName": "nvidia",
    "nodeSelector": {"nvidia.com/gpu.present": "true"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "preload": ["da2-small"],
}
_MIG = {**_GPU, "gpu": {"count": 2, "resourceName": "nvidia.com/mig-1g.10gb"}}
_GPUS = {"services": {one.name: {"pools": {"gpu": _GPU, "gpu-small": _MIG}} for one in workers() if one.runs_models}}
_CLAIMED = {
    "services": {
        "ai": {
            "pools": {
                "cpu": {"enabled": False},
                "gpu": {"jobs": "gpu", "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "one-gpu"}]},
            }
        }
    }
}
_KNOWN = {
    part: [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]
    for part, namespace in (("natsTo", "nats"), ("s3To", "s3"), ("immichTo", "immich"))
}
_FILLED_IN = {
    "ha": {"s3": {"external": {"endpoint": "http://s3.s3.svc:8333"}}, "networkPolicy": _KNOWN},
    "remote-worker": {"s3": {"external": {"endpoint": "http://s3.s3.svc:8333"}}, "networkPolicy": _KNOWN},
}
"""What a preset leaves to whoever uses it: where things are."""
_EXTERNAL = {
    "nats": {
        "embedded": {"enabled": False},
        "external": {
            "url": "tls://nats.nats.svc:4222",
            "existingSecret": "bus",
            "passwordKey": "password-{service}",
            "caSecret": {"name": "authority"},
        },
    },
    "s3": {
        "embedded": {"enabled": False},
        "external": {
            "endpoint": "http://s3.s3.svc:8333",
            "existingSecret": "storage",
            "accessKeyKey": "{service}-key",
            "secretKeyKey": "{service}-secret",
        },
    },
    "networkPolicy": _KNOWN,
}
_HTTPS = {
    "publicUrl": "https://3d.example",
    "gateway": {"tls": {"existingSecret": "certificate"}},
    "rpc": {"tls": {"existingSecret": "certificate"}},
    "nats": {"embedded": {"tls": {"existingSecret": "certificate"}}},
}
_FETCHED = {
    "services": {one.name: {"pools": {"cpu": {"download": ["da2-small"]}}} for one in workers() if one.runs_models}
}
_INGRESS = {
    "publicUrl": "https://photos.example/3d",
    "ingress": {
        "enabled": True, "className": "nginx", "host": "photos.example", "path": "/3d", "tlsSecret": "certificate",
    },
    "immich": {"apiKeySecret": {"name": "immich"}, "externalUrl": "https://photos.example"},
}  # fmt: skip
_ROUTE = {
    "httpRoute": {
        "enabled": True, "hostnames": ["3d.example"], "parentRefs": [{"name": "front", "namespace": "gateways"}],
    }
}  # fmt: skip
_MONITORED = {
    "monitoring": {name: {"enabled": True} for name in ("serviceMonitor", "rules", "dashboards")},
    "networkPolicy": {"metricsFrom": _OF_MONITORING},
}
_LOOKED_AFTER = {
    "maintenance": {
        "verify": {"schedule": "0 4 * * 0", "contents": True},
        "backup": {"schedule": "0 3 * * *", "existingClaim": "copies"},
        "gc": {"schedule": "0 2 * * *"},
    },
    "tracing": {"endpoint": "http://collector.tracing.svc:4318", "headersSecret": {"name": "collector"}},
}
_PLACED = {
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "photos", "operator": "Exists"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]
            }
        }
    },
    "priorityClassName": "high",
    "podAnnotations": {"example.com/note": "yes: it is"},
}
_TOLD = {
    "image": {"registry": "registry.example:5000/3d", "tag": "1.2.3", "pullSecrets": ["pull", "pull-too"]},
    "photos": {"existingClaim": "photos", "subPath": "family/2020"},
    "publicUrl": "https://3d.example",
    "gateway": {
        **_PLACED,
        "replicas": 2,
        "service": {"type": "NodePort", "port": 80, "annotations": {"example.com/a": "b"}},
        "trustedProxies": ["10.0.0.0/8", "fd00::/8"],
        "settings": {"LIMITS__QUEUED_PER_USER": 5},
        "extraEnv": [{"name": "TZ", "value": "Europe/Berlin"}],
    },
    "worker": {
        **_PLACED,
        "runtimeClassName": "gvisor",
        "settings": {"LOG_LEVEL": "debug"},
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    },
    "models": {"autoDownload": False, "url": "https://models.example", "tokenSecret": {"name": "hub"}},
    "caches": {"storageClassName": "fast", "size": "1Ti"},
    "nats": {
        "embedded": {
            "storageClassName": "fast",
            "service": {"type": "NodePort", "annotations": {"example.com/a": "b"}},
            "tls": {"existingSecret": "certificate"},
        }
    },
    "s3": {"bucket": "three-d", "region": "eu-1", "embedded": {"storageClassName": "slow"}},
    "networkPolicy": {"dnsTo": [{"podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}, "namespaceSelector": {}}]},
    "ingress": {"enabled": True, "host": "3d.example", "annotations": {"example.com/a": "b"}},
}
"""Something for each value that no other way has anything for."""
_HA = {"gateway": {"autoscaling": {"enabled": True, "minReplicas": 3}, "trustedProxies": ["10.42.0.0/16"]}}
_BEHIND = {
    "immich": {"url": "http://immich-server"},
    "nats": {"embedded": {"enabled": False}, "external": {"url": "wss://nats.nats.svc"}},
    "s3": {"embedded": {"enabled": False}, "external": {"endpoint": "https://s3.s3.svc"}},
    "tracing": {"endpoint": "https://collector.tracing.svc"},
    "networkPolicy": {
        **_KNOWN, "immichPorts": [2283], "natsPorts": [4222], "s3Ports": [8333], "tracingPorts": [4317, 4318],
    },
}  # fmt: skip
"""Services at the usual ports of their schemes, before pods at others, at which policies are held."""
_ON_ONE_CLAIM = {
    **_FETCHED, "keda": {"enabled": True}, "caches": {"scope": "shared"}, "worker": {"affinity": _PLACED["affinity"]},
}  # fmt: skip
_ELSEWHERE = {
    "attach": {"enabled": True, "tls": {"existingSecret": "certificate"}},
    "nats": {"embedded": {"service": {"type": "LoadBalancer"}, "tls": {"existingSecret": "certificate"}}},
}
_COMING = {"attach": {"url": "https://home.example:9443", "caSecret": {"name": "authority"}}}


def ways(root: Path) -> Iterator[Way]:
    """All of them, presets and plain manifests among them. root: of the repository."""
    own = secrets(render(root / CHART, {}))["immichvr-secrets"]
    services = [key.removeprefix("nats-") for key in own if key.startswith("nats-")]
    bus = {f"password-{service}": own[f"nats-{service}"] for service in services}
    storage = {f"{service}-{word}": "k" * 20 for service in services for word in ("key", "secret")}
    made = {
        "bus": bus, "storage": storage, "certificate": _CERTIFICATE, "authority": {"ca.crt": "-"},
        "keda": {**_CERTIFICATE, "client.crt": "-", "client.key": "-"}, "immich": {"api-key": "-"},
        "collector": {"headers": "-"}, "hub": {"token": "-"}, "nats-ca": {"ca.crt": "-"},
        "own": own, "immichvr-secrets": own, "immichvr-remote": own,
    }  # fmt: skip
    there: Existing = {"Secret": made, "PersistentVolumeClaim": {"photos": {}, "copies": {}}}
    yield Way("as it comes", {})
    yield Way("a folder of photos", _PHOTOS, there)
    yield Way("secrets of one's own", {"secrets": {"existing": "own"}}, there)
    yield Way("GPUs by resource", _GPUS, there)
    yield Way("GPUs by claim", _CLAIMED, there, since="1.33.0")
    yield Way("caches that are shared", {"caches": {"scope": "shared", "accessModes": ["ReadWriteMany"]}}, there)
    yield Way("no caches", {"caches": {"enabled": False}}, there)
    yield Way("KEDA asks the gateway", {**_GPUS, "keda": {"enabled": True}}, there)
    yield Way("KEDA shows a certificate", {"keda": {"enabled": True, "tls": {"existingSecret": "keda"}}}, there)
    yield Way("models fetched ahead", _FETCHED, there)
    yield Way("KEDA asks NATS", {"keda": {"enabled": True, "trigger": "nats-jetstream"}}, there)
    yield Way("NATS and S3 of others", _EXTERNAL, there)
    yield Way("TLS everywhere", _HTTPS, there)
    yield Way("an Ingress below a path", _INGRESS, there)
    yield Way("a route of the Gateway API", _ROUTE, there)
    yield Way("watched", _MONITORED, there)
    yield Way("looked after", _LOOKED_AFTER, there)
    yield Way("told much", _TOLD, there)
    yield Way("several gateways", _HA, there)
    yield Way("workers elsewhere", _ELSEWHERE, there)
    yield Way("live workers that come themselves", _COMING, there)
    yield Way("pods at other ports than their Services", _BEHIND, there)
    yield Way("many workers on a claim of one node", _ON_ONE_CLAIM, there)
    for path in sorted((root / CHART).glob("values-*.yaml")):
        name, preset = path.stem.removeprefix("values-"), yaml.safe_load(path.read_text("utf-8"))
        yield Way(f"preset {name}", _merged(preset, _FILLED_IN.get(name, {})), there)
    if (root / MANIFESTS / "values.yaml").is_file():
        yield Way("plain manifests", yaml.safe_load((root / MANIFESTS / "values.yaml").read_text("utf-8")), there)


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Values as Helm lays a second file over the first."""
    both = {
        name: _merged(first[name], value) if isinstance(value, dict) and isinstance(first.get(name), dict) else value
        for name, value in second.items()
    }
    return {**first, **both}
