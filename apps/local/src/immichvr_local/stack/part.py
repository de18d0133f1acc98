"""One process of the stack: how it is started, and when it counts as up."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

Ready = Callable[[], Awaitable[bool]]

SERVERS, GATEWAY, SERVICES = 0, 1, 2
_PATIENCE_S = 30
"""Longer than whoever asks has patience."""


@dataclass(frozen=True)
class Part:
    """A process to keep running.

    tier: the highest is stopped first: the gateway hears what workers say last, and everybody needs the servers.
    ready: asked until it says yes.
    grace_s: between being asked to end and being ended. healthy: asked from time to time once it was ready; one
    that says no several times in a row is started again, so it must not say no while the part is merely busy.
    directory: where it runs; beside its log where None.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    ready: Ready
    tier: int = SERVICES
    grace_s: float = 15
    healthy: Ready | None = None
    directory: Path | None = None


def listens(port: int, host: str = "127.0.0.1") -> Ready:
    """Ready when something accepts connections there."""

    async def ready() -> bool:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 2)
        except OSError:  # TimeoutError is one
            return False
        writer.close()
        return True

    return ready


def has_started(url: str, trust: ssl.SSLContext | bool = True) -> Ready:
    """Ready when the gateway says that it has started, also where not all is well: what was made can be seen."""
    import httpx

    client = httpx.AsyncClient(timeout=5, trust_env=False, verify=trust)

    async def ready() -> bool:
        try:
            return (await client.get(url)).json().get("started") is True
        except (httpx.HTTPError, ValueError, AttributeError):
            return False

    return ready


def greets(port: int, host: str = "127.0.0.1") -> Ready:
    """Healthy when something there speaks first, as NATS does: the system accepts connections for a hung process."""

    async def healthy() -> bool:
        try:
            reader, writer = await asyncio.open_connection(host, port)
        except OSError:
            return False
        try:
            return bool(await reader.read(1))
        except OSError:
            return False
        finally:
            writer.close()

    return healthy


def replies(url: str, trust: ssl.SSLContext | bool = True) -> Ready:
    """Healthy when a GET is answered, whatever with: what waits for others is not hung."""
    import httpx

    client = httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=False, verify=trust)

    async def healthy() -> bool:
        try:
            async with client.stream("GET", url):
                return True
        except httpx.HTTPError:
            return False

    return healthy


def serves_rpc(port: int, host: str = "127.0.0.1") -> Ready:
    """Ready when the health service of gRPC says SERVING; the system accepts connections for whoever has a port."""
    from grpc_health.v1 import health_pb2

    async def ready() -> bool:
        return await _rpc_health(port, host) == int(health_pb2.HealthCheckResponse.SERVING)

    return ready


def answers_rpc(port: int, host: str = "127.0.0.1") -> Ready:
    """Healthy when gRPC answers, be it with a refusal or that it is about to end."""

    async def healthy() -> bool:
        return await _rpc_health(port, host) is not None

    return healthy


async def _rpc_health(port: int, host: str) -> int | None:
    """What the health service says; 0 (UNKNOWN) for a refusal, None where nobody answers."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    # A channel of its own each time: one that lost its server waits longer and longer before it tries again.
    async with grpc.aio.insecure_channel(f"{host}:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        ask = health_pb2_grpc.HealthStub(channel).Check
        try:
            return int((await ask(health_pb2.HealthCheckRequest(), timeout=_PATIENCE_S)).status)
        except grpc.aio.AioRpcError as error:
            gone = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
            return None if gone else int(health_pb2.HealthCheckResponse.UNKNOWN)


def says_yes(question: Callable[[], bool]) -> Ready:
    """Ready when a function that blocks returns true."""

    async def ready() -> bool:
        return await asyncio.to_thread(question)

    return ready
