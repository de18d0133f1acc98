"""Sessions, of which the job `live` is one: a client is served by the working process, until it leaves.

The process listens for the gateway's call; or, where the gateway cannot reach it, makes the call itself
(`gateway_connection`).
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import copy_context
from functools import cache, partial
from typing import Any

import grpc
from google.protobuf import json_format
from immichvr.ai.v1 import ai_pb2, ai_pb2_grpc
from immichvr_common.logs import get_log
from immichvr_common.rpc import RpcServer
from immichvr_common.tasks import Report, Task
from immichvr_common.telling import Serving, tell
from immichvr_inference.errors import DeviceFailed

from immichvr_ai.live.gateway_connection import serve_at_gateway
from immichvr_ai.live.models import LiveModel
from immichvr_ai.live.reading import Limits, Send
from immichvr_ai.live.talk import converse
from immichvr_ai.settings import AiSettings, LiveSettings, current_settings

log = get_log(__name__)

TOKEN = "session-token"  # noqa: S105  # the name of a metadata key
_SPARE_S = 30.0
"""A session ends so long before the job's deadline would end it."""
_GRACE_S = 1.0

Context = Any
OpenForSession = Callable[[str, frozenset[str], Report], LiveModel]
"""Opens a model by its name; told the models whose licences were accepted, and where to report a download."""
Talk = Callable[[AsyncIterator[bytes], Send, Limits], Awaitable[None]]
"""Serves a client from its first message to its last. Raises DeviceFailed, and nothing that a client can cause."""


class LiveServicer(ai_pb2_grpc.AiServiceServicer):
    """Serves StreamFrames once, to whoever shows the session's token.

    begun: a client with the token is there; over: it has been served; failure: of the device, if that ended it.
    """

    def __init__(self, token: str, talk: Talk, limits: Limits, over: asyncio.Event) -> None:
        self._token, self._serve, self._limits = token.encode(), talk, limits
        self.begun, self.over = asyncio.Event(), over
        self.failure: DeviceFailed | None = None

    async def StreamFrames(  # noqa: N802  # gRPC's spelling
        self, request_iterator: AsyncIterator[ai_pb2.StreamFramesRequest], context: Context
    ) -> AsyncIterator[ai_pb2.StreamFramesResponse]:
        """The session's messages, both ways, as they are."""
        shown = dict(context.invocation_metadata() or ()).get(TOKEN, "")
        if not self._token or not hmac.compare_digest(str(shown).encode(), self._token):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "this session is not yours")
        if self.begun.is_set():
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "this session has its client already")
        self.begun.set()
        # One message at a time: a client that does not read stops the session, and fills no memory.
        outgoing: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        talking = asyncio.create_task(self._talk(request_iterator, outgoing))
        try:
            while (message := await outgoing.get()) is not None:
                yield ai_pb2.StreamFramesResponse(message=message)
            await talking
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            self.over.set()

    async def _talk(
        self, requests: AsyncIterator[ai_pb2.StreamFramesRequest], outgoing: asyncio.Queue[bytes | None]
    ) -> None:
        try:
            await self._serve(_messages(requests), outgoing.put, self._limits)
        except DeviceFailed as error:
            self.failure = error
            raise
        finally:
            await outgoing.put(None)


async def _messages(requests: AsyncIterator[ai_pb2.StreamFramesRequest]) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request.message


def serve_live(task: Task, report: Report, open_model: OpenForSession) -> None:
    """Serves one live session; it makes no asset. Raises DeviceFailed, and what starting the server raises.

    open_model: brings a model into memory by its name.
    """
    params = json_format.ParseDict(task.params, ai_pb2.LiveParams(), ignore_unknown_fields=True)

    def talk_with(report: Report) -> Talk:
        def open_by_name(name: str) -> LiveModel:
            return open_model(name, frozenset(params.accepted), report)

        return partial(converse, open_by_name)

    serve_session(params.token, report, talk_with)


def serve_session(token: str, report: Report, talk_with: Callable[[Report], Talk]) -> None:
    """Serves one client, whoever shows the token. Raises DeviceFailed, and what starting the server raises.

    talk_with: how it is served, told where to report meanwhile.
    """
    # By itself a runner keeps the context of its first run, and with that the trace of the first session.
    _runner().run(_serve(token, current_settings(), report, talk_with), context=copy_context())


@cache
def _runner() -> asyncio.Runner:
    """One event loop for all sessions of this process: gRPC keeps to the first one it meets."""
    return asyncio.Runner()


async def _serve(token: str, settings: AiSettings, report: Report, talk_with: Callable[[Report], Talk]) -> None:
    over = asyncio.Event()

    def report_while_served(fraction: float, stage: str, message: str) -> None:
        # A model may still be loading when its client has gone and the process has another task.
        if not over.is_set():
            report(fraction, stage, message)

    talk = talk_with(report_while_served)
    longest_s = min(settings.live.max_s, max(1.0, settings.work.deadline_s - _SPARE_S))
    limits = Limits(settings.live.idle_s, longest_s)
    try:
        if settings.live.attach.address:
            await _come_to_gateway(token, settings.live, talk, limits, report)
        else:
            await _await_gateway(LiveServicer(token, talk, limits, over), settings, report)
    finally:
        over.set()


async def _come_to_gateway(token: str, live: LiveSettings, talk: Talk, limits: Limits, report: Report) -> None:
    async def talk_here(incoming: AsyncIterator[bytes], send: Send) -> None:
        report(0.5, "live", "a client is there")
        await talk(incoming, send, limits)

    report(0.1, "serving", "coming to the gateway")
    await serve_at_gateway(live.attach, token, live.connect_s, talk_here)


async def _await_gateway(servicer: LiveServicer, settings: AiSettings, report: Report) -> None:
    live = settings.live
    # A session has its own idea of how long a client may be silent, and tells it in words.
    rpc = settings.rpc.model_copy(update={"port": live.port, "silence_s": live.idle_s + _SPARE_S})
    server = RpcServer(rpc, lambda grpc_server: _add(servicer, grpc_server), ["immichvr.ai.v1.AiService"])
    await server.start()
    address = f"{_host(settings, live)}:{server.port}"
    report(0.1, "serving", "waiting for the client")
    tell(Serving(address))
    log.info("a live session waits for its client", address=address)
    try:
        async with asyncio.timeout(live.connect_s):
            await servicer.begun.wait()
    except TimeoutError:
        log.warning("nobody came to a live session", address=address)
    else:
        report(0.5, "live", "a client is there")
        await servicer.over.wait()
        if servicer.failure is not None:
            # As the job's failure it has this process ended, so that no photo comes to it.
            raise servicer.failure
    finally:
        await server.stop(_GRACE_S)


def _add(servicer: LiveServicer, server: grpc.aio.Server) -> None:
    ai_pb2_grpc.add_AiServiceServicer_to_server(servicer, server)


def _host(settings: AiSettings, live: LiveSettings) -> str:
    """Where the gateway reaches this process: what is configured, else what the server listens on."""
    if live.advertise:
        return live.advertise
    host = settings.rpc.host.strip("[]")
    try:
        is_everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        is_everywhere = False
    if is_everywhere:
        host = _own_address()
    return f"[{host}]" if ":" in host else host


def _own_address() -> str:
    """This machine's address in the network that leads out; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1, RFC 5737
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostbyname(socket.gethostname())
