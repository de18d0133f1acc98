"""What is kept in storage and what goes, with real servers."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from immichvr_common.manifests import Manifest
from immichvr_gateway.settings import RetentionSettings
from immichvr_gateway.upkeep.turns import Turn
from PIL import Image

DAY = timedelta(days=1)
PHOTOS, RUNS = 4, 3


@pytest.fixture
def many(photos) -> list[str]:
    names = [f"many-{number}.png" for number in range(PHOTOS)]
    for number, name in enumerate(names):
        Image.new("RGB", (8, 6), (number, 20, 30)).save(photos / name)
    return names


def named_by(manifests: list[Manifest]) -> set[str]:
    return {one.key for one in manifests} | {file.key for one in manifests for file in one.files}


async def force(gateway, live, name: str) -> dict:
    answer = await gateway.post(name, "splat", force=True)
    assert answer.status_code == 202, answer.text
    job = answer.json()["job"]
    return await live.job(job["id"], run=job["run"])


async def test_after_many_forced_jobs_only_what_manifests_name_is_left(
    many, gateway, workers, live, keeping, stored
) -> None:
    for _ in range(RUNS):
        ended = await asyncio.gather(*(force(gateway, live, name) for name in many))
        assert {job["state"] for job in ended} == {"succeeded"}
    keys, manifests = await stored()
    assert len(keys - named_by(manifests)) >= PHOTOS * (RUNS - 1) * 3

    keeper = await keeping(3 * DAY, dry_run=True)
    assert await keeper.look()
    assert (await stored())[0] == keys, "a dry run only tells"
    would_go = keeper.figures.gone

    keeper = await keeping(3 * DAY)
    assert await keeper.look()
    left, manifests = await stored()
    assert left == named_by(manifests), "originals that were staged have gone too"
    assert keeper.figures.gone == would_go and keeper.figures.gone["replaced"].objects == PHOTOS * (RUNS - 1) * 3
    for name in many:
        for asset in (await gateway.get(f"/api/photos/{gateway.ids[name]}/assets")).json()["assets"]:
            for file in asset["files"]:
                assert (await gateway.get(file["url"])).status_code == 200


async def test_nothing_goes_within_the_grace_or_while_a_job_about_the_photo_is_under_way(
    gateway, workers, live, keeping, stored, studio
) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    await force(gateway, live, "beach.jpg")
    before, _ = await stored()
    assert await (await keeping()).look()
    assert (await stored())[0] == before

    under_way = (await gateway.post("slow-lake.jpg", "splat")).json()["job"]["id"]
    await live.job(under_way, "running")
    assert await (await keeping(3 * DAY)).look()
    left, _ = await stored()
    slow = gateway.ids["slow-lake.jpg"]
    assert [key for key in left if slow in key], "its original is still needed"
    assert not [key for key in left if key.startswith(f"sources/{gateway.ids['beach.jpg']}/")]
    (studio / "release").touch()
    assert (await live.job(under_way))["state"] == "succeeded"


async def test_the_raw_ply_goes_after_thirty_days_and_a_request_for_it_makes_it_anew(
    gateway, workers, live, keeping, stored
) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    photo = f"/api/photos/{gateway.ids['beach.jpg']}"

    async def files() -> list[str]:
        [splat] = [one for one in (await gateway.get(f"{photo}/assets")).json()["assets"] if one["kind"] == "splat"]
        return sorted(file["name"] for file in splat["files"])

    assert await files() == ["splat.ply", "splat.spz"]
    assert await (await keeping(31 * DAY)).look()
    _, manifests = await stored()
    [splat] = [one for one in manifests if one.kind == "splat"]
    assert [file.name for file in splat.files] == ["splat.spz"] and "not kept any longer" in splat.losses[-1]
    assert await (await keeping(33 * DAY)).look()
    assert not [key for key in (await stored())[0] if key.endswith(".ply")]

    job = (await gateway.post("beach.jpg", "splat/convert", format="ply")).json()["job"]
    assert job["kind"] == "splat"
    assert (await live.job(job["id"], run=job["run"]))["state"] == "succeeded"
    assert await files() == ["splat.ply", "splat.spz"]


async def test_other_formats_are_made_of_the_spz_once_the_ply_is_gone(gateway, workers, live, keeping, stored) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    for age in (31, 33):
        assert await (await keeping(age * DAY)).look()
    job = (await gateway.post("beach.jpg", "splat/convert", format="ksplat")).json()["job"]
    assert (await live.job(job["id"]))["state"] == "succeeded"
    [splat] = [one for one in (await stored())[1] if one.kind == "splat"]
    assert {file.format for file in splat.files} == {"spz", "ksplat"}


async def test_an_original_that_expired_is_staged_again_when_an_old_job_is_tried_again(
    gateway, live, working, keeping, stored, studio
) -> None:
    async with working("ai"):
        failed = await gateway.make(live, "fail-fog.jpg", "splat")
        assert failed["state"] == "failed"
        assert await (await keeping(3 * DAY)).look()
        assert not [key for key in (await stored())[0] if key.startswith("sources/")]
        answer = await gateway.client.post(f"/api/jobs/{failed['id']}/retry")
        assert answer.status_code == 202, answer.text
        again = await live.job(failed["id"], run=2)
        assert again["error"]["code"] == "invalid_image", "it got as far as the photo itself"


async def test_one_gateway_at_a_time_looks_and_another_goes_on_where_a_killed_one_was(
    gateway, workers, live, keeping, empty_bus
) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    first, second = await keeping(), await keeping()
    turn = Turn(empty_bus, "retention", patience_s=0.2)
    assert await turn.take() and await turn.take()
    assert not await second.look()
    other = Turn(empty_bus, "retention", patience_s=0.2)
    assert not await other.take()
    await asyncio.sleep(0.3)
    assert await other.take(), "whoever has not renewed it for so long has lost it"
    assert not await turn.take()
    await other.give_up()
    await first._remember("sources", "")
    assert await first.look()
    assert {"splats", "sources"} <= set(first.figures.kept), "half a look says nothing of how much there is"


async def test_managers_see_what_lies_in_storage(shared, gateway) -> None:
    bob = (await shared.get("/api/storage", as_user="bob")).json()
    assert (bob["kept"], bob["users"]) == ({}, {})
    assert (await shared.get("/api/storage", as_user="ann")).json()["looked_at"] is None
    assert (await gateway.get("/api/storage")).json()["dry_run"] is False


async def test_no_ply_is_kept_where_that_is_the_setting_but_one_that_is_asked_for_is_made(
    serving, settings, gateway, workers
) -> None:
    nothing = settings.model_copy(update={"retention": RetentionSettings(ply_days=0)})
    async with serving(nothing) as other, other.listening() as live:
        other.ids = gateway.ids
        await other.make(live, "hut.png", "splat")
        url = f"/api/photos/{other.ids['hut.png']}/assets/splat-lift-heuristic/splat.ply"
        assert (await other.get(url)).status_code == 404
        await other.make(live, "hut.png", "splat/convert", format="ply")
        assert (await other.get(url)).status_code == 200


async def test_what_a_job_kept_goes_after_the_grace_but_not_while_work_on_its_source_is_under_way(
    empty_bus, storage, keeping
) -> None:
    job_id = "video-depth-somevideo-r0"
    key = f"parts/{job_id}/1/index.json"
    await storage.put_bytes(key, b"{}", "application/json")
    assert await (await keeping()).look()
    assert await storage.exists(key)
    await empty_bus.publish(f"jobs.video-depth.cpu.interactive.video-depth.{job_id}", b"{}")
    assert await (await keeping(3 * DAY)).look()
    assert await storage.exists(key)
    await empty_bus.purge("JOBS", ">")
    keeper = await keeping(3 * DAY)
    assert await keeper.look()
    assert not await storage.exists(key)
    assert keeper.figures.gone["part"].objects == 1
