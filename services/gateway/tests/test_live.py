"""Live news over Socket.IO: complete to the end, a few a second, for those who may hear them and who listen."""

import asyncio
import time
from functools import partial
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


async def test_progress_is_told_a_few_times_a_second_and_the_end_at_once(gateway, workers, live, studio) -> None:
    job = (await gateway.post("slow-lake.jpg", "depth")).json()["job"]
    await live.first("job:update", lambda update: update["progress"]["stage"] == "inferred")
    began, before = time.monotonic(), len(live.updates(job["id"]))
    # The work reports fifty times a second; a slow machine may tell less, never more.
    while len(live.updates(job["id"])) - before < 5:
        live._news.clear()
        await asyncio.wait_for(live._news.wait(), 10)
    assert 5 / (time.monotonic() - began) <= 6
    (studio / "release").touch()
    await live.job(job["id"], "succeeded", within_s=2)


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
    app = partial(on_a_line, news.door(socketio.ASGIApp(news.server)))
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


@pytest.fixture
async def news(tmp_path, monkeypatch):
    """The news, of which connections know nothing but what is laid before them."""
    monkeypatch.setattr("immichvr_gateway.events.sockets._MARK_S", 3600)
    library = FolderLibrary(tmp_path, tmp_path / "cache")

    async def named(scope: dict) -> Visitor:
        return Visitor(Identity(scope["user"], scope["user"], Credential("api_key", SecretStr(scope["user"]))))

    async def follow(who: Identity, send: object) -> None:
        send("library:changed", {"of": who.user_id})

    events = ClientEvents(
        named, library, Presences(Sessions(GatewaySettings(), library)), follow, Ledger(JobIndex(), AssetIndex()), 8
    )
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
