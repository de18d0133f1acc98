"""The chart with one thing wrong: each time the checks name it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from immichvr_helm_check.checking import check
from immichvr_helm_check.matrix import CHART

from .conftest import ROOT, WAYS

PLAIN, SCALED, BY_NATS, WATCHED = "as it comes", "KEDA asks the gateway", "KEDA asks NATS", "watched"
INGRESS, ROUTE, HA = "an Ingress below a path", "a route of the Gateway API", "several gateways"
GATEWAY, WORKERS, NATS = "gateway.yaml", "workers.yaml", "nats.yaml"
POD, GATEWAY_ENV, WORKER_ENV, CONNECTIONS = "_pod.tpl", "_gateway.tpl", "_worker.tpl", "_connections.tpl"
POLICIES, NETWORK, KEDA = "networkpolicies.yaml", "_network.tpl", "keda.yaml"
BEHIND, ON_ONE_CLAIM, FETCHED = (
    "pods at other ports than their Services", "many workers on a claim of one node", "models fetched ahead",
)  # fmt: skip


class Mutation(NamedTuple):
    """What is changed in a template, the way of rendering in which it shows, and what is said."""

    template: str
    old: str
    new: str
    way: str
    said: str


MUTATIONS = {
    "a wrong port": Mutation(
        GATEWAY, "containerPort: 2284", "containerPort: 2285", PLAIN,
        "port http is 2285, but gateway listens at 2284 (port)",
    ),
    "two ports for one another": Mutation(
        WORKERS, "{name: metrics, containerPort: 9090}", "{name: metrics, containerPort: 50051}", PLAIN,
        "port metrics is 50051, but ai listens at 9090 (metrics.port)",
    ),
    "a port at loopback": Mutation(
        WORKER_ENV, '"RPC__HOST" "0.0.0.0"', '"RPC__HOST" "127.0.0.1"', PLAIN,
        "port rpc: ai listens at 127.0.0.1, where nobody else reaches it",
    ),
    "a port that the configuration does not speak of": Mutation(
        NATS, "containerPort: 4222", "containerPort: 4223", PLAIN,
        "port nats: neither its command nor its configuration speaks of 4223",
    ),
    "a Service to no port": Mutation(
        WORKERS, "targetPort: metrics", "targetPort: metric", PLAIN,
        "Service/immichvr-ai: Deployment/immichvr-ai-cpu has no port 'metric', to which 9090 leads",
    ),
    "a probe of what is not answered": Mutation(
        GATEWAY, "path: /api/started", "path: /api/begun", PLAIN,
        "readinessProbe asks /api/begun, which gateway does not answer",
    ),
    "a missing secret": Mutation(
        "secrets.yaml", '"session-key" ', "", PLAIN,
        "the Secret 'immichvr-secrets' has no key 'session-key'",
    ),
    "a door that nobody reaches": Mutation(
        POLICIES, "    # Workers elsewhere.\n    - ports: [{port: attach}]\n", "", "workers elsewhere",
        "does not reach Deployment/immichvr-gateway at 9443",
    ),
    "a door for whoever knows no credential": Mutation(
        GATEWAY_ENV, '"ATTACH__CALLERS__%s__TOKEN_FILE" $caller) (printf "%s/attach-%s"',
        '"ATTACH__CALLERS__%s__TOKEN_FILE" $caller) (printf "%s/attached-%s"', "workers elsewhere",
        "IMMICHVR_GATEWAY_ATTACH__CALLERS__AI__TOKEN_FILE names /run/secrets/immichvr/attached-ai",
    ),
    "a file that is not mounted": Mutation(
        GATEWAY_ENV, '"SESSION_KEY_FILE" (printf "%s/session-key"', '"SESSION_KEY_FILE" (printf "%s/sessionkey"', PLAIN,
        "IMMICHVR_GATEWAY_SESSION_KEY_FILE names /run/secrets/immichvr/sessionkey, where nothing is mounted",
    ),
    "a misspelt variable": Mutation(
        WORKER_ENV, '"WORK__STOP_GRACE_S"', '"WORK__STOPGRACE_S"', PLAIN,
        "IMMICHVR_AI_WORK__STOPGRACE_S is no setting of ai",
    ),
    "a program that there is not": Mutation(
        "_init.tpl", "immichvr_gateway.prepare", "immichvr_gateway.preparing", PLAIN,
        "there is no module immichvr_gateway.preparing to run",
    ),
    "a value that is refused": Mutation(
        WORKER_ENV, '"WORK__POOL" $pool.jobs', '"WORK__POOL" "tpu"', PLAIN,
        "ai refuses its settings",
    ),
    "variables of Services": Mutation(
        POD, "enableServiceLinks: false", "enableServiceLinks: true", PLAIN,
        "variables of Services would lie over settings",
    ),
    "an address of nobody": Mutation(
        CONNECTIONS, "-nats:4222", "-bus:4222", PLAIN,
        "IMMICHVR_AI_NATS__URL: there is no Service 'immichvr-bus'",
    ),
    "an arrow too many": Mutation(
        POLICIES, "{{- if $row.runs_models }}", "{{- if $row }}", PLAIN,
        "Deployment/immichvr-converter-cpu reaches the internet at 443, which is no arrow of the architecture",
    ),
    "a door too many": Mutation(
        POLICIES, "{{- else if and $row.gateway_calls $root.Values.gateway.enabled }}", "{{- else }}\n    - {}", PLAIN,
        "a stranger reaches Deployment/immichvr-converter-cpu at 50051, which is no arrow of the architecture",
    ),
    "an arrow too few": Mutation(
        POLICIES, '{{- include "immichvr.toStorage" $root | nindent 4 }}', "", PLAIN,
        "Deployment/immichvr-ai-cpu does not reach StatefulSet/immichvr-s3 at 8333",
    ),
    "the port of a Service where a pod's is told": Mutation(
        NETWORK, '.ports | default (list (include "immichvr.portOf" .url))',
        'list (include "immichvr.portOf" .url)', BEHIND,
        "Deployment/immichvr-gateway does not reach Immich at 2283, as the architecture wants it",
    ),
    "workers on several nodes with a claim of one": Mutation(
        POD, '"topologyKey" "kubernetes.io/hostname"', '"topologyKey" "topology.kubernetes.io/zone"', ON_ONE_CLAIM,
        "Deployment/immichvr-ai-cpu may be put on another node than Deployment/immichvr-ai-cpu: one alone mounts",
    ),
    "a Job on another node than the workers for whom it fetches": Mutation(
        "_models.tpl", '"claim" .claim "values" .pool', '"values" .pool', FETCHED,
        "may be put on another node than Deployment/immichvr-ai-cpu: one alone mounts immichvr-caches-ai-cpu",
    ),
    "workers that do not wait for the Job's node": Mutation(
        "models-job.yaml", '{{- include "immichvr.claimLabel" $claim | nindent 8 }}', "", FETCHED,
        "Deployment/immichvr-ai-cpu may be put on another node than Job/immichvr-models-ai-cpu-",
    ),
    "the node's credentials within reach": Mutation(
        NETWORK, "169.254.0.0/16, ", "", PLAIN,
        "Deployment/immichvr-ai-cpu reaches the node's credentials at 80",
    ),
    "a privileged pod": Mutation(
        POD, "allowPrivilegeEscalation: false", "privileged: true", PLAIN,
        "Deployment/immichvr-ai-cpu: container ai is privileged",
    ),
    "root": Mutation(
        POD, "runAsNonRoot: true\nrunAsUser: 10001", "runAsUser: 0", PLAIN,
        "Deployment/immichvr-gateway: container gateway runs as root",
    ),
    "a root that can be written to": Mutation(
        POD, "readOnlyRootFilesystem: true\n", "", PLAIN,
        "container nats can write to its root",
    ),
    "a token of the cluster": Mutation(
        POD, "automountServiceAccountToken: false\n", "", PLAIN,
        "Deployment/immichvr-converter-cpu: a token of the cluster is mounted",
    ),
    "a misspelt field": Mutation(
        WORKERS, "terminationGracePeriodSeconds:", "terminationGracePeriodSecs:", PLAIN,
        "is refused by Kubernetes 1.30.0: Additional properties are not allowed ('terminationGracePeriodSecs'",
    ),
    "more asked for than allowed": Mutation(
        NATS, "{{- toYaml $nats.resources | nindent 12 }}",
        "requests: {memory: 1Gi}\n            limits: {memory: 512Mi}", PLAIN,
        "container nats: asks for 1Gi of memory, and may have 512Mi",
    ),
    "a key that stands there twice": Mutation(
        GATEWAY, "spec:\n  type: {{", "spec:\n  type: ClusterIP\n  type: {{", PLAIN,
        "the key 'type' stands there twice",
    ),
    "a selector that finds nothing": Mutation(
        GATEWAY, "maxUnavailable: 1\n  selector:\n    matchLabels:",
        "maxUnavailable: 1\n  selector:\n    matchLabels:\n      immichvr/pool: none", PLAIN,
        "PodDisruptionBudget/immichvr-gateway: its selector finds no pod",
    ),
    "pools that take one another's pods": Mutation(
        WORKERS, '{{- include "immichvr.selector" $labelled | nindent 6 }}',
        '{{- include "immichvr.selector" $ofService | nindent 6 }}', "GPUs by resource",
        "Deployment/immichvr-ai-cpu: its selector takes the pods of Deployment/immichvr-ai-gpu too",
    ),
    "a claim that nobody makes": Mutation(
        "caches.yaml", "name: {{ $claim }}", "name: {{ $claim }}-1", PLAIN,
        "there is no PersistentVolumeClaim 'immichvr-caches-ai-cpu'",
    ),
    "two who say how many there are": Mutation(
        GATEWAY, "{{- if not $gateway.autoscaling.enabled }}", "{{- if true }}", HA,
        "Deployment/immichvr-gateway says how many replicas there are, and so does HorizontalPodAutoscaler",
    ),
    "scaling of nothing": Mutation(
        KEDA, "scaleTargetRef: {name: {{ $name }}}", "scaleTargetRef: {name: {{ $fullname }}}", SCALED,
        "ScaledObject/immichvr-ai-cpu: there is no Deployment 'immichvr' to scale",
    ),
    "a misspelt field of KEDA's": Mutation(
        KEDA, "cooldownPeriod:", "coolDownPeriod:", SCALED,
        "is refused by its definition: Additional properties are not allowed ('coolDownPeriod'",
    ),
    "a scaler at another port": Mutation(
        KEDA, ".svc:9091", ".svc:9092", SCALED,
        "scalerAddress: Service/immichvr-gateway-inner has no port 9092",
    ),
    "a durable that there is not": Mutation(
        KEDA, "-{{ $class }}", "-urgent", BY_NATS,
        "ai-cpu-urgent is no durable of JOBS",
    ),
    "a pool that KEDA cannot ask about": Mutation(
        KEDA, "pool: {{ $one.pool.jobs }}", "pool: {{ $one.name }}", SCALED,
        "pool in the trigger's metadata is one of cpu, gpu, not 'gpu-small'",
    ),
    "an Ingress to nowhere": Mutation(
        "ingress.yaml", "port: {name: http}", "port: {name: web}", INGRESS,
        "Ingress/immichvr-gateway: Service/immichvr-gateway has no port 'web'",
    ),
    "a route to nowhere": Mutation(
        "ingress.yaml", "port: {{ $port }}}", "port: 80}", ROUTE,
        "HTTPRoute/immichvr-gateway: Service/immichvr-gateway has no port 80",
    ),
    "metrics of nobody": Mutation(
        "monitoring.yaml", "port: metrics", "port: metric", WATCHED,
        "ServiceMonitor/immichvr: Service/immichvr-ai has no port 'metric'",
    ),
}  # fmt: skip


def mutated(chart: Path, mutation: Mutation) -> None:
    """Changes the chart in that one place, wherever it stands in the template."""
    path = chart / "templates" / mutation.template
    text = path.read_text("utf-8")
    assert mutation.old in text, f"{mutation.template} no longer says {mutation.old!r}"
    path.write_text(text.replace(mutation.old, mutation.new), "utf-8")


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_checks_name(name: str, tmp_path: Path) -> None:
    chart = shutil.copytree(ROOT / CHART, tmp_path / "immichvr")
    mutated(chart, MUTATIONS[name])
    sentences = check(WAYS[MUTATIONS[name].way], ROOT, chart)
    assert any(MUTATIONS[name].said in sentence for sentence in sentences), "\n".join(sentences)
