"""Scenes that lose their worker, their room or a photo while they train, or are not wanted any more."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from immichvr_common.embedded import NatsServer, SeaweedServer
from immichvr_common.parts import read_parts
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.disks import fill, small_disk
from immichvr_scenes import Camera
from immichvr_scenes.testing import room, through, write_photo

from .conftest import servers

_CAMERA = Camera.central(240, 180, 198)
_STEPS = 60
_PREFIX = "IMMICHVR_INPAINT_"


@pytest.fixture(scope="module")
def walk(place: Path) -> list[str]:
    """Names of photos of a walk through a room, in the gateway's folder."""
    seen = room()
    views = through(_CAMERA, 8)
    for view in views:
        write_photo(place / "photos" / f"room-{view.name}.jpg", seen.look(view).rgb, _CAMERA.fx)
    return [f"room-{view.name}.jpg" for view in views]


@pytest.fixture
def start_trainer(start_worker: Callable[..., Any]) -> Callable[..., Any]:
    """Starts a worker of scenes that keeps where it is after every step, with more settings if need be."""

    def start(name: str, **more: str) -> Any:
        settings = {
            "WORK__NAME": name, "WORK__PREFETCH": "0", "WORK__STOP_GRACE_S": "0.2", "TRAINING__CHECKPOINT_S": "0.2",
            "TRAINING__PREVIEW_S": "0.5", "TRAINING__MAX_STEPS": str(_STEPS), "TRAINING__MAX_GAUSSIANS": "1500", **more,
        }  # fmt: skip
        return start_worker(name, "-m", "immichvr_inpaint", **{f"{_PREFIX}{key}": one for key, one in settings.items()})

    return start


async def asked(gateway: Any, names: list[str], **wish: object) -> tuple[str, int]:
    """A job that makes a scene of these photos; its id and run."""
    async with asyncio.timeout(60):
        while True:
            items = (await gateway.get("/api/photos?limit=500")).json()["items"]
            ids = {one["name"]: one["id"] for one in items}
            if set(names) <= set(ids):
                break
            await asyncio.sleep(0.2)
    body = {"source": {"photo_ids": [ids[name] for name in names]}, "quality": "draft", "force": True, **wish}
    answer = await asyncio.to_thread(lambda: gateway.client.post("/api/reconstruct", json=body))
    assert answer.status_code == 202, answer.text
    job = answer.json()["job"]
    return str(job["id"]), int(job["run"])


async def until_kept(store: ObjectStore, job_id: str, *names: str) -> None:
    """Waits until a job has kept these parts."""
    async with asyncio.timeout(400):
        while True:
            for index in [key for key in await store.list_keys(f"parts/{job_id}/") if key.endswith("index.json")]:
                parts = await read_parts(store, index.removesuffix("/index.json"))
                if set(names) <= {part.name for part in parts}:
                    return
            await asyncio.sleep(0.1)


@pytest.mark.timeout(600)
async def test_of_two_workers_one_makes_a_scene_and_the_other_goes_on_from_the_checkpoint_when_that_is_killed(
    gateway: Any, start_trainer: Callable[..., Any], walk: list[str], store: ObjectStore
) -> None:
    workers = [start_trainer(f"scene-{name}") for name in ("first", "second")]
    job_id, run = await asked(gateway, walk[3:])
    await until_kept(store, job_id, "checkpoint.bin", "preview.jpg")
    [busy] = [one for one in workers if psutil.Process(one.popen.pid).children()]
    watched = (await gateway.get(f"/api/jobs/{job_id}/parts")).json()["items"]
    preview = next(one for one in watched if one["name"] == "preview.jpg")
    assert (await gateway.get(preview["url"])).headers["content-type"] == "image/jpeg"
    busy.kill()
    job = await gateway.until(job_id, run=run, within_s=240)
    assert (job["state"], job["attempts"]) == ("succeeded", 2), job["error"]
    scene = (await gateway.get(f"/api/scenes/{job['source']['id']}")).json()
    [asset] = scene["assets"]
    assert not [loss for loss in asset["losses"] if "anew" in loss], "it went on from where it was"
    assert scene["metrics"]["steps"] == _STEPS


