"""A service that no code of ours knows: its rows in the catalogue are all it takes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from immichvr.events.v1.events_pb2 import JOB_STATE_FAILED, JOB_STATE_SUCCEEDED, Job, JobEvent
from immichvr_catalog import ASSETS, SERVICES, reload_rows
from immichvr_catalog.testing import distribution
from immichvr_common.bus import Bus, connect, ensure_streams
from immichvr_common.bus.streams import consumer_configs
from immichvr_common.embedded import BUCKET, NatsServer, SeaweedServer
from immichvr_common.processes.pool import ChildPool
from immichvr_common.reporting import encode
from immichvr_common.settings import WorkSettings
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.jobs import Events
from immichvr_common.worker import Worker
from immichvr_gateway.app import create_app
from immichvr_gateway.assets.index import entries_at, manifest_keys
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.routing import queue_of
from immichvr_gateway.serving import server_config
from immichvr_gateway.settings import GatewaySettings, ImmichSettings
from immichvr_local.doctor import software
from immichvr_local.stack.data import DataDirectory
from immichvr_local.stack.parts import Plan, inner_port_names, names, parts_of
from PIL import Image

ROWS = """
from immichvr_catalog import AssetKind, JobKind, Service

ROWS = (
    Service("toy-maker", children=3, runs_models=True),
    AssetKind("toy", root="toys", title="Toy"),
    JobKind("play", "toy-maker", "Playing", takes=("photo",), makes=("toy",), pools=("gpu", "cpu"), deadline_s=5000),
    JobKind("nap", "toy-maker", "Sleeping", takes=("photo",), makes=("toy",), deadline_s=1),
    JobKind("paint", "toy-maker", "Painting", takes=("toy",), extends="toy"),
)
"""
CAPABILITY = """
import time
from immichvr_common.tasks import Made, MadeFile

def perform(task, report):
    if task.kind == "nap":
        time.sleep(60)
    if task.kind == "paint":
        (task.folder / "toy.red.txt").write_bytes(b"red")
        return [Made("toy", "wooden", [MadeFile("toy.red.txt", "toy", "txt", "text/plain", "red")], extends=True)]
    (task.folder / "toy.txt").write_bytes(task.inputs["source"].read_bytes()[::-1])
    return [Made("toy", "wooden", [MadeFile("toy.txt", "toy", "txt", "text/plain")])]
