"""A gateway on a real port, in this process, with real NATS and S3, workers and a folder of small photos."""

from __future__ import annotations

import asyncio
import itertools
import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from immich_stub import ImmichStub
from immichvr_catalog import PHOTO
from immichvr_common.bus import Bus, connect
from immichvr_common.embedded import NatsServer, SeaweedServer
from immichvr_common.processes.pool import ChildPool
from immichvr_common.rpc_settings import RpcClientSettings
from immichvr_common.settings import WorkSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.at_hand import PoolAtHand
from immichvr_common.testing.fixtures import ACK_WAIT_S, empty
from immichvr_common.testing.studio import needs_child
from immichvr_common.worker import Worker
from immichvr_gateway.app import create_app
from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.events.connections import Patience
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.jobs.store import JobStore
from immichvr_gateway.library import (
    Credential,
    Identity,
    Library,
)
from immichvr_gateway.requests.spec import SourceVersion
from immichvr_gateway.requests.staging import Staged
from immichvr_gateway.serving import certificate_of, server_config
from immichvr_gateway.settings import GatewaySettings, ImmichSettings
from PIL import Image
from pydantic import SecretStr
from running_gateway import Live, QuietServer, Running
from shared_library import SharedLibrary

BUCKET = "gateway-tests"
CAPABILITY = "immichvr_common.testing.studio:perform"
NAMES = ["beach.jpg", "hut.png", "slow-lake.jpg", "slow-river.jpg", "fail-fog.jpg", "crash-car.jpg", "Ünder way.jpg"]

_versions = itertools.count()


Serving = Callable[..., Any]


@pytest.fixture(scope="session")
def immich_server() -> Iterator[Any]:
    """An Immich in memory, as the contract tests hold it to Immich's description."""
    stub = ImmichStub()
    with stub.serving():
        yield stub


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
    """A folder of small photos, the first name the newest, and one file without a byte.

    Each test has versions of its own: for two minutes NATS takes a job of the same name and run for a repetition.
    """
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "empty.jpg").touch()
    version = next(_versions)
    for age, name in enumerate([*NAMES, "empty.jpg"]):
        if name != "empty.jpg":
            Image.new("RGB", (8, 6), (30 * age, 90, 120)).save(folder / name)
        taken = 1_700_000_000_000_000_000 - age * 1_000_000_000 + version * 1_000
        os.utime(folder / name, ns=(taken, taken))
    return folder


@pytest.fixture
async def timeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for some time has waited already, one turn of the loop later."""
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(
        loop, "call_later", lambda _, do, *what, context=None: loop.call_soon(do, *what, context=context)
    )


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
    await empty(gateway_bus, "KV_jobs", "KV_assets", "KV_state")
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
        ai=RpcClientSettings(token=SecretStr("the gateway's own, for ai")),
    )


@pytest.fixture
def serving(empty_bus: Bus, storage: ObjectStore) -> Serving:
    """Serves a gateway with these settings, and a library of one's own where one is given."""

    @asynccontextmanager
    async def serve(
        settings: GatewaySettings, library: Library | None = None, patience: Patience | None = None
    ) -> AsyncIterator[Running]:
        up = asyncio.Event()
        app = create_app(settings, library, up.set)
        config = server_config(app, settings, patience, certificate_of(settings))
        config.host, config.port, config.timeout_graceful_shutdown = "127.0.0.1", 0, 1
        server = QuietServer(config)
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  # uvicorn tells nobody
            await asyncio.sleep(0.005)
        tls = settings.tls.certificate_file
        url = f"http{'s' * bool(tls)}://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        # Without TLS none is looked at; reading the usual ones takes longer than most tests do.
        verify = ssl.create_default_context(cafile=tls.with_name("ca.pem")) if tls else False
        try:
            async with httpx.AsyncClient(base_url=url, timeout=20, verify=verify) as client:
                # Asking for readiness costs it as much as becoming ready.
                rising = asyncio.create_task(up.wait())
                await asyncio.wait({rising, task}, return_when=asyncio.FIRST_COMPLETED)
                rising.cancel()
                while not await _is_ready(client):  # noqa: ASYNC110  # it tells by answering
                    await asyncio.sleep(0.03)
                yield Running(url, client, library)
        finally:
            server.end()
            await task

    return serve


async def _is_ready(client: httpx.AsyncClient) -> bool:
    """Whether the gateway says so.

    It ends connections that were idle for five seconds; where this process, of which it is a part, stood still for
    so long, the next request may meet that end.
    """
    try:
        return (await client.get("/api/ready")).status_code == 200
    except (httpx.ReadError, httpx.RemoteProtocolError):
        return False


@pytest.fixture
def service_over() -> Callable[[JobStore, GatewaySettings], JobService]:
    """The jobs of a gateway over what it knows of them; nothing is staged, and every asset is where it was."""

    class Nothing:
        async def stage(self, who: Identity, of: SourceVersion, trusting: bool = False) -> Staged:
            raise AssertionError(f"{of} is staged")

    async def is_there(entry: AssetEntry) -> bool:
        return True

    def make(store: JobStore, settings: GatewaySettings) -> JobService:
        return JobService(store, Nothing(), is_there, BUCKET, settings.limits.queued_per_user)

    return make


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
def working(
    nats_server: NatsServer, weed: SeaweedServer, empty_bus: Bus, storage: ObjectStore, studio: Path
) -> Callable[..., Any]:
    """Has a worker of a service work, which waits for no child where its task needs none.

    capability: what it runs, no model's work unless it is said. apart: whether children do all of it.
    """

    @asynccontextmanager
    async def work(service: str, capability: str = CAPABILITY, apart: bool = False) -> AsyncIterator[Worker]:
        bus = await connect(nats_server.settings(service), service)
        store = ObjectStore(weed.settings(BUCKET, service))
        pool = ChildPool(capability) if apart else PoolAtHand(capability, needs_child)
        worker = Worker(service, bus, store, pool, WorkSettings(name=service, prefetch=1, stop_grace_s=0))
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            await worker.stop()
            pool.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            store.close()
            await bus.close()

    return work


@pytest.fixture
async def workers(working: Callable[..., Any]) -> AsyncIterator[None]:
    """One worker each for the ai service and the converter."""
    async with working("ai") as ai, working("converter") as converter:
        yield
        # Each waits for what it asked NATS for last: both at once.
        await asyncio.gather(ai.stop(), converter.stop())


@pytest.fixture
def shared_library() -> type[SharedLibrary]:
    """The library of the gateway that is shared, to be opened by a test itself."""
    return SharedLibrary


@pytest.fixture
async def shared(serving: Serving, settings: GatewaySettings, photos: Path, tmp_path: Path) -> AsyncIterator[Running]:
    """A gateway in front of a library that Ann and Bob share; its client sends nobody's key."""
    library = SharedLibrary(photos, tmp_path / "cache", {"hut.png", "slow-river.jpg"})
    immich = ImmichSettings(url="http://immich.invalid")
    async with serving(settings.model_copy(update={"immich": immich}), library) as running:
        page = await library.items(PHOTO, Identity("ann", "Ann", Credential("none")), None, 500)
        running.ids = {photo.name: photo.id for photo in page.items}
        yield running
