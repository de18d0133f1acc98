"""The gRPC runtime: who may call, how much at once, health, and one place where errors become status codes."""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection

from immichvr_common import metrics
from immichvr_common.callers import Callers, Refused, check_may, serve_as
from immichvr_common.errors import DeadlineExceeded, InvalidRequest, ServiceError
from immichvr_common.logs import get_log
from immichvr_common.rpc_room import Room
from immichvr_common.rpc_settings import RpcSettings, ServerTlsSettings
from immichvr_common.tracing import span

log = get_log(__name__)

STATUS = {
    "not_found": grpc.StatusCode.NOT_FOUND,
    "conflict": grpc.StatusCode.ABORTED,
    "unavailable": grpc.StatusCode.UNAVAILABLE,
    "deadline_exceeded": grpc.StatusCode.DEADLINE_EXCEEDED,
    "cancelled": grpc.StatusCode.CANCELLED,
    "out_of_memory": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "storage_full": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "storage_refused": grpc.StatusCode.FAILED_PRECONDITION,
    "worker_crashed": grpc.StatusCode.INTERNAL,
    "internal": grpc.StatusCode.INTERNAL,
}
_MIB = 1024 * 1024
_HEALTH = f"/{health.SERVICE_NAME}/"
_REFLECTION = f"/{reflection.SERVICE_NAME}/"
_TOLD_EVERY_S = 10.0
_Context = grpc.aio.ServicerContext[Any, Any]


def status_of(error: BaseException) -> tuple[grpc.StatusCode, str]:
    """The status and the words a caller gets; an unforeseen error shows no detail."""
    if isinstance(error, Refused):
        return error.status, error.words
    if isinstance(error, ServiceError):
        return STATUS.get(error.code, grpc.StatusCode.INVALID_ARGUMENT), f"{error.code}: {error.message}"
    return grpc.StatusCode.INTERNAL, "internal: see the service's log"


class Door(grpc.aio.ServerInterceptor):
    """Before every call: whether it may be, and whether there is room. After it: its failure as a status code.

    Every handler is given to gRPC as one that takes a stream, also where a single request is expected. Only then is
    it called before the request's body is read, and nobody without a credential has bytes read at all.
    """

    def __init__(self, settings: RpcSettings, callers: Callers) -> None:
        self._callers, self._silence_s = callers, settings.silence_s
        self._largest = settings.max_message_mb * _MIB
        self._room = Room(settings.at_once, settings.in_flight_mb * _MIB, settings.wait_s)
        self._told = 0.0

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        method = handler_call_details.method
        if method.startswith(_HEALTH):
            return await continuation(handler_call_details)
        try:
            caller = self._callers.admit(method, handler_call_details.invocation_metadata)
            if not method.startswith(_REFLECTION):
                check_may(caller, method.rpartition("/")[2])
        except Refused as refusal:
            self._tell(method, refusal)
            return grpc.stream_unary_rpc_method_handler(_refusing(refusal))
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler

        async def serve(_: object, context: _Context) -> Any:
            serve_as(caller)
            with _Measured(method, context), _recorded(method, handler_call_details):
                try:
                    return await self._serve(handler, context)
                except Exception as error:  # noqa: BLE001  # the one place that maps every failure
                    await _abort(error, method, context)

        # Without a deserializer the requests are bytes, whose number is known.
        make = (
            grpc.stream_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.stream_unary_rpc_method_handler
        )
        return make(serve, None, handler.response_serializer)

    async def _serve(self, handler: Any, context: _Context) -> Any:
        incoming = _Incoming(context, handler.request_deserializer, self._silence_s)
        async with self._room.place(self._largest) as place:
            if not handler.request_streaming:
                request = await incoming.only()
                place.keep(incoming.size)
                return await self._answer(handler, request, context)
            async with aclosing(incoming.messages()) as requests:
                return await self._answer(handler, requests, context)

    async def _answer(self, handler: Any, request: Any, context: _Context) -> Any:
        if not handler.response_streaming:
            return await (handler.stream_unary or handler.unary_unary)(request, context)
        behaviour = handler.stream_stream or handler.unary_stream
        async with aclosing(behaviour(request, context)) as messages:
            async for message in messages:
                await self._send(message, context)
        return None

    async def _send(self, message: Any, context: _Context) -> None:
        try:
            async with asyncio.timeout(self._silence_s):
                await context.write(message)
        except TimeoutError as error:
            raise DeadlineExceeded(f"nothing was taken for {self._silence_s:g} s") from error

    def _tell(self, method: str, refusal: Refused) -> None:
        """Logs a refusal, but no flood of them."""
        metrics.RPC.labels("refused", refusal.status.name).observe(0)
        if time.monotonic() >= self._told:
            self._told = time.monotonic() + _TOLD_EVERY_S
            log.warning("a call was refused", method=method[:100], status=refusal.status.name)


@dataclass
class _Incoming:
    """What a caller sends, read as bytes. size: of the last message.

    The iterator that grpc.aio gives a handler keeps the last message for ever; the context's `read` does not.
    """

    context: _Context
    deserialize: Callable[[bytes], Any]
    silence_s: float
    size: int = 0

    async def only(self) -> Any:
        """The one message of a call that has one. Raises InvalidRequest, DeadlineExceeded."""
        message = await self._next()
        if message is None:
            raise InvalidRequest("the call carries no request")
        return message

    async def messages(self) -> AsyncGenerator[Any, None]:
        """The messages of a call that has many, one at a time. Raises as `only` does."""
        while (message := await self._next()) is not None:
            yield message

    async def _next(self) -> Any:
        try:
            async with asyncio.timeout(self.silence_s):
                data = await self.context.read()
        except TimeoutError as error:
            raise DeadlineExceeded(f"nothing came for {self.silence_s:g} s, and the end was not announced") from error
        if data is grpc.aio.EOF:
            return None
        self.size = len(data)
        try:
            return self.deserialize(data)
        except DecodeError as error:
            raise InvalidRequest("the request is none of this method's: it cannot be decoded") from error


