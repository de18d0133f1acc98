"""Commands where the environment names proxies that lead nowhere, or make no sense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from immichvr_local.doctor.machine import network, proxies
from immichvr_local.stack.data import DataDirectory
from immichvr_local.stack.parts import Plan, inner_port_names, names, parts_of
from immichvr_models.testing import running_hub


@pytest.fixture(
    params=[
        {"ALL_PROXY": "socks5://127.0.0.1:9"},
        {"ALL_PROXY": "socks4://127.0.0.1:9"},
        {"HTTPS_PROXY": "http://[::1", "HTTP_PROXY": "http://[::1"},
        {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "::1,[::1]"},
    ],
    ids=["socks5", "socks4", "malformed", "ipv6 exceptions"],
)
def hostile(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name, value in request.param.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.test")
    monkeypatch.setenv("HF_HUB_OFFLINE", "")
    monkeypatch.setenv("IMMICHVR_MODELS_OFFLINE", "")
    return dict(request.param)


def test_models_are_listed_and_a_download_says_no_network(run, hostile: dict[str, str]) -> None:
    listed = run("models", "list", "--json")
    assert listed.exit_code == 0, listed.stderr
    assert "da2-small" in [row["key"] for row in json.loads(listed.stdout)]
    failed = run("models", "download", "da2-small")
    assert failed.exit_code == 1
    assert "no network (hub.test" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_splat_is_made_all_the_same(run, hostile: dict[str, str], tmp_path: Path, photo: Path) -> None:
    made = run("splat", photo, "-o", tmp_path / "made.spz", "--max-gaussians", 2000)
    assert made.exit_code == 0, made.output
    assert "depth: heuristic" in made.stdout
    assert "no network" in made.stdout


def test_doctor_names_the_variable(hostile: dict[str, str]) -> None:
    found = proxies()
    usable = hostile.get("HTTPS_PROXY", "").endswith(":9") or hostile.get("ALL_PROXY", "").startswith("socks5")
    assert found.state == ("ok" if usable else "warn")
    assert any(name in found.found for name in hostile if name != "NO_PROXY")
    assert network("https://hub.test").state == "warn"


def test_what_is_on_this_machine_is_asked_without_any(hostile: dict[str, str]) -> None:
    with running_hub() as hub:
        hub.add("/", b"here")
        assert network(hub.url).state == "ok"


def test_only_the_parts_that_ask_outside_are_told_of_proxies(hostile: dict[str, str], tmp_path: Path) -> None:
    inner = {name: 20_000 + place for place, name in enumerate(inner_port_names())}
    parts = parts_of(Plan(DataDirectory(tmp_path / "data"), tmp_path, "127.0.0.1", 2284, inner))
    told = {part.name for part in parts if hostile.keys() & part.environment.keys()}
    assert told == {"gateway", "ai", "video-depth", "inpaint"}
    assert {part.name for part in parts} == set(names())
