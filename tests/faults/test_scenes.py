"""Scenes that lose their worker while they train, or are not wanted any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from immichvr_common.parts import read_parts
from immichvr_common.storage import ObjectStore
from immichvr_scenes import Camera
from immichvr_scenes.testing import room, through, write_photo

_CAMERA = Camera.central(320, 240, 264)
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
    """Starts a worker of scenes that keeps where it is after every step."""

    def start(name: str) -> Any:
        settings = {
            "WORK__NAME": name, "WORK__PREFETCH": "0", "WORK__STOP_GRACE_S": "0.2", "TRAINING__CHECKPOINT_S": "0.2",
            "TRAINING__PREVIEW_S": "0.5", "TRAINING__MAX_STEPS": "150", "TRAINING__MAX_GAUSSIANS": "1500",
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
    async with asyncio.timeout(180):
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
    job_id, run = await asked(gateway, walk)
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
    assert scene["metrics"]["steps"] == 150


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
