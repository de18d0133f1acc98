"""KEDA asks the gateway how many workers there is work for, and gets the same answer from each of several."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import pytest
from immichvr.keda import external_scaler_pb2 as keda
from immichvr.keda.external_scaler_pb2_grpc import ExternalScalerStub
from immichvr_common.certificates import ensure_certificates
from immichvr_common.embedded import free_ports
from immichvr_common.rpc_client import open_channel
from immichvr_common.rpc_settings import RpcClientSettings, ServerTlsSettings
from immichvr_gateway.scaling.demand import Demand
from immichvr_gateway.scaling.external_scaler import answering_keda
from immichvr_gateway.settings import ScalerSettings
from pydantic import SecretStr

AI = {"service": "ai", "pool": "cpu"}


class Keda:
    """What KEDA does with an external-push trigger: it watches, asks, and has as many workers as it is told."""

    def __init__(self, channel: grpc.aio.Channel, metadata: dict[str, str]) -> None:
        self._stub = ExternalScalerStub(channel)
        self._object = keda.ScaledObjectRef(name="ai-cpu", namespace="immichvr", scalerMetadata=metadata)
        self.is_active: bool | None = None
        self._news = asyncio.Event()
        self.watched: asyncio.Task[None]

    async def watch(self) -> None:
        async for answer in self._stub.StreamIsActive(self._object):
            self.is_active = answer.result
            self._news.set()

    async def until(self, is_active: bool, within_s: float = 20) -> None:
        async with asyncio.timeout(within_s):
            while self.is_active is not is_active:
                self._news.clear()
                await self._news.wait()

    async def asked(self) -> bool:
        return bool((await self._stub.IsActive(self._object)).result)

    async def load(self) -> int:
        name = (await self._stub.GetMetricSpec(self._object)).metricSpecs[0].metricName
        request = keda.GetMetricsRequest(scaledObjectRef=self._object, metricName=name)
        (value,) = (await self._stub.GetMetrics(request)).metricValues
        assert value.metricName == name
        return int(value.metricValue)

    async def replicas(self) -> int:
        """As the autoscaler divides."""
        target = (await self._stub.GetMetricSpec(self._object)).metricSpecs[0].targetSize
        return math.ceil(await self.load() / target)


@asynccontextmanager
async def watching(port: int, metadata: dict[str, str]) -> AsyncIterator[Keda]:
    # A connection of its own: another test's server may have had this port.
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with open_channel(f"127.0.0.1:{port}", RpcClientSettings(), options) as channel:
        one = Keda(channel, metadata)
        one.watched = asyncio.create_task(one.watch())
        try:
            yield one
        finally:
            one.watched.cancel()
            await asyncio.gather(one.watched, return_exceptions=True)


@pytest.fixture
def scaled(settings):
    """Settings of a gateway that KEDA may ask."""
    return settings.model_copy(update={"scaler": ScalerSettings(port=free_ports(1)[0])})


async def names_to_ids(gateway) -> None:
    page = (await gateway.client.get("/api/photos", params={"limit": 500})).json()
    gateway.ids = {photo["name"]: photo["id"] for photo in page["items"]}


async def test_workers_come_with_the_first_job_grow_with_the_queue_and_go_after_the_last(
    serving, scaled, working, studio
) -> None:
    per_replica = {**AI, "jobsPerReplica": "2"}
    async with (
        serving(scaled) as gateway,
        watching(scaled.scaler.port, per_replica) as keda_,
        watching(scaled.scaler.port, {"service": "converter", "pool": "cpu"}) as of_others,
        AsyncExitStack() as pods,
    ):
        await names_to_ids(gateway)
        await keda_.until(False)
        assert (await keda_.asked(), await keda_.load(), await keda_.replicas()) == (False, 0, 0)

        jobs = [(await gateway.post("slow-lake.jpg", "depth")).json()["job"]["id"]]
        await keda_.until(True)
        assert (await keda_.asked(), await keda_.load(), await keda_.replicas()) == (True, 2, 1)

        await pods.enter_async_context(working("ai"))
        async with gateway.listening() as live:
            await live.job(jobs[0], "running")
            # A job counts as long as it runs: its worker is not taken away.
            assert (await keda_.asked(), await keda_.load()) == (True, 2)
            jobs += [(await gateway.post(name, "depth")).json()["job"]["id"] for name in ("beach.jpg", "hut.png")]
            assert (await keda_.load(), await keda_.replicas()) == (6, 3)

            (studio / "release").touch()
            for job in jobs:
                await live.job(job, "succeeded")
        await keda_.until(False)
        assert (await keda_.asked(), await keda_.load(), await keda_.replicas()) == (False, 0, 0)
        assert of_others.is_active is False


async def test_each_gateway_gives_the_same_answer_and_so_does_one_that_starts_later(serving, scaled) -> None:
    other = scaled.model_copy(update={"scaler": ScalerSettings(port=free_ports(1)[0])})
    async with (
        serving(scaled) as gateway,
        serving(other),
        watching(scaled.scaler.port, AI) as here,
        watching(other.scaler.port, AI) as there,
    ):
        await names_to_ids(gateway)
        assert (await gateway.post("beach.jpg", "depth")).status_code == 202
        await here.until(True)
        await there.until(True)
        assert await here.load() == await there.load() == 2

        later = scaled.model_copy(update={"scaler": ScalerSettings(port=free_ports(1)[0])})
        async with serving(later), watching(later.scaler.port, AI) as third:
            await third.until(True)
            assert await third.load() == 2


@asynccontextmanager
async def door(demand: Demand, hears: bool = True, **settings) -> AsyncIterator[int]:
    """KEDA's door to what is given, without a gateway behind it; its port."""
    async with answering_keda(ScalerSettings(port=0, **settings), demand, lambda: hears) as server:
        assert server is not None
        yield server.port


