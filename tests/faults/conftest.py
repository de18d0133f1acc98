"""Gateways and workers as processes of their own, on real servers, to be stopped in every way there is."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import nats.js.errors
import psutil
import pytest
import socketio
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import Job, JobEvent
from immichvr_common.bus import Bus, connect
from immichvr_common.embedded import NatsServer, SeaweedServer, free_ports
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.fixtures import ACK_WAIT_S
from immichvr_common.testing.jobs import Events, submit
from immichvr_video_depth.testing.clips import write_clip
from PIL import Image

from .forks import GATEWAY, Forked, Forks

PATIENCE_S = 60
"""For what takes a second or two, on a machine that does ten other things."""
CLIP_FRAMES = 198
"""Nine windows of a network of videos."""
AI = str(Path(__file__).with_name("ai_worker.py"))
"""A worker that does the jobs of the service `ai`, without its gRPC door, its batches and what it makes ready ahead."""
NAMES = [
    "twenty.jpg", "slow-killed.jpg", "slow-paused.jpg", "next.jpg", "deadly-one.jpg", "slow-cut.jpg", "slow-waits.jpg",
    "refused.jpg", "before.jpg", "slow-stores.jpg", "slow-given-up.jpg", "slow-returned.jpg", "queued.jpg",
    "slow-tidied.jpg", "unstaged.jpg", "unrecorded.jpg", "finished.jpg", "struck.jpg",
    "logged.jpg", "sound.jpg", "deadly-two.jpg", "slow-leaving.jpg", "handed-on.jpg", "traced.jpg",
    *(f"held-{number}.jpg" for number in range(4)),
]  # fmt: skip


class Process:
    """A service as a process; its log is told when it does not do what it should."""

    def __init__(self, popen: Forked | subprocess.Popen[bytes], log: Path) -> None:
        self.popen, self.log = popen, log

    def kill(self) -> None:
        """Ends it as the kernel does when memory runs out."""
        self.popen.kill()
        self.popen.wait()

    def ask_to_end(self) -> None:
        """Ends it as a rollout does."""
        self.popen.terminate()
        self.popen.wait(PATIENCE_S)

    def family(self) -> list[psutil.Process]:
        """The process and the children that work for it."""
        parent = psutil.Process(self.popen.pid)
        return [parent, *parent.children(recursive=True)]

    def stop(self) -> None:
        """Ends it, whatever state it is in."""
        if self.popen.poll() is None:
            with suppress(psutil.NoSuchProcess):  # its end may be told a moment after it
                for one in self.family():
                    one.send_signal(signal.SIGCONT)
        self.kill()


class Gateway(Process):
    """A gateway as a process, and what one asks of it."""

    def __init__(self, forks: Forks, environment: dict[str, str], log: Path) -> None:
        self.port = free_ports(1)[0]
        environment = {**os.environ, **environment, "IMMICHVR_GATEWAY_PORT": str(self.port)}
        super().__init__(forks.start(GATEWAY, environment, log), log)
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE_S)
        self.ids: dict[str, str] = {}

    def wait_until_ready(self) -> Gateway:
        """Waits until it and what it needs answer."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert self.popen.poll() is None and time.monotonic() < deadline, self.log.read_text()[-4000:]
            try:
                if self.client.get("/api/ready").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        photos = self.client.get("/api/photos", params={"limit": 500}).json()["items"]
        self.ids = {photo["name"]: photo["id"] for photo in photos}
        return self

    async def get(self, path: str) -> httpx.Response:
        """Reads something."""
        return await asyncio.to_thread(self.client.get, path)

    async def post(self, name: str, what: str = "depth", **wish: object) -> httpx.Response:
        """Asks for something to be made of the photo of that name."""
        path = f"/api/photos/{self.ids[name]}/{what}"
        return await asyncio.to_thread(lambda: self.client.post(path, json=wish))

    async def submit(self, name: str, what: str = "depth", **wish: object) -> str:
        """The id of the job that will make it."""
        answer = await self.post(name, what, **wish)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job"]["id"])

    async def job(self, job_id: str) -> dict[str, Any]:
        """A job as it is now."""
        return dict((await self.get(f"/api/jobs/{job_id}")).json())

    async def until(self, job_id: str, *states: str, run: int = 1, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """A job once it is in one of these states of a run; by default, once it has ended."""
        states = states or ("succeeded", "failed", "cancelled")
        async with self._news() as news, asyncio.timeout(within_s):
            job = await self.job(job_id)
            while (job["id"], job["run"]) != (job_id, run) or job["state"] not in states:
                job = await news.get()
        return job

    @asynccontextmanager
    async def _news(self) -> AsyncIterator[asyncio.Queue[dict[str, Any]]]:
        client, news = socketio.AsyncClient(reconnection=False), asyncio.Queue[dict[str, Any]]()
        client.on("job:update", news.put)
        await client.connect(self.url, transports=["websocket"], socketio_path="/api/socket.io")
        try:
            yield news
        finally:
            await client.disconnect()

    def assets(self, name: str) -> list[dict[str, Any]]:
        """What was made of a photo."""
        return list(self.client.get(f"/api/photos/{self.ids[name]}/assets").json()["assets"])


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for photos, logs and notes, with a small photo for each test."""
    folder = tmp_path_factory.mktemp("faults")
    for part in ("photos", "studio", "models"):
        (folder / part).mkdir()
    for name in NAMES:
        Image.new("RGB", (8, 6), "teal").save(folder / "photos" / name)
    write_clip(folder / "photos" / "walk.mp4", CLIP_FRAMES)
    return folder


@pytest.fixture(scope="package")
def bus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server that may be killed: nobody else uses it."""
    server = NatsServer(tmp_path_factory.mktemp("faults-nats")).start()
    yield server
    server.kill()


@pytest.fixture(scope="package")
def object_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedServer]:
    """A SeaweedFS that may be killed: nobody else uses it."""
    server = SeaweedServer(tmp_path_factory.mktemp("faults-weed")).start()
    yield server
    server.kill()


