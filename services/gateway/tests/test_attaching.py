"""Workers that only open connections out come to the gateway's door, and live sessions go over what they opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import msgpack
import pytest
from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import JOB_STATE_RUNNING, Job, JobEvent
from immichvr.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from immichvr_common.bus import Bus
from immichvr_common.certificates import AUTHORITY, CERTIFICATE, KEY, ensure_certificates
from immichvr_common.embedded import free_ports
from immichvr_common.reporting import encode
from immichvr_common.rpc_client import credential, open_channel
from immichvr_common.rpc_settings import CallerSettings, RpcClientSettings, ServerTlsSettings
from immichvr_gateway.live.sessions import LiveSessions
from immichvr_gateway.live.worker_connections import AttachedConnection, ConnectionLost
from immichvr_gateway.settings import AttachSettings, GatewaySettings
from prometheus_client import REGISTRY
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

HELLO = {"type": "hello", "version": 1, "model": "heuristic"}
OWN = RpcClientSettings(token=SecretStr("of the worker behind the router"))
Handle = Callable[[Any], Any]


class FarWorker:
    """Takes live jobs from the bus, as a worker does whom nobody reaches."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.jobs: asyncio.Queue[Job] = asyncio.Queue()

    async def on_job(self, message: Any) -> None:
        job = json_format.Parse(message.data, Job())
        await self.tell(job, JOB_STATE_RUNNING, 1)
        self.jobs.put_nowait(job)

    async def tell(self, job: Job, state: Any, seq: int) -> None:
        event = JobEvent(job_id=job.id, kind=job.kind, run=1, attempt=1, seq=seq, state=state)
        event.at.GetCurrentTime()
        await self._bus.publish(f"events.ai.job.{job.id}", encode(event))

    async def token(self) -> str:
        """Of the session whose job came."""
        return str((await asyncio.wait_for(self.jobs.get(), 10)).grants.token)


@pytest.fixture
async def worker(empty_bus: Bus) -> AsyncIterator[FarWorker]:
    far = FarWorker(empty_bus)
    subscription = await empty_bus.client.subscribe("jobs.ai.*.*.live.*", cb=far.on_job)
    await empty_bus.client.flush()
    yield far
    await subscription.unsubscribe()


@pytest.fixture
def with_door(settings: GatewaySettings) -> GatewaySettings:
    """A gateway with a door for workers, who know it by a credential."""
    callers = {"ai": CallerSettings(token=OWN.token, calls=("Attach",))}
    return settings.model_copy(update={"attach": AttachSettings(port=free_ports(1)[0], callers=callers)})


def attach(channel: grpc.aio.Channel, token: str, own: RpcClientSettings = OWN) -> Any:
    shown = (*credential(own), ("session-token", token))
    return gateway_pb2_grpc.GatewayServiceStub(channel).Attach(metadata=shown)


def dial(settings: GatewaySettings, own: RpcClientSettings = OWN) -> grpc.aio.Channel:
    return open_channel(f"127.0.0.1:{settings.attach.port}", own)


def streaming(url: str) -> Any:
    return connect(url.replace("http", "ws") + "/api/stream", max_size=None)


async def heard(call: Any) -> bytes | None:
    response = await asyncio.wait_for(call.read(), 10)
    return None if response is grpc.aio.EOF else bytes(response.message)


async def ended_with(socket: ClientConnection) -> str:
    """The code of the error before the socket is closed."""
    message = msgpack.unpackb(await asyncio.wait_for(socket.recv(), 10))
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(socket.recv(), 10)
    return str(message["code"])


def lost() -> float:
    """How many connections broke until now."""
    return REGISTRY.get_sample_value("immichvr_live_attaching_total", {"outcome": "lost"}) or 0.0


async def refusal(call: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await heard(call)
    return refused.value.code()


async def test_a_session_goes_over_the_connection_that_its_worker_opened_and_ends_with_its_client(
    serving, with_door, worker
) -> None:
    before = lost()
    async with serving(with_door) as gateway, dial(with_door) as channel:
        async with streaming(gateway.url) as socket:
            await socket.send(msgpack.packb(HELLO))
            call = attach(channel, await worker.token())
            assert await heard(call) == msgpack.packb(HELLO)
            for message in (b"\xc1 no msgpack", bytes(3_000_000)):
                await socket.send(message)
                assert await heard(call) == message
                await call.write(gateway_pb2.AttachRequest(message=message * 5))
                assert await asyncio.wait_for(socket.recv(), 10) == message * 5
        assert await heard(call) is None
    assert lost() == before, "both ends have ended it"


async def test_what_a_worker_said_last_arrives_and_a_worker_that_vanishes_is_told_in_words(
    serving, with_door, worker
) -> None:
    async with serving(with_door) as gateway, dial(with_door) as channel:
        async with streaming(gateway.url) as socket:
            await socket.send(msgpack.packb(HELLO))
            call = attach(channel, await worker.token())
            await heard(call)
            await call.write(gateway_pb2.AttachRequest(message=b"the last word"))
            await call.write(gateway_pb2.AttachRequest(ended=True))
            await call.done_writing()
            assert await asyncio.wait_for(socket.recv(), 10) == b"the last word"
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 10)
            assert await heard(call) is None
        before = lost()
        async with streaming(gateway.url) as socket:
            await socket.send(msgpack.packb(HELLO))
            call = attach(channel, await worker.token())
            await heard(call)
            call.cancel()
            assert await ended_with(socket) == "worker_gone"
        assert lost() == before + 1


