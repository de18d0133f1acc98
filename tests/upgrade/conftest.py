"""What the first release stored, under a gateway and workers of today."""

from __future__ import annotations

import asyncio
import json
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from immichvr_common.bus import Bus, connect
from immichvr_common.embedded import BUCKET, NatsServer, SeaweedServer
from immichvr_common.processes.pool import ChildPool
from immichvr_common.settings import WorkSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.fixtures import ACK_WAIT_S
from immichvr_common.worker import Worker
from immichvr_converter.settings import CAPABILITY
from immichvr_gateway.app import create_app
from immichvr_gateway.settings import GatewaySettings, ImmichSettings, RetentionSettings
from pydantic import SecretStr
from starlette.types import Message

RECORDED = Path(__file__).with_name("recorded")
_CAPABILITIES = {"ai": "immichvr_ai.jobs:perform", "converter": CAPABILITY}
_PATIENCE_S = 120
_ENDS = ("succeeded", "failed", "cancelled")


@dataclass
class Recording:
    """What the first release showed of what it had stored."""

    cookie: str
    photos: dict[str, dict[str, str]]
    jobs: list[dict[str, Any]]
    assets: dict[str, list[dict[str, Any]]]

    def photo_id(self, name: str) -> str:
        """The id of a photo by its name without the suffix."""
        return self.photos[f"{name}.jpg"]["id"]

    def job(self, name: str, kind: str, **params: object) -> dict[str, Any]:
        """The one job of that kind about a photo; with such parameters, where there are several."""
        found = [
            job
            for job in self.jobs
            if (job["photo_id"], job["kind"]) == (self.photo_id(name), kind) and params.items() <= job["params"].items()
        ]
        assert len(found) == 1, found
        return found[0]


@dataclass
class Upgraded:
    """A gateway of today over what was recorded, with workers of today once they are asked for."""

    client: httpx.AsyncClient
    bus: Bus
    store: ObjectStore
    recording: Recording
    at_start: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def jobs(self) -> dict[str, dict[str, Any]]:
        """Every job, by id."""
        listed = (await self.client.get("/api/jobs", params={"limit": 100})).json()["items"]
        return {job["id"]: job for job in listed}

    async def ended(self, job_id: str, run: int = 1) -> dict[str, Any]:
        """A job once this run of it has ended."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                job = dict((await self.client.get(f"/api/jobs/{job_id}")).json())
                if job["run"] == run and job["state"] in _ENDS:
                    return job
                await asyncio.sleep(0.05)

    async def assets(self, name: str) -> dict[str, dict[str, Any]]:
        """What was made of a photo, by key."""
        answer = await self.client.get(f"/api/photos/{self.recording.photo_id(name)}/assets")
        return {asset["key"]: asset for asset in answer.json()["assets"]}

    async def post(self, name: str, what: str, **wish: object) -> httpx.Response:
        """Asks for something to be made of a photo."""
        return await self.client.post(f"/api/photos/{self.recording.photo_id(name)}/{what}", json=wish)


@pytest.fixture(scope="session")
def recording() -> Recording:
    return Recording(**json.loads((RECORDED / "shown.json").read_text()))


@pytest.fixture(scope="session")
def own_nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server whose streams are empty, so that places in them are those that were recorded."""
    server = NatsServer(tmp_path_factory.mktemp("upgrade-nats")).start()
    yield server
    server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def upgraded(
    own_nats: NatsServer, weed: SeaweedServer, recording: Recording, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Upgraded]:
    """Today's gateway and workers, once nothing is under way any more."""
    folder = tmp_path_factory.mktemp("upgrade")
    with tarfile.open(RECORDED / "files.tar.xz") as files:
        files.extractall(folder, filter="data")
    settings = GatewaySettings(
        host="127.0.0.2",
        photos=folder / "photos",
        cache=folder / "cache",
        web=folder / "web",
        access_token=SecretStr("not what they signed in with"),
        session_key=SecretStr("the-key-of-a-recorded-gateway-0123456789ab"),
        lease_s=ACK_WAIT_S,
        nats=own_nats.settings("gateway"),
        s3=weed.settings(),
        immich=ImmichSettings(url=""),
        # The recording grows older than the PLYs in it would be kept.
        retention=RetentionSettings(ply_days=100_000),
    )
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("IMMICHVR_MODELS_OFFLINE", "1")
        patch.setenv("IMMICHVR_MODELS_DIR", str(folder / "models"))
        bus = await connect(own_nats.settings("gateway"), "gateway")
        stack.push_async_callback(bus.close)
        store = ObjectStore(weed.settings())
        stack.callback(store.close)
        await _load_objects(store, folder / "objects")
        await _load_messages(bus)
        client = await stack.enter_async_context(_serving(settings, recording.cookie))
        found = Upgraded(client, bus, store, recording)
        found.at_start = await found.jobs()
        for service in _CAPABILITIES:
            await stack.enter_async_context(_working(service, own_nats, weed))
        for job_id in found.at_start:
            await found.ended(job_id)
        yield found


