"""The door for workers that only open connections out: each comes with the token of the session that it serves.

A session is known to one gateway alone. A worker that reaches another is told `not_found`, and comes again over a new
connection.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
from immichvr.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from immichvr_common.callers import Refused, current_caller
from immichvr_common.logs import get_log
from immichvr_common.rpc import RpcServer
from prometheus_client import Counter, Gauge

from immichvr_gateway.live.sessions import LiveSessions
from immichvr_gateway.live.worker_connections import AttachedConnection
from immichvr_gateway.settings import AttachSettings

log = get_log(__name__)

SERVICE = "immichvr.gateway.v1.GatewayService"
_TOKEN = "session-token"  # noqa: S105  # the name of a metadata key
_LAST_WORDS_S = 1.0
_ATTACHED = Gauge("immichvr_live_attached", "Live sessions over connections that their workers opened")
_COMING = Counter(
    "immichvr_live_attaching",
    "Workers that came to a live session, by what came of it; of those that attached, which were lost",
    ["outcome"],
)
_Context = grpc.aio.ServicerContext[Any, Any]


class Door(gateway_pb2_grpc.GatewayServiceServicer):
    """Brings those who know a session's token to the session. sessions: raises Unavailable before they are there."""

    def __init__(self, sessions: Callable[[], LiveSessions]) -> None:
        self._sessions = sessions

    async def Attach(  # noqa: N802  # gRPC's spelling
        self, request_iterator: AsyncIterator[gateway_pb2.AttachRequest], context: _Context
    ) -> AsyncIterator[gateway_pb2.AttachResponse]:
        connection = AttachedConnection()
        job_id = self._bring(str(dict(context.invocation_metadata() or ()).get(_TOKEN, "")), connection)
        log.info("a worker has come to its live session", job_id=job_id, caller=current_caller().name)
        with _ATTACHED.track_inprogress():
            try:
                async with aclosing(connection.serve(_messages(request_iterator))) as heard:
                    async for message in heard:
                        yield gateway_pb2.AttachResponse(message=message)
            finally:
                if connection.is_lost:
                    _COMING.labels("lost").inc()

    def _bring(self, token: str, connection: AttachedConnection) -> str:
        """The id of the job whose session the connection now serves. Raises Refused, Unavailable."""
        live = self._sessions().of_token(token)
        if live is None:
            _COMING.labels("not_found").inc()
            raise Refused(grpc.StatusCode.NOT_FOUND, "not_found: no session of this gateway has that token")
        if live.served.done():
            _COMING.labels("served").inc()
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, "conflict: this session has its worker already")
        live.served.set_result(connection)
        _COMING.labels("attached").inc()
        return live.job_id


async def _messages(requests: AsyncIterator[gateway_pb2.AttachRequest]) -> AsyncIterator[bytes | None]:
    async for request in requests:
        yield None if request.ended else request.message


@asynccontextmanager
async def taking_in_workers(
    settings: AttachSettings, sessions: Callable[[], LiveSessions], is_well: Callable[[], bool]
) -> AsyncIterator[RpcServer | None]:
    """Opens the door while the block lasts, where a port is set. Raises ValueError, RuntimeError where it is taken."""
    if settings.port is None:
        yield None
        return

    def register(server: grpc.aio.Server) -> None:
        gateway_pb2_grpc.add_GatewayServiceServicer_to_server(Door(sessions), server)

    server = RpcServer(settings, register, [SERVICE])
    server.is_well = is_well
    await server.start()
    log.info("workers may attach", port=server.port, encrypted=bool(settings.tls.certificate))
    try:
        yield server
    finally:
        await server.stop(_LAST_WORDS_S)
