"""`immichvr worker` where nobody can connect to it: NATS, S3 and the gateway's door over TLS of a private authority.

The worker lives in a network of its own that has nothing but its loopback; what it connects to there goes through a
file's socket to the same port of this machine. So connections go out alone, whatever either side would like.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgpack
import numpy as np
import psutil
import pytest
import pytest_asyncio
import skimage.data
from immichvr_common.certificates import AUTHORITY, CERTIFICATE, KEY, ensure_certificates
from immichvr_common.embedded import NatsServer, SeaweedServer, free_ports
from immichvr_common.testing.collector import Collected, Collector, collecting
from PIL import Image
from websockets.asyncio.client import ClientConnection, connect

ATTACH_TOKEN = "what the far worker shows at the door"
SESSION = pytest.mark.asyncio(loop_scope="module")
_ALONE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
_CAN_BE_ALONE = sys.platform == "linux" and subprocess.run([*_ALONE, "ip", "link"], capture_output=True).returncode == 0
pytestmark = [
    pytest.mark.skipif(not _CAN_BE_ALONE, reason="no network namespace of one's own may be made here"),
    SESSION,
]
_INSIDE = """
import asyncio, os, subprocess, sys

async def relay(port):
    async def carry(reader, writer):
        out_reader, out_writer = await asyncio.open_unix_connection(f"{sys.argv[1]}/{port}")
        await asyncio.gather(copy(reader, out_writer), copy(out_reader, writer))
    return await asyncio.start_server(carry, "127.0.0.1", port)

async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()

async def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    servers = [await relay(int(port)) for port in sys.argv[2].split(",")]
    worker = await asyncio.create_subprocess_exec(*sys.argv[3:])
    import signal
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.terminate)
    return await worker.wait()

sys.exit(asyncio.run(main()))
"""


@dataclass
class Doors:
    """Sockets of files that lead to ports of this machine."""

    folder: Path
    lines: set[asyncio.StreamWriter] = field(default_factory=set)

    async def open(self, port: int) -> None:
        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
            self.lines |= {writer, to_writer}
            await asyncio.gather(_copy(reader, to_writer), _copy(to_reader, writer))
            self.lines -= {writer, to_writer}

        await asyncio.start_unix_server(carry, self.folder / str(port))

    def cut(self) -> None:
        """Breaks every connection, as a router does that forgets them."""
        for line in self.lines:
            line.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@dataclass
class Far:
    """A gateway here, and a worker that nobody reaches. log: of the worker's command."""

    api: httpx.AsyncClient
    address: str
    doors: Doors
    worker: subprocess.Popen[bytes]
    log: Path
    collector: Collector


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> AsyncIterator[Far]:
    folder = tmp_path_factory.mktemp("far")
    for name in ("tls", "nats", "weed", "photos", "doors", "models", "secrets/ai"):
        (folder / name).mkdir(parents=True)
    Image.fromarray(skimage.data.chelsea()).resize((300, 200)).save(folder / "photos/cat.jpg")
    tls = folder / "tls"
    ensure_certificates(tls, "home")
    nats = NatsServer(folder / "nats", tls=tls).start()
    weed = SeaweedServer(folder / "weed", tls=tls).start()
    try:
        port, attach = free_ports(2)
        gateway = _gateway(folder, nats, weed, port, attach, collector.url)
        doors = Doors(folder / "doors")
        ports = [nats.port, weed.ports[6], attach, int(collector.url.rpartition(":")[2])]
        for one in ports:
            await doors.open(one)
        worker = _worker(folder, nats, weed, attach, ports, collector.url)
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as api:
                await _until_ready(api, folder / "gateway.log")
                yield Far(api, f"127.0.0.1:{port}", doors, worker, folder / "worker.log", collector)
        finally:
            for process in (worker, gateway):
                process.send_signal(signal.SIGTERM)
                # Its last words go through the doors, which this loop serves.
                await asyncio.to_thread(process.wait, 60)
    finally:
        nats.stop()
        weed.stop()


