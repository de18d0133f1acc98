"""deploy/compose is whole: what it names is there, and what it sets is a setting."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from immichvr_catalog import GPU, SERVICES, kinds_of, workers
from immichvr_helm_check.settings import settings_class
from jsonschema import Draft202012Validator as Validator

from .conftest import COMPOSE, ROOT, as_environment, compose, filled_in, mounts, settings_tool

SERVERS = {"provision", "nats", "s3"}
TOOL = settings_tool()
DEFAULTS = re.compile(r"^default (\w+) (\S+)$", re.MULTILINE)


def services_of(**more: str) -> dict[str, dict[str, Any]]:
    """Those that run services of the catalogue."""
    return {name: one for name, one in compose(**more)["services"].items() if name not in SERVERS}


def service_of(name: str) -> str:
    return name.removesuffix(f"-{GPU}")


def environment(name: str, one: dict[str, Any], volumes: Path) -> dict[str, str]:
    """What its process sees, with the paths of its secrets as they lie here."""
    service = SERVICES[service_of(name)]
    image = {
        f"{service.env_prefix}{key}": value
        for key, value in DEFAULTS.findall((ROOT / "tools/image/start.sh").read_text("utf-8"))
    }
    own = str(volumes / volume_at(one, "/secrets"))
    return {
        key: "/dev/null" if value == "/run/secrets/immich-api-key" else str(value).replace("/secrets/", f"{own}/")
        for key, value in {**image, **one["environment"]}.items()
    }


def volume_at(one: dict[str, Any], target: str) -> str:
    [name] = [mount.volume for mount in mounts(one) if mount.target == target]
    return name


def test_it_is_a_compose_file_by_the_specification() -> None:
    # The schema of compose-spec/compose-spec, Apache-2.0, as check-jsonschema carries it.
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text("utf-8"))
    loaded = yaml.safe_load((COMPOSE / "compose.yaml").read_text("utf-8"))
    assert [error.message for error in Validator(schema).iter_errors(loaded)] == []
    misspelt = loaded | {"services": {"nats": {"imagee": "nats"}}}
    assert list(Validator(schema).iter_errors(misspelt))


def test_it_has_every_service_of_the_catalogue_and_again_for_a_gpu_where_one_is_of_use() -> None:
    with_gpu = {one.name for one in workers() if any(GPU in kind.pools for kind in kinds_of(one.name))}
    assert with_gpu
    assert set(services_of()) == set(SERVICES) | {f"{name}-{GPU}" for name in with_gpu}


@pytest.mark.parametrize("pool", ["cpu", "gpu"])
def test_every_job_has_somebody_who_takes_it(pool: str) -> None:
    running = {
        (service_of(name), one["environment"].get(f"{SERVICES[service_of(name)].env_prefix}WORK__POOL"))
        for name, one in services_of(COMPOSE_PROFILES=pool).items()
        if "profiles" not in one or pool in one["profiles"]
    }
    sent = services_of(COMPOSE_PROFILES=pool)["gateway"]["environment"]
    for worker in workers():
        asked = sent.get(f"IMMICHVR_GATEWAY_POOLS__{worker.name.replace('-', '_').upper()}", "cpu")
        for kind in kinds_of(worker.name):
            assert (worker.name, kind.pool(asked)) in running, kind.name


def test_every_variable_is_a_setting_of_its_service() -> None:
    for name, one in services_of().items():
        unknown = [v for v in one["environment"] if not TOOL["accepts"](SERVICES[service_of(name)], v)]
        assert unknown == [], name
    assert not TOOL["accepts"](SERVICES["ai"], "IMMICHVR_AI_WORK__POOOL")


@pytest.mark.parametrize("name", services_of())
def test_every_service_takes_its_settings(name: str, volumes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = services_of()[name]
    for key, value in environment(name, one, volumes).items():
        monkeypatch.setenv(key, value)
    service = SERVICES[service_of(name)]
    settings = settings_class(service.name)()
    assert settings.nats.user == service.name
    password = (volumes / service.name / "nats-password").read_text("utf-8").strip()
    assert settings.nats.password.get_secret_value() == password
    accounts = json.loads((volumes / "nats/nats.conf").read_text("utf-8"))["accounts"].values()
    assert {"user": service.name, "password": password} in [user for each in accounts for user in each["users"]]
    keys = [settings.s3.access_key.get_secret_value(), settings.s3.secret_key.get_secret_value()]
    identities = json.loads((volumes / "s3/s3.json").read_text("utf-8"))["identities"]
    assert [{"accessKey": keys[0], "secretKey": keys[1]}] in [each["credentials"] for each in identities]


def test_every_secret_is_there_and_belongs_to_one_service(volumes: Path) -> None:
    for name, one in services_of().items():
        assert volume_at(one, "/secrets") == service_of(name)
        paths = [value for value in one["environment"].values() if str(value).startswith("/secrets/")]
        assert len(paths) > 3
        for path in paths:
            assert (volumes / service_of(name) / path.removeprefix("/secrets/")).is_file(), path


def test_the_gateway_shows_workers_the_token_that_they_know(volumes: Path) -> None:
    assert (volumes / "gateway/rpc-ai").read_text("utf-8") == (volumes / "ai/rpc-gateway").read_text("utf-8")


def test_every_address_names_a_service_and_a_port_that_it_serves(volumes: Path) -> None:
    served = {
        "nats": json.loads((volumes / "nats/nats.conf").read_text("utf-8"))["listen"].split(":")[1],
        "s3": next(w.split("=")[1] for w in compose()["services"]["s3"]["command"] if w.startswith("-s3.port=")),
    }
    for one in services_of().values():
        for key, value in one["environment"].items():
            if key.endswith(("NATS__URL", "S3__ENDPOINT")):
                host, port = value.split("//")[1].split(":")
                assert served[host] == port
    ports = dict(DEFAULTS.findall((ROOT / "tools/image/start.sh").read_text("utf-8")))
    gateway = services_of()["gateway"]
    assert gateway["ports"][0].split(":")[-1] == ports["PORT"]
    aliased = f"http://{gateway['networks']['immich']['aliases'][0]}:{ports['PORT']}"
    assert gateway["environment"]["IMMICHVR_GATEWAY_AUTOMATION__ADDRESS"] == aliased


def test_every_volume_network_and_secret_is_declared_and_used() -> None:
    loaded = compose()
    used: dict[str, set[str]] = {"volumes": set(), "networks": set(), "secrets": set()}
    for one in loaded["services"].values():
        used["volumes"] |= {mount.volume for mount in mounts(one)}
        used["networks"] |= set(one.get("networks", []))
        used["secrets"] |= set(one.get("secrets", []))
    for kind, names in used.items():
        assert names == set(loaded[kind]), kind


def test_a_worker_that_fetches_nothing_reaches_nothing_but_nats_and_s3() -> None:
    networks = {name: set(one["networks"]) for name, one in services_of().items()}
    assert networks["converter"] == {"inside"}
    assert compose()["networks"]["inside"] == {"internal": True}
    assert {name for name, reached in networks.items() if "immich" in reached} == {"gateway"}


def test_every_container_is_bare() -> None:
    for name, one in compose()["services"].items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert name == "provision" or "cap_add" not in one, name
        assert name in services_of() or name == "provision" or one["user"] == "10001:10001", name


def test_a_new_volume_holds_nothing_of_somebody_elses_image() -> None:
    # What an image has at that place, and its owner, keep out `provision` (root with CHOWN alone) and user 10001.
    others = {name: one for name, one in compose()["services"].items() if "/immichvr/" not in one["image"]}
    assert set(others) == {"nats", "s3"}
    for name, one in others.items():
        assert [mount for mount in mounts(one) if mount.is_copied] == [], name


def test_temporary_files_are_seen_by_their_service_alone() -> None:
    seen = {volume_at(one, "/scratch"): service_of(name) for name, one in services_of().items()}
    assert seen == {f"{name}-scratch": name for name in SERVICES}
    given = {mount.volume for mount in mounts(compose()["services"]["provision"]) if "/data/" in mount.target}
    assert set(seen) <= given


def test_servers_may_take_their_time_to_read_what_they_hold() -> None:
    for name in ("nats", "s3"):
        assert compose()["services"][name]["healthcheck"]["start_period"] == "600s", name


def test_every_command_of_the_documents_that_looks_after_it_can_do_so() -> None:
    text = "\n".join((ROOT / "docs" / name).read_text("utf-8") for name in ("deployment/compose.md", "operations.md"))
    commands = re.findall(r"docker compose (\w+) .*-m immichvr_gateway\.admin (\w+)", text)
    # Those two want a gateway that is stopped, in which nothing can be executed.
    assert {word for word, does in commands if does in ("restore", "rebuild")} == {"run"}
    lines = re.findall(r"docker compose .*immichvr_gateway\.admin .*/backups/.*", text)
    assert lines
    assert [line for line in lines if ':/backups" gateway ' not in line] == []


def test_an_example_of_an_environment_has_comments_where_compose_reads_none_as_a_value() -> None:
    assert as_environment("A=   # words\nB=b   # words\n# C=c\n") == {"A": "# words", "B": "b"}
    values = filled_in()
    assert values["IMMICHVR_PUBLIC_URL"] == values["IMMICHVR_TRUSTED_PROXIES"] == ""
    assert not any("#" in value for value in values.values())


def test_there_is_little_to_fill_in() -> None:
    text = (COMPOSE / "compose.yaml").read_text("utf-8")
    assert 0 < len(filled_in()) <= 6
    assert all(f"${{{name}" in text for name in filled_in() if name != "COMPOSE_PROFILES")
    assert set(re.findall(r"\$\{(\w+):\?", text)) <= set(filled_in())


def test_a_second_start_keeps_what_the_first_one_made(volumes: Path) -> None:
    before = {path: path.read_text("utf-8") for path in volumes.rglob("*") if path.is_file()}
    again = [sys.executable, "-m", "immichvr_common.provision", str(volumes)]
    subprocess.run(again, check=True)
    assert {path: path.read_text("utf-8") for path in volumes.rglob("*") if path.is_file()} == before
    secret = volumes / "gateway/session-key"
    assert secret.stat().st_mode & 0o777 == 0o440