@pytest.fixture(scope="package")
def forks() -> Iterator[Forks]:
    """What starts processes without the time that their imports take."""
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture(scope="package")
def start_gateway(
    place: Path, bus_server: NatsServer, object_server: SeaweedServer, forks: Forks
) -> Iterator[Callable[..., Gateway]]:
    """Starts a gateway, with more in its environment if need be; one that still runs is ended with the tests."""
    started: list[Gateway] = []

    def start(**more: str) -> Gateway:
        environment = {
            "IMMICHVR_GATEWAY_PHOTOS": str(place / "photos"),
            "IMMICHVR_GATEWAY_CACHE": str(place / "cache"),
            "IMMICHVR_GATEWAY_LEASE_S": str(ACK_WAIT_S),
            "IMMICHVR_MODELS_OFFLINE": "1",
            "IMMICHVR_MODELS_DIR": str(place / "models"),
            "IMMICH_URL": "",
            **servers("IMMICHVR_GATEWAY_", "gateway", bus_server, object_server),
            **more,
        }
        started.append(Gateway(forks, environment, place / f"gateway-{len(started)}.log"))
        return started[-1]

    yield start
    for one in started:
        one.stop()
        one.client.close()


@pytest.fixture(scope="module")
def steady_gateway(start_gateway: Callable[[], Gateway]) -> Iterator[Gateway]:
    """The gateway of a module's tests that do not kill theirs."""
    steady = start_gateway().wait_until_ready()
    yield steady
    steady.stop()


@pytest.fixture
def gateway(steady_gateway: Gateway, studio: Path) -> Gateway:
    """A gateway that is ready."""
    return steady_gateway


@pytest.fixture
def studio(place: Path) -> Path:
    """Where the trial capability finds what it is told, and leaves what it did; empty."""
    for note in (place / "studio").iterdir():
        note.unlink()
    return place / "studio"


