"""Gateways that come and go: what was known is known again, from records, events or the manifests themselves."""

import asyncio
from datetime import timedelta

import pytest
from immichvr_common.bus import ensure_streams
from immichvr_common.bus.streams import MAX_DELIVER
from immichvr_common.testing.fixtures import ACK_WAIT_S
from immichvr_common.testing.jobs import Events, make_job
from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.jobs.records import JobRecord, State, new_record
from PIL import Image
from structlog.testing import capture_logs


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


async def test_what_workers_did_while_no_gateway_was_there_is_known_when_one_is_and_alarms_nobody(
    again, workers, studio, empty_bus
) -> None:
    async with again() as gateway, gateway.listening() as live:
        job = (await gateway.post("slow-lake.jpg", "depth")).json()["job"]
        await live.job(job["id"], "running")
    async with again() as gateway:
        assert (await gateway.get(f"/api/jobs/{job['id']}")).json()["state"] == "running"
    events = await Events(empty_bus, job["id"]).open()
    (studio / "release").touch()
    await events.end()
    with capture_logs() as logs:
        async with again() as gateway, gateway.listening() as live:
            shown = (await gateway.get(f"/api/jobs/{job['id']}")).json()
            if shown["state"] != "succeeded":
                await live.job(job["id"], "succeeded")
            assert len((await gateway.get(f"/api/photos/{job['photo_id']}/assets")).json()["assets"]) == 1
            assert not [log for log in logs if log["log_level"] in ("warning", "error")]


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
    for _ in range(MAX_DELIVER):
        [message] = await pulling.fetch(1, timeout=3)
        await message.nak()
    async with working("ai"):
        ended = await live.job(job["id"], "failed")
        assert (ended["error"]["code"], ended["attempts"]) == ("poison", MAX_DELIVER)
        assert ended["error"]["retriable"]
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


async def test_a_light_variant_is_made_though_the_gateway_was_away_when_the_splat_came(
    again, working, empty_bus, studio
) -> None:
    async with working("ai"), working("converter"):
        jobs = []
        async with again() as gateway, gateway.listening() as live:
            for name in ("slow-lake.jpg", "slow-river.jpg"):
                jobs.append((await gateway.post(name, "splat", quality="light")).json()["job"])
            await live.job(jobs[0]["id"], "running")
        events = [await Events(empty_bus, job["id"]).open() for job in jobs]
        (studio / "release").touch()
        for one in events:
            await one.end(within_s=60)
        async with again() as gateway, gateway.listening() as live:
            for job, name in zip(jobs, ("slow-lake.jpg", "slow-river.jpg"), strict=True):
                shown = (await gateway.get(f"/api/jobs/{job['id']}")).json()
                if shown["state"] != "succeeded":
                    await live.job(job["id"], within_s=60)
                shown = (await gateway.get(f"/api/jobs/{job['id']}")).json()
                assert (shown["state"], shown["error"]) == ("succeeded", None)
                assets = (await gateway.get(f"/api/photos/{job['photo_id']}/assets")).json()["assets"]
                files = [file for asset in assets if asset["kind"] == "splat" for file in asset["files"]]
                assert "light" in {file["variant"] for file in files}
                assert (await gateway.post(name, "splat/convert", format="splat")).status_code == 202


async def test_when_the_stream_of_events_is_another_one_new_jobs_end_as_they_should(again, workers, empty_bus) -> None:
    async with again() as gateway, gateway.listening() as live:
        for name in ("beach.jpg", "hut.png"):
            await gateway.make(live, name, "splat")
    for moment in ("before the gateway starts", "while it runs"):
        name = {"before the gateway starts": "beach.jpg", "while it runs": "hut.png"}[moment]
        if moment == "before the gateway starts":
            await renewed(empty_bus)
        async with again() as gateway, gateway.listening() as live:
            if moment == "while it runs":
                await renewed(empty_bus)
            made = (await gateway.post(name, "splat", force=True)).json()["job"]
            assert (await live.job(made["id"], run=2))["state"] == "succeeded"
            assert (await gateway.get("/api/assets/map")).json()["count"] == 2


async def renewed(bus) -> None:
    """The stream EVENTS, lost and begun anew."""
    await bus.js.delete_stream("EVENTS")
    await ensure_streams(bus, ACK_WAIT_S)


