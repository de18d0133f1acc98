"""Fixtures for tests against the real servers, on free ports, started once a test run.

The project's root conftest.py loads them for every package and service.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from immichvr_common.bus import Bus, connect, ensure_streams
from immichvr_common.embedded import BUCKET, NatsServer, SeaweedServer
from immichvr_common.processes.pool import ChildPool
from immichvr_common.retrying import until_up
from immichvr_common.settings import WorkSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.worker import Worker

ACK_WAIT_S = 1.5


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path_factory.mktemp("nats")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedServer]:
    server = SeaweedServer(tmp_path_factory.mktemp("weed"), buckets=(BUCKET, "gateway-tests")).start()
    yield server
    # Nobody needs what it holds, and its clean end takes three seconds.
    server.kill()


@asynccontextmanager
async def gateway_connection(nats_server: NatsServer) -> AsyncIterator[Bus]:
    """The gateway's connection, with empty streams; for tests that share one in a loop of their own."""
    bus = await connect(nats_server.settings("gateway"), "gateway")
    # As the gateway's own start: a disk that stalls for seconds is waited out.
    await until_up(partial(_emptied, bus), "the test waits for NATS")
    yield bus
    await bus.close()


@pytest.fixture
async def gateway_bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    """The gateway's connection, with empty streams."""
    async with gateway_connection(nats_server) as bus:
        yield bus


async def _emptied(bus: Bus) -> None:
    await ensure_streams(bus, ACK_WAIT_S)
    await empty(bus, "JOBS", "EVENTS", "DEAD", "KV_cancels")


async def empty(bus: Bus, *streams: str) -> None:
    """Removes all messages of these streams. Telling which have any takes NATS less time than emptying an empty one."""
    held = await bus.held()
    for stream in streams:
        if held.get(stream):
            await bus.purge(stream, ">")


@pytest.fixture
async def ai_bus(nats_server: NatsServer, gateway_bus: Bus) -> AsyncIterator[Bus]:
    """A worker's connection, with a worker's rights."""
    bus = await connect(nats_server.settings("ai"), "ai")
    yield bus
    await bus.close()


@pytest.fixture
async def store(weed: SeaweedServer) -> AsyncIterator[ObjectStore]:
    store = ObjectStore(weed.settings())
    await store.ensure_bucket()
    yield store
    store.close()


@pytest.fixture
async def ai_store(weed: SeaweedServer, store: ObjectStore) -> AsyncIterator[ObjectStore]:
    """A worker's objects, with a worker's rights."""
    store = ObjectStore(weed.settings(service="ai"))
    yield store
    store.close()


@pytest.fixture
async def worker(ai_bus: Bus, ai_store: ObjectStore) -> AsyncIterator[Worker]:
    """A worker with one child, taking jobs."""
    settings = WorkSettings(name="first", prefetch=0, stop_grace_s=0.5, deadline_s=20)
    pool = ChildPool("immichvr_common.testing.trial:perform", 1, memory_mb=512)
    worker = Worker("ai", ai_bus, ai_store, pool, settings)
    running = asyncio.create_task(worker.run())
    yield worker
    await worker.stop()
    pool.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