@pytest.mark.alone
async def test_a_scene_that_nobody_wants_any_more_ends_within_2_s(
    gateway: Any, start_trainer: Callable[..., Any], walk: list[str], store: ObjectStore
) -> None:
    worker = start_trainer("scene-cancelled")
    job_id, run = await asked(gateway, walk[::-1])
    await until_kept(store, job_id, "checkpoint.bin")
    [child] = psutil.Process(worker.popen.pid).children()
    began = time.monotonic()
    assert (await asyncio.to_thread(gateway.client.delete, f"/api/jobs/{job_id}")).status_code == 202
    await asyncio.to_thread(psutil.wait_procs, [child], 10)
    assert not child.is_running()
    assert time.monotonic() - began < 2
    assert (await gateway.until(job_id, run=run))["state"] == "cancelled"


async def tried_again(gateway: Any, job_id: str) -> httpx.Response:
    return await asyncio.to_thread(gateway.client.post, f"/api/jobs/{job_id}/retry")


async def made_of(store: ObjectStore, scene_id: str) -> list[str]:
    """The keys of all that lies in storage as made of a scene."""
    return [key for root in ("splats", "scenes") for key in await store.list_keys(f"{root}/") if scene_id in key]


@pytest.mark.timeout(900)
async def test_a_disk_that_gets_full_while_a_scene_trains_ends_it_in_words_and_it_goes_on_when_there_is_room(
    gateway: Any, start_trainer: Callable[..., Any], walk: list[str], store: ObjectStore, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 60) as disk:
        start_trainer("scene-full", WORK__DIRECTORY=str(disk))
        job_id, run = await asked(gateway, walk[:5])
        await until_kept(store, job_id, "checkpoint.bin")
        filler = fill(disk)
        job = await gateway.until(job_id, run=run, within_s=120)
        assert (job["state"], job["error"]["code"], job["error"]["retriable"]) == ("failed", "storage_full", True)
        assert "make room on the disk" in job["error"]["message"]
        assert [one for one in disk.rglob("*") if one.is_file() and one.stat().st_size] == [filler]
        scene = job["source"]["id"]
        assert (await gateway.get(f"/api/scenes/{scene}")).status_code == 404
        assert await made_of(store, scene) == []
        filler.unlink()
        assert (await tried_again(gateway, job_id)).status_code == 202
        job = await gateway.until(job_id, run=run + 1, within_s=240)
        assert job["state"] == "succeeded", job["error"]
        [asset] = (await gateway.get(f"/api/scenes/{scene}")).json()["assets"]
        assert not [loss for loss in asset["losses"] if "anew" in loss], "it went on from where it was"


@pytest.fixture
def small_store(tmp_path: Path) -> Iterator[tuple[Path, NatsServer, SeaweedServer]]:
    """A small disk with an object storage of its own on it, and a NATS elsewhere."""
    with small_disk(tmp_path / "disk", 400) as disk:
        nats, weed = NatsServer(tmp_path / "nats").start(), SeaweedServer(disk / "s3").start()
        yield disk, nats, weed
        weed.kill()
        nats.kill()


