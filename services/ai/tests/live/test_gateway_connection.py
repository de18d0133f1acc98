"""A session over a connection that the worker opens: it finds its gateway, and says all that it has to say."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from immichvr.gateway.v1 import gateway_pb2, gateway_pb2_grpc
from immichvr_ai.live.gateway_connection import serve_at_gateway
from immichvr_ai.settings import AttachSettings
from immichvr_common.certificates import AUTHORITY, CERTIFICATE, KEY, ensure_certificates
from immichvr_common.embedded import free_ports
from immichvr_common.errors import TaskFailed
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import CallerSettings, RpcSettings, ServerTlsSettings
from pydantic import SecretStr

TOKEN = "the token of this session"
OWN = "the credential of this worker"
Send = Callable[[bytes], Awaitable[None]]


class FakeGateway(gateway_pb2_grpc.GatewayServiceServicer):
    """Has a client that says some messages, and hears. turned_away: calls that are told so before one is taken in."""

    def __init__(self, says: list[bytes], turned_away: int = 0) -> None:
        self.says, self.turned_away = says, turned_away
        self.peers: list[str] = []
        self.heard: list[bytes] = []
        self.ended = False

    async def Attach(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        self.peers.append(context.peer())
        assert dict(context.invocation_metadata())["session-token"] == TOKEN
        if len(self.peers) <= self.turned_away:
            await context.abort(grpc.StatusCode.NOT_FOUND, "another gateway's")
        for message in self.says:
            yield gateway_pb2.AttachResponse(message=message)
        async for request in request_iterator:
            self.ended = request.ended
            if request.ended:
                return
            self.heard.append(request.message)


@asynccontextmanager
async def serving(gateway: FakeGateway, tls: ServerTlsSettings | None = None) -> AsyncIterator[AttachSettings]:
    callers = {"ai": CallerSettings(token=SecretStr(OWN), calls=("Attach",))}
    server = RpcServer(
        RpcSettings(callers=callers, tls=tls or ServerTlsSettings()),
        lambda one: gateway_pb2_grpc.add_GatewayServiceServicer_to_server(gateway, one),
        ["immichvr.gateway.v1.GatewayService"],
    )
    await server.start()
    scheme = "https" if tls else "http"
    yield AttachSettings(address=f"{scheme}://127.0.0.1:{server.port}", token=SecretStr(OWN))
    await server.stop(0)


async def echo_three(incoming: AsyncIterator[bytes], send: Send) -> None:
    """Says three messages back, and ends the session."""
    messages = aiter(incoming)
    for _ in range(3):
        await send(await anext(messages))


async def test_everything_that_was_said_has_arrived_when_the_session_ends() -> None:
    says = [bytes([number]) * 1_000_000 for number in range(3)]
    gateway = FakeGateway(says)
    async with serving(gateway) as settings:
        await asyncio.wait_for(serve_at_gateway(settings, TOKEN, 10, echo_three), 30)
    assert (gateway.heard, gateway.ended) == (says, True)


async def test_a_session_that_fails_has_said_why_before() -> None:
    async def fails(_: AsyncIterator[bytes], send: Send) -> None:
        await send(b"the device is gone")
        raise LookupError

    gateway = FakeGateway([b"hello"])
    async with serving(gateway) as settings:
        with pytest.raises(LookupError):
            await asyncio.wait_for(serve_at_gateway(settings, TOKEN, 10, fails), 30)
    assert gateway.heard == [b"the device is gone"]


async def test_a_client_that_goes_ends_the_messages() -> None:
    heard: list[bytes] = []

    async def listens(incoming: AsyncIterator[bytes], _: Send) -> None:
        async for message in incoming:
            heard.append(message)

    class Leaves(FakeGateway):
        async def Attach(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
            yield gateway_pb2.AttachResponse(message=b"hello")

    async with serving(Leaves([])) as settings:
        await asyncio.wait_for(serve_at_gateway(settings, TOKEN, 10, listens), 10)
    assert heard == [b"hello"]


async def test_a_client_that_goes_while_its_model_loads_is_not_waited_for() -> None:
    gone, loaded = asyncio.Event(), threading.Event()

    async def loads(_: AsyncIterator[bytes], __: Send) -> None:
        gone.set()
        await asyncio.to_thread(loaded.wait, 30)
        raise AssertionError("somebody waited for it")

    class Leaves(FakeGateway):
        async def Attach(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
            yield gateway_pb2.AttachResponse(message=b"hello")
            await gone.wait()

    async with serving(Leaves([])) as settings:
        await asyncio.wait_for(serve_at_gateway(settings, TOKEN, 10, loads), 10)
    loaded.set()


async def test_of_several_gateways_the_one_with_the_session_is_found_over_new_connections() -> None:
    gateway = FakeGateway([b"1", b"2", b"3"], turned_away=2)
    async with serving(gateway) as settings:
        await asyncio.wait_for(serve_at_gateway(settings, TOKEN, 10, echo_three), 30)
    assert len(set(gateway.peers)) == 3
    assert gateway.heard == [b"1", b"2", b"3"]


async def test_a_gateway_that_is_not_there_is_tried_for_a_while_and_a_refusal_ends_it_at_once() -> None:
    nowhere = AttachSettings(address=f"http://127.0.0.1:{free_ports(1)[0]}", token=SecretStr(OWN))
    with pytest.raises(TaskFailed) as failed:
        await asyncio.wait_for(serve_at_gateway(nowhere, TOKEN, 0.5, echo_three), 10)
    assert failed.value.code == "worker_gone"
    gateway = FakeGateway([])
    async with serving(gateway) as settings:
        stranger = settings.model_copy(update={"token": SecretStr("of somebody else altogether")})
        with pytest.raises(TaskFailed):
            await asyncio.wait_for(serve_at_gateway(stranger, TOKEN, 600, echo_three), 10)
    assert not gateway.peers


async def test_over_tls_the_gateway_shows_a_certificate_of_the_authority_that_is_named(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, "gateway")
    tls = ServerTlsSettings(
        certificate=(tmp_path / CERTIFICATE).read_text(), key=SecretStr((tmp_path / KEY).read_text())
    )
    gateway = FakeGateway([b"1", b"2", b"3"])
    async with serving(gateway, tls) as settings:
        with pytest.raises(TaskFailed):  # of no public authority
            await asyncio.wait_for(serve_at_gateway(settings, TOKEN, 0.5, echo_three), 10)
        known = settings.model_copy(update={"ca": (tmp_path / AUTHORITY).read_text()})
        await asyncio.wait_for(serve_at_gateway(known, TOKEN, 10, echo_three), 30)
    assert gateway.heard == [b"1", b"2", b"3"]


def test_a_token_does_not_travel_in_plain_beyond_this_machine() -> None:
    with pytest.raises(ValueError, match="begins with https"):
        AttachSettings(address="http://home.example:9443")
    assert AttachSettings(address="https://home.example:9443").target == "home.example:9443"
