"""The gRPC runtime: health, reflection, limits, and one place where errors become status codes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from immichvr_common import metrics
from immichvr_common.errors import ServiceError
from immichvr_common.logs import get_log
from immichvr_common.settings import RpcSettings

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


def status_of(error: BaseException) -> tuple[grpc.StatusCode, str]:
    """The status and the words a caller gets; an unforeseen error shows no detail."""
    if isinstance(error, ServiceError):
        return STATUS.get(error.code, grpc.StatusCode.INVALID_ARGUMENT), f"{error.code}: {error.message}"
    return grpc.StatusCode.INTERNAL, "internal: see the service's log"


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Turns exceptions into status codes and measures every call."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        method = handler_call_details.method
        if handler.response_streaming:
            wrapped = _guard_stream(handler.stream_stream or handler.unary_stream, method)
            make = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
        else:
            wrapped = _guard_unary(handler.stream_unary or handler.unary_unary, method)
            make = (
                grpc.stream_unary_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_unary_rpc_method_handler
            )
        return make(wrapped, handler.request_deserializer, handler.response_serializer)


def _guard_unary(behaviour: Any, method: str) -> Any:
    async def guarded(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        with _Measured(method, context):
            try:
                return await behaviour(request, context)
            except Exception as error:  # noqa: BLE001  # the one place that maps every failure
                await _abort(error, method, context)

    return guarded


def _guard_stream(behaviour: Any, method: str) -> Any:
    async def guarded(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
        with _Measured(method, context):
            try:
                async for message in behaviour(request, context):
                    yield message
            except Exception as error:  # noqa: BLE001  # the one place that maps every failure
                await _abort(error, method, context)

    return guarded


async def _abort(error: Exception, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if not isinstance(error, ServiceError):
        log.error("call failed", method=method, exc_info=error)
    await context.abort(*status_of(error))


class _Measured:
    """Observes how long a call took and how it ended."""

    def __init__(self, method: str, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        self.method, self.context, self.start = method, context, time.perf_counter()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        status = self.context.code()
        name = status.name if isinstance(status, grpc.StatusCode) else "OK"
        metrics.RPC.labels(self.method, name).observe(time.perf_counter() - self.start)


class RpcServer:
    """A gRPC server with health (`readiness`, `liveness`) and reflection.

    register: called with the server, adds the servicers; service_names: their full names.
    """

    def __init__(
        self, settings: RpcSettings, register: Callable[[grpc.aio.Server], None], service_names: list[str]
    ) -> None:
        limit = settings.max_message_mb * 1024 * 1024
        self._settings = settings
        self._server = grpc.aio.server(
            interceptors=[ErrorInterceptor()],
            options=[
                ("grpc.max_receive_message_length", limit),
                ("grpc.max_send_message_length", limit),
                # Two services on one port is a mistake that must show, not a way to share the load.
                ("grpc.so_reuseport", 0),
            ],
        )
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        register(self._server)
        reflection.enable_server_reflection(
            [*service_names, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server
        )
        self.port = self._server.add_insecure_port(f"{settings.host}:{settings.port or 0}")

    async def start(self) -> None:
        """Starts listening; ready at once."""
        await self._server.start()
        await self._set(health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace_s: float) -> None:
        """Says it is leaving, lets calls finish for `grace_s` seconds, then closes."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_s)

    async def _set(self, status: int) -> None:
        for name in ("", "readiness", "liveness"):
            await self._health.set(name, status)
