"""Jobs of videos that lose their worker, their storage or their disk in the middle, or are not wanted any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from immichvr_common.embedded import SeaweedServer
from immichvr_common.parts import read_parts
from immichvr_common.storage import ObjectStore
from immichvr_common.testing.disks import fill, small_disk

WINDOWS = 9
"""Of the clip, without a cut."""
Ask = Callable[..., Any]


@pytest.fixture
def start_video_worker(start_worker: Callable[..., Any]) -> Callable[..., Any]:
    """Starts a worker of videos that keeps where it is after each window."""

    def start(name: str, **more: str) -> Any:
        prefix, script = "IMMICHVR_VIDEO_DEPTH_", Path(__file__).with_name("video_worker.py")
        settings = {
            "WORK__NAME": name, "WORK__PREFETCH": "0", "WORK__STOP_GRACE_S": "0.2", "VIDEO__CHECKPOINT_S": "0", **more
        }  # fmt: skip
        return start_worker(name, str(script), **{f"{prefix}{key}": value for key, value in settings.items()})

    return start


@pytest.fixture
def ask(gateway: Any) -> Ask:
    """Asks for depth of the clip, anew each time; the id of the job."""

    async def ask(**wish: object) -> tuple[str, int]:
        [video] = (await gateway.get("/api/videos")).json()["items"]
        path = f"/api/videos/{video['id']}/depth"
        answer = await asyncio.to_thread(lambda: gateway.client.post(path, json={"force": True, **wish}))
        assert answer.status_code == 202, answer.text
        job = answer.json()["job"]
        return str(job["id"]), int(job["run"])

    return ask


def windows(studio: Path) -> int:
    """How many windows any worker has given to the model."""
    seen = studio / "windows"
    return len(seen.read_text().splitlines()) if seen.exists() else 0


async def until_window(studio: Path, number: int) -> None:
    async with asyncio.timeout(60):
        while windows(studio) < number:  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.02)


async def until_kept(store: ObjectStore, job_id: str, checkpoint: str) -> None:
    """Waits until a job has kept what belongs to a checkpoint, and where it was then."""
    async with asyncio.timeout(60):
        while True:
            for index in [key for key in await store.list_keys(f"parts/{job_id}/") if key.endswith("index.json")]:
                parts = await read_parts(store, index.removesuffix("/index.json"))
                if {checkpoint, "checkpoint.npz"} <= {part.name for part in parts}:
                    return
            await asyncio.sleep(0.05)


async def test_a_worker_killed_in_window_5_of_9_is_followed_by_one_that_sees_the_rest_alone(
    gateway, start_video_worker, ask: Ask, studio: Path, store: ObjectStore
) -> None:
    (studio / "pause").write_text("5")
    first = start_video_worker("video-first")
    job_id, run = await ask(outputs=["half-sbs"])
    await until_window(studio, 5)
    await until_kept(store, job_id, "checkpoint-00002.zip")
    watched = (await gateway.get(f"/api/jobs/{job_id}/parts")).json()
    assert watched["items"][0]["name"] == "init.mp4"
    assert {"colour", "depth", "gutter"} <= set(watched["rgbd"])
    assert (await gateway.get(watched["items"][1]["url"])).content
    first.kill()
    start_video_worker("video-second")
    job = await gateway.until(job_id, run=run, within_s=120)
    assert (job["state"], job["run"], job["attempts"]) == ("succeeded", run, 2), job["error"]
    [asset] = await assets(gateway)
    told = asset["details"]["video"]
    assert told["windows_before"] >= 2
    assert told["windows_before"] + told["windows"] == WINDOWS
    assert windows(studio) == 5 + told["windows"], "none but those that were not kept is seen again"
    assert asset["key"] == "depth-video-cost-free"
    assert {file["role"] for file in asset["files"]} == {"depth-video", "frames", "rgbd", "poster", "strip", "stereo"}


@pytest.mark.alone
async def test_a_job_that_nobody_wants_any_more_ends_within_2_s(
    gateway, start_video_worker, ask: Ask, studio: Path
) -> None:
    (studio / "pause").write_text("2")
    worker = start_video_worker("video-cancelled")
    job_id, run = await ask(range={"from_s": 0.1})
    await until_window(studio, 2)
    [child] = psutil.Process(worker.popen.pid).children()
    began = time.monotonic()
    answer = await asyncio.to_thread(gateway.client.delete, f"/api/jobs/{job_id}")
    assert answer.status_code == 202
    await asyncio.to_thread(psutil.wait_procs, [child], 10)
    assert not child.is_running()
    assert time.monotonic() - began < 2
    assert (await gateway.until(job_id, run=run))["state"] == "cancelled"


# In short, that a job waits for storage is held by test_worker_storage.py of packages/common, of any job.
@pytest.mark.long
async def test_storage_that_is_away_for_20_s_in_the_middle_costs_nothing(
    gateway, start_video_worker, ask: Ask, studio: Path, object_server: SeaweedServer
) -> None:
    (studio / "pause").write_text("5")
    start_video_worker("video-patient")
    job_id, run = await ask(range={"from_s": 0.2})
    await until_window(studio, 5)
    object_server.kill()
    try:
        (studio / "release").touch()
        await asyncio.sleep(20)
        assert (await gateway.job(job_id))["state"] == "running"
    finally:
        await asyncio.to_thread(object_server.start)
    job = await gateway.until(job_id, run=run)
    assert (job["state"], job["attempts"], job["error"]) == ("succeeded", 1, None)
    assert windows(studio) <= WINDOWS


# In short, that a full disk under the work is told as one is held there too.
@pytest.mark.long
async def test_a_full_disk_fails_the_job_in_words_and_leaves_nothing_on_it(
    gateway, start_video_worker, ask: Ask, studio: Path, tmp_path: Path
) -> None:
    (studio / "pause").write_text("3")
    with small_disk(tmp_path / "disk", 8) as disk:
        start_video_worker("video-full", WORK__DIRECTORY=str(disk))
        job_id, run = await ask(range={"from_s": 0.3}, codec="h264")
        await until_window(studio, 3)
        fill(disk)
        (studio / "release").touch()
        job = await gateway.until(job_id, run=run)
        assert (job["state"], job["error"]["code"]) == ("failed", "storage_full")
        assert list(disk.glob("*/job-*")) == []


async def assets(gateway: Any) -> list[dict[str, Any]]:
    [video] = (await gateway.get("/api/videos")).json()["items"]
    return list((await gateway.get(f"/api/videos/{video['id']}/assets")).json()["assets"])
