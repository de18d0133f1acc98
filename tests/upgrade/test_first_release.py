"""What the first release stored goes on under today's code: nothing is lost, nothing is outdated."""

import hashlib
import json

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")

AWAY = {"lane": "depth", "hedge": "depth", "moss": "depth", "lawn": "splat"}
"""What was done while no gateway was there."""


async def test_every_job_is_there_under_its_id_and_whose_it_was(upgraded, recording) -> None:
    told = ("id", "kind", "photo_id", "requesters", "params", "created_at")
    assert [[job[one] for one in told] for job in recording.jobs] == [
        [upgraded.at_start[job["id"]][one] for one in told] for job in recording.jobs
    ]


async def test_a_job_on_a_photo_is_one_on_a_source_of_that_kind(upgraded, recording) -> None:
    for job in recording.jobs:
        of_photo = {"kind": "photo", "id": job["photo_id"]}
        assert upgraded.at_start[job["id"]]["source"] == (of_photo if job["photo_id"] else None)


async def test_a_job_that_had_ended_has_ended_as_it_had(upgraded, recording) -> None:
    for job in recording.jobs:
        if job["state"] in ("succeeded", "failed", "cancelled"):
            now = upgraded.at_start[job["id"]]
            assert [now[one] for one in ("state", "run", "error", "outputs")] == [
                job[one] for one in ("state", "run", "error", "outputs")
            ]


async def test_what_was_done_while_no_gateway_was_there_is_read_under_the_old_subjects(upgraded, recording) -> None:
    for name, kind in AWAY.items():
        job = recording.job(name, kind)
        assert job["state"] in ("queued", "running")
        now = (await upgraded.jobs())[job["id"]]
        assert (now["state"], now["attempts"]) == ("succeeded", 1), name
        assert set(await upgraded.assets(name)) >= set(now["outputs"])


async def test_jobs_under_way_and_jobs_in_the_queue_are_done(upgraded, recording) -> None:
    jobs = await upgraded.jobs()
    under_way = [jobs[recording.job(name, kind)["id"]] for name, kind in (("path", "depth"), ("fern", "splat"))]
    queued = jobs[recording.job("gate", "convert", format="sog")["id"]]
    assert [(job["state"], job["run"], job["attempts"]) for job in [*under_way, queued]] == [
        ("succeeded", 1, 2), ("succeeded", 1, 2), ("succeeded", 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["gate", "lawn"])
async def test_a_job_that_waited_for_its_light_variant_ends_with_it(upgraded, recording, name) -> None:
    job = (await upgraded.jobs())[recording.job(name, "splat")["id"]]
    assert (job["state"], job["run"], job["attempts"]) == ("succeeded", 1, 1)
    files = (await upgraded.assets(name))["splat-lift-heuristic"]["files"]
    assert [file["variant"] for file in files if file["format"] == "spz"] == ["full", "light"]


async def test_what_was_made_is_served_byte_for_byte_and_is_not_outdated(upgraded, recording) -> None:
    for name, before in recording.assets.items():
        now = await upgraded.assets(name.removesuffix(".jpg"))
        for asset in before:
            there = now[asset["key"]]
            grows = ("files", "losses")
            assert {one: there[one] for one in asset if one not in grows} == {
                one: asset[one] for one in asset if one not in grows
            }
            assert set(there["losses"]) >= set(asset["losses"])
            files = {file["name"]: file for file in there["files"]}
            for file in asset["files"]:
                assert {one: files[file["name"]][one] for one in file} == file
                served = await upgraded.client.get(files[file["name"]]["url"])
                assert hashlib.sha256(served.content).hexdigest() == file["sha256"]


async def test_photos_have_the_badges_they_had_and_those_of_what_was_done_since(upgraded, recording) -> None:
    known = (await upgraded.client.get("/api/assets/map")).json()["map"]
    splats = {recording.photo_id(name) for name in ("garden", "gate", "lawn", "fern")}
    depths = {recording.photo_id(name) for name in ("pond", "path", "lane", "hedge", "moss")}
    assert {one for one, kinds in known.items() if kinds["splat"]} == splats
    assert {one for one, kinds in known.items() if kinds["depth"]} >= splats | depths
    shown = (await upgraded.client.get("/api/photos")).json()["items"]
    assert {photo["id"] for photo in shown if photo["badges"]["splat"]} == splats


@pytest.mark.parametrize(
    ("name", "what", "wish", "kind", "params"),
    [
        ("garden", "splat", {"model": "auto", "quality": "light"}, "splat", {}),
        ("pond", "depth", {"model": "heuristic", "points": True}, "depth", {}),
        ("lane", "depth", {}, "depth", {}),
        ("garden", "splat/convert", {"format": "sog"}, "convert", {"format": "sog"}),
        ("garden", "splat/convert", {"format": "splat"}, "convert", {"format": "splat"}),
        (
            "garden", "splat/convert", {"format": "spz", "options": {"spz_version": 4}, "lod_count": 500},
            "convert", {"variant": "lod-500.spz-version-4"},
        ),
        ("garden", "splat/levels", {"levels": ["preview", "full"]}, "lod", {}),
    ],
)  # fmt: skip
async def test_the_same_wish_is_the_same_job_and_answered_with_what_is_there(
    upgraded, recording, name, what, wish, kind, params
) -> None:
    answer = await upgraded.post(name, what, **wish)
    assert (answer.status_code, answer.json()["job"]["id"]) == (200, recording.job(name, kind, **params)["id"])


async def test_a_failed_job_is_tried_again(upgraded, recording) -> None:
    job = recording.job("wall", "depth")
    assert upgraded.at_start[job["id"]]["error"]["retriable"]
    assert (await upgraded.client.post(f"/api/jobs/{job['id']}/retry")).status_code == 202
    assert (await upgraded.ended(job["id"], run=2))["state"] == "succeeded"
    assert "depth-heuristic" in await upgraded.assets("wall")


async def test_a_splat_of_then_is_converted_now(upgraded) -> None:
    answer = await upgraded.post("garden", "splat/convert", format="ksplat")
    assert answer.status_code == 202
    assert (await upgraded.ended(answer.json()["job"]["id"]))["state"] == "succeeded"
    files = (await upgraded.assets("garden"))["splat-lift-heuristic"]["files"]
    assert "ksplat" in {file["format"] for file in files}


async def test_who_had_signed_in_is_signed_in_and_licences_are_accepted(upgraded) -> None:
    assert (await upgraded.client.get("/api/jobs")).status_code == 200
    model = (await upgraded.client.get("/api/models/da2-base")).json()
    assert model["state"] != "needs_licence"
    stranger = await upgraded.client.get("/api/jobs", headers={"Cookie": f"immichvr_session={'x' * 43}"})
    assert stranger.status_code == 401


async def test_what_was_known_of_a_model_is_known_and_what_was_told_of_it_since_is_read(upgraded) -> None:
    model = (await upgraded.client.get("/api/models/da2-base")).json()
    assert (model["state"], model["error"]["code"]) == ("failed", "no_network")
    assert (model["done"], model["total"]) == (1_048_576, 389_000_000)


async def test_nothing_of_it_was_set_aside(upgraded) -> None:
    answer = await upgraded.bus.client.request("$JS.API.STREAM.INFO.DEAD", b'{"subjects_filter":"dead.aside.>"}')
    assert not json.loads(answer.data)["state"].get("subjects")