@pytest.fixture
def start_worker(
    place: Path, studio: Path, bus_server: NatsServer, object_server: SeaweedServer, forks: Forks
) -> Iterator[Callable[..., Process]]:
    """Starts a worker with one place for a job, with more in its environment if need be; it ends with the test.

    command: what Python runs, `-m` and the module of a service as people start it, or a script of a worker as here.
    """
    started: list[Process] = []

    def start(name: str, *command: str, **more: str) -> Process:
        environment = {
            **os.environ,
            "IMMICHVR_AI_WORK__NAME": name,
            "IMMICHVR_AI_WORK__PREFETCH": "0",
            "IMMICHVR_AI_WORK__STOP_GRACE_S": "0.2",
            "IMMICHVR_MODELS_OFFLINE": "1",
            "IMMICHVR_MODELS_DIR": str(place / "models"),
            "STUDIO": str(studio),
            **servers("IMMICHVR_AI_", "ai", bus_server, object_server),
            **servers("IMMICHVR_CONVERTER_", "converter", bus_server, object_server),
            **servers("IMMICHVR_VIDEO_DEPTH_", "video-depth", bus_server, object_server),
            **servers("IMMICHVR_INPAINT_", "inpaint", bus_server, object_server),
            **more,
        }
        command = command or (str(Path(__file__).with_name("trial_worker.py")),)
        run, log = _executed if command[0] == "-m" else forks.start, place / f"worker-{name}.log"
        started.append(Process(run(command, environment, log), log))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def _executed(command: Sequence[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, *command], env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip


@pytest.fixture
async def bus(bus_server: NatsServer) -> AsyncIterator[Bus]:
    """A connection with the gateway's rights, to see what lies on the bus."""
    bus = await connect(bus_server.settings("gateway"), "gateway")
    yield bus
    await bus.close()


@pytest.fixture(autouse=True)
async def own_queue(bus: Bus) -> AsyncIterator[None]:
    """Leaves no job to the next test, whatever became of this one."""
    yield
    with suppress(nats.js.errors.NotFoundError):
        await bus.js.purge_stream("JOBS")


@pytest.fixture
async def store(object_server: SeaweedServer) -> AsyncIterator[ObjectStore]:
    """The objects as they lie in S3."""
    store = ObjectStore(object_server.settings())
    await store.ensure_bucket()
    yield store
    store.close()


@pytest.fixture
def publish(bus: Bus, store: ObjectStore) -> Callable[..., Any]:
    """Puts a job on the bus as a gateway does, without one; gives it, and what is told of it."""

    async def publish(name: str, photo: bytes, photo_id: str = "somephoto") -> tuple[Job, Events]:
        recipe = uuid4().hex[:16]
        job = Job(id=f"depth-{photo_id}-{recipe}", kind="depth", photo_id=photo_id, run=1, bucket=store.bucket)
        job.requesters.append("local")
        job.params.update({"model": "heuristic"})
        job.recipes["depth"], job.source_name = recipe, name
        job.inputs["source"].CopyFrom(await store.put_bytes(f"sources/{name}", photo, "image/jpeg"))
        job.created_at.GetCurrentTime()
        events = await Events(bus, job.id).open()
        await submit(bus, job)
        return job, events

    return publish


async def told(bus: Bus, job_id: str) -> list[JobEvent]:
    """Everything that was told about a job, as it lies in the stream."""
    subscription = await bus.js.subscribe(f"events.*.job.{job_id}", ordered_consumer=True)
    events = []
    last = (await bus.js.get_last_msg("EVENTS", f"events.*.job.{job_id}")).seq
    while True:
        message = await subscription.next_msg(timeout=5)
        events.append(json_format.Parse(message.data, JobEvent(), ignore_unknown_fields=True))
        if message.metadata.sequence.stream == last:
            await subscription.unsubscribe()
            return events


@pytest.fixture
def events_of(bus: Bus) -> Callable[[str], Any]:
    """Everything that was told about a job so far."""
    return lambda job_id: told(bus, job_id)


def servers(prefix: str, user: str, nats: NatsServer, weed: SeaweedServer) -> dict[str, str]:
    """Settings with which a service finds these, by their names in the environment."""
    bus, objects = nats.settings(user), weed.settings(service=user)
    return {
        f"{prefix}NATS__URL": bus.url,
        f"{prefix}NATS__USER": bus.user,
        f"{prefix}NATS__PASSWORD": bus.password.get_secret_value(),
        f"{prefix}S3__ENDPOINT": objects.endpoint,
        f"{prefix}S3__ACCESS_KEY": objects.access_key.get_secret_value(),
        f"{prefix}S3__SECRET_KEY": objects.secret_key.get_secret_value(),
    }