def _refusing(refusal: Refused) -> Any:
    async def refuse(_: object, context: _Context) -> None:
        await context.abort(refusal.status, refusal.words)

    return refuse


async def _abort(error: Exception, method: str, context: _Context) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if not isinstance(error, ServiceError | Refused):
        log.error("call failed", method=method, exc_info=error)
    # What was raised lives on for a while with all that the frames it passed know, the request among it.
    traceback.clear_frames(error.__traceback__)
    await context.abort(*status_of(error))


def _recorded(method: str, details: grpc.HandlerCallDetails) -> contextlib.AbstractContextManager[object]:
    """A span around a call, where its caller says within what it calls."""
    parent = next((str(value) for key, value in details.invocation_metadata or () if key == "traceparent"), "")
    return span(method.lstrip("/"), parent, "server") if parent else contextlib.nullcontext()


class _Measured:
    """Observes how long a call took and how it ended."""

    def __init__(self, method: str, context: _Context) -> None:
        self.method, self.context, self.start = method, context, time.perf_counter()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        status = self.context.code()
        name = status.name if isinstance(status, grpc.StatusCode) else "OK"
        metrics.RPC.labels(self.method, name).observe(time.perf_counter() - self.start)


class RpcServer:
    """A gRPC server of ours, with health for whoever asks.

    register: called with the server, adds the servicers; service_names: their full names. is_well: whether it is
    ready, once it listens and until it leaves.
    Raises ValueError for settings that cannot be, RuntimeError where the port is taken.
    """

    def __init__(
        self, settings: RpcSettings, register: Callable[[grpc.aio.Server], None], service_names: list[str]
    ) -> None:
        self._server = grpc.aio.server(
            interceptors=[Door(settings, Callers(settings.callers, _methods(service_names)))],
            options=_options(settings),
        )
        self._is_open = False
        self.is_well: Callable[[], bool] = lambda: True
        self._server.add_generic_rpc_handlers([self._health()])
        register(self._server)
        if settings.reflection:
            reflection.enable_server_reflection(
                [*service_names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server
            )
        self.port = _listen(self._server, f"{settings.host}:{settings.port or 0}", settings.tls)

    async def start(self) -> None:
        """Starts listening; ready at once."""
        await self._server.start()
        self._is_open = True

    async def stop(self, grace_s: float) -> None:
        """Says it is leaving, lets calls finish for `grace_s` seconds, then closes."""
        self._is_open = False
        await self._server.stop(grace_s)

    def _health(self) -> grpc.GenericRpcHandler:
        """Health for probes, which have no credential.

        grpc-health-checking's servicer reads the request, of any size and from anybody. Here the answer is the same
        for every name (the server's, `readiness`, `liveness`), so that nothing has to be read.
        """

        async def check(_: object, context: _Context) -> health_pb2.HealthCheckResponse:
            answers = health_pb2.HealthCheckResponse
            return answers(status=answers.SERVING if self._is_open and self.is_well() else answers.NOT_SERVING)

        encode = health_pb2.HealthCheckResponse.SerializeToString
        handler: Any = grpc.stream_unary_rpc_method_handler(check, None, encode)
        return grpc.method_handlers_generic_handler(health.SERVICE_NAME, {"Check": handler})


def _methods(service_names: Iterable[str]) -> list[str]:
    pool = descriptor_pool.Default()
    return [method.name for name in service_names for method in pool.FindServiceByName(name).methods]


def _listen(server: grpc.aio.Server, address: str, tls: ServerTlsSettings) -> int:
    if not tls.certificate:
        return server.add_insecure_port(address)
    metrics.certificate_ends("grpc", tls.certificate.encode())
    credentials = grpc.ssl_server_credentials(
        [(tls.key.get_secret_value().encode(), tls.certificate.encode())],
        root_certificates=tls.client_ca.encode() or None,
        require_client_auth=bool(tls.client_ca),
    )
    return server.add_secure_port(address, credentials)


def _options(settings: RpcSettings) -> list[tuple[str, int]]:
    limit = settings.max_message_mb * _MIB
    return [
        ("grpc.max_receive_message_length", limit),
        ("grpc.max_send_message_length", limit),
        # Two services on one port is a mistake that must show, not a way to share the load.
        ("grpc.so_reuseport", 0),
        # A compressed message may become a thousand times as large: only plain ones (bit 0) are read.
        ("grpc.compression_enabled_algorithms_bitset", 1),
        ("grpc.max_allowed_incoming_connections", settings.connections),
        ("grpc.max_concurrent_streams", settings.at_once),
        # Who connects says something soon, is asked whether it is still there, and goes when it has nothing to ask.
        ("grpc.server_handshake_timeout_ms", 10_000),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.max_connection_idle_ms", 60_000),
        # Who called may ask in turn, as a worker does that serves a session over a connection of its own.
        ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
        # Of a message that nobody reads yet, no more than this is taken in; the probe would let it grow.
        ("grpc.http2.lookahead_bytes", 64 * 1024),
        ("grpc.http2.bdp_probe", 0),
    ]
