"""A gateway on a real port, in this process, with real NATS and S3, workers and a folder of small photos."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import os
import ssl
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import socketio
import uvicorn
from immichvr_catalog import PHOTO, VIDEO
from immichvr_common.bus import Bus, connect
from immichvr_common.embedded import NatsServer, SeaweedServer
from immichvr_common.processes.pool import ChildPool
from immichvr_common.rpc_settings import RpcClientSettings
from immichvr_common.settings import WorkSettings
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.fixtures import ACK_WAIT_S
from immichvr_common.worker import Worker
from immichvr_gateway.app import create_app
from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.events.connections import Patience
from immichvr_gateway.jobs.service import JobService
from immichvr_gateway.jobs.store import JobStore
from immichvr_gateway.library import (
    Caller,
    Changes,
    Content,
    Credential,
    FolderLibrary,
    Identity,
    Library,
    LibraryPhoto,
    PhotoNotFound,
    SignInFailed,
    Span,
)
from immichvr_gateway.library.folder.catalogue import Catalogue
from immichvr_gateway.library.folder.walking import MediaFile
from immichvr_gateway.requests.spec import SourceVersion
from immichvr_gateway.requests.staging import Staged
from immichvr_gateway.serving import certificate_of, server_config
from immichvr_gateway.settings import GatewaySettings, ImmichSettings
from PIL import Image
from pydantic import SecretStr

_CONTRACT = Path(__file__).parents[3] / "tests" / "contract"
BUCKET = "gateway-tests"
CAPABILITY = "immichvr_common.testing.studio:perform"
NAMES = ["beach.jpg", "hut.png", "slow-lake.jpg", "slow-river.jpg", "fail-fog.jpg", "crash-car.jpg", "Ünder way.jpg"]

_versions = itertools.count()


class Live:
    """What one Socket.IO client hears."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._news = asyncio.Event()
        for event in (
            "job:update",
            "asset:created",
            "asset:deleted",
            "model:progress",
            "library:changed",
            "session:ended",
        ):
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

    def __init__(self, url: str, client: httpx.AsyncClient, library: Any) -> None:
        self.url, self.client, self.library = url, client, library
        self.ids: dict[str, str] = {}

    @asynccontextmanager
    async def listening(self, headers: dict[str, str] | None = None) -> AsyncIterator[Live]:
        """A Socket.IO client, connected."""
        live = Live()
        await live.client.connect(
            self.url, headers=dict(headers or {}), transports=["websocket"], socketio_path="/api/socket.io", retry=False
        )
        try:
            yield live
        finally:
            await live.client.disconnect()

    async def post(self, name: str, what: str, as_user: str = "", **wish: object) -> httpx.Response:
        """Asks for something to be made of the photo of that name."""
        headers = {"x-api-key": f"{as_user}-key"} if as_user else {}
        return await self.client.post(f"/api/photos/{self.ids[name]}/{what}", json=wish, headers=headers)

    async def get(self, path: str, as_user: str = "", **headers: str) -> httpx.Response:
        """Reads something."""
        return await self.client.get(path, headers={**headers, **({"x-api-key": f"{as_user}-key"} if as_user else {})})

    async def make(self, live: Live, name: str, what: str, **wish: object) -> dict[str, Any]:
        """Has something made, and waits for the job to end."""
        answer = await self.post(name, what, **wish)
        assert answer.status_code == 202, answer.text
        job = answer.json()["job"]
        return await live.job(job["id"], run=job["run"])


Serving = Callable[..., Any]


@pytest.fixture(scope="session")
def immich_server() -> Iterator[Any]:
    """An Immich in memory; its modules lie beside the contract tests."""
    for name in ("immich_answers", "immich_automation", "immich_clips", "immich_lists", "immich_people", "immich_stub"):
        if name not in sys.modules:
            spec = importlib.util.spec_from_file_location(name, _CONTRACT / f"{name}.py")
            assert spec is not None and spec.loader is not None
            sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
    stub = sys.modules["immich_stub"].ImmichStub()
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
        ai=RpcClientSettings(token=SecretStr("the gateway's own, for ai")),
    )


