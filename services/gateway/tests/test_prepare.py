"""What is made before the first gateway: streams, durables, buckets."""

from __future__ import annotations

from pathlib import Path

from immichvr_common.bus import connect
from immichvr_common.bus.streams import EVENTS, JOBS, durable_name
from immichvr_common.embedded import NatsServer
from immichvr_common.storage import ObjectStore
from immichvr_gateway.prepare import prepare
from immichvr_gateway.settings import GatewaySettings


async def test_streams_durables_and_the_bucket_are_there_before_a_gateway_however_often_it_is_done(
    settings: GatewaySettings, tmp_path: Path, storage: ObjectStore
) -> None:
    server = NatsServer(tmp_path / "nats").start()
    try:
        nats = server.settings("gateway")
        for _ in range(2):
            await prepare(settings.model_copy(update={"nats": nats}))
        bus = await connect(nats, "test")
        assert {(await bus.stream(name)).config.name for name in (JOBS, EVENTS)} == {JOBS, EVENTS}
        assert (await bus.consumer(JOBS, durable_name("ai", "gpu", "batch"))).name == "ai-gpu-batch"
        await bus.close()
        await storage.ping()
    finally:
        server.stop()