async def _load_objects(store: ObjectStore, folder: Path) -> None:
    await store.ensure_bucket()
    # What tests before left there.
    await asyncio.gather(*[store.delete(key) for key in await store.list_keys("")])
    files = [path for path in folder.rglob("*") if path.is_file()]
    await asyncio.gather(
        *[
            store.put_bytes(str(path.relative_to(folder)), path.read_bytes(), "application/octet-stream")
            for path in files
        ]
    )


async def _load_messages(bus: Bus) -> None:
    """Makes streams, buckets and durables as the first release did, and stores what it stored."""
    held = 0
    for line in (RECORDED / "nats.jsonl").read_text().splitlines():
        one = json.loads(line)
        if "config" in one:
            await _ask(bus, f"STREAM.CREATE.{one['stream']}", one["config"])
        elif "consumer" in one:
            durable = one["consumer"]["durable_name"]
            config = {"stream_name": one["stream"], "config": one["consumer"]}
            await _ask(bus, f"CONSUMER.DURABLE.CREATE.{one['stream']}.{durable}", config)
        else:
            await bus.js.publish(one["subject"], one["data"].encode(), headers=one.get("headers"))
            held += one["subject"].startswith("jobs.ai.")
    # The jobs of the ai service had a worker, which is gone.
    pulling = await bus.js.pull_subscribe_bind(durable="ai-cpu-interactive", stream="JOBS")
    for message in await pulling.fetch(held, timeout=5):
        await message.nak()
    await pulling.unsubscribe()


async def _ask(bus: Bus, what: str, config: dict[str, Any]) -> None:
    answer = await bus.client.request(f"$JS.API.{what}", json.dumps(config).encode(), timeout=5)
    assert "error" not in json.loads(answer.data), answer.data


@asynccontextmanager
async def _serving(settings: GatewaySettings, cookie: str) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway in this process, ready, and a client with somebody's cookie."""
    app = create_app(settings)
    asked: asyncio.Queue[Message] = asyncio.Queue()
    said: asyncio.Queue[Message] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, asked.get, said.put))
    await asked.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete"
    transport = httpx.ASGITransport(app)
    client = httpx.AsyncClient(transport=transport, base_url="http://gateway", cookies={"immichvr_session": cookie})
    try:
        async with client, asyncio.timeout(_PATIENCE_S):
            while (await client.get("/api/ready")).status_code != 200:  # noqa: ASYNC110  # it tells by answering
                await asyncio.sleep(0.02)
            async with asyncio.timeout(None):
                yield client
    finally:
        await asked.put({"type": "lifespan.shutdown"})
        await life


@asynccontextmanager
async def _working(service: str, nats: NatsServer, weed: SeaweedServer) -> AsyncIterator[None]:
    """A worker of today with what it really does."""
    bus = await connect(nats.settings(service), service)
    store = ObjectStore(weed.settings(BUCKET, service))
    pool = ChildPool(_CAPABILITIES[service])
    worker = Worker(service, bus, store, pool, WorkSettings(name=service, stop_grace_s=0))
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        await worker.stop()
        pool.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        store.close()
        await bus.close()
