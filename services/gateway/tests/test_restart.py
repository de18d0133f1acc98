"""Gateways that come and go: what was known is known again, from records, events or the manifests themselves."""

import asyncio

import pytest
from immichvr_common.testing.jobs import make_job
from immichvr_gateway.jobs.records import State, new_record


@pytest.fixture
def again(serving, settings):
    """Serves the same folder anew."""

    async def ids(gateway) -> None:
        page = (await gateway.get("/api/photos?limit=500")).json()
        gateway.ids = {photo["name"]: photo["id"] for photo in page["items"]}

    class Again:
        def __init__(self) -> None:
            self._serving = serving(settings)

        async def __aenter__(self):
            gateway = await self._serving.__aenter__()
            await ids(gateway)
            return gateway

        async def __aexit__(self, *failure: object) -> None:
            await self._serving.__aexit__(*failure)

    return Again


async def test_jobs_assets_and_their_ends_are_known_after_a_restart(again, workers) -> None:
    async with again() as gateway, gateway.listening() as live:
        made = await gateway.make(live, "beach.jpg", "splat")
        failed = await gateway.make(live, "fail-fog.jpg", "depth")
        before = (await gateway.get("/api/jobs")).json()
    async with again() as gateway:
        assert (await gateway.get("/api/jobs")).json() == before
        assert [job["id"] for job in before["items"]] == [failed["id"], made["id"]]
        assert (await gateway.get("/api/assets/map")).json()["count"] == 1
        assert (await gateway.post("beach.jpg", "splat")).status_code == 200
        assert (await gateway.client.post(f"/api/jobs/{failed['id']}/retry")).json()["run"] == 2


async def test_what_workers_did_while_no_gateway_was_there_is_known_when_one_is(again, workers, studio) -> None:
    async with again() as gateway, gateway.listening() as live:
        job = (await gateway.post("slow-lake.jpg", "depth")).json()["job"]
        await live.job(job["id"], "running")
    async with again() as gateway:
        assert (await gateway.get(f"/api/jobs/{job['id']}")).json()["state"] == "running"
    (studio / "release").touch()
    async with again() as gateway, gateway.listening() as live:
        shown = (await gateway.get(f"/api/jobs/{job['id']}")).json()
        if shown["state"] != "succeeded":
            await live.job(job["id"], "succeeded")
        assert len((await gateway.get(f"/api/photos/{job['photo_id']}/assets")).json()["assets"]) == 1


async def test_without_its_records_a_gateway_learns_of_assets_from_the_manifests_and_of_jobs_from_events(
    again, workers, empty_bus
) -> None:
    async with again() as gateway, gateway.listening() as live:
        job = await gateway.make(live, "beach.jpg", "splat")
        before = (await gateway.get(f"/api/photos/{job['photo_id']}")).json()
    for bucket in ("jobs", "assets", "state"):
        await empty_bus.js.purge_stream(f"KV_{bucket}")
    async with again() as gateway, gateway.listening() as live:
        assert (await gateway.get("/api/assets/map")).json()["count"] == 1
        assert (await gateway.get(f"/api/photos/{job['photo_id']}")).json()["assets"] == before["assets"]
        shown = (await gateway.get(f"/api/jobs/{job['id']}")).json()
        while shown["state"] != "succeeded":
            shown = await live.job(job["id"], "succeeded")
        assert (shown["requesters"], shown["outputs"]) == (job["requesters"], job["outputs"])


async def test_a_light_variant_that_a_gateway_left_unfinished_is_finished_by_the_next(
    again, working, empty_bus
) -> None:
    before = (await empty_bus.js.stream_info("KV_jobs")).state.last_seq
    async with working("ai"):
        async with again() as gateway, gateway.listening() as live:
            job = (await gateway.post("beach.jpg", "splat", quality="light")).json()["job"]
            await live.first("job:update", lambda update: update["progress"]["stage"] == "light")
        async with again() as gateway, working("converter"), gateway.listening() as live:
            await live.job(job["id"], "succeeded")
            assets = (await gateway.get(f"/api/photos/{job['photo_id']}/assets")).json()["assets"]
            assert "light" in {file["variant"] for file in assets[1]["files"]}
    # While it waits for the converter it is not written down again and again.
    assert (await empty_bus.js.stream_info("KV_jobs")).state.last_seq - before < 20


async def test_a_message_delivered_too_often_without_a_word_fails_visibly_and_can_be_tried_again(
    gateway, live, empty_bus, working
) -> None:
    job = (await gateway.post("beach.jpg", "depth")).json()["job"]
    pulling = await empty_bus.js.pull_subscribe_bind(durable="ai-cpu-interactive", stream="JOBS")
    for _ in range(4):
        [message] = await pulling.fetch(1, timeout=3)
        await message.nak()
    async with working("ai"):
        ended = await live.job(job["id"], "failed")
        assert (ended["error"]["code"], ended["attempts"]) == ("poison", 4)
        assert (await empty_bus.js.get_last_msg("DEAD", f"dead.depth.{job['id']}")).data
        assert (await gateway.client.post(f"/api/jobs/{job['id']}/retry")).status_code == 202
        await live.job(job["id"], "succeeded", run=2)


async def test_two_gateways_tell_the_same(again, workers) -> None:
    async with again() as one, again() as other, other.listening() as live:
        job = (await one.post("beach.jpg", "depth")).json()["job"]
        await live.job(job["id"], "succeeded")
        shown = (await other.get(f"/api/jobs/{job['id']}")).json()
        assert (shown["state"], shown["requesters"]) == ("succeeded", ["local"])
        answers = await asyncio.gather(*(gateway.post("beach.jpg", "depth") for gateway in (one, other)))
        assert {answer.status_code for answer in answers} == {200}


async def test_no_start_over_forty_jobs_comes_up_without_them(again, empty_bus) -> None:
    kv = await empty_bus.js.key_value("jobs")
    jobs = [make_job() for _ in range(40)]
    for job in jobs:
        record = new_record(job, f"jobs.ai.cpu.interactive.depth.{job.id}", "local", {"model": "auto"})
        record.state = State.SUCCEEDED
        await kv.put(job.id, record.model_dump_json().encode())
    for _ in range(10):
        async with again() as gateway:
            listed = (await gateway.get("/api/jobs?limit=100")).json()["items"]
            assert {job["id"] for job in listed} == {job.id for job in jobs}