async def refusal(port: int, metadata: dict[str, str], method: str = "IsActive") -> grpc.aio.AioRpcError:
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with open_channel(f"127.0.0.1:{port}", RpcClientSettings(), options) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await getattr(ExternalScalerStub(channel), method)(keda.ScaledObjectRef(scalerMetadata=metadata))
        return refused.value


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({}, "service in the trigger's metadata is one of"),
        ({"service": "gateway", "pool": "cpu"}, "service in the trigger's metadata is one of"),
        ({"service": "ai"}, "pool in the trigger's metadata is one of"),
        ({"service": "ai", "pool": "tpu"}, "pool in the trigger's metadata is one of"),
        ({**AI, "jobsPerReplica": "0"}, "jobsPerReplica in the trigger's metadata is a number from 1"),
        ({**AI, "jobsPerReplica": "many"}, "jobsPerReplica in the trigger's metadata is a number from 1"),
    ],
)
async def test_a_trigger_that_cannot_be_is_told_what_would_be_right(metadata, words) -> None:
    async with door(Demand()) as port:
        refused = await refusal(port, metadata, "GetMetricSpec")
        assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert words in (refused.details() or "")


async def test_what_is_not_known_is_not_answered_so_that_no_worker_goes() -> None:
    known = Demand()
    known.begin([])
    for demand, hears in ((Demand(), True), (known, False)):
        async with door(demand, hears) as port:
            assert (await refusal(port, AI)).code() is grpc.StatusCode.UNAVAILABLE


async def test_a_stream_waits_for_a_gateway_that_starts_and_ends_well_with_one_that_stops() -> None:
    demand = Demand()
    async with door(demand) as port, watching(port, AI) as one:
        demand.begin([])
        await one.until(False)
        demand.close()
        await asyncio.wait_for(one.watched, 5)  # raises where it broke


async def test_with_an_authority_only_who_shows_its_certificate_may_ask(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, "127.0.0.1")
    ca, certificate, key = ((tmp_path / name).read_text() for name in ("ca.pem", "cert.pem", "key.pem"))
    demand = Demand()
    demand.begin([])
    tls = ServerTlsSettings(certificate=certificate, key=SecretStr(key), client_ca=ca)
    async with door(demand, tls=tls) as port:
        for shown, code in (({"certificate": certificate, "key": SecretStr(key)}, None), ({}, "UNAVAILABLE")):
            client = RpcClientSettings(ca=ca, **shown)
            async with open_channel(f"127.0.0.1:{port}", client, [("grpc.use_local_subchannel_pool", 1)]) as channel:
                call = ExternalScalerStub(channel).IsActive(keda.ScaledObjectRef(scalerMetadata=AI))
                assert (await call.code()).name == (code or "OK")