def _gateway(
    folder: Path, nats: NatsServer, weed: SeaweedServer, port: int, attach: int, collector: str
) -> subprocess.Popen[bytes]:
    tls, s3, bus = folder / "tls", weed.settings(), nats.settings("gateway")
    own = {
        "PORT": port, "PHOTOS": folder / "photos", "NATS__URL": bus.url, "NATS__USER": "gateway",
        "NATS__PASSWORD": bus.password.get_secret_value(), "NATS__CA_FILE": tls / AUTHORITY,
        "S3__ENDPOINT": s3.endpoint, "S3__ACCESS_KEY": s3.access_key.get_secret_value(),
        "S3__SECRET_KEY": s3.secret_key.get_secret_value(), "S3__CA_FILE": tls / AUTHORITY,
        "ATTACH__PORT": attach, "ATTACH__CALLERS__FAR__TOKEN": ATTACH_TOKEN, "ATTACH__CALLERS__FAR__CALLS": "Attach",
        "ATTACH__TLS__CERTIFICATE_FILE": tls / CERTIFICATE, "ATTACH__TLS__KEY_FILE": tls / KEY,
        "TRACING__ENDPOINT": collector,
    }  # fmt: skip
    environment = {f"IMMICHVR_GATEWAY_{name}": str(value) for name, value in own.items()}
    command = [sys.executable, "-m", "immichvr_gateway"]
    return _started(command, environment | {"IMMICH_URL": ""}, folder / "gateway.log", folder)


def _worker(
    folder: Path, nats: NatsServer, weed: SeaweedServer, attach: int, ports: list[int], collector: str
) -> subprocess.Popen[bytes]:
    account = weed.settings(service="ai")
    for name, secret in {
        "nats-password": nats.passwords["ai"],
        "s3-access-key": account.access_key.get_secret_value(),
        "s3-secret-key": account.secret_key.get_secret_value(),
        "attach-token": ATTACH_TOKEN,
        "ca.pem": (folder / "tls" / AUTHORITY).read_text(),
    }.items():
        (folder / "secrets/ai" / name).write_text(f"{secret}\n")
    command = [
        str(Path(sys.executable).with_name("immichvr")), "worker", "127.0.0.1", "--secrets", str(folder / "secrets"),
        "--pool", "cpu", "--children", "2", "--nats", f"tls://127.0.0.1:{nats.port}",
        "--s3", f"https://127.0.0.1:{weed.ports[6]}", "--attach", f"https://127.0.0.1:{attach}",
        "--data", str(folder / "worker"),
    ]  # fmt: skip
    inside = [*_ALONE, sys.executable, "-c", _INSIDE, str(folder / "doors"), ",".join(map(str, ports)), *command]
    return _started(inside, {"IMMICHVR_AI_TRACING__ENDPOINT": collector}, folder / "worker.log", folder)


def _started(command: list[str], environment: dict[str, str], log: Path, folder: Path) -> subprocess.Popen[bytes]:
    models = {"IMMICHVR_MODELS_OFFLINE": "1", "IMMICHVR_MODELS_DIR": str(folder / "models")}
    with log.open("ab") as out:
        return subprocess.Popen(command, env={**os.environ, **models, **environment}, stdout=out, stderr=out)


