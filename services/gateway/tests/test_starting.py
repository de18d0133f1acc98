"""A gateway that is not up yet: what it does not know it does not deny."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest
from immichvr_catalog import PHOTO
from immichvr_common.bus import Bus
from immichvr_common.embedded import free_ports
from immichvr_common.sources import Source
from immichvr_common.testing.jobs import make_job
from immichvr_gateway.app import create_app, make_library
from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.jobs.records import State, new_record
from immichvr_gateway.library import Identity
from immichvr_gateway.settings import GatewaySettings


@pytest.fixture
def starting():
    """A gateway in this process, and a client of it, from its first moment on."""

    @asynccontextmanager
    async def start(settings: GatewaySettings):
        app = create_app(settings)
        inbox, outbox = asyncio.Queue(), asyncio.Queue()
        lifespan = asyncio.create_task(app({"type": "lifespan", "asgi": {}}, inbox.get, outbox.put))
        await inbox.put({"type": "lifespan.startup"})
        assert (await outbox.get())["type"] == "lifespan.startup.complete"
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:2284") as client:
                yield client
        finally:
            await inbox.put({"type": "lifespan.shutdown"})
            await lifespan

    return start


def nowhere() -> str:
    return f"127.0.0.1:{free_ports(1)[0]}"


async def known_job(bus: Bus, photo_id: str) -> str:
    """A job that has ended, as it lies in KV with its asset."""
    job = make_job()
    Source.photo(photo_id).put(job)
    record = new_record(job, f"jobs.ai.cpu.interactive.depth.{job.id}", "local", {"model": "auto"})
    record.state = State.SUCCEEDED
    await (await bus.js.key_value("jobs")).put(job.id, record.model_dump_json().encode())
    entry = AssetEntry(
        source=Source.photo(photo_id), kind="depth", model_key="heuristic", recipe="r0",
        manifest_key=f"depth/{photo_id}_heuristic/r0/manifest.json", made_at=record.created_at,
    )  # fmt: skip
    await (await bus.js.key_value("assets")).put(entry.kv_key, entry.model_dump_json().encode())
    return job.id


async def a_photo(settings: GatewaySettings) -> str:
    library = make_library(settings)
    page = await library.items(PHOTO, Identity.local(), None, 1)
    await library.close()
    return page.items[0].id


WHAT_DEPENDS_ON_RECORDS = [
    "/api/jobs", "/api/jobs?state=failed", "/api/jobs/{job}", "/api/photos", "/api/photos/{photo}",
    "/api/photos/{photo}/assets", "/api/photos/{photo}/assets/depth-heuristic/depth.png", "/api/assets/map",
    "/api/models", "/api/models/da2-small", "/api/config",
]  # fmt: skip


async def test_without_nats_nothing_that_is_not_known_is_called_missing_or_empty(
    starting, settings, empty_bus: Bus
) -> None:
    photo = await a_photo(settings)
    job = await known_job(empty_bus, photo)
    settings = settings.model_copy(update={"nats": settings.nats.model_copy(update={"url": f"nats://{nowhere()}"})})
    async with starting(settings) as client:
        for path in WHAT_DEPENDS_ON_RECORDS:
            answer = await client.get(path.format(job=job, photo=photo))
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), path
            assert answer.headers["retry-after"] and answer.json()["down"] == ["nats"]
        asked = [
            ("DELETE", f"/api/jobs/{job}"), ("POST", f"/api/jobs/{job}/retry"), ("POST", f"/api/photos/{photo}/depth"),
            ("POST", f"/api/photos/{photo}/splat/convert"),
        ]  # fmt: skip
        for method, path in asked:
            body = {"format": "ply"} if path.endswith("convert") else {}
            answer = await client.request(method, path, json=body if method == "POST" else None)
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), path
        assert (await client.get("/api/health")).status_code == 200
        assert (await client.get("/api/started")).status_code == 503
        assert (await client.get("/api/ready")).status_code == 503


async def until_known(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(10):
        while (await client.get("/api/jobs")).status_code == 503:  # noqa: ASYNC110  # it tells by answering
            await asyncio.sleep(0.01)


async def test_without_s3_what_nats_has_is_known_and_what_only_s3_has_is_not_denied(
    starting, settings, empty_bus: Bus
) -> None:
    photo = await a_photo(settings)
    job = await known_job(empty_bus, photo)
    settings = settings.model_copy(update={"s3": settings.s3.model_copy(update={"endpoint": f"http://{nowhere()}"})})
    async with starting(settings) as client:
        await until_known(client)
        assert (await client.get(f"/api/jobs/{job}")).json()["state"] == "succeeded"
        assert [one["id"] for one in (await client.get("/api/jobs")).json()["items"]] == [job]
        assert (await client.get("/api/assets/map")).json()["count"] == 1
        shown = {one["id"]: one["badges"] for one in (await client.get("/api/photos")).json()["items"]}
        assert shown[photo] == {"depth": True, "splat": False, "depth-video": False, "motion": False, "points": False}
        for path in (f"/api/photos/{photo}", f"/api/photos/{photo}/assets"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["down"]) == (503, ["s3"]), path
        assert (await client.post(f"/api/photos/{photo}/depth", json={})).status_code == 503
        assert (await client.get("/api/ready")).status_code == 503


async def test_without_s3_and_without_records_of_assets_no_photo_is_said_to_have_none(
    starting, settings, empty_bus: Bus
) -> None:
    settings = settings.model_copy(update={"s3": settings.s3.model_copy(update={"endpoint": f"http://{nowhere()}"})})
    async with starting(settings) as client:
        await until_known(client)
        for path in ("/api/photos", "/api/assets/map"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["down"]) == (503, ["s3"]), path
