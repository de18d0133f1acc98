"""When a worker counts as up: by what its health service says, not by its port."""

from __future__ import annotations

import socket

import pytest
from immichvr_common.rpc import RpcServer
from immichvr_common.rpc_settings import RpcSettings
from immichvr_local.stack.part import answers_rpc, serves_rpc


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("immichvr_local.stack.part._PATIENCE_S", 0.5)


async def test_a_worker_is_ready_once_its_health_service_says_so() -> None:
    server = RpcServer(RpcSettings(), lambda _: None, [])
    assert not await serves_rpc(server.port)()
    await server.start()
    assert await serves_rpc(server.port)()
    assert await answers_rpc(server.port)()
    await server.stop(0)
    assert not await serves_rpc(server.port)()


async def test_a_port_that_listens_alone_makes_nobody_ready() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        assert not await serves_rpc(port)()
        assert not await answers_rpc(port)()
