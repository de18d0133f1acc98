"""Live news over Socket.IO: complete to the end, a few a second, for those who may hear them and who listen."""

import asyncio
import json
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import pytest
import socketio
import uvicorn
from immichvr_common.embedded import free_ports
from immichvr_common.sources import Source
from immichvr_gateway.assets.index import AssetIndex
from immichvr_gateway.auth.presences import Presences
from immichvr_gateway.auth.sessions import Sessions
from immichvr_gateway.auth.visitors import Visitor
from immichvr_gateway.events.ledger import Ledger
from immichvr_gateway.events.sockets import _TRIES, ClientEvents
from immichvr_gateway.http.lines import LINE, on_a_line
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.records import JobProgress, JobRecord, State
from immichvr_gateway.library import Credential, FolderLibrary, Identity
from immichvr_gateway.settings import GatewaySettings
from pydantic import SecretStr
from socketio.exceptions import ConnectionError as Refused


async def test_a_jobs_news_end_with_its_success_and_the_asset_comes_too(gateway, workers, live) -> None:
    job = await gateway.make(live, "beach.jpg", "splat")
    updates = live.updates(job["id"])
    assert updates[0]["state"] == "queued"
    assert [update["state"] for update in updates if update["state"] in ("succeeded", "failed")] == ["succeeded"]
    fractions = [update["progress"]["fraction"] for update in updates]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    news = await live.first("asset:created", lambda one: one["asset"]["key"] == "splat-lift-heuristic")
    assert news["photo_id"] == job["photo_id"]
    [asset] = [
        asset
        for asset in (await gateway.get(f"/api/photos/{job['photo_id']}/assets")).json()["assets"]
        if asset["key"] == "splat-lift-heuristic"
    ]
    assert news["asset"] == asset


async def test_strangers_are_refused_and_a_session_is_enough(shared) -> None:
    for headers in ({}, {"x-api-key": "eve-key"}, {"cookie": f"immichvr_session={'A' * 43}"}):
        with pytest.raises(Refused, match="namespaces failed"):
            async with shared.listening(headers):
                pass
    answer = await shared.client.post("/api/session", json={"email": "bob@example.org", "password": "right"})
    cookie = answer.headers["set-cookie"].partition(";")[0]
    async with shared.listening({"cookie": cookie}) as bob:
        assert bob.client.connected


async def test_polling_is_not_a_way_in(gateway) -> None:
    answer = await gateway.get("/api/socket.io/?EIO=4&transport=polling")
    assert answer.status_code == 400


async def test_a_client_that_does_not_read_is_dropped_and_the_others_go_on(settings) -> None:
    async def anybody(scope: object) -> Visitor:
        return Visitor(Identity.local())

    async def follow(who: Identity, send: object) -> None:
        """Nothing happens in the library."""

    [free_port] = free_ports(1)
    library = FolderLibrary(settings.photos, settings.cache)
    news = ClientEvents(
        anybody,
        library,
        Presences(Sessions(settings, library)),
        follow,
        Ledger(JobIndex(), AssetIndex()),
        unread_limit=8,
    )
    app = partial(on_a_line, news.door)
    server = uvicorn.Server(uvicorn.Config(app, port=free_port, log_level="error", lifespan="off", interface="asgi3"))
    serving = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn tells nobody
        await asyncio.sleep(0.005)
    deaf = await _deaf(free_port)
    listener, heard = socketio.AsyncClient(), asyncio.Queue[int]()
    listener.on("asset:created", lambda payload: heard.put_nowait(payload["asset"]["n"]))
    await listener.connect(f"http://127.0.0.1:{free_port}", transports=["websocket"], socketio_path="/api/socket.io")
    assert len(news.server.eio.sockets) == 2
    sent = 0
    # Nobody knows how much the kernel holds for a socket: we send until one is gone.
    while len(news.server.eio.sockets) == 2 and sent < 500:
        news.asset_created({"n": sent, "key": "depth-x", "filling": "x" * 100_000}, Source.photo("photo"), {"local"})
        assert await asyncio.wait_for(heard.get(), 5) == sent
        sent += 1
    assert len(news.server.eio.sockets) == 1, sent
    news.asset_created({"n": -1, "key": "depth-x"}, Source.photo("photo"), {"local"})
    assert await asyncio.wait_for(heard.get(), 5) == -1
    await listener.disconnect()
    deaf.close()
    server.should_exit = server.force_exit = True
    await serving


