"""A session over a connection that this process opens to its gateway: nobody has to reach this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from immichvr.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from immichvr_common.errors import TaskFailed
from immichvr_common.logs import get_log
from immichvr_common.rpc_client import Option, credential, open_channel
from immichvr_common.tracing import within

from immichvr_ai.settings import AttachSettings

log = get_log(__name__)

_TOKEN = "session-token"  # noqa: S105  # the name of a metadata key
_MIB = 1024 * 1024
_PAUSE_S = 0.2
_LAST_WORDS_S = 5.0
_LEAVING_S = 1.0
_COME_AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.RESOURCE_EXHAUSTED)
"""The gateway is not there, has no room, or it is another one of several that has the session."""
_OPTIONS: tuple[Option, ...] = (
    ("grpc.max_receive_message_length", 8 * _MIB),
    ("grpc.max_send_message_length", 16 * _MIB),
    # A router forgets a connection that is silent; and one whose other end has vanished is to be noticed.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Each attempt is a connection of its own, so that of several gateways another may answer.
    ("grpc.use_local_subchannel_pool", 1),
)

Talk = Callable[[AsyncIterator[bytes], Callable[[bytes], Awaitable[None]]], Awaitable[None]]
"""Serves a client: told its messages, and how to answer."""


async def serve_at_gateway(settings: AttachSettings, token: str, within_s: float, talk: Talk) -> None:
    """Comes to the gateway with a session's token, and serves the session until it ends.

    within_s: how long to try. Raises TaskFailed where the gateway does not take it in; what `talk` raises.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        try:
            async with _attached(settings, token, deadline) as (call, first):
                await _talk_over(call, first, talk)
                return
        except _Refused as refusal:
            if refusal.is_final or asyncio.get_running_loop().time() + _PAUSE_S > deadline:
                log.error("the gateway did not take this session's worker in", why=str(refusal), at=settings.address)
                raise TaskFailed(
                    "worker_gone", "the worker of this session did not reach its gateway; its log says why"
                ) from refusal
            await asyncio.sleep(_PAUSE_S)


class _Refused(Exception):
    """The gateway did not take the call. is_final: it never will."""

    def __init__(self, why: str, is_final: bool = False) -> None:
        super().__init__(why[:500])
        self.is_final = is_final


@asynccontextmanager
async def _attached(settings: AttachSettings, token: str, deadline: float) -> AsyncIterator[tuple[Any, bytes]]:
    """A call that the gateway has taken, and the first message over it. Raises _Refused."""
    shown = [*credential(settings), (_TOKEN, token), *([("traceparent", within())] if within() else [])]
    async with open_channel(settings.target, settings, _OPTIONS, settings.is_encrypted) as channel:
        call = gateway_pb2_grpc.GatewayServiceStub(channel).Attach(metadata=shown)
        try:
            async with asyncio.timeout_at(deadline):
                response = await call.read()
        except TimeoutError as late:
            raise _Refused("nothing came in time") from late
        except grpc.aio.AioRpcError as error:
            why = f"{error.code().name}: {error.details()}"
            raise _Refused(why, is_final=error.code() not in _COME_AGAIN) from error
        if response is grpc.aio.EOF:
            raise _Refused("the session was over", is_final=True)
        try:
            yield call, response.message
        finally:
            call.cancel()


async def _talk_over(call: Any, first: bytes, talk: Talk) -> None:
    """Reading and writing are tasks of their own: a call whose reader is cancelled is cancelled itself."""
    incoming: asyncio.Queue[bytes | None] = asyncio.Queue(1)
    outgoing: asyncio.Queue[bytes | None] = asyncio.Queue(1)
    reading = asyncio.create_task(_read(call, incoming))
    writing = asyncio.create_task(_write(call, outgoing))
    try:
        try:
            await _until_over(talk(_messages(first, incoming), outgoing.put), reading)
        finally:
            await _say_last_words(outgoing, incoming, writing)
    finally:
        for task in (reading, writing):
            task.cancel()
        await asyncio.gather(reading, writing, return_exceptions=True)


async def _until_over(talk: Awaitable[None], reading: asyncio.Task[None]) -> None:
    """Waits for a talk to end, or a moment after its client has gone: one that loads a model does not notice that."""
    talking = asyncio.ensure_future(talk)
    try:
        await asyncio.wait({talking, reading}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({talking}, timeout=_LEAVING_S if reading.done() else None)
    finally:
        if not talking.done():
            talking.cancel()
            await asyncio.wait({talking})
    if not talking.cancelled():
        talking.result()


async def _say_last_words(
    outgoing: asyncio.Queue[bytes | None], incoming: asyncio.Queue[bytes | None], writing: asyncio.Task[None]
) -> None:
    """Sends what was said, and hears the gateway end the call once its client has it."""
    try:
        async with asyncio.timeout(_LAST_WORDS_S):
            await outgoing.put(None)
            await writing
            while await incoming.get() is not None:
                pass
    except TimeoutError:
        log.warning("the gateway did not end a session in time")


async def _messages(first: bytes, incoming: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    yield first
    while (message := await incoming.get()) is not None:
        yield message
    incoming.put_nowait(None)  # it stays the end, for whoever asks again


async def _read(call: Any, incoming: asyncio.Queue[bytes | None]) -> None:
    try:
        while (response := await call.read()) is not grpc.aio.EOF:
            await incoming.put(response.message)
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
        log.warning("the connection to the gateway broke", error=str(error)[:300])
    await incoming.put(None)


async def _write(call: Any, outgoing: asyncio.Queue[bytes | None]) -> None:
    is_broken = False
    while (message := await outgoing.get()) is not None:
        is_broken = is_broken or not await _is_sent(call, gateway_pb2.AttachRequest(message=message))
    if not is_broken and await _is_sent(call, gateway_pb2.AttachRequest(ended=True)):
        await call.done_writing()


async def _is_sent(call: Any, request: gateway_pb2.AttachRequest) -> bool:
    """Whether it went out; whoever reads hears why not."""
    try:
        await call.write(request)
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        return False
    return True