@pytest.fixture
def serving(empty_bus: Bus, storage: ObjectStore) -> Serving:
    """Serves a gateway with these settings, and a library of one's own where one is given."""

    @asynccontextmanager
    async def serve(
        settings: GatewaySettings, library: Library | None = None, patience: Patience | None = None
    ) -> AsyncIterator[Running]:
        config = server_config(create_app(settings, library), settings, patience, certificate_of(settings))
        config.host, config.port, config.timeout_graceful_shutdown = "127.0.0.1", 0, 1
        server = _Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110  # uvicorn tells nobody
            await asyncio.sleep(0.005)
        tls = settings.tls.certificate_file
        url = f"http{'s' * bool(tls)}://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        # Without TLS none is looked at; reading the usual ones takes longer than most tests do.
        verify = ssl.create_default_context(cafile=tls.with_name("ca.pem")) if tls else False
        try:
            async with httpx.AsyncClient(base_url=url, timeout=20, verify=verify) as client:
                while not await _is_ready(client):  # noqa: ASYNC110  # it tells by answering
                    await asyncio.sleep(0.005)
                yield Running(url, client, library)
        finally:
            server.should_exit = True
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
    """Has a worker of a service work."""

    @asynccontextmanager
    async def work(service: str) -> AsyncIterator[Worker]:
        bus = await connect(nats_server.settings(service), service)
        store = ObjectStore(weed.settings(BUCKET, service))
        pool = ChildPool(CAPABILITY)
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
    async with working("ai"), working("converter"):
        yield


class _Server(uvicorn.Server):
    """Leaves signals to pytest."""

    @contextmanager
    def capture_signals(self) -> Any:  # type: ignore[override]
        with nullcontext():
            yield


class SharedLibrary(FolderLibrary):
    """A folder that people share as they would an Immich: Ann sees everything, Bob what `bob_sees` names, Cleo nothing.

    videos: those there are besides, by id, with who sees them; all are Ann's.
    """

    kind: Any = "immich"

    def __init__(self, root: Path, cache: Path, bob_sees: set[str]) -> None:
        super().__init__(root, cache)
        self.bob_sees = bob_sees
        self.videos: dict[str, set[str]] = {}
        self.signed_out: list[str] = []
        self.unknown_now: set[str] = set()

    async def sign_in(
        self,
        *,
        api_key: str | None = None,
        email: str | None = None,
        password: str | None = None,
        caller: Caller | None = None,
    ) -> Identity:
        name = (api_key or "").removesuffix("-key") if api_key else (email or "").partition("@")[0]
        if name not in ("ann", "bob", "cleo") or (email and password != "right"):
            raise SignInFailed("Immich does not know this key")
        return Identity(name, name.title(), Credential("bearer", SecretStr(f"{name}-token")))

    async def sign_out(self, who: Identity) -> None:
        self.signed_out.append(who.user_id)

    async def identity_of_service(self) -> Identity | None:
        return None

    async def confirm(self, who: Identity) -> None:
        if who.user_id in self.unknown_now:
            raise SignInFailed("Immich does not know this key any more")

    async def may_manage(self, who: Identity, *, fresh: bool = False) -> bool:
        await self.confirm(who)
        return who.user_id == "ann"

    def recall(self, who: Identity, item: Source) -> bool | None:
        return None  # nothing is remembered, so that what changes shows at once

    def seen_by(self, who: Identity, catalogue: Catalogue) -> Catalogue:
        return Catalogue([entry for entry in catalogue.entries if self._sees(who, entry.file)])

    async def item(self, who: Identity, item: Source, *, fresh: bool = False) -> LibraryPhoto:
        if item.kind == VIDEO and who.user_id in self.videos.get(item.id, ()):
            return LibraryPhoto(
                id=item.id, name="summer.mov", width=None, height=None, taken_at=None, source_version="v1",
                external_url=None, size=None, kind=VIDEO, media_type="video/quicktime",
            )  # fmt: skip
        found = await super().item(who, item, fresh=fresh)
        if not self._sees(who, found):
            raise PhotoNotFound(item.id)
        return found

    async def changes(self, who: Identity) -> AsyncGenerator[Changes]:
        async for change in super().changes(who):
            yield replace(change, there=tuple(one for one in change.there if self._sees(who, one)))

    async def owns(self, who: Identity, item: Source) -> bool:
        if not await self.visible(who, [item], singly=1):
            raise PhotoNotFound(item.id)
        return who.user_id == "ann"

    async def visible(self, who: Identity, items: Collection[Source], *, singly: int) -> set[Source]:
        seen = set()
        for one in items:
            with suppress(PhotoNotFound):
                await self.item(who, one)
                seen.add(one)
        return seen

    async def original(self, who: Identity, item: Source, span: Span | None = None) -> Content:
        await self.item(who, item)
        return await super().original(who, item, span)

    async def thumbnail(self, who: Identity, item: Source) -> Content:
        await self.item(who, item)
        return await super().thumbnail(who, item)

    async def preview(self, who: Identity, item: Source) -> Content:
        await self.item(who, item)
        return await super().preview(who, item)

    def _sees(self, who: Identity, photo: LibraryPhoto | MediaFile) -> bool:
        return who.user_id == "ann" or (who.user_id == "bob" and photo.name in self.bob_sees)


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