async def test_who_knows_no_session_or_no_credential_is_refused_and_a_session_has_one_worker(
    serving, with_door, worker
) -> None:
    stranger = RpcClientSettings(token=SecretStr("somebody else's credential"))
    async with serving(with_door) as gateway, dial(with_door) as channel, streaming(gateway.url) as socket:
        await socket.send(msgpack.packb(HELLO))
        token = await worker.token()
        for own in (stranger, RpcClientSettings()):
            assert await refusal(attach(channel, token, own)) is grpc.StatusCode.UNAUTHENTICATED
        for guess in ("", "another", token[:-1]):
            assert await refusal(attach(channel, guess)) is grpc.StatusCode.NOT_FOUND
        call = attach(channel, token)
        assert await heard(call) == msgpack.packb(HELLO)
        assert await refusal(attach(channel, token)) is grpc.StatusCode.ALREADY_EXISTS


async def test_a_worker_that_comes_when_its_client_has_gone_is_sent_away(
    serving, with_door, worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, end = asyncio.Event(), LiveSessions.end
    monkeypatch.setattr(LiveSessions, "end", lambda *given: (end(*given), over.set()))
    async with serving(with_door) as gateway, dial(with_door) as channel:
        async with streaming(gateway.url) as socket:
            await socket.send(msgpack.packb(HELLO))
            token = await worker.token()
        # The client's own end of the socket is closed before the gateway knows of it.
        await asyncio.wait_for(over.wait(), 10)
        assert await refusal(attach(channel, token)) in (grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.NOT_FOUND)


async def test_a_client_that_never_reads_stops_the_worker_and_fills_no_memory(serving, with_door, worker) -> None:
    blob, sent = bytes(300_000), 0
    async with serving(with_door) as gateway, dial(with_door) as channel, streaming(gateway.url) as socket:
        await socket.send(msgpack.packb(HELLO))
        call = attach(channel, await worker.token())
        await heard(call)
        socket.transport.pause_reading()
        with pytest.raises(TimeoutError):
            while sent * len(blob) < 200e6:
                async with asyncio.timeout(0.5):
                    await call.write(gateway_pb2.AttachRequest(message=blob))
                sent += 1
        # What the system's socket buffers hold, and a message or two at each station.
        assert 0 < sent * len(blob) < 64e6
        socket.transport.abort()


async def test_the_door_speaks_tls_and_shows_who_is_there_in_metrics(serving, with_door, worker, tmp_path) -> None:
    ensure_certificates(tmp_path, "gateway")
    tls = ServerTlsSettings(
        certificate=(tmp_path / CERTIFICATE).read_text(), key=SecretStr((tmp_path / KEY).read_text())
    )
    closed = with_door.model_copy(update={"attach": with_door.attach.model_copy(update={"tls": tls})})
    own = OWN.model_copy(update={"ca": (tmp_path / AUTHORITY).read_text()})
    async with serving(closed) as gateway, streaming(gateway.url) as socket:
        await socket.send(msgpack.packb(HELLO))
        token = await worker.token()
        async with dial(closed) as plain:
            assert await refusal(attach(plain, token)) is grpc.StatusCode.UNAVAILABLE
        async with dial(closed, own) as channel:
            call = attach(channel, token)
            assert await heard(call) == msgpack.packb(HELLO)
            assert REGISTRY.get_sample_value("immichvr_live_attached") == 1
            call.cancel()
            assert await ended_with(socket) == "worker_gone"
    assert REGISTRY.get_sample_value("immichvr_live_attached") == 0


async def test_a_worker_whose_call_breaks_off_ends_the_connection_for_both_ends() -> None:
    async def broken():
        yield b"half of it"
        raise ConnectionResetError

    connection = AttachedConnection()
    heard = asyncio.create_task(anext(connection.serve(broken()), None))
    assert await connection.read() == b"half of it"
    assert await asyncio.wait_for(heard, 5) is None
    with pytest.raises(ConnectionLost):
        await connection.read()


def test_a_door_that_is_open_to_the_network_wants_credentials() -> None:
    with pytest.raises(ValueError, match="ask nobody for a credential"):
        AttachSettings(host="0.0.0.0", port=9443)  # noqa: S104  # which is refused
