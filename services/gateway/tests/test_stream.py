"""The live stream's door: bytes pass through for those who may, and nothing piles up for those who do not read."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, cast

import grpc
import msgpack
import pytest
from google.protobuf import json_format
from immichvr.ai.v1 import ai_pb2, ai_pb2_grpc
from immichvr.events.v1.events_pb2 import JOB_STATE_FAILED, JOB_STATE_RUNNING, JOB_STATE_SUCCEEDED, Job, JobEvent
from immichvr_common.bus import Bus
from immichvr_common.reporting import encode
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import CallerSettings, RpcClientSettings, RpcSettings
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.jobs.records import new_record
from immichvr_gateway.jobs.store import JobStore
from immichvr_gateway.live.sessions import LiveSessions
from immichvr_gateway.live.stream import ClientSocket
from immichvr_gateway.models.catalog import ModelCatalog
from immichvr_gateway.settings import ImmichSettings, LiveSettings
from immichvr_models import Cache
from nats.js.errors import KeyNotFoundError
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

HELLO = {"type": "hello", "version": 1, "model": "heuristic"}
OWN_TOKEN = "the gateway's own, for ai"
BLOB = random.Random(1).randbytes(300_000)


class FakeWorker(ai_pb2_grpc.AiServiceServicer):
    """Takes live jobs from the bus and serves them: echoes messages, or sends without end."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.jobs: list[Job] = []
        self.tokens: list[str] = []
        self.heard: list[bytes] = []
        self.floods, self.sent = False, 0
        self.port = 0
        self.ended = asyncio.Event()
        self.told = asyncio.Event()

    async def StreamFrames(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        self.tokens.append(dict(context.invocation_metadata())["session-token"])
        try:
            while self.floods:
                yield ai_pb2.StreamFramesResponse(message=BLOB)
                self.sent += 1
            async for request in request_iterator:
                self.heard.append(request.message)
                if request.message == b"die":
                    await context.abort(grpc.StatusCode.INTERNAL, "gone")
                yield ai_pb2.StreamFramesResponse(message=request.message)
        finally:
            self.ended.set()
            await self.tell(self.jobs[-1], JOB_STATE_SUCCEEDED, 2)

    async def on_job(self, message: Any) -> None:
        self.jobs.append(json_format.Parse(message.data, Job()))
        self.told.set()
        if self.port:
            await self.tell(self.jobs[-1], JOB_STATE_RUNNING, 1)

    async def tell(self, job: Job, state: Any, seq: int) -> None:
        event = JobEvent(job_id=job.id, kind=job.kind, run=1, attempt=1, seq=seq, state=state)
        event.address = f"127.0.0.1:{self.port}"
        event.at.GetCurrentTime()
        await self._bus.publish(f"events.ai.job.{job.id}", encode(event))


@pytest.fixture
async def worker(empty_bus: Bus) -> AsyncIterator[FakeWorker]:
    """A worker that serves live jobs."""
    fake = FakeWorker(empty_bus)
    callers = {"gateway": CallerSettings(token=SecretStr(OWN_TOKEN), calls=("StreamFrames",))}
    server = RpcServer(
        RpcSettings(callers=callers),
        lambda one: ai_pb2_grpc.add_AiServiceServicer_to_server(fake, one),
        ["immichvr.ai.v1.AiService"],
    )
    fake.port = server.port
    await server.start()
    subscription = await empty_bus.client.subscribe("jobs.ai.*.*.live.*", cb=fake.on_job)
    await empty_bus.client.flush()
    yield fake
    await subscription.unsubscribe()
    await server.stop(0)


Streaming = Callable[..., Any]


def streaming(url: str, **more: Any) -> Any:
    return connect(url.replace("http", "ws") + "/api/stream", max_size=None, **more)


async def say(socket: ClientConnection, **fields: object) -> None:
    await socket.send(msgpack.packb(fields))


async def heard(socket: ClientConnection) -> dict[str, Any]:
    return dict(msgpack.unpackb(await asyncio.wait_for(socket.recv(), 10)))


async def refused_with(socket: ClientConnection) -> str:
    """The code of the one error that comes before the socket is closed."""
    message = await heard(socket)
    assert message["type"] == "error" and message["message"]
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(socket.recv(), 10)
    return str(message["code"])


async def test_messages_pass_both_ways_as_they_are_and_the_job_ends_with_the_socket(gateway, worker) -> None:
    async with streaming(gateway.url) as socket:
        await say(socket, **HELLO, max_gaussians=5)
        assert await heard(socket) == {**HELLO, "max_gaussians": 5}
        for message in (b"\xc1 no msgpack", bytes(700_000)):
            await socket.send(message)
            assert await asyncio.wait_for(socket.recv(), 10) == message
        [job] = worker.jobs
        assert worker.tokens == [job.params["token"]]
        shown = (await gateway.get(f"/api/jobs/{job.id}")).json()
        assert shown["kind"] == "live" and shown["params"] == {"model": "heuristic"}
        assert job.params["token"] not in str(shown) and "127.0.0.1" not in str(shown)
    await asyncio.wait_for(worker.ended.wait(), 10)


async def test_a_worker_that_does_not_know_the_gateway_serves_it_nothing(serving, settings, worker) -> None:
    for token in ("", "another gateway's token"):
        stranger = settings.model_copy(update={"ai": RpcClientSettings(token=SecretStr(token))})
        async with serving(stranger) as gateway, streaming(gateway.url) as socket:
            await say(socket, **HELLO)
            assert await refused_with(socket) == "worker_gone"
    assert not worker.heard


async def test_pages_elsewhere_and_strangers_are_refused_before_anything_is_asked_of_a_worker(
    shared, gateway, worker
) -> None:
    for url, headers in (
        (gateway.url, {"Origin": "http://evil.example"}),
        (gateway.url, {"Origin": "null"}),
        (shared.url, {}),
        (shared.url, {"x-api-key": "eve-key"}),
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with streaming(url, additional_headers=headers):
                pass
        assert refused.value.response.status_code == 403
    async with streaming(shared.url, additional_headers={"x-api-key": "ann-key"}) as socket:
        await say(socket, **HELLO)
        assert (await heard(socket))["type"] == "hello"
    assert len(worker.jobs) == 1


async def test_whom_immich_knows_no_more_gets_no_session_though_still_signed_in_here(shared, worker) -> None:
    signed_in = await shared.client.post("/api/session", json={"api_key": "bob-key"})
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in signed_in.cookies.items())}
    async with streaming(shared.url, additional_headers=cookie) as socket:
        await say(socket, **HELLO)
        assert (await heard(socket))["type"] == "hello"
    shared.library.unknown_now.add("bob")
    with pytest.raises(InvalidStatus) as refused:
        async with streaming(shared.url, additional_headers=cookie):
            pass
    assert refused.value.response.status_code == 403
    assert len(worker.jobs) == 1


