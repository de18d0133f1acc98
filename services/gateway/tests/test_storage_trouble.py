"""What people hear when storage is full, refuses, or has lost or damaged what they ask for."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from immichvr_common import disk, outages, storage_verdicts
from immichvr_common.embedded import NatsServer
from immichvr_common.testing.disks import fill, small_disk
from immichvr_common.testing.obstinate import INTERNAL, ObstinateS3, obstinate_s3
from immichvr_gateway.library import FolderLibrary
from immichvr_gateway.resources import open_resources
from immichvr_gateway.settings import GatewaySettings, RoomSettings
from immichvr_gateway.startup import Startup
from immichvr_gateway.upkeep import room
from pydantic import ByteSize


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObstinateS3]:
    monkeypatch.setattr(storage_verdicts, "_WRITE_AGAIN_S", (0.05, 0.05))
    with obstinate_s3() as server:
        yield server


@pytest.fixture
def weed(s3: ObstinateS3) -> ObstinateS3:
    """What the gateway and its workers take for SeaweedFS."""
    return s3


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_LOOKED_EVERY_S", 0.2)
    monkeypatch.setattr(outages, "_FIRST_PAUSE_S", 0.2)


async def until_ready(gateway, status: int = 200) -> None:
    async with asyncio.timeout(20):
        while (await gateway.get("/api/ready")).status_code != status:  # noqa: ASYNC110  # it tells by answering
            await asyncio.sleep(0.05)


async def test_a_damaged_file_is_named_and_not_promised_for_later(gateway, workers, live, s3: ObstinateS3) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    url = f"/api/photos/{gateway.ids['beach.jpg']}/assets/splat-lift-heuristic/splat.spz"
    s3.broken |= {key for key in s3.objects if key.endswith("splat.spz")}
    answer = await gateway.get(url)
    assert (answer.status_code, answer.json()["code"]) == (502, "corrupt_object")
    assert "splat.spz is damaged" in answer.json()["detail"]
    assert "retry-after" not in answer.headers


async def test_a_request_that_storage_has_no_room_for_says_so(gateway, s3: ObstinateS3) -> None:
    s3.writes = INTERNAL
    answer = await gateway.post("beach.jpg", "splat")
    assert (answer.status_code, answer.json()["code"], answer.json()["where"]) == (507, "storage_full", "s3")
    assert "make room" in answer.json()["detail"]
    await until_ready(gateway, 503)  # before that it is ready still, and finds out later
    s3.writes = None
    await until_ready(gateway)
    assert (await gateway.post("beach.jpg", "splat")).status_code == 202


async def test_a_request_that_storage_refuses_says_why(gateway, s3: ObstinateS3) -> None:
    s3.writes = (403, "AccessDenied", "Access Denied.")
    answer = await gateway.post("beach.jpg", "splat")
    assert (answer.status_code, answer.json()["code"]) == (502, "storage_refused")
    assert "AccessDenied" in answer.json()["detail"]


async def test_a_job_that_storage_has_no_room_for_goes_on_when_there_is_some(
    gateway, workers, live, s3: ObstinateS3, studio: Path
) -> None:
    job = (await gateway.post("slow-river.jpg", "splat")).json()["job"]
    await live.job(job["id"], "running")
    s3.writes = INTERNAL
    (studio / "release").touch()
    failed = await live.job(job["id"])
    assert (failed["state"], failed["error"]["code"], failed["error"]["retriable"]) == ("failed", "storage_full", True)
    assert "make room" in failed["error"]["message"]
    ready = await gateway.get("/api/ready")
    assert (ready.status_code, ready.json()["room"]) == (503, False)
    assert [(one["where"], one["code"]) for one in ready.json()["storage"]] == [("s3", "storage_full")]
    assert (await gateway.post("hut.png", "splat")).status_code == 507
    s3.writes = None
    assert (await live.job(job["id"], run=2))["state"] == "succeeded"
    await until_ready(gateway)


async def test_a_disk_with_less_than_is_kept_free_begins_nothing_and_shows_what_is_there(
    serving, settings: GatewaySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = RoomSettings(directory=tmp_path, keep_free=ByteSize(1))
    async with serving(settings.model_copy(update={"room": watched})) as gateway:
        photos = (await gateway.get("/api/photos")).json()["items"]
        gateway.ids = {photo["name"]: photo["id"] for photo in photos}
        free = 0
        monkeypatch.setattr(disk, "free_bytes", lambda _: free)
        async with asyncio.timeout(10):
            while (ready := await gateway.get("/api/ready")).status_code == 200:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.05)
        told = ready.json()["storage"][0]
        assert (told["where"], told["code"]) == ("disk", "storage_full")
        assert "has 0 bytes left, of which 1 bytes are kept free; make room on the disk" in told["message"]
        assert (await gateway.get("/api/started")).status_code == 200
        refused = await gateway.post("beach.jpg", "splat")
        assert (refused.status_code, refused.json()["where"]) == (507, "disk")
        assert (await gateway.get(f"/api/photos/{gateway.ids['beach.jpg']}/thumbnail")).status_code == 200
        free = 2
        await until_ready(gateway)
        assert (await gateway.post("beach.jpg", "splat")).status_code == 202


async def test_objects_that_are_damaged_are_told_and_stop_nothing_else(gateway, workers, live, s3: ObstinateS3) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    s3.broken |= {key for key in s3.objects if key.endswith("splat.spz")}
    url = f"/api/photos/{gateway.ids['beach.jpg']}/assets/splat-lift-heuristic/splat.spz"
    assert (await gateway.get(url)).status_code == 502
    ready = await gateway.get("/api/ready")
    assert (ready.status_code, ready.json()["storage"][0]["code"]) == (200, "corrupt_object")
    await gateway.make(live, "hut.png", "splat")


async def test_a_photo_whose_copy_for_workers_is_damaged_is_copied_anew(
    gateway, workers, live, s3: ObstinateS3, studio: Path
) -> None:
    job = (await gateway.post("slow-lake.jpg", "depth")).json()["job"]
    await live.job(job["id"], "running")
    (copy,) = [key for key in s3.objects if key.startswith("sources/")]
    (studio / "release").touch()
    await live.job(job["id"])
    s3.broken.add(copy)
    failed = (await gateway.post("slow-lake.jpg", "splat")).json()["job"]
    ended = await live.job(failed["id"])
    assert (ended["error"]["code"], copy in ended["error"]["message"]) == ("corrupt_object", True)
    again = (await gateway.post("slow-lake.jpg", "splat")).json()["job"]
    assert (await live.job(again["id"], run=2))["state"] == "succeeded"


async def test_a_gateway_that_starts_while_nats_has_no_room_says_so(
    settings: GatewaySettings, tmp_path: Path, nats_server: NatsServer
) -> None:
    with small_disk(tmp_path / "disk", 30) as place:
        server = NatsServer(place / "nats", passwords=dict(nats_server.passwords)).start()
        filler = fill(place)
        settings = settings.model_copy(update={"nats": server.settings("gateway")})
        startup = Startup(open_resources(settings, FolderLibrary(tmp_path, tmp_path)))
        try:
            async with startup.lifespan(FastAPI()):
                async with asyncio.timeout(20):
                    while (await startup.readiness()).room:  # noqa: ASYNC110  # nobody is told of it
                        await asyncio.sleep(0.05)
                assert [one.where for one in (await startup.readiness()).storage] == ["nats"]
                filler.unlink()
                server.stop()
                server.start()
                async with asyncio.timeout(20):
                    while not (await startup.readiness()).is_all_well:  # noqa: ASYNC110  # as above
                        await asyncio.sleep(0.05)
        finally:
            server.kill()
