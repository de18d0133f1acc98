"""The chart as somebody who installs it sees it: what it refuses, in which words, and what is made of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python import Chart, HelmError

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm/immichvr"
MOVED: dict[str, str] = json.loads((CHART / "files/moved.json").read_text())
Objects = list[dict[str, Any]]


def templates(values: dict[str, Any] | None = None, chart: Path = CHART) -> dict[str, str]:
    with Chart.load(chart) as loaded:
        return loaded.render(values or {}, name="immichvr", namespace="photos")


def rendered(values: dict[str, Any] | None = None, chart: Path = CHART) -> Objects:
    texts = templates(values, chart)
    found = [one for name, text in texts.items() if name.endswith(".yaml") for one in yaml.safe_load_all(text)]
    return [one for one in found if one]


def named(objects: Objects, kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def test_what_is_made_of_the_chart_is_made_of_it_as_it_is_today() -> None:
    tool = [sys.executable, ROOT / "tools/chart.py", "all", "--check"]
    checked = subprocess.run(tool, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"services": {"upscaler": {}}}, "there are: ai, converter, inpaint, video-depth"),
        ({"services": {"converter": {"pools": {"gpu": {"jobs": "gpu"}}}}}, "only for: cpu"),
        ({"nats": {"embedded": {"enabled": False}}}, "set nats.external.url"),
        ({"nats": {"embedded": {"service": {"type": "LoadBalancer"}}}}, "set nats.embedded.tls.existingSecret"),
        ({"s3": {"embedded": {"enabled": False}}}, "set s3.external.endpoint"),
        ({"immich": {"url": ""}}, "set immich.url"),
        ({"maintenance": {"backup": {"schedule": "0 3 * * *"}}}, "set maintenance.backup.existingClaim"),
        (
            {"caches": {"accessModes": ["ReadWriteOncePod"]}, "services": {"ai": {"pools": {"cpu": {"replicas": 2}}}}},
            "one pod alone may mount immichvr-caches-ai-cpu",
        ),
        ({"caches": {"accessModes": ["ReadWriteOncePod"]}, "keda": {"enabled": True}}, r"set it to \[ReadWriteOnce\]"),
        ({"attach": {"enabled": True}}, "set attach.tls.existingSecret, or attach.enabled=false"),
        ({"attach": {"enabled": True}, "gateway": {"enabled": False}}, "set attach.url for workers"),
        ({"attach": {"url": "http://home.example:9443"}}, "attach"),
        ({"networkPolicy": {"immichPorts": [0]}}, "immichPorts"),
        ({"gatewya": {}}, "gatewya"),
        ({"gateway": {"replicas": "three"}}, "want integer"),
    ],
)
def test_values_that_cannot_be_are_refused_with_what_would_be_right(values: dict[str, Any], words: str) -> None:
    with pytest.raises(HelmError, match=words):
        rendered(values)


@pytest.mark.parametrize(("path", "words"), MOVED.items())
def test_a_value_that_is_no_more_fails_with_the_sentence_that_says_what_to_do(path: str, words: str) -> None:
    values: Any = "something"
    for part in reversed(path.split(".")):
        values = {part: values}
    with pytest.raises(HelmError, match=re.escape(f"there is no value {path}: {words}")):
        rendered(values)


def test_every_value_is_described() -> None:
    """The table of the chart's page has a row for each, made of the schema."""
    rows = [line for line in (CHART / "README.md").read_text().splitlines() if re.match(r"^\| `[a-z]", line)]
    assert len(rows) > 150
    assert [row for row in rows if row.endswith("|  |")] == []