class HandClock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._waiting: list[tuple[float, asyncio.Event]] = []

    async def pause(self, seconds: float) -> None:
        over = asyncio.Event()
        self._waiting.append((self.now + seconds, over))
        await over.wait()

    async def go_on(self, seconds: float) -> None:
        """Lets time pass, and those go on whose pause is over by then."""
        await asyncio.sleep(0)  # who is about to pause begins to
        self.now += seconds
        for until, over in self._waiting:
            if until <= self.now:
                over.set()
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def news(tmp_path, monkeypatch, clock):
    """The news, of which connections know nothing but what is laid before them."""
    monkeypatch.setattr("immichvr_gateway.events.sockets._MARK_S", 3600)
    library = FolderLibrary(tmp_path, tmp_path / "cache")

    async def named(scope: dict) -> Visitor:
        return Visitor(Identity(scope["user"], scope["user"], Credential("api_key", SecretStr(scope["user"]))))

    async def follow(who: Identity, send: object) -> None:
        send("library:changed", {"of": who.user_id})

    events = ClientEvents(
        named, library, Presences(Sessions(GatewaySettings(), library)), follow, Ledger(JobIndex(), AssetIndex()), 8,
        lambda: clock.now, clock.pause,
    )  # fmt: skip
    events.server.manager.eio_sid_from_sid = lambda sid, namespace: sid
    yield events
    await events.close()
    await library.close()


async def _joins(news: ClientEvents, sid: str, user: str, since: str = "") -> asyncio.Queue:
    """What is laid before a new connection."""
    queue = asyncio.Queue()
    news.server.eio.sockets[sid] = SimpleNamespace(queue=queue)
    line = SimpleNamespace(drop=lambda: None)
    scope = {"type": "websocket", "user": user, LINE: line, _TRIES: 0}
    await news._on_connect(sid, {"asgi.scope": scope}, {"since": since})
    return queue


async def test_progress_is_told_a_few_times_a_second_the_newest_and_the_end_at_once(news, clock) -> None:
    queue = await _joins(news, "socket", "ann", "of long ago")
    for _ in range(2):
        await asyncio.wait_for(queue.get(), 5)  # what everybody hears first

    def told() -> list[tuple[str, float]]:
        packets = [json.loads(queue.get_nowait().data[1:]) for _ in range(queue.qsize())]
        return [(job["state"], job["progress"]["fraction"]) for event, job in packets if event == "job:update"]

    job = JobRecord(
        id="depth-1", kind="depth", requesters=["ann"], params={}, state=State.RUNNING,
        created_at=datetime.now(UTC), updated_at=datetime.now(UTC),
    )  # fmt: skip
    heard = []
    for hundredths in range(0, 100, 2):  # fifty a second
        job.progress = JobProgress(fraction=hundredths / 100)
        news.job_changed(job)
        heard += [fraction for _, fraction in told()]
        await clock.go_on(0.02)
    assert heard == sorted(set(heard)) and heard[0] == 0
    assert len(heard) == 4, "each quarter of a second"
    assert max(later - earlier for earlier, later in pairwise(heard)) < 0.3, "of what waits, the newest"
    job.state = State.SUCCEEDED
    news.job_changed(job)
    assert [state for state, _ in told()][-1] == "succeeded", "without a pause"


async def test_what_one_person_is_told_costs_nothing_for_each_of_the_others(news) -> None:
    class Scanned(dict):
        times = 0

        def values(self):
            self.times += 1
            return super().values()

    news._sockets = Scanned()
    queues = [await _joins(news, f"{user}-{n}", f"user-{user}") for user in range(20) for n in range(2)]
    heard = [await asyncio.wait_for(queue.get(), 5) for queue in queues]
    assert [message.data for message in heard] == [
        f'2["library:changed",{{"of":"user-{user}"}}]' for user in range(20) for _ in range(2)
    ]
    assert news._sockets.times == 0
    news.model_changed({"key": "da2-small"}, is_progress=False)
    assert all("model:progress" in queue.get_nowait().data for queue in queues)


async def test_a_connection_that_left_at_once_is_told_nothing(news) -> None:
    gone, there = await _joins(news, "gone", "ann", "of long ago"), await _joins(news, "there", "bob", "of long ago")
    await news._on_disconnect("gone")
    heard = [(await asyncio.wait_for(there.get(), 5)).data for _ in range(2)]
    assert any("news:reload" in one for one in heard)
    assert gone.empty()


async def _deaf(port: int) -> asyncio.StreamWriter:
    """A client that joins and then reads nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(
        f"GET /api/socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()
        + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    # Engine.IO's message with Socket.IO's connect, "40", in a masked frame (the mask is zero).
    writer.write(b"\x81\x82\x00\x00\x00\x0040")
    await reader.readuntil(b'{"sid"')
    writer.transport.pause_reading()
    return writer
