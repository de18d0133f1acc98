"""The command itself."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import replace
from unittest.mock import Mock

import pytest
from immichvr_catalog import FORMATS, format_options
from immichvr_local.stack.data import DataDirectory
from immichvr_local.stack.parts import Plan, inner_port_names
from immichvr_local.stack.status import addresses

HEAVY = ("numpy", "torch", "numba", "httpx", "grpc", "rich.progress", "pydantic")


def test_help_imports_nothing_that_takes_time() -> None:
    code = "import sys, immichvr_local.cli; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not [name for name in HEAVY if name in loaded]


def test_help_names_every_command(run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in ("up", "demo", "splat", "convert", "doctor", "models", "openapi"):
        assert command in result.stdout


def test_convert_takes_every_option_that_a_format_has(run, tmp_path) -> None:
    for option in format_options().values():
        without = next((row for row in FORMATS.values() if row.option(option.name) is None), None)
        if without is not None:
            target = tmp_path / f"a{without.extensions[0]}"
            result = run("convert", tmp_path / "from.spz", target, option.flag, str(option.values[0]))
            expected = f"{option.flag} is not for {without.name}, which takes"
            if option.name != "frame":  # which is the source's then
                assert expected in result.stderr, option.flag
    assert all(option.flag in run("convert", "--help").stdout for option in format_options().values())


def test_the_apis_description_is_printed_without_servers(run) -> None:
    result = run("openapi")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert document["openapi"].startswith("3.1") and "/api/photos" in document["paths"]


def test_up_without_photos_says_what_is_missing(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMMICH_URL", raising=False)
    result = run("up")
    assert result.exit_code == 2
    assert "name a folder with --photos, or an Immich server with IMMICH_URL" in result.stderr


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_folder_that_is_none_is_named(run, command: str, tmp_path) -> None:
    result = run(command, "--photos", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "nowhere: there is no such folder of photos" in result.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("IMMICH_URL", "immich:2283", "it should look like http://immich-server:2283"),
        ("IMMICH_URL", "http://ada:secret@immich", "no user, query or fragment"),
        ("IMMICH_EXTERNAL_URL", "photos.example.org", "it should look like"),
        ("IMMICH_API_KEY_FILE", "/nowhere/key", "/nowhere/key cannot be read"),
    ],
)
def test_up_says_at_once_what_cannot_be_an_address_or_a_key(
    run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv("IMMICH_URL", "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    result = run("up")
    assert result.exit_code == 2
    assert words in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.parametrize(
    ("failure", "code", "words"),
    [
        (ZeroDivisionError("nobody foresaw this"), 1, "immichvr: this should not happen: ZeroDivisionError: nobody"),
        (OSError(28, "No space left on device", "/data"), 1, "immichvr: /data: its disk is full: make room on it"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_no_command_ends_in_a_traceback(
    run, monkeypatch: pytest.MonkeyPatch, tmp_path, failure: BaseException, code: int, words: str
) -> None:
    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("immichvr_local.doctor.run.examine", fail)
    result = run("doctor")
    assert (result.exit_code, "Traceback" in result.output) == (code, False)
    assert words in result.stderr
    written = [path.read_text() for path in tmp_path.glob("immichvr-*.log")]
    assert [("Traceback" in text, "nobody foresaw" in text) for text in written] == (
        [(True, True)] if isinstance(failure, ZeroDivisionError) else []
    )


def test_a_gallery_for_the_network_names_its_addresses_there(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    interfaces = {"lo": "127.0.0.1", "eth0": "192.168.7.20", "down0": "10.0.0.9"}
    found = {name: [Mock(family=socket.AF_INET, address=one)] for name, one in interfaces.items()}
    monkeypatch.setattr("psutil.net_if_addrs", lambda: found)
    monkeypatch.setattr("psutil.net_if_stats", lambda: {name: Mock(isup=name != "down0") for name in interfaces})
    plan = Plan(DataDirectory(tmp_path / "data"), tmp_path, "0.0.0.0", 2284, dict.fromkeys(inner_port_names(), 1))  # noqa: S104
    assert ("gallery, from other devices", "http://192.168.7.20:2284") in addresses(plan)
    assert len([name for name, _ in addresses(plan) if "other devices" in name]) == 1
    assert not replace(plan, host="127.0.0.1").addresses_from_elsewhere