def test_a_service_has_any_number_of_pools_with_hardware_of_their_own() -> None:
    small = {"jobs": "gpu", "gpu": {"count": 1, "resourceName": "nvidia.com/mig-1g.10gb"}, "preload": ["da2-small"]}
    claimed = {"jobs": "gpu", "resourceClaims": [{"name": "card", "resourceClaimTemplateName": "h200"}]}
    objects = rendered({"services": {"ai": {"pools": {"small": small, "claimed": claimed, "cpu": {"enabled": False}}}}})
    deployments = named(objects, "Deployment")
    assert {name for name in deployments if "-ai-" in name} == {"immichvr-ai-small", "immichvr-ai-claimed"}
    pod = deployments["immichvr-ai-small"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/mig-1g.10gb"] == 1
    assert environment(pod)["IMMICHVR_AI_MODELS__PRELOAD"] == '["da2-small"]'
    pod = deployments["immichvr-ai-claimed"]["spec"]["template"]["spec"]
    assert pod["resourceClaims"] == [{"name": "card", "resourceClaimTemplateName": "h200"}]
    assert pod["containers"][0]["resources"]["claims"] == [{"name": "card"}]
    gateway = environment(deployments["immichvr-gateway"]["spec"]["template"]["spec"])
    assert gateway["IMMICHVR_GATEWAY_POOLS__AI"] == "gpu"
    assert "IMMICHVR_GATEWAY_POOLS__VIDEO_DEPTH" not in gateway


def test_a_new_service_needs_no_new_template(tmp_path: Path) -> None:
    chart = shutil.copytree(CHART, tmp_path / "immichvr")
    catalog = json.loads((chart / "files/catalog.json").read_text())
    row = catalog["services"]["ai"]
    catalog["services"]["up-scaler"] = {
        name: value.replace("AI", "UP_SCALER").replace("ai", "up-scaler") if isinstance(value, str) else value
        for name, value in row.items()
    } | {"serves_sessions": False}
    (chart / "files/catalog.json").write_text(json.dumps(catalog))
    objects = rendered({"keda": {"enabled": True}}, chart)
    for kind in ("Deployment", "PersistentVolumeClaim", "ScaledObject"):
        assert [name for name in named(objects, kind) if "up-scaler" in name], kind
    for kind in ("Service", "ServiceAccount", "PodDisruptionBudget", "NetworkPolicy"):
        assert "immichvr-up-scaler" in named(objects, kind), kind
    pod = named(objects, "Deployment")["immichvr-up-scaler-cpu"]["spec"]["template"]["spec"]
    assert environment(pod)["IMMICHVR_UP_SCALER_NATS__USER"] == "up-scaler"
    assert {"nats-up-scaler", "s3-up-scaler-access-key", "rpc-up-scaler"} <= set(
        named(objects, "Secret")["immichvr-secrets"]["data"]
    )


def test_a_secret_of_yours_has_the_keys_of_services_that_are_off_unless_workers_are_alone() -> None:
    own = {"secrets": {"existing": "own"}}
    off = {name: {"enabled": False} for name in ("ai", "video-depth", "inpaint")}
    wanted = keys_wanted({**own, "services": off})
    assert {"rpc-ai", *(f"nats-{name}" for name in off), *(f"s3-{name}-secret-key" for name in off)} <= wanted
    assert wanted <= set(named(rendered(), "Secret")["immichvr-secrets"]["data"])
    alone = yaml.safe_load((CHART / "values-remote-worker.yaml").read_text())
    assert not [key for key in keys_wanted(alone) if "converter" in key or "gateway" in key]


def test_the_notes_tell_the_address_and_what_is_missing() -> None:
    plain = templates()["immichvr/templates/NOTES.txt"]
    assert "kubectl -n photos port-forward svc/immichvr-gateway 2284:2284" in plain
    assert "no https" in plain
    assert "S3 is the chart's own" in plain
    ingress = {"enabled": True, "host": "home.example", "tlsSecret": "tls"}
    there = templates({"ingress": ingress, "gateway": {"trustedProxies": ["10.0.0.0/8"]}})
    assert "https://home.example/" in there["immichvr/templates/NOTES.txt"]
    assert "no https" not in there["immichvr/templates/NOTES.txt"]


@pytest.mark.parametrize(("status", "ends_well"), [(200, True), (503, False)])
def test_helm_test_ends_well_where_the_gateway_is_ready(status: int, ends_well: bool) -> None:
    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            assert self.path == "/api/ready"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"nats": false}')

        def log_message(self, format: str, *args: object) -> None:
            """Keeps the tests' output to what fails."""

    (container,) = named(rendered(), "Pod")["immichvr-test-ready"]["spec"]["containers"]
    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        *command, url = container["command"]
        here = url.replace("immichvr-gateway:2284", f"127.0.0.1:{server.server_port}")
        done = subprocess.run([sys.executable, *command[1:], here], capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0) is ends_well
    assert '{"nats": false}' in done.stdout + done.stderr


def test_settings_of_a_service_reach_its_pools_and_win_over_the_charts_own() -> None:
    objects = rendered({"services": {"ai": {"settings": {"SPLAT__MAX_GAUSSIANS": 1000000, "LOG_JSON": False}}}})
    found = environment(named(objects, "Deployment")["immichvr-ai-cpu"]["spec"]["template"]["spec"])
    assert found["IMMICHVR_AI_SPLAT__MAX_GAUSSIANS"] == "1000000"
    assert found["IMMICHVR_AI_LOG_JSON"] == "false"