async def test_a_live_session_ends_when_its_person_signs_out(shared, worker) -> None:
    signed_in = await shared.client.post("/api/session", json={"api_key": "bob-key"})
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in signed_in.cookies.items())}
    async with streaming(shared.url, additional_headers=cookie) as socket:
        await say(socket, **HELLO)
        assert (await heard(socket))["type"] == "hello"
        assert (await shared.client.delete("/api/session")).status_code == 204
        assert await refused_with(socket) == "unauthorized"
    await asyncio.wait_for(worker.ended.wait(), 10)


NOWHERE = {
    msgpack.packb({**HELLO, "model": "nothing"}): "unknown_model",
    msgpack.packb({**HELLO, "model": "da2-large"}): "licence_required",
    msgpack.packb({**HELLO, "model": "da2-small"}): "consent_required",
    msgpack.packb({**HELLO, "model": 5}): "invalid_message",
    msgpack.packb({"type": "frame", "seq": 1}): "invalid_message",
    b"\xc1": "invalid_message",
    bytes(5000): "too_large",
    "text": "invalid_message",
}


async def test_a_hello_that_leads_nowhere_is_told_why_and_makes_no_job(
    gateway, worker, subtests: pytest.Subtests
) -> None:
    for first, code in NOWHERE.items():
        with subtests.test(code, first=first[:40]):
            async with streaming(gateway.url) as socket:
                await socket.send(first)
                assert await refused_with(socket) == code
            assert not worker.jobs