"""


@pytest.fixture
def toy_maker(tmp_path: Path) -> Iterator[None]:
    """The service `toy-maker`, registered."""
    modules = {
        "toy_rows": ROWS,
        "immichvr_toy_maker/__init__": "",
        "immichvr_toy_maker/__main__": "",
        "immichvr_toy_maker/jobs": CAPABILITY,
    }
    with distribution(tmp_path / "distribution", "immichvr-toy-maker", modules, "toy_rows:ROWS"):
        yield


def gateway_settings(**more: object) -> GatewaySettings:
    return GatewaySettings.model_validate({"immich": ImmichSettings(url=""), **more})


def test_it_gets_a_durable_for_each_pool_and_class_and_all_others_keep_theirs(toy_maker: None) -> None:
    durables = {config.durable_name: config.filter_subject for config in consumer_configs(30)}
    assert durables == {
        f"{service}-{pool}-{job_class}": f"jobs.{service}.{pool}.{job_class}.>"
        for service in ("ai", "converter", "video-depth", "inpaint", "toy-maker")
        for pool in ("cpu", "gpu")
        for job_class in ("interactive", "batch")
    }


def test_it_is_a_part_of_the_stack_under_its_own_spellings(toy_maker: None, tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "data")
    inner = {name: 20_000 + place for place, name in enumerate(inner_port_names())}
    parts = {part.name: part for part in parts_of(Plan(data, tmp_path, "127.0.0.1", 2284, inner))}
    assert tuple(parts) == names() == (
        "nats", "seaweedfs", "gateway", "ai", "converter", "video-depth", "inpaint", "toy-maker",
    )  # fmt: skip
    toy = parts["toy-maker"]
    assert toy.command[1:] == ["-m", "immichvr_toy_maker"]
    assert toy.environment["IMMICHVR_TOY_MAKER_WORK__CHILDREN"] == "3"
    assert toy.environment["IMMICHVR_TOY_MAKER_NATS__USER"] == "toy-maker"
    assert not any("CALLERS" in name for name in toy.environment)


def test_the_doctor_looks_for_it(toy_maker: None) -> None:
    assert "toy-maker" in software.services().found


@pytest.mark.parametrize(
    ("pools", "pool"), [({}, "cpu"), ({"pool": "gpu"}, "cpu"), ({"pools": {"toy_maker": "gpu"}}, "gpu")]
)
def test_its_jobs_go_to_its_own_pool_whatever_the_others_have(
    toy_maker: None, pools: dict[str, object], pool: str
) -> None:
    pool_of = gateway_settings(**pools).pool_of
    assert queue_of("play", "play-p-r", pool_of) == f"jobs.toy-maker.{pool}.interactive.play.play-p-r"
    assert queue_of("paint", "paint-p-r", pool_of) == "jobs.toy-maker.cpu.interactive.paint.paint-p-r"


@pytest.mark.parametrize(
    ("pools", "ai", "converter"),
    [({}, "cpu", "cpu"), ({"pool": "gpu"}, "gpu", "cpu"), ({"pools": {"ai": "gpu"}}, "gpu", "cpu")],
)
def test_what_a_gpu_is_of_no_use_for_goes_to_the_cpu(pools: dict[str, object], ai: str, converter: str) -> None:
    pool_of = gateway_settings(**pools).pool_of
    assert queue_of("splat", "splat-p-r", pool_of) == f"jobs.ai.{ai}.interactive.splat.splat-p-r"
    assert queue_of("convert", "convert-p-r", pool_of) == f"jobs.converter.{converter}.interactive.convert.convert-p-r"


def test_a_pool_of_a_service_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(
        ValueError, match="no service 'toy-maker' that takes jobs; there are: ai, converter, video-depth, inpaint"
    ):
        gateway_settings(pools={"toy_maker": "gpu"})


def test_pools_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, toy_maker: None) -> None:
    monkeypatch.setenv("IMMICHVR_GATEWAY_POOL", "gpu")
    monkeypatch.setenv("IMMICHVR_GATEWAY_POOLS__TOY_MAKER", "gpu")
    assert {one: gateway_settings().pool_of(one) for one in ("ai", "converter", "toy-maker")} == {
        "ai": "gpu", "converter": "cpu", "toy-maker": "gpu",
    }  # fmt: skip
    monkeypatch.setenv("IMMICHVR_GATEWAY_POOLS__AI", "cpu")
    assert gateway_settings().pool_of("ai") == "cpu"


def test_a_job_about_a_model_goes_to_the_service_that_runs_it(toy_maker: None) -> None:
    pool_of = gateway_settings().pool_of
    assert queue_of("model-load", "model-load-x", pool_of) == "jobs.ai.cpu.interactive.model-load.model-load-x"
    of_toys = queue_of("model-load", "model-load-x", pool_of, runs_model="toy-maker")
    assert of_toys == "jobs.toy-maker.cpu.interactive.model-load.model-load-x"
    with pytest.raises(Problem, match="service 'converter' is not one of: ai, video-depth, inpaint, toy-maker"):
        queue_of("model-load", "model-load-x", pool_of, runs_model="converter")


def test_a_kind_of_job_that_there_is_not_is_queued_for_nobody() -> None:
    pool_of = gateway_settings().pool_of
    with pytest.raises(Problem) as refused:
        queue_of("play", "play-p-r", pool_of)
    assert (refused.value.status, refused.value.code) == (422, "invalid_kind")
    assert "'play' is not one of: depth, splat" in refused.value.detail


@dataclass(frozen=True)
class House:
    """Real servers in which the service has its rights, a worker of it, and the gateway's ways to both."""

    nats: NatsServer
    weed: SeaweedServer
    bus: Bus
    store: ObjectStore

    async def do(self, kind: str, photo_id: str, of: bytes = b"a photo") -> JobEvent:
        """The end of a job of that kind on a photo, or on what was made of it."""
        job = Job(id=f"{kind}-{photo_id}-r0", kind=kind, photo_id=photo_id, run=1, bucket=BUCKET, source_version="v1")
        job.recipes["toy"] = "r0"
        job.requesters.append("local")
        job.inputs["source"].CopyFrom(await self.store.put_bytes(f"sources/{photo_id}/v1", of, "image/jpeg"))
        job.created_at.GetCurrentTime()
        events = await Events(self.bus, job.id).open()
        await self.bus.publish(queue_of(kind, job.id, gateway_settings().pool_of), encode(job))
        return await events.end()


