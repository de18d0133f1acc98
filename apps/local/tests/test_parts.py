"""The stack's processes get what they need, and nothing that is not theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from immichvr_local.stack.data import DataDirectory
from immichvr_local.stack.part import Part
from immichvr_local.stack.parts import Plan, inner_port_names, names, parts_of, workers_for
from immichvr_local.stack.status import addresses
from immichvr_local.stack.tls import GalleryTls


def plan(tmp_path: Path, photos: Path | None = None, host: str = "127.0.0.1") -> Plan:
    inner = {name: 20_000 + place for place, name in enumerate(inner_port_names())}
    return Plan(DataDirectory(tmp_path / "data"), photos, host, 2284, inner)


def test_a_gallery_with_a_certificate_is_named_with_https_and_asked_so(tmp_path: Path) -> None:
    made = plan(tmp_path, tmp_path)
    secured = replace(made, tls=GalleryTls(made.data.tls, "192.168.1.5"))
    assert secured.tls is not None and secured.tls.ensure() and not secured.tls.ensure()
    gateway = by_name(parts_of(secured))["gateway"]
    files = [gateway.environment[f"IMMICHVR_GATEWAY_TLS__{name}_FILE"] for name in ("CERTIFICATE", "KEY")]
    assert files == [str(made.data.tls / "cert.pem"), str(made.data.tls / "key.pem")]
    told = dict(addresses(secured))
    assert told["gallery"] == "https://127.0.0.1:2284" and str(made.data.tls / "ca.pem") in told["certificate"]
    assert "certificate" not in dict(addresses(made))


def by_name(parts: list[Part]) -> dict[str, Part]:
    return {part.name: part for part in parts}


def secrets_of(data: DataDirectory) -> list[str]:
    return [path.read_text().strip() for path in (data.root / "secrets").iterdir()]


def test_secrets_are_in_files_only(tmp_path: Path) -> None:
    made = plan(tmp_path, tmp_path)
    parts = parts_of(made)
    assert [part.name for part in parts] == list(names())
    secrets = secrets_of(made.data)
    assert len(secrets) == len(set(secrets)) >= 14
    for part in parts:
        seen = " ".join([*part.command, *part.environment.values()])
        assert not [secret for secret in secrets if secret in seen], part.name


def test_files_with_secrets_are_private(tmp_path: Path) -> None:
    made = plan(tmp_path, tmp_path)
    parts_of(made)
    secrets = secrets_of(made.data)
    for path in made.data.root.rglob("*"):
        if path.is_file() and any(secret in path.read_text() for secret in secrets):
            assert path.stat().st_mode & 0o777 == 0o600, path


def test_a_service_is_told_only_its_own_password(tmp_path: Path) -> None:
    parts = by_name(parts_of(plan(tmp_path, tmp_path)))
    named = [value for value in parts["ai"].environment.values() if "secrets/" in value]
    assert sorted(Path(value).name for value in named) == [
        "metrics-token",
        "nats-ai",
        "rpc-gateway-ai",
        "s3-ai-access-key",
        "s3-ai-secret-key",
    ]
    assert parts["ai"].environment["IMMICHVR_AI_NATS__USER"] == "ai"


def test_the_gateway_calls_each_service_with_a_secret_of_its_own_and_may_call_little(tmp_path: Path) -> None:
    parts = by_name(parts_of(plan(tmp_path, tmp_path)))
    shown = parts["gateway"].environment["IMMICHVR_GATEWAY_AI__TOKEN_FILE"]
    assert parts["ai"].environment["IMMICHVR_AI_RPC__CALLERS__GATEWAY__TOKEN_FILE"] == shown
    assert parts["ai"].environment["IMMICHVR_AI_RPC__CALLERS__GATEWAY__CALLS"] == "StreamFrames"
    converters = parts["converter"].environment
    assert converters["IMMICHVR_CONVERTER_RPC__CALLERS__GATEWAY__TOKEN_FILE"] != shown
    assert converters["IMMICHVR_CONVERTER_RPC__CALLERS__GATEWAY__CALLS"] == "ListFormats"


def test_the_gateway_alone_knows_immich(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMICH_URL", "http://immich.example")
    monkeypatch.setenv("IMMICH_API_KEY", "the key")
    parts = by_name(parts_of(plan(tmp_path)))
    assert parts["gateway"].environment["IMMICH_API_KEY"] == "the key"
    for name in set(names()) - {"gateway"}:
        assert "the key" not in parts[name].environment.values(), name
        assert "IMMICH_URL" not in parts[name].environment, name


def test_a_folder_that_was_named_wins_over_immich(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMICH_URL", "http://immich.example")
    gateway = by_name(parts_of(plan(tmp_path, tmp_path)))["gateway"]
    assert "IMMICH_URL" not in gateway.environment
    assert gateway.environment["IMMICHVR_GATEWAY_PHOTOS"] == str(tmp_path)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:2284"),
        ("0.0.0.0", "http://127.0.0.1:2284"),  # noqa: S104  # everywhere includes here
        ("::1", "http://[::1]:2284"),
    ],
)
def test_the_gallery_has_an_address_for_a_browser_here(tmp_path: Path, host: str, address: str) -> None:
    assert plan(tmp_path, host=host).gallery == address


def test_beyond_this_machine_the_access_token_is_told_by_its_file(tmp_path: Path) -> None:
    assert "access token" not in dict(addresses(plan(tmp_path, tmp_path)))
    everywhere = plan(tmp_path, tmp_path, "0.0.0.0")  # noqa: S104
    told = dict(addresses(everywhere))
    assert told["access token"] == f"in {everywhere.data.root}/secrets/access-token"
    assert everywhere.data.secret("access-token") not in " ".join(told.values())


def test_the_account_that_all_services_shared_goes(tmp_path: Path) -> None:
    made = plan(tmp_path, tmp_path)
    for name in ("s3-access-key", "s3-secret-key"):
        made.data.secret(name)
    with made.data.locked():
        parts = by_name(parts_of(made))
    assert not [
        path for path in (made.data.root / "secrets").iterdir() if path.name in ("s3-access-key", "s3-secret-key")
    ]
    keys = {
        parts[name].environment[f"IMMICHVR_{name.upper()}_S3__ACCESS_KEY_FILE"]
        for name in ("gateway", "ai", "converter")
    }
    assert len(keys) == 3


def test_the_gateway_hears_what_workers_say_last(tmp_path: Path) -> None:
    parts = by_name(parts_of(plan(tmp_path, tmp_path)))
    tiers = {name: part.tier for name, part in parts.items()}
    assert max(tiers["nats"], tiers["seaweedfs"]) < tiers["gateway"] < min(tiers["ai"], tiers["converter"])


def test_a_stack_for_one_kind_of_job_has_the_services_that_do_it_and_what_follows(tmp_path: Path) -> None:
    for kind, services in (("splat", ("ai", "converter")), ("motion", ("video-depth",)), ("points", ("inpaint",))):
        made = replace(plan(tmp_path, tmp_path), workers=workers_for(kind))
        assert [part.name for part in parts_of(made)] == ["nats", "seaweedfs", "gateway", *services]
        assert [name for name, _ in addresses(made) if name.startswith("metrics of ")] == [
            f"metrics of {name}" for name in ("gateway", *services)
        ]