async def test_assets_of_which_records_were_lost_are_taken_up_from_their_manifests(again, workers, empty_bus) -> None:
    async with again() as gateway, gateway.listening() as live:
        made = [await gateway.make(live, name, "depth") for name in ("beach.jpg", "hut.png")]
    await empty_bus.js.purge_stream("KV_assets", subject=f"$KV.assets.{made[0]['photo_id']}.>")
    async with again() as gateway:
        assert (await gateway.get("/api/assets/map")).json()["count"] == 2
        assert len((await gateway.get(f"/api/photos/{made[0]['photo_id']}/assets")).json()["assets"]) == 1


async def test_a_job_whose_record_lost_who_asked_for_it_is_theirs_again(again, empty_bus) -> None:
    async with again() as gateway:
        job = (await gateway.post("beach.jpg", "depth")).json()["job"]
    kv = await empty_bus.js.key_value("jobs")
    record = JobRecord.model_validate_json((await kv.get(job["id"])).value)
    nobodys = record.model_copy(update={"requesters": [], "message": {}, "params": {}})
    await kv.put(job["id"], nobodys.model_dump_json().encode())
    async with again() as gateway:
        shown = (await gateway.get(f"/api/jobs/{job['id']}")).json()
        assert (shown["requesters"], shown["params"]) == (job["requesters"], job["params"])
    stored = JobRecord.model_validate_json((await kv.get(job["id"])).value)
    assert (stored.requesters, stored.message) == (record.requesters, record.message)


@pytest.mark.parametrize("position", [b"{", b'{"seq": -3}', b"[1]", b'"x"', b"true"])
async def test_a_position_that_cannot_be_read_keeps_no_gateway_from_starting(again, empty_bus, position) -> None:
    await (await empty_bus.js.key_value("state")).put("projection.events", position)
    async with again() as gateway:
        assert (await gateway.get("/api/jobs")).status_code == 200


async def test_a_position_as_releases_before_wrote_it_is_read(again, workers, empty_bus, storage) -> None:
    async with again() as gateway, gateway.listening() as live:
        job = await gateway.make(live, "beach.jpg", "depth")
    last = (await empty_bus.js.stream_info("EVENTS")).state.last_seq
    await (await empty_bus.js.key_value("state")).put("projection.events", str(last).encode())
    for bucket in ("jobs", "assets"):
        await empty_bus.js.purge_stream(f"KV_{bucket}")
    async with again() as gateway:
        # What lies before the position is not read again: the job is not known.
        assert (await gateway.get(f"/api/jobs/{job['id']}")).status_code == 404
        assert (await gateway.get("/api/assets/map")).json()["count"] == 1


async def test_a_newer_asset_is_shown_though_the_clock_was_put_back(again, working, empty_bus, photos) -> None:
    async with working("ai"):
        async with again() as gateway, gateway.listening() as live:
            before = await gateway.make(live, "beach.jpg", "depth")
        kv = await empty_bus.js.key_value("assets")
        [key] = await kv.keys()
        entry = AssetEntry.model_validate_json((await kv.get(key)).value)
        entry.made_at += timedelta(hours=1)
        written_before = entry.model_dump_json(exclude={"seq", "job_id", "run"})
        await kv.put(key, written_before.encode())
        Image.new("RGB", (9, 7), "red").save(photos / "beach.jpg")
        async with again() as gateway, gateway.listening() as live:
            made = await gateway.make(live, "beach.jpg", "depth")
            assert made["id"] != before["id"]
            [asset] = (await gateway.get(f"/api/photos/{made['photo_id']}/assets")).json()["assets"]
            assert not asset["outdated"]
        async with again() as gateway:
            [asset] = (await gateway.get(f"/api/photos/{made['photo_id']}/assets")).json()["assets"]
            assert not asset["outdated"]


async def test_a_gateway_whose_reading_fails_in_an_unforeseen_way_is_not_ready_and_tells(
    again, monkeypatch, capsys
) -> None:
    async def fail(reader) -> bool:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("immichvr_gateway.jobs.projection.EventReader.run", fail)
    monkeypatch.setattr("immichvr_gateway.startup._CATCH_UP_S", 0.1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3), again():
            pytest.fail("it must not be ready")
    told = capsys.readouterr()
    assert "nobody foresaw this" in told.out + told.err
