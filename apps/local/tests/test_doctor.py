"""`immichvr doctor` says what is missing, and what to do."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

HERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The place that models come from is a port nobody listens on."""
    monkeypatch.setenv("HF_ENDPOINT", HERE)
    monkeypatch.delenv("IMMICH_URL", raising=False)


def test_findings_for_programs_say_what_to_do(run) -> None:
    result = run("doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(result.stdout)}
    assert {"Python", "GPU", "disk", "port", "network", "nats-server", "weed", "viewer", "browser"} < set(findings)
    assert findings["nats-server"]["state"] == "ok"
    assert findings["network"]["state"] == "warn"
    assert HERE in findings["network"]["found"]
    assert findings["model da2-small"]["state"] == "warn"
    assert all(finding["remedy"] for finding in findings.values() if finding["state"] != "ok")
    assert result.exit_code == 0


def test_a_missing_server_is_a_failure(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NATS_SERVER", str(tmp_path / "nowhere"))
    result = run("doctor")
    assert result.exit_code == 1
    assert "fail nats-server: not found" in result.stdout


def test_a_data_directory_on_no_disk_is_found_out(run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("immichvr_local.doctor.machine.shutil.disk_usage", lambda _: type("Usage", (), {"free": 0}))
    result = run("doctor")
    assert result.exit_code == 1
    assert "fail disk: 0 bytes free" in result.stdout


def test_an_immich_that_cannot_be_used_is_a_failure_with_the_reason(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMICH_URL", "http://127.0.0.1:9")
    result = run("doctor")
    assert result.exit_code == 1
    assert "fail Immich: Immich at http://127.0.0.1:9/api/ cannot be reached: nothing listens there" in result.stdout


def test_messages_that_were_set_aside_are_a_warning_that_says_where_to_look(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    well = {"nats": True, "s3": True, "started": True, "tasks": True, "storage": [], "set_aside": 3}
    monkeypatch.setattr("immichvr_local.doctor.stack._told", lambda ports: well)
    result = run("doctor", "--json")
    [found] = [finding for finding in json.loads(result.stdout) if finding["name"] == "running"]
    assert (found["state"], "3 messages" in found["found"], "log" in found["remedy"]) == ("warn", True, True)


def test_a_worker_that_does_not_serve_is_a_failure_that_names_it(
    run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    well = {"nats": True, "s3": True, "started": True, "tasks": True, "storage": []}
    monkeypatch.setattr("immichvr_local.doctor.stack._told", lambda ports: well)
    monkeypatch.setenv("IMMICHVR_DATA", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        ports = {"gateway": 9, "ai-rpc": deaf.getsockname()[1]}
        (tmp_path / "state.json").write_text(json.dumps({"ports": ports}))
        monkeypatch.setattr("immichvr_local.stack.part._PATIENCE_S", 0.5)
        result = run("doctor", "--json")
    [found] = [finding for finding in json.loads(result.stdout) if finding["name"] == "running"]
    assert (found["state"], found["found"]) == ("fail", "not well: ai")
