"""deploy/compose for workers on other machines: what home opens for them, and what runs there."""

from __future__ import annotations

import json
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from cryptography import x509
from immichvr_catalog import GPU, SERVICES, kinds_of, workers
from immichvr_common.certificates import AUTHORITY, CERTIFICATE
from immichvr_common.embedded import binary
from immichvr_common.provision import provision
from immichvr_helm_check.settings import settings_class
from jsonschema import Draft202012Validator as Validator

from .conftest import COMPOSE, compose, mounts

HOME = "home.example"
DOORS, FAR = "workers-elsewhere.yaml", "remote-worker.yaml"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The volumes of a stack that workers elsewhere reach under a name."""
    root = tmp_path_factory.mktemp("known")
    provision(root, HOME)
    return root


def doors() -> dict[str, Any]:
    return compose(DOORS, IMMICHVR_REMOTE_NAME=HOME)["services"]


def far() -> dict[str, Any]:
    services = compose(FAR, IMMICHVR_HOME=HOME)["services"]
    return {name: one for name, one in services.items() if name != "prepare"}


def service_of(name: str) -> str:
    return name.removesuffix(f"-{GPU}")


@pytest.mark.parametrize("name", [DOORS, FAR])
def test_they_are_compose_files_by_the_specification(name: str) -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text("utf-8"))
    loaded = yaml.safe_load((COMPOSE / name).read_text("utf-8"))
    assert [error.message for error in Validator(schema).iter_errors(loaded)] == []


def test_every_service_of_home_takes_its_settings_and_knows_nats_by_its_authority(
    known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = compose()["services"]
    for name in {*SERVICES, *base} & {*doors()} - {"provision", "nats", "s3"}:
        service, own = SERVICES[service_of(name)], str(known / service_of(name))
        told = {**base[name]["environment"], **doors()[name]["environment"]}
        with monkeypatch.context() as patch:
            for key, value in told.items():
                patch.setenv(key, str(value).replace("/secrets/", f"{own}/").replace("/run/secrets/", "/dev/null#"))
            patch.delenv("IMMICH_API_KEY_FILE", raising=False)
            settings: Any = settings_class(service.name)()
        assert settings.nats.url == "tls://nats:4222"
        assert settings.nats.ca_file.read_text() == (known / "tls" / AUTHORITY).read_text()
        if service.name == "gateway":
            assert settings.attach.port == 9443 and settings.attach.tls.certificate
            token = settings.attach.callers["ai"].token.get_secret_value()
            assert token == (known / "ai/attach-token").read_text().strip()


def test_the_certificate_is_for_the_name_outside_and_for_those_inside_and_nats_takes_it(known: Path, tmp_path) -> None:
    for part in ("nats", "s3", "gateway"):
        found = x509.load_pem_x509_certificate((known / part / CERTIFICATE).read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert {HOME, "nats", "s3"} <= set(names.get_values_for_type(x509.DNSName))
    config = (known / "nats/nats.conf").read_text().replace("/etc/nats", str(known / "nats"))
    (tmp_path / "nats.conf").write_text(config)
    tried = [binary("nats-server", "NATS_SERVER"), "-c", str(tmp_path / "nats.conf"), "-t"]
    assert subprocess.run(tried, capture_output=True, timeout=20).returncode == 0
    assert "cert_file" in config


def test_without_a_name_nats_speaks_as_before(volumes: Path) -> None:
    assert "tls" not in json.loads((volumes / "nats/nats.conf").read_text())
    assert not (volumes / "tls").exists()


def test_s3_is_as_it_was_and_speaks_tls_too() -> None:
    before, now = compose()["services"]["s3"]["command"], doors()["s3"]["command"]
    assert now[: len(before)] == before
    https = dict(word.removeprefix("-s3.").split("=") for word in now[len(before) :])
    assert https.keys() == {"port.https", "cert.file", "key.file"}
    assert [port.rpartition(":")[2] for port in doors()["s3"]["ports"]] == [https["port.https"]]


@pytest.mark.parametrize("name", far())
def test_a_worker_elsewhere_takes_its_settings_and_everything_it_asks_is_encrypted(
    name: str, known: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = service_of(name)
    for key, value in far()[name]["environment"].items():
        monkeypatch.setenv(key, str(value).replace("/secrets/", f"{known / service}/"))
    settings: Any = settings_class(service)()
    asked = [settings.nats.url, settings.s3.endpoint]
    if service == "ai":
        asked.append(settings.live.attach.address)
    opened = {urlsplit(one).port for one in asked}
    assert {urlsplit(one).scheme for one in asked} <= {"tls", "https"}
    assert {urlsplit(one).hostname for one in asked} == {HOME}
    assert opened <= {int(port.partition(":")[0]) for one in doors().values() for port in one.get("ports", [])}
    assert settings.rpc.host == settings.metrics.host == "127.0.0.1"


def test_workers_elsewhere_are_those_that_a_gpu_is_of_use_for_and_open_nothing() -> None:
    with_gpu = {one.name for one in workers() if any(GPU in kind.pools for kind in kinds_of(one.name))}
    assert set(far()) == with_gpu | {f"{name}-{GPU}" for name in with_gpu}
    for name, one in far().items():
        assert "ports" not in one, name
        assert one["read_only"] is True and one["cap_drop"] == ["ALL"], name
        assert [mount.volume for mount in mounts(one) if mount.target == "/secrets"] == [
            f"./secrets/{service_of(name)}"
        ]