def test_models_are_fetched_ahead_onto_the_claim_of_the_pool_that_wants_them() -> None:
    pools = {"cpu": {"download": ["da2-small", "sharp"], "nodeSelector": {"disk": "fast"}}}
    jobs = named(rendered({"services": {"ai": {"pools": pools}}, "models": {"acceptLicences": ["sharp"]}}), "Job")
    (pod,) = [job["spec"]["template"]["spec"] for name, job in jobs.items() if "-models-ai-cpu-" in name]
    assert pod["containers"][0]["args"] == ["--accept-licence=sharp", "da2-small", "sharp"]
    assert pod["nodeSelector"] == {"disk": "fast"}
    assert {"persistentVolumeClaim": {"claimName": "immichvr-caches-ai-cpu"}, "name": "caches"} in pod["volumes"]


def test_a_job_that_changes_has_another_name() -> None:
    """Kubernetes lets nobody change a Job."""
    names = [set(named(rendered({"image": {"tag": tag}}), "Job")) for tag in ("1", "2", "2")]
    assert names[0].isdisjoint(names[1])
    assert names[1] == names[2]


def test_an_image_is_pinned_by_its_digest() -> None:
    digest = f"sha256:{'a' * 64}"
    pinned = {"image": {"registry": "registry.test/3d", "tag": "2", "digests": {"immichvr-ai": digest}}}
    deployments = named(rendered(pinned), "Deployment")
    images = {name: one["spec"]["template"]["spec"]["containers"][0]["image"] for name, one in deployments.items()}
    assert images["immichvr-ai-cpu"] == f"registry.test/3d/immichvr-ai:2@{digest}"
    assert images["immichvr-gateway"] == "registry.test/3d/immichvr-gateway:2"


def test_every_service_is_told_where_traces_go_and_may_reach_it() -> None:
    tracing = {"endpoint": "http://collector:4318", "headersSecret": {"name": "collector"}}
    objects = rendered({"tracing": tracing})
    for name, one in named(objects, "Deployment").items():
        told = environment(one["spec"]["template"]["spec"])
        assert [value for key, value in told.items() if key.endswith("_TRACING__ENDPOINT")] == [tracing["endpoint"]]
        assert "OTEL_EXPORTER_OTLP_HEADERS" in told
        component = one["metadata"]["labels"]["app.kubernetes.io/component"]
        allowed = named(objects, "NetworkPolicy")[f"immichvr-{component}"]["spec"]["egress"]
        assert [{"port": 4318}] in [rule["ports"] for rule in allowed], name


@pytest.mark.parametrize(("scheme", "port"), [("nats", 4222), ("tls", 4222), ("ws", 80), ("wss", 443)])
def test_a_nats_of_yours_is_reached_at_the_port_of_its_scheme_unless_another_is_told(scheme: str, port: int) -> None:
    values: dict[str, Any] = {
        "nats": {"embedded": {"enabled": False}, "external": {"url": f"{scheme}://nats.example"}},
        "networkPolicy": {"natsTo": [{"ipBlock": {"cidr": "192.0.2.1/32"}}]},
    }
    assert ports_to(values, "natsTo") == [port]
    values["networkPolicy"]["natsPorts"] = [4222, 8443]
    assert ports_to(values, "natsTo") == [4222, 8443]


def test_names_are_looked_up_where_it_is_told() -> None:
    local = [{"ipBlock": {"cidr": "169.254.20.10/32"}}]
    assert ports_to({"networkPolicy": {"dnsTo": local}}, "dnsTo") == [53, 53]
    assert ports_to({"networkPolicy": {"dnsTo": local, "dnsPorts": [5353]}}, "dnsTo") == [5353, 5353]