# In short, a job that storage has no room for is held by test_storage_trouble.py of the gateway, and a scene that
# has no room on a disk by the test above.
@pytest.mark.long
@pytest.mark.timeout(900)
async def test_an_object_storage_that_gets_full_while_a_scene_trains_ends_it_in_words_and_it_goes_on_by_itself(
    start_gateway: Callable[..., Any], start_trainer: Callable[..., Any], walk: list[str],
    small_store: tuple[Path, NatsServer, SeaweedServer],
) -> None:  # fmt: skip
    disk, nats, weed = small_store
    gateway = start_gateway(**servers("IMMICHVR_GATEWAY_", "gateway", nats, weed)).wait_until_ready()
    store = ObjectStore(weed.settings())
    try:
        # What is replaced keeps its room there for a while.
        seldom = {"TRAINING__CHECKPOINT_S": "1", "TRAINING__PREVIEW_S": "10"}
        start_trainer("scene-unstored", **servers("", "inpaint", nats, weed), **seldom)
        job_id, run = await asked(gateway, walk[:5])
        await until_kept(store, job_id, "checkpoint.bin")
        filler = fill(disk)
        job = await gateway.until(job_id, run=run, within_s=180)
        assert (job["state"], job["error"]["code"], job["error"]["retriable"]) == ("failed", "storage_full", True)
        assert "make room in the object storage" in job["error"]["message"]
        scene = job["source"]["id"]
        assert (await gateway.get("/api/scenes")).json()["items"] == []
        assert [key for key in await made_of(store, scene) if key.endswith("manifest.json")] == []
        filler.unlink()
        async with asyncio.timeout(400):
            while job["state"] != "succeeded":  # it may be tried while the storage is still about to find its room
                job = await gateway.until(job_id, run=job["run"] + 1, within_s=400)
                assert job["error"] is None or job["error"]["code"] == "storage_full", job["error"]
        assert (await gateway.get(f"/api/scenes/{scene}")).json()["metrics"]["steps"] == _STEPS
    finally:
        store.close()
        gateway.stop()


async def until_made(store: ObjectStore, scene_id: str) -> None:
    """Waits until a scene lies in storage, whole."""
    async with asyncio.timeout(240):
        while True:
            if any(key.endswith("manifest.json") for key in await made_of(store, scene_id)):
                return
            await asyncio.sleep(0.2)


async def until_answers(gateway: Any, path: str, status: int) -> httpx.Response:
    """Waits until the gateway has seen what became of the folder."""
    async with asyncio.timeout(60):
        while True:
            answer: httpx.Response = await gateway.get(path)
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.2)


# In short, that a scene is for those who see all of its photos is held by test_kinds_of_sources.py and test_seeing.py
# of the gateway.
@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_photo_that_is_deleted_while_a_scene_is_made_of_it_takes_that_out_of_sight_until_it_is_back(
    gateway: Any, start_trainer: Callable[..., Any], walk: list[str], store: ObjectStore, place: Path, tmp_path: Path
) -> None:
    photos, names = place / "photos", [f"gone-{number}.jpg" for number in range(4)]
    for name, of in zip(names, walk, strict=False):
        shutil.copy(photos / of, photos / name)
    worker = start_trainer("scene-of-less")
    job_id, _ = await asked(gateway, names)
    scene = (await gateway.job(job_id))["source"]["id"]
    await until_kept(store, job_id, "checkpoint.bin")
    kept = shutil.move(photos / names[1], tmp_path / "kept.jpg")
    await until_answers(gateway, f"/api/jobs/{job_id}", 404)
    worker.kill()
    worker = start_trainer("scene-of-less-again")
    await until_made(store, scene)
    for path in (f"/api/scenes/{scene}", f"/api/jobs/{job_id}", f"/api/jobs/{job_id}/parts"):
        assert (await gateway.get(path)).status_code == 404, path
    assert scene not in {one["id"] for one in (await gateway.get("/api/scenes?limit=200")).json()["items"]}
    assert (await tried_again(gateway, job_id)).status_code == 404
    shutil.move(kept, photos / names[1])
    shown = (await until_answers(gateway, f"/api/scenes/{scene}", 200)).json()
    assert (shown["metrics"]["steps"], (await gateway.job(job_id))["state"]) == (_STEPS, "succeeded")
    url = shown["assets"][0]["files"][0]["url"]
    assert (await gateway.get(url)).status_code == 200
    (photos / names[1]).unlink()
    await until_answers(gateway, f"/api/scenes/{scene}", 404)
    assert (await gateway.get(url)).status_code == 404