async def test_without_a_worker_the_wait_ends_and_the_job_leaves_the_queue(
    serving, settings, worker, empty_bus
) -> None:
    worker.port = 0
    short = settings.model_copy(update={"live": LiveSettings(wait_s=0.5)})
    async with serving(short) as running, streaming(running.url) as socket:
        await say(socket, **HELLO)
        assert await refused_with(socket) == "no_worker"
        async with asyncio.timeout(10):
            while (await empty_bus.js.stream_info("JOBS")).state.messages:  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.02)
            while (await running.get(f"/api/jobs/{worker.jobs[0].id}")).json()["state"] != "cancelled":  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_of_what_comes_before_a_worker_does_the_newest_is_passed_on(
    gateway, worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, receive = asyncio.Event(), ClientSocket.receive

    async def noting(socket: ClientSocket) -> bytes:
        message = await receive(socket)
        if message == b"frame 29":
            taken.set()
        return message

    monkeypatch.setattr(ClientSocket, "receive", noting)
    port, worker.port = worker.port, 0
    async with streaming(gateway.url) as socket:
        await say(socket, **HELLO)
        await asyncio.wait_for(worker.told.wait(), 10)
        for number in range(30):
            await socket.send(b"frame %d" % number)
        await asyncio.wait_for(taken.wait(), 10)
        worker.port = port
        await worker.tell(worker.jobs[0], JOB_STATE_RUNNING, 1)
        assert (await heard(socket))["type"] == "hello"
        assert await asyncio.wait_for(socket.recv(), 10) == b"frame 29"


async def test_a_client_that_never_reads_stops_the_worker_and_fills_no_memory(gateway, worker) -> None:
    worker.floods = True
    async with streaming(gateway.url) as socket:
        await say(socket, **HELLO)
        await asyncio.wait_for(socket.recv(), 10)
        socket.transport.pause_reading()
        before = -1
        async with asyncio.timeout(20):
            while worker.sent != before or before <= 0:
                before = worker.sent
                await asyncio.sleep(0.4)
        # What the system's socket buffers hold, and a message or two at each station.
        assert worker.sent * len(BLOB) < 64e6
        socket.transport.abort()
    await asyncio.wait_for(worker.ended.wait(), 10)


async def test_a_person_has_few_sessions_at_once_and_a_place_becomes_free_again(serving, settings, worker) -> None:
    few = settings.model_copy(update={"live": LiveSettings(per_user=1)})
    async with serving(few) as running:
        async with streaming(running.url) as first:
            await say(first, **HELLO)
            await heard(first)
            async with streaming(running.url) as second:
                assert await refused_with(second) == "too_many_sessions"
        await asyncio.wait_for(worker.ended.wait(), 10)
        async with streaming(running.url) as third:
            await say(third, **HELLO)
            assert (await heard(third))["type"] == "hello"


async def test_a_worker_that_goes_is_told_in_words(gateway, worker) -> None:
    async with streaming(gateway.url) as socket:
        await say(socket, **HELLO)
        await heard(socket)
        await socket.send(b"die")
        assert await refused_with(socket) == "worker_gone"


async def test_a_client_that_goes_before_a_worker_comes_leaves_no_job(gateway, worker, empty_bus) -> None:
    worker.port = 0
    async with streaming(gateway.url) as socket:
        await say(socket, **HELLO)
        await asyncio.wait_for(worker.told.wait(), 10)
    async with asyncio.timeout(10):
        while (await empty_bus.js.stream_info("JOBS")).state.messages:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.02)


async def test_a_session_whose_worker_crashed_is_not_queued_anew(gateway, worker, empty_bus) -> None:
    worker.port = 0
    async with streaming(gateway.url) as socket:
        await say(socket, **HELLO)
        await asyncio.wait_for(worker.told.wait(), 10)
        [job] = worker.jobs
        event = JobEvent(job_id=job.id, kind=job.kind, run=1, attempt=1, seq=1, state=JOB_STATE_FAILED)
        event.error.code, event.error.message = "worker_crashed", "the working process died of SIGSEGV"
        event.at.GetCurrentTime()
        await empty_bus.publish(f"events.ai.job.{job.id}", encode(event))
        assert await refused_with(socket) == "worker_crashed"
    shown = (await gateway.get(f"/api/jobs/{job.id}")).json()
    assert (shown["state"], shown["run"]) == ("failed", 1)
    again = await gateway.client.post(f"/api/jobs/{job.id}/retry")
    assert (again.status_code, again.json()["code"]) == (409, "not_retriable")


async def test_a_session_that_a_gateway_left_in_the_queue_is_ended_and_at_last_forgotten(
    empty_bus, settings, tmp_path, service_over
) -> None:
    index = JobIndex()
    jobs = service_over(JobStore(empty_bus, index, settings), settings)
    sessions = LiveSessions(
        jobs, ModelCatalog(Cache(tmp_path), lambda *_: None), Cache(tmp_path), cast(Any, None), settings.live
    )
    job = Job(id="live-0123456789abcdef", kind="live", run=1)
    job.created_at.GetCurrentTime()
    record = await jobs.submit(new_record(job, jobs.store.subject("live", job.id), "ann", {}), "ann", 0)
    await sessions.tidy()
    assert record.state == "queued"
    record.updated_at -= timedelta(seconds=settings.live.wait_s + 60)
    await sessions.tidy()
    assert (await empty_bus.js.stream_info("JOBS")).state.messages == 0
    told = json_format.Parse(
        (await empty_bus.js.get_last_msg("EVENTS", f"events.gateway.job.{job.id}")).data, JobEvent()
    )
    await jobs.store.on_event(told)
    await sessions.tidy()
    assert [one.state for one in index] == ["cancelled"]
    record.updated_at -= timedelta(days=1)
    await sessions.tidy()
    assert len(index) == 0
    with pytest.raises(KeyNotFoundError):
        await (await empty_bus.js.key_value("jobs")).get(job.id)


async def test_silence_ends_a_session(serving, settings, worker) -> None:
    quick = settings.model_copy(update={"live": LiveSettings(idle_s=0.3), "immich": ImmichSettings(url="")})
    async with serving(quick) as running, streaming(running.url) as socket:
        await say(socket, **HELLO)
        await heard(socket)
        assert await refused_with(socket) == "idle"
