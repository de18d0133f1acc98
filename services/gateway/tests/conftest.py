"""A gateway on a real port, in this process, with real NATS and S3, workers and a folder of small photos."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest
import socketio
import uvicorn
from immichvr_common.bus import Bus, connect
from immichvr_common.embedded import NatsServer, SeaweedServer
from immichvr_common.processes import ChildPool
from immichvr_common.settings import WorkSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.fixtures import ACK_WAIT_S
from immichvr_common.worker import Worker
from immichvr_gateway.app import Guarded, create_app
from immichvr_gateway.core import Core
from immichvr_gateway.library import Library
from immichvr_gateway.settings import GatewaySettings, ImmichSettings
from PIL import Image

BUCKET = "gateway-tests"
CAPABILITY = "immichvr_common.testing.studio:perform"
NAMES = ["beach.jpg", "hut.png", "slow-lake.jpg", "slow-river.jpg", "fail-fog.jpg", "crash-car.jpg", "Ünder way.jpg"]


class Live:
    """What one Socket.IO client hears."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._news = asyncio.Event()
        for event in ("job:update", "asset:created"):
            self.client.on(event, self._hears(event))

    def _hears(self, event: str) -> Callable[[dict[str, Any]], Awaitable[None]]:
        async def hear(payload: dict[str, Any]) -> None:
            self.heard.append((event, payload))
            self._news.set()

        return hear

    def updates(self, job_id: str) -> list[dict[str, Any]]:
        """Every state of a job so far."""
        return [job for event, job in self.heard if event == "job:update" and job["id"] == job_id]

    async def first(self, event: str, wanted: Callable[[dict[str, Any]], bool], within_s: float = 20) -> dict[str, Any]:
        """The first news of a kind that is wanted, heard already or to come."""
        async with asyncio.timeout(within_s):
            while True:
                for kind, payload in self.heard:
                    if kind == event and wanted(payload):
                        return payload
                self._news.clear()
                await self._news.wait()

    async def job(self, job_id: str, *states: str, run: int = 1, within_s: float = 20) -> dict[str, Any]:
        """A job once it is in one of these states; by default, once it has ended."""
        states = states or ("succeeded", "failed", "cancelled")
        return await self.first(
            "job:update", lambda job: (job["id"], job["run"]) == (job_id, run) and job["state"] in states, within_s
        )


class Running:
    """A gateway that serves, and a client that speaks to it."""

    def __init__(self, url: str, core: Core, client: httpx.AsyncClient) -> None:
        self.url, self.core, self.client = url, core, client
        self.ids: dict[str, str] = {}

    @asynccontextmanager
    async def listening(self, headers: dict[str, str] | None = None) -> AsyncIterator[Live]:
        """A Socket.IO client, connected."""
        live = Live()
        await live.client.connect(
            self.url, headers=headers or {}, transports=["websocket"], socketio_path="/api/socket.io", retry=False
        )
        yield live
        await live.client.disconnect()

    async def post(self, name: str, what: str, **wish: object) -> httpx.Response:
        """Asks for something to be made of the photo of that name."""
        return await self.client.post(f"/api/photos/{self.ids[name]}/{what}", json=wish)

    async def make(self, live: Live, name: str, what: str, **wish: object) -> dict[str, Any]:
        """Has something made, and waits for the job to end."""
        answer = await self.post(name, what, **wish)
        assert answer.status_code == 202, answer.text
        job = answer.json()["job"]
        return await live.job(job["id"], run=job["run"])


Serving = Callable[..., Any]


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the trial capability finds what it is told, and leaves what it did."""
    folder = tmp_path / "studio"
    folder.mkdir()
    monkeypatch.setenv("STUDIO", str(folder))
    monkeypatch.setenv("IMMICHVR_MODELS_OFFLINE", "1")
    monkeypatch.setenv("IMMICHVR_MODELS_DIR", str(tmp_path / "models"))
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of small photos, the first name the newest, and one file without a byte."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for age, name in enumerate(NAMES):
        Image.new("RGB", (8, 6), (30 * age, 90, 120)).save(folder / name)
        os.utime(folder / name, (1.7e9 - age, 1.7e9 - age))
    (folder / "empty.jpg").touch()
    os.utime(folder / "empty.jpg", (1.6e9, 1.6e9))
    return folder


@pytest.fixture
async def storage(weed: SeaweedServer) -> AsyncIterator[ObjectStore]:
    """An empty bucket; one for all tests, since each new bucket has SeaweedFS lay out volumes."""
    store = ObjectStore(weed.settings(BUCKET))
    await store.ensure_bucket()
    for key in await store.list_keys(""):
        await store.delete(key)
    yield store
    store.close()


@pytest.fixture
async def empty_bus(gateway_bus: Bus) -> Bus:
    """NATS without a job, an event or a record."""
    for bucket in ("jobs", "assets", "state"):
        await gateway_bus.js.purge_stream(f"KV_{bucket}")
    return gateway_bus


@pytest.fixture
def settings(
    nats_server: NatsServer, weed: SeaweedServer, photos: Path, tmp_path: Path, studio: Path
) -> GatewaySettings:
    """Settings of an open gateway in front of the folder."""
    return GatewaySettings(
        photos=photos,
        cache=tmp_path / "cache",
        web=tmp_path / "web",
        lease_s=ACK_WAIT_S,
        nats=nats_server.settings("gateway"),
        s3=weed.settings(BUCKET),
        immich=ImmichSettings(url=""),
    )


@pytest.fixture
def serving(empty_bus: Bus, storage: ObjectStore) -> Serving:
    """Serves a gateway with these settings, and a library of one's own where one is given."""

    @asynccontextmanager
    async def serve(settings: GatewaySettings, library: Library | None = None) -> AsyncIterator[Running]:
        app = create_app(settings, library)
        assert isinstance(app, Guarded)
        core = app._inner.other_asgi_app.state.core
        server = _Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1))
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  # uvicorn tells nobody
            await asyncio.sleep(0.005)
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            while (await client.get("/api/ready")).status_code != 200:  # noqa: ASYNC110  # it tells by answering
                await asyncio.sleep(0.005)
            yield Running(url, core, client)
            server.should_exit = True
            await task

    return serve


@pytest.fixture
async def gateway(serving: Serving, settings: GatewaySettings) -> AsyncIterator[Running]:
    """An open gateway, ready, in front of the folder of photos."""
    async with serving(settings) as running:
        page = (await running.client.get("/api/photos", params={"limit": 500})).json()
        running.ids = {photo["name"]: photo["id"] for photo in page["items"]}
        yield running


@pytest.fixture
async def live(gateway: Running) -> AsyncIterator[Live]:
    """A person who listens to the open gateway."""
    async with gateway.listening() as listening:
        yield listening


@pytest.fixture
async def workers(nats_server: NatsServer, empty_bus: Bus, storage: ObjectStore, studio: Path) -> AsyncIterator[None]:
    """One worker each for the ai service and the converter."""
    async with _working("ai", nats_server, storage), _working("converter", nats_server, storage):
        yield


@asynccontextmanager
async def _working(service: str, nats_server: NatsServer, store: ObjectStore) -> AsyncIterator[Worker]:
    bus = await connect(nats_server.settings(service), service)
    pool = ChildPool(CAPABILITY)
    worker = Worker(service, bus, store, pool, WorkSettings(name=service, prefetch=1, stop_grace_s=0))
    running = asyncio.create_task(worker.run())
    yield worker
    await worker.stop()
    pool.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await bus.close()


class _Server(uvicorn.Server):
    """Leaves signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Any:  # type: ignore[override]
        with nullcontext():
            yield