def test_workers_of_a_claim_of_one_node_stay_together_whatever_else_is_told_of_their_place() -> None:
    node = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": []}]}}
    near = {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "immich"}}}
    told = {"nodeAffinity": node, "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [near]}}
    worker = {"affinity": told, "replicas": 2}
    pod = named(rendered({"worker": worker}), "Deployment")["immichvr-ai-cpu"]["spec"]["template"]
    affinity = pod["spec"]["affinity"]
    assert affinity["nodeAffinity"] == node
    first, own = affinity["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert first == near
    assert own["topologyKey"] == "kubernetes.io/hostname"
    assert own["labelSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    many = {"worker": worker, "caches": {"accessModes": ["ReadWriteMany"]}}
    assert named(rendered(many), "Deployment")["immichvr-ai-cpu"]["spec"]["template"]["spec"]["affinity"] == told


def test_backups_that_are_older_go_when_a_new_one_is_there(tmp_path: Path) -> None:
    objects = rendered({"maintenance": {"backup": {"schedule": "0 3 * * *", "existingClaim": "copies", "keep": 2}}})
    pod = named(objects, "CronJob")["immichvr-backup"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    command = [word.replace("/backups", str(tmp_path)) for word in pod["containers"][0]["command"]]
    for day in (1, 2, 3):
        (tmp_path / f"immichvr-2026010{day}T030000Z.tar.gz").touch()
    (tmp_path / "python").write_text('#!/bin/sh\n[ "$3" = backup ] && touch "$4"\n')
    (tmp_path / "python").chmod(0o755)
    subprocess.run(command, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=True)
    kept = sorted(path.name for path in tmp_path.glob("*.tar.gz"))
    assert len(kept) == 2
    assert kept[0] == "immichvr-20260103T030000Z.tar.gz"
    (tmp_path / "python").write_text("#!/bin/sh\nexit 2\n")
    assert subprocess.run(command, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}).returncode == 2
    assert sorted(path.name for path in tmp_path.glob("*.tar.gz")) == kept


def test_keda_and_the_gateway_show_each_other_certificates() -> None:
    objects = rendered({"keda": {"enabled": True, "tls": {"existingSecret": "scaling"}}})
    gateway = environment(named(objects, "Deployment")["immichvr-gateway"]["spec"]["template"]["spec"])
    assert {"TLS__CERTIFICATE_FILE", "TLS__KEY_FILE", "TLS__CLIENT_CA_FILE"} <= {
        name.removeprefix("IMMICHVR_GATEWAY_SCALER__") for name in gateway
    }
    shown = named(objects, "TriggerAuthentication")["immichvr-scaler"]["spec"]["secretTargetRef"]
    assert {one["parameter"]: one["key"] for one in shown} == {
        "caCert": "ca.crt", "tlsClientCert": "client.crt", "tlsClientKey": "client.key",
    }  # fmt: skip
    for scaled in named(objects, "ScaledObject").values():
        (trigger,) = scaled["spec"]["triggers"]
        assert trigger["authenticationRef"] == {"name": "immichvr-scaler"}


def test_natss_two_questions_become_one_number_as_the_gateway_counts() -> None:
    objects = rendered({"keda": {"enabled": True, "trigger": "nats-jetstream"}})
    for name, scaled in named(objects, "ScaledObject").items():
        names = [one["name"] for one in scaled["spec"]["triggers"]]
        modifiers = scaled["spec"]["advanced"]["scalingModifiers"]
        assert names == ["interactive", "batch"], name
        assert re.findall("[a-z]+", modifiers["formula"]) == names
        assert modifiers["target"] == scaled["spec"]["triggers"][0]["metadata"]["lagThreshold"]


def test_what_is_collected_by_hand_keeps_to_the_gateways_graces() -> None:
    objects = rendered(
        {
            "maintenance": {"gc": {"schedule": "0 2 * * *"}},
            "gateway": {
                "settings": {"RETENTION__GRACE_HOURS": 48, "LIMITS__WINDOW": 4},
                "extraEnv": [
                    {"name": "IMMICHVR_GATEWAY_RETENTION__SOURCE_HOURS", "value": "9"},
                    {"name": "HTTPS_PROXY", "value": "http://proxy"},
                ],
            },
        }
    )
    pod = named(objects, "CronJob")["immichvr-gc"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["command"][-2:] == ["immichvr_gateway.admin", "gc"]
    told = environment(pod)
    assert told["IMMICHVR_GATEWAY_RETENTION__GRACE_HOURS"] == "48"
    assert "IMMICHVR_GATEWAY_LIMITS__WINDOW" not in told
    assert told["IMMICHVR_GATEWAY_RETENTION__SOURCE_HOURS"] == "9"
    assert "HTTPS_PROXY" not in told


def ports_to(values: dict[str, Any], peers: str) -> list[int]:
    """The ports at which the gateway may reach the peers that are told."""
    told = values["networkPolicy"][peers]
    rules = named(rendered(values), "NetworkPolicy")["immichvr-gateway"]["spec"]["egress"]
    (rule,) = [rule for rule in rules if rule["to"] == told]
    return [one["port"] for one in rule["ports"]]


def keys_wanted(values: dict[str, Any]) -> set[str]:
    """The keys of the Secret that is named which pods name."""
    found: set[str] = set()
    parts: list[Any] = [*rendered(values)]
    for part in parts:
        if isinstance(part, list):
            parts.extend(part)
        elif isinstance(part, dict):
            parts.extend(part.values())
            if part.get("name") == values["secrets"]["existing"]:
                found |= {item["key"] for item in part.get("items") or [part]}
    return found


def environment(pod: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in pod["containers"][0]["env"]}
