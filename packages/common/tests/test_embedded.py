"""The servers that come along: wherever they run, they are closed and leave nothing behind."""

from __future__ import annotations

import itertools
import os
import socket
from pathlib import Path

import pytest
import urllib3
from immichvr_common import seaweed
from immichvr_common.bus import connect
from immichvr_common.embedded import NatsServer, SeaweedServer, free_grpc_ports, free_ports, plain_environment
from immichvr_common.seaweed import has_sockets, sweep_sockets
from immichvr_common.storage import ObjectStore

ODD = os.fsdecode(b'J\xc3\xbcrgen, "a" $b ${HOME} %20 #c;\n\xff ')
INSIDE = {"master": 0, "master gRPC": 1, "volume": 2, "volume gRPC": 3, "filer": 4, "filer gRPC": 5, "s3 gRPC": 7}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory for whoever asks the environment for one, and settings of somebody else's servers."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    home = tmp_path / "home"
    (home / ".seaweedfs").mkdir(parents=True)
    (home / ".seaweedfs" / "filer.toml").write_text("[redis2]\nenabled = true\naddress = 'localhost:1'\n")
    for name, value in {
        "TMPDIR": str(folder),
        "HOME": str(home),
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "elses",
        "WEED_LEVELDB2_ENABLED": "false",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    return folder


async def test_both_run_in_a_folder_of_any_name_and_write_nowhere_else(tmp_path: Path, elsewhere: Path) -> None:
    nats, weed = NatsServer(tmp_path / ODD / "nats"), SeaweedServer(tmp_path / ODD / "s3")
    try:
        nats.start()
        bus = await connect(nats.settings("gateway"), "gateway")
        await bus.close()
        weed.start()
        assert weed.topology()["Max"] > 0
        store = ObjectStore(weed.settings())
        await store.ensure_bucket()
        ref = await store.put_bytes("sources/photo", b"a photo", "image/jpeg")
        assert (await store.get_bytes(ref.key)).data == b"a photo"
        store.close()
    finally:
        nats.stop()
        weed.kill()
    assert list(elsewhere.iterdir()) == []
    assert not any(has_sockets(port) for port in weed.ports[1::2])


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_no_door_but_s3s_opens_without_the_certificate(weed: SeaweedServer) -> None:
    stranger = urllib3.PoolManager(retries=False, timeout=5, cert_reqs="CERT_NONE")
    for name, place in INSIDE.items():
        address = f"127.0.0.1:{weed.ports[place]}"
        with pytest.raises(urllib3.exceptions.HTTPError, match=r"(?i)certificate.required"):
            stranger.request("GET", f"https://{address}/status")
        try:
            answer = stranger.request("GET", f"http://{address}/status")
        except urllib3.exceptions.HTTPError:
            continue
        assert (answer.status, answer.data) == (400, b"Client sent an HTTP request to an HTTPS server.\n"), name


def test_servers_inherit_neither_secrets_nor_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IMMICH_API_KEY", "AWS_SECRET_ACCESS_KEY", "WEED_JWT_SIGNING_KEY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "not theirs")
    assert "not theirs" not in plain_environment().values()


def test_ports_whose_sockets_somebody_made_first_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seaweed, "_DIRECTORY", tmp_path)
    taken = free_grpc_ports(1)[0]
    (tmp_path / f"seaweedfs-filer-grpc-{taken}.sock").symlink_to("/nowhere")
    assert has_sockets(taken)
    assert taken not in free_grpc_ports(20)


def test_only_sockets_of_ours_are_swept_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seaweed, "_DIRECTORY", tmp_path)
    ours, file = tmp_path / "seaweedfs-s3-grpc-4711.sock", tmp_path / "seaweedfs-filer-grpc-4711.sock"
    file.write_text("no socket")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(ours))
    sweep_sockets([4711, 4712])
    assert list(tmp_path.iterdir()) == [file]
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(ours))
    monkeypatch.setattr(os, "geteuid", lambda: ours.stat().st_uid + 1)
    sweep_sockets([4711])
    assert ours.exists()


def test_processes_that_start_servers_at_once_choose_other_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[int] = []
    for process in range(4000, 4100):
        monkeypatch.setattr("os.getpid", lambda process=process: process)
        monkeypatch.setattr("immichvr_common.embedded._looked_at", itertools.count())
        chosen += free_ports(9)
    assert len(chosen) == len(set(chosen)) == 900


def test_a_port_that_is_taken_is_passed_over() -> None:
    [port] = free_ports(1)
    with socket.create_server(("127.0.0.1", port + 1)):
        assert port + 1 not in free_ports(2)
