"""The directory of a stack as the first release made it."""

import fcntl
import json
from pathlib import Path

import pytest
from immichvr_local.errors import CommandError
from immichvr_local.stack.data import DataDirectory
from immichvr_local.stack.parts import Plan, inner_port_names, names, parts_of
from immichvr_local.stack.ports import inner_ports

FOLDERS = {
    "cache": 0o755, "logs": 0o755, "nats": 0o755, "nats/jetstream": 0o700, "s3": 0o755, "s3/data": 0o755,
    "secrets": 0o700,
}  # fmt: skip
KEPT = ("access-token", "nats-ai", "nats-converter", "nats-gateway", "session-key")
SHARED = ("s3-access-key", "s3-secret-key")
PORTS = {
    "gateway": 2284, "nats": 28011, "seaweedfs-master": 22847, "seaweedfs-master-grpc": 30742,
    "seaweedfs-volume": 26570, "seaweedfs-volume-grpc": 31490, "seaweedfs-filer": 20799,
    "seaweedfs-filer-grpc": 24866, "seaweedfs-s3": 22930, "seaweedfs-s3-grpc": 27310, "gateway-metrics": 21338,
    "ai-rpc": 26341, "ai-metrics": 31669, "converter-rpc": 27218, "converter-metrics": 28588,
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir(mode=0o700)
    for name, mode in FOLDERS.items():
        (root / name).mkdir(mode=mode)
    for name in (*KEPT, *SHARED):
        (root / "secrets" / name).write_text(f"the first release's {name}\n")
    (root / "state.json").write_text(json.dumps({"ports": PORTS}, indent=2) + "\n")
    return root


def test_its_servers_find_their_stores_and_its_secrets_stay(root: Path) -> None:
    data = DataDirectory(root)
    with data.locked():
        inner = inner_ports(inner_port_names(), data.remembered()["ports"], {2284})  # services came since
        parts = {part.name: part for part in parts_of(Plan(data, root, "127.0.0.1", 2284, inner))}
    assert tuple(parts) == names()
    nats, seaweed = parts["nats"], parts["seaweedfs"]
    config = json.loads((root / "nats" / "nats.conf").read_text())
    assert nats.directory is not None and seaweed.directory is not None
    assert nats.directory / config["jetstream"]["store_dir"] == root / "nats" / "jetstream"
    assert config["accounts"]["IMMICHVR"]["users"] == [
        {"user": "gateway", "password": "the first release's nats-gateway"}
    ]
    assert seaweed.directory / "data" == root / "s3" / "data"
    assert "-dir=data" in seaweed.command
    assert {name: (root / "secrets" / name).read_text() for name in KEPT} == {
        name: f"the first release's {name}\n" for name in KEPT
    }


def test_its_ports_are_remembered_where_they_are_free(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("immichvr_local.stack.ports.is_free", lambda port: True)
    ports = DataDirectory(root).remembered()["ports"]
    assert inner_ports([name for name in PORTS if name != "gateway"], ports, {2284}) == {
        name: port for name, port in PORTS.items() if name != "gateway"
    }


def test_the_account_that_all_shared_goes_once_nobody_runs_with_it(root: Path) -> None:
    # It runs still, and somebody starts the new one beside it.
    with (root / "lock").open("w") as running:
        fcntl.flock(running, fcntl.LOCK_EX)
        with pytest.raises(CommandError, match="already running"), DataDirectory(root).locked():
            pass
        assert all((root / "secrets" / name).exists() for name in SHARED)
    with DataDirectory(root).locked():
        assert not any((root / "secrets" / name).exists() for name in SHARED)