@pytest.fixture
async def house(toy_maker: None, tmp_path: Path) -> AsyncIterator[House]:
    nats, weed = NatsServer(tmp_path / "nats").start(), SeaweedServer(tmp_path / "weed").start()
    try:
        store, bus = ObjectStore(weed.settings()), await connect(nats.settings("gateway"), "gateway")
        await store.ensure_bucket()
        await ensure_streams(bus)
        async with working(nats, weed):
            yield House(nats, weed, bus, store)
        await bus.close()
        store.close()
    finally:
        nats.stop()
        weed.kill()


async def test_what_it_makes_is_stored_told_of_and_shown(house: House, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (8, 6)).save(photos / "beach.jpg")
    own = {"nats": house.nats.settings("gateway"), "s3": house.weed.settings()}
    async with serving(gateway_settings(photos=photos, cache=tmp_path / "cache", **own)) as client:
        photo = (await client.get("/api/photos")).json()["items"][0]
        assert photo["badges"] == dict.fromkeys([*ASSETS], False)
        for kind, of in (("play", b"a photo"), ("paint", b"otohp a")):
            end = await house.do(kind, photo["id"], of)
            assert end.state == JOB_STATE_SUCCEEDED, end.error
            job = await once_ended(client, end.job_id)
            assert (job["kind"], job["state"], job["outputs"]) == (kind, "succeeded", ["toy-wooden"])
        shown = await once_badged(client, photo["id"])
        [asset] = shown["assets"]
        assert (asset["key"], asset["kind"], asset["outdated"]) == ("toy-wooden", "toy", True)
        assert [file["download_name"] for file in asset["files"]] == ["beach_wooden.txt", "beach_wooden.red.txt"]
        assert (await client.get(asset["files"][0]["url"])).content == b"otohp a"
        assert (await client.get("/api/assets/map")).json()["map"][photo["id"]]["toy"] == ["wooden"]


async def test_its_jobs_may_take_as_long_as_their_kind_says(house: House) -> None:
    end = await house.do("nap", "beach")
    assert (end.state, end.error.code) == (JOB_STATE_FAILED, "deadline_exceeded")


async def test_what_it_left_is_passed_over_where_nobody_knows_it_any_more(house: House, tmp_path: Path) -> None:
    assert (await house.do("play", "beach")).state == JOB_STATE_SUCCEEDED
    [manifest] = await manifest_keys(house.store)
    assert [entry.kind for entry in await entries_at(house.store, [manifest])] == ["toy"]
    with unregistered(tmp_path / "distribution"):
        assert await manifest_keys(house.store) == []
        assert await entries_at(house.store, [manifest]) == []


@contextmanager
def unregistered(folder: Path) -> Iterator[None]:
    """The distribution, taken away for a while."""
    sys.path.remove(str(folder))
    reload_rows()
    yield
    sys.path.insert(0, str(folder))


async def once_ended(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    """The job as the gateway shows it, once it has read how it ended."""
    async with asyncio.timeout(20):
        while True:
            answer = await client.get(f"/api/jobs/{job_id}")
            if answer.status_code == 200 and answer.json()["state"] not in ("queued", "running"):
                return dict(answer.json())
            await asyncio.sleep(0.05)


async def once_badged(client: httpx.AsyncClient, photo_id: str) -> dict[str, Any]:
    """The photo, once the gateway has read that there is a toy of it."""
    async with asyncio.timeout(20):
        while True:
            shown: dict[str, Any] = (await client.get(f"/api/photos/{photo_id}")).json()
            if shown["badges"]["toy"]:
                return shown
            await asyncio.sleep(0.05)


@asynccontextmanager
async def serving(settings: GatewaySettings) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway, and a client of it."""
    config = server_config(create_app(settings), settings)
    config.host, config.port, config.timeout_graceful_shutdown = "127.0.0.1", 0, 1
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn tells nobody
        await asyncio.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=address, timeout=20) as client:
            async with asyncio.timeout(60):
                while (await client.get("/api/ready")).status_code != 200:  # noqa: ASYNC110  # it tells by answering
                    await asyncio.sleep(0.05)
            yield client
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def working(nats: NatsServer, weed: SeaweedServer) -> AsyncIterator[None]:
    """A worker of the service, with its own rights on the bus and in storage."""
    service = SERVICES["toy-maker"]
    bus = await connect(nats.settings(service.name), service.name)
    store = ObjectStore(weed.settings(service=service.name))
    pool = ChildPool(f"{service.module}.jobs:perform")
    worker = Worker(service.name, bus, store, pool, WorkSettings(name="toys", prefetch=0))
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        await worker.stop()
        pool.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await bus.close()
        store.close()