async def _until_ready(api: httpx.AsyncClient, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(httpx.TransportError):
            if (await api.get("/api/ready")).status_code == 200:
                return
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        await asyncio.sleep(0.1)


async def live_splats(address: str) -> int:
    """How many Gaussians come back for a picture."""
    picture = io.BytesIO()
    Image.fromarray(skimage.data.chelsea()).resize((160, 120)).save(picture, "JPEG")
    hello = {"type": "hello", "version": 1, "model": "heuristic", "max_gaussians": 2000, "process_res": 160}
    frame = {"type": "frame", "seq": 1, "t": 0.0, "jpeg": picture.getvalue()}
    async with connect(f"ws://{address}/api/stream") as socket:
        for said, heard in ((hello, "ready"), (frame, "gaussians")):
            await socket.send(msgpack.packb(said))
            async with asyncio.timeout(90):
                answer: dict[str, Any] = msgpack.unpackb(await socket.recv())
            assert answer["type"] == heard, answer
    return int(answer["n"])


async def test_a_photo_and_a_live_session_are_made_by_a_worker_that_nobody_can_connect_to(
    far: Far, ended: Callable[..., Any]
) -> None:
    [photo] = (await far.api.get("/api/photos")).json()["items"]
    made = await far.api.post(f"/api/photos/{photo['id']}/depth", json={"model": "heuristic"})
    assert (await ended(far.api, made.json()["job"], 120))["state"] == "succeeded", far.log.read_text()
    assert await live_splats(far.address) > 500, far.log.read_text()
    assert _interfaces(far.worker.pid) == {"lo"}


async def test_a_splat_is_drawn_by_a_worker_that_nobody_can_connect_to(far: Far, ended: Callable[..., Any]) -> None:
    [photo] = (await far.api.get("/api/photos")).json()["items"]
    made = await far.api.post(f"/api/photos/{photo['id']}/splat", json={"model": "lift-heuristic"})
    assert (await ended(far.api, made.json()["job"], 120))["state"] == "succeeded", far.log.read_text()
    assets = (await far.api.get(f"/api/photos/{photo['id']}/assets")).json()["assets"]
    camera = next(one for one in assets if one["kind"] == "splat")["camera"]
    lens = {name: camera[name] for name in ("fx", "fy", "cx", "cy", "width", "height")}
    hello = {"type": "hello", "version": 1, "output": "picture", "place": "photos", "id": photo["id"]}
    async with connect(f"ws://{far.address}/api/stream", max_size=None) as socket:
        await socket.send(msgpack.packb(hello))
        ready = await _heard(socket)
        assert (ready["type"], ready["renderer"]) == ("ready", "cpu"), ready
        drawn = []
        for seq, aside in enumerate((0.0, 0.0, 0.15), 1):
            place = [1, 0, 0, -aside, 0, 1, 0, 0, 0, 0, 1, 0]
            await socket.send(msgpack.packb({"type": "pose", "seq": seq, "t": 0, "place": place, **lens}))
            # Of a pose that lasts a finer picture follows the first.
            while (picture := await _heard(socket))["seq"] != seq:
                await socket.send(msgpack.packb({"type": "ack", "seq": picture["seq"]}))
            await socket.send(msgpack.packb({"type": "ack", "seq": seq}))
            drawn.append(np.asarray(Image.open(io.BytesIO(picture["data"])).convert("L").resize((60, 40)), float))
    seen = np.asarray(Image.fromarray(skimage.data.chelsea()).convert("L").resize((60, 40)), float)
    likeness = [np.corrcoef(one.ravel(), seen.ravel())[0, 1] for one in drawn]
    assert likeness[0] > 0.9, "it is the photo from where it was taken"
    assert np.abs(drawn[2] - drawn[0]).mean() > np.abs(drawn[1] - drawn[0]).mean() + 1, "from aside it is another"


async def test_when_every_connection_breaks_work_goes_on_over_new_ones(far: Far, ended: Callable[..., Any]) -> None:
    far.doors.cut()
    [photo] = (await far.api.get("/api/photos")).json()["items"]
    again = await far.api.post(f"/api/photos/{photo['id']}/depth", json={"model": "heuristic", "force": True})
    assert (await ended(far.api, again.json()["job"], 120))["state"] == "succeeded", far.log.read_text()
    assert await live_splats(far.address) > 500, far.log.read_text()


async def test_a_live_session_is_one_trace_from_its_socket_to_the_process_that_serves_it(far: Far) -> None:
    known = {one.trace_id for one in far.collector.spans}
    await live_splats(far.address)
    called = "immichvr.gateway.v1.GatewayService/Attach"
    wanted = {"live session", "publish", "job live", "live in a child", called}
    found: dict[str, Collected] = {}
    deadline = time.monotonic() + 60
    while not wanted <= set(found):
        assert time.monotonic() < deadline, str(sorted({one.name for one in found.values()}))
        await asyncio.sleep(0.2)
        new = [one for one in far.collector.spans if one.trace_id not in known]
        last = next((one.trace_id for one in reversed(new) if one.name == "live session"), "")
        found = {one.name: one for one in new if one.trace_id == last}

    def above(name: str) -> str:
        return next((one.name for one in found.values() if one.span_id == found[name].parent_id), "")

    assert (above("publish"), above("job live")) == ("live session", "live session")
    assert (above("live in a child"), above(called)) == ("job live", "live in a child")
    assert found["job live"].service == found["live in a child"].service == "immichvr-ai"
    assert found["live session"].service == found[called].service == "immichvr-gateway"


async def _heard(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(90):
        return dict(msgpack.unpackb(await socket.recv()))


def _interfaces(pid: int) -> set[str]:
    """The interfaces of the network in which a process's service lives."""
    services = [one for one in psutil.Process(pid).children(recursive=True) if one.cmdline()[-1:] == ["immichvr_ai"]]
    lines = Path(f"/proc/{services[0].pid}/net/dev").read_text().splitlines()[2:]
    return {line.partition(":")[0].strip() for line in lines}
