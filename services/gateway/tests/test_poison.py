"""What lies on the bus and cannot be read: the gateway starts, goes on, says so, and sets it aside."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from immichvr.events.v1.events_pb2 import JobEvent
from immichvr_common.bus import Bus
from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.subjects import Told
from immichvr_common.errors import Unavailable
from immichvr_gateway.jobs.dead_letters import watch_advisories
from immichvr_gateway.jobs.projection import EventReader, Position
from immichvr_gateway.upkeep.aside import SET_ASIDE, Aside

NOT_JSON = {"bytes": b"\xff\xfe", "nested": b"[" * 100_000, "cut": b'{"id": "depth-a-b", "ki', "empty": b" "}
RECORD: dict[str, Any] = {
    "id": "depth-a-b", "kind": "depth", "photo_id": "a", "requesters": ["local"], "state": "running", "subject":
    "jobs.ai.cpu.interactive.depth.depth-a-b", "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z", "message": {"id": "depth-a-b", "kind": "depth", "photoId": "a", "run": 1},
}  # fmt: skip
NO_RECORDS: dict[str, dict[str, Any]] = {
    "of-another-name": {"id": "depth-elsewhere"},
    "whose-message-is-none": {"message": {"run": "many", "inputs": 3}},
    "whose-message-is-of-another-job": {"message": {"id": "model-download-da2-base", "kind": "model-download"}},
    "without-a-zone": {"created_at": "2026-01-01T00:00:00"},
    "beyond-numbers": {"progress": {"fraction": float("inf")}},
    "in-no-state": {"state": "conquered"},
    "below-zero": {"run": -1},
    "not-in-the-queue": {"subject": "nowhere"},
}
ENTRY = {
    "photo_id": "a", "kind": "depth", "model_key": "m", "recipe": "r", "manifest_key": "depth/a_m/r/manifest.json",
    "made_at": "2026-01-01T00:00:00Z",
}  # fmt: skip
NO_ENTRIES: dict[str, dict[str, Any]] = {
    "elsewhere": {"manifest_key": "sources/secret"},
    "unknown-kind": {"kind": "kingdom"},
    "without-zone": {"made_at": "2026-01-01T00:00:00"},
}
POSITIONS = {
    "a record": b'{"seq": {"seq": {}}}', "no text": b"\xff", "nested": b"[" * 100_000, "below zero": b"-5",
    "no number": b"NaN", "a fraction": b"1.5", "beyond": b"9" * 5000,
}  # fmt: skip


async def works(gateway: Any, working: Any) -> None:
    page = (await gateway.client.get("/api/photos", params={"limit": 500})).json()
    gateway.ids = {photo["name"]: photo["id"] for photo in page["items"]}
    async with gateway.listening() as live, working("ai"):
        assert (await gateway.make(live, "beach.jpg", "depth"))["state"] == "succeeded"
        await live.first("asset:created", lambda asset: asset["photo_id"] == gateway.ids["beach.jpg"])
    assert (await gateway.get("/api/jobs")).status_code == 200
    assert (await gateway.get("/api/ready")).status_code == 200


@pytest.mark.parametrize("stored", POSITIONS.values(), ids=POSITIONS)
async def test_a_place_of_reading_that_cannot_be_read_is_the_beginning(stored: bytes) -> None:
    assert Position.read(stored).seq == 0


@pytest.mark.parametrize("stored", [POSITIONS["a record"], b"99999999999"])
async def test_a_place_of_reading_that_is_none_leaves_a_gateway_that_works(
    stored: bytes, empty_bus: Bus, serving, settings, working
) -> None:
    await (await empty_bus.js.key_value("state")).put("projection.events", stored)
    async with serving(settings) as gateway:
        await works(gateway, working)


async def test_a_gateway_starts_over_what_cannot_be_read_in_any_bucket_or_stream(
    empty_bus: Bus, serving, settings, working
) -> None:
    jobs, assets, state = [await empty_bus.js.key_value(name) for name in ("jobs", "assets", "state")]
    for name, data in NOT_JSON.items():
        for bucket in (jobs, assets, state):
            await bucket.put(f"depth-{name}", data)
        await empty_bus.js.publish(f"events.ai.job.depth-{name}", data)
        await empty_bus.js.publish(f"events.job.depth-{name}", data)
        await empty_bus.js.publish(f"jobs.ai.gpu.interactive.depth.depth-{name}", data)
    for name, changes in NO_RECORDS.items():
        # Where nothing else is wrong, the name is right.
        own = {"id": name, "message": {**RECORD["message"], "id": name}, "subject": f"jobs.ai.cpu.batch.depth.{name}"}
        await jobs.put(name, json.dumps({**RECORD, **own, **changes}).encode())
    for name, changes in NO_ENTRIES.items():
        await assets.put(f"a.{name}.m", json.dumps(ENTRY | changes).encode())
    for name in ("model.da2-small", "licence.da2-base", "session.x"):
        await state.put(name, NOT_JSON["nested"])
    await state.put("model.sharp", b'{"key": "sharp", "rate": NaN, "loaded": {"w": "2026-01-01T00:00:00"}}')
    async with serving(settings) as gateway:
        await works(gateway, working)
        assert {job["photo_id"] for job in (await gateway.get("/api/jobs")).json()["items"]} == {
            gateway.ids["beach.jpg"]
        }
        assert (await gateway.get("/api/models")).status_code == 200
        assert (await gateway.get("/api/assets/map")).status_code in (200, 404)
        assert (await gateway.get("/api/ready")).json()["set_aside"] > 0
    kept = await empty_bus.js.stream_info("DEAD", subjects_filter="dead.aside.*")
    assert set(kept.state.subjects or {}) >= {"dead.aside.events", "dead.aside.kv_jobs", "dead.aside.kv_assets"}


async def test_events_wait_for_storage_in_their_order_and_through_one_consumer(empty_bus: Bus) -> None:
    heard: list[str] = []
    done = asyncio.Event()
    tries = iter([Unavailable("storage does not answer", down="s3")] * 3)

    class Follower:
        async def on_job(self, told: Told, event: JobEvent) -> None:
            if told.about == "depth-first" and (error := next(tries, None)) is not None:
                raise error
            heard.append(told.about)
            if len(heard) == 2:
                done.set()

        async def on_asset(self, *_: object) -> None: ...

        async def on_model(self, *_: object) -> None: ...

    async def nothing(*_: object) -> None:
        return

    before = {consumer.name for consumer in await empty_bus.js.consumers_info("EVENTS")}
    for name in ("depth-first", "depth-second"):
        await empty_bus.js.publish(f"events.ai.job.{name}", b"{}")
    aside = Aside(empty_bus)
    reader = EventReader(empty_bus, Position(), aside, nothing, lambda: None)
    reader.feed(Follower())
    reading = asyncio.create_task(reader.run())
    await asyncio.wait_for(done.wait(), 10)
    assert heard == ["depth-first", "depth-second"]
    assert len({consumer.name for consumer in await empty_bus.js.consumers_info("EVENTS")} - before) == 1
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def test_advisories_that_tell_of_nothing_do_not_keep_others_from_being_heard(empty_bus: Bus) -> None:
    subject = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.JOBS.ai-cpu-interactive"
    for data in (*NOT_JSON.values(), b"{}", b'{"stream_seq": "x"}', b'{"stream_seq": 1e400}', b'{"stream_seq": 9}'):
        await empty_bus.js.publish(subject, data)
    await empty_bus.js.publish("jobs.ai.cpu.batch.depth.hollow", b"{}")
    hollow = await empty_bus.js.get_last_msg("JOBS", "jobs.ai.cpu.batch.depth.hollow")
    await empty_bus.js.publish(subject, json.dumps({"stream_seq": hollow.seq, "deliveries": 4}).encode())
    before = SET_ASIDE.labels("DEAD", "unreadable")._value.get()
    watching = asyncio.create_task(watch_advisories(empty_bus))
    async with asyncio.timeout(10):
        while (await empty_bus.js.stream_info("JOBS")).state.messages:  # noqa: ASYNC110  # the server tells nobody
            await asyncio.sleep(0.02)
    assert not watching.done()
    assert SET_ASIDE.labels("DEAD", "unreadable")._value.get() == before + 7
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_the_latest_of_what_was_set_aside_are_kept_and_dead_jobs_beside_them(
    empty_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"_AT_ONCE": 1000.0, "_KEPT": 5, "_TIDY_EVERY": 10}.items():
        monkeypatch.setattr(f"immichvr_gateway.upkeep.aside.{name}", value)
    await empty_bus.publish("dead.depth.depth-a-b", b"{}")
    aside = Aside(empty_bus)
    for number in range(20):
        await aside.put("EVENTS", f"events.ai.job.{number}", b"\xff", Unreadable("unreadable", "no text"))
    kept = (await empty_bus.js.stream_info("DEAD", subjects_filter="dead.>")).state.subjects
    assert kept == {"dead.depth.depth-a-b": 1, "dead.aside.events": 5}
    last = json.loads((await empty_bus.js.get_last_msg("DEAD", "dead.aside.events")).data)
    assert (last["subject"], last["reason"]) == ("events.ai.job.19", "unreadable")
