"""What the account of a worker service reaches on the bus, and what it does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import nats.errors
import pytest
from immichvr.events.v1.events_pb2 import JOB_STATE_CANCELLED, JOB_STATE_SUCCEEDED, ModelEvent
from immichvr_common.bus import Bus, Puller, connect, ensure_streams
from immichvr_common.bus.access import nats_config
from immichvr_common.bus.reading import read_message
from immichvr_common.bus.streams import stream_configs
from immichvr_common.bus.subjects import Told, event_subject, read_subject
from immichvr_common.embedded import NatsServer, binary
from immichvr_common.errors import NotFound, Unavailable
from immichvr_common.reporting import encode
from immichvr_common.retrying import until_up
from immichvr_common.testing.jobs import Events, make_job, queue_is_empty, submit
from nats.js.errors import APIError

STREAMS = ("JOBS", "EVENTS", "DEAD", "KV_cancels", "KV_jobs", "KV_assets", "KV_state")
FORBIDDEN = (
    "jobs.ai.cpu.interactive.depth.forged", "$KV.state.projection.events", "$KV.cancels.forged", "$KV.jobs.forged",
    "dead.depth.forged", "events.gateway.job.forged", "events.gateway.published.ai.cpu.interactive.depth.forged",
    "$JS.API.STREAM.PURGE.JOBS", "$JS.API.STREAM.DELETE.EVENTS", "control.cancel.forged",
)  # fmt: skip


@pytest.fixture
async def converter_bus(nats_server: NatsServer, gateway_bus: Bus) -> AsyncIterator[Bus]:
    bus = await connect(nats_server.settings("converter"), "converter")
    yield bus
    await bus.close()


async def written(bus: Bus) -> dict[str, int]:
    """The last number each stream has given."""
    return {name: (await bus.js.stream_info(name)).state.last_seq for name in STREAMS}


@pytest.mark.parametrize("service", ["ai", "converter"])
async def test_the_server_writes_nothing_for_a_worker_that_names_another_subject_for_its_reply(
    service: str, nats_server: NatsServer, gateway_bus: Bus
) -> None:
    worker = await connect(nats_server.settings(service), service)
    await gateway_bus.js.publish("events.gateway.job.there", b"{}")
    heard: list[str] = []

    async def hear(message) -> None:
        heard.append(message.subject)

    await gateway_bus.client.subscribe("control.cancel.forged", cb=hear)
    before = await written(gateway_bus)
    allowed = [
        f"$JS.API.CONSUMER.MSG.NEXT.JOBS.{service}-cpu-interactive", "$JS.API.STREAM.INFO.KV_cancels",
        f"$JS.API.CONSUMER.INFO.JOBS.{service}-cpu-interactive", "$JS.API.DIRECT.GET.KV_cancels.$KV.cancels.forged",
        f"$JS.ACK.JOBS.{service}-cpu-interactive.1.1.1.1.0",
    ]  # fmt: skip
    for reply in FORBIDDEN:
        for request in allowed:
            await worker.client.publish(request, b'{"batch":1,"no_wait":true}', reply=reply)
        await worker.client.publish(reply, b"{}")
    for request in allowed[:4]:
        await worker.client.request(request, b'{"batch":1,"no_wait":true}', timeout=5)
    assert await written(gateway_bus) == before
    assert heard == []
    await worker.close()


async def test_a_worker_cannot_tell_in_anothers_name_nor_take_anothers_jobs(
    gateway_bus: Bus, converter_bus: Bus
) -> None:
    await submit(gateway_bus, job := make_job())
    for subject in (event_subject("ai", "job", job.id), event_subject("gateway", "job", job.id), "events.model.da2"):
        with pytest.raises(Unavailable):
            await converter_bus.publish(subject, b"{}")
    for call in ("CONSUMER.MSG.NEXT.JOBS.ai-cpu-interactive", "CONSUMER.INFO.JOBS.ai-cpu-interactive", "STREAM.NAMES"):
        with pytest.raises(nats.errors.NoRespondersError):
            await converter_bus.client.request(f"$JS.API.{call}", b"", timeout=2)
    assert (await gateway_bus.js.stream_info("JOBS")).state.messages == 1
    assert (await gateway_bus.js.stream_info("EVENTS", subjects_filter="events.*.job.*")).state.subjects is None


async def test_a_worker_reads_neither_records_nor_the_gateways_state(gateway_bus: Bus, ai_bus: Bus) -> None:
    for bucket in ("state", "jobs", "assets"):
        with pytest.raises((nats.errors.Error, APIError)):
            await ai_bus.js.get_last_msg(f"KV_{bucket}", f"$KV.{bucket}.x", direct=True)
    assert not (await ai_bus.js.consumer_info("JOBS", "ai-cpu-interactive")).num_pending


async def test_a_worker_of_the_release_before_tells_under_its_services_name(
    gateway_bus: Bus, ai_bus: Bus, converter_bus: Bus
) -> None:
    await ai_bus.publish("events.job.depth-a-b", b"{}")
    await ai_bus.publish("events.asset.a", b"{}")
    await converter_bus.publish("events.job.convert-a-b", b"{}")
    stored = (await gateway_bus.js.stream_info("EVENTS", subjects_filter=">")).state.subjects
    assert set(stored or {}) == {"events.ai.job.depth-a-b", "events.ai.asset.a", "events.converter.job.convert-a-b"}
    assert (await ai_bus.js.key_value("cancels")) is not None


async def test_subjects_say_who_tells_what_also_in_the_spelling_of_before() -> None:
    assert read_subject("events.ai.job.depth-a-b") == Told("ai", "job", "depth-a-b")
    assert read_subject("events.job.depth-a-b") == Told(None, "job", "depth-a-b")
    for strange in ("events.ai.job.", "events.ai.fate.x", "events.ai.job.a.b", "jobs.ai.job.x", "events.job", ""):
        assert read_subject(strange) is None


async def test_a_worker_hears_from_the_gateway_of_a_model_that_another_service_was_told_to_let_go(
    gateway_bus: Bus, ai_bus: Bus, worker
) -> None:
    let_go = asyncio.get_running_loop().create_future()
    worker._pool.let_go = let_go.set_result
    while len(ai_bus.client._subs) < 5:  # noqa: ASYNC110  # the client tells nobody
        await asyncio.sleep(0.01)
    await ai_bus.client.flush()
    await gateway_bus.announce("control.model.da2-small", encode(ModelEvent(key="da2-small", state="unloading")))
    assert await asyncio.wait_for(let_go, 5) == "da2-small"


async def test_workers_of_one_service_hear_each_others_news_of_models(
    nats_server: NatsServer, ai_bus: Bus, worker
) -> None:
    let_go = asyncio.get_running_loop().create_future()
    worker._pool.let_go = let_go.set_result
    peer = await connect(nats_server.settings("ai"), "ai")
    while not ai_bus.client._subs or len(ai_bus.client._subs) < 5:  # noqa: ASYNC110  # the client tells nobody
        await asyncio.sleep(0.01)
    await ai_bus.client.flush()
    event = ModelEvent(key="da2-small", state="unloading", worker="peer")
    await peer.publish(event_subject("ai", "model", "da2-small"), encode(event))
    assert await asyncio.wait_for(let_go, 5) == "da2-small"
    await peer.close()


HOLLOW = {
    "without an id": {"id": "", "kind": "depth", "run": 1},
    "of another kind than where it lies": {"kind": "splat", "run": 1},
    "without a run": {"kind": "depth"},
    "whose photo leads elsewhere": {"kind": "depth", "run": 1, "photoId": "../../sources"},
    "whose run is no number": {"kind": "depth", "run": "many"},
    "whose time is in no calendar": {"kind": "depth", "run": 1, "createdAt": "99999-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("facts", [*HOLLOW.values(), b"\xff\xfe", b"[]", b"[" * 100_000], ids=[*HOLLOW, *"abc"])
async def test_a_message_that_is_no_job_leaves_the_queue_and_holds_no_worker(
    facts: dict[str, object] | bytes, worker, gateway_bus: Bus
) -> None:
    data = facts if isinstance(facts, bytes) else json.dumps({"id": "depth-hollow", **facts}).encode()
    await gateway_bus.js.publish("jobs.ai.cpu.interactive.depth.depth-hollow", data)
    job = make_job()
    events = await Events(gateway_bus, job.id).open()
    await submit(gateway_bus, job)
    assert (await events.end()).state == JOB_STATE_SUCCEEDED
    assert await queue_is_empty(gateway_bus)


async def test_a_marker_that_is_no_number_cancels_nothing(worker, gateway_bus: Bus) -> None:
    job, unwanted = make_job(), make_job()
    cancels = await gateway_bus.js.key_value("cancels")
    await cancels.put(job.id, b'{"run": 1}' * 1000)
    await cancels.put(unwanted.id, b"1")
    kept, gone = [await Events(gateway_bus, one.id).open() for one in (job, unwanted)]
    await submit(gateway_bus, job)
    await submit(gateway_bus, unwanted)
    assert (await kept.end()).state == JOB_STATE_SUCCEEDED
    assert (await gone.end()).state == JOB_STATE_CANCELLED


async def test_what_lay_on_the_bus_before_services_had_accounts_is_there_after(tmp_path: Path) -> None:
    before = NatsServer(tmp_path)
    before.command()
    config = json.loads(nats_config(before.port, tmp_path / "jetstream", before.passwords))
    users = [{"user": name, "password": word} for name, word in before.passwords.items()]
    config["accounts"] = {"IMMICHVR": {"jetstream": "enabled", "users": users}, "SYS": {"users": []}}
    (tmp_path / "nats.conf").write_text(json.dumps(config))
    job = make_job()
    before.command = lambda: [binary("nats-server", "NATS_SERVER"), "-c", str(tmp_path / "nats.conf")]  # type: ignore[method-assign]
    before.start()
    bus = await connect(before.settings("gateway"), "gateway")
    for one in stream_configs():
        await bus.js.add_stream(replace(one, republish=None))
    await ensure_streams(bus, 3)
    await bus.js.update_stream(replace(stream_configs()[0], republish=None))
    await submit(bus, job)
    await bus.publish(f"events.job.{job.id}", b'{"jobId": "told"}')
    await (await bus.js.key_value("state")).put("projection.events", b"17")
    await bus.close()
    before.stop()

    after = NatsServer(tmp_path, passwords=before.passwords).start()
    bus = await connect(after.settings("gateway"), "gateway")
    await ensure_streams(bus, 3)
    assert (await (await bus.js.key_value("state")).get("projection.events")).value == b"17"
    assert (await bus.js.get_last_msg("EVENTS", f"events.job.{job.id}")).data == b'{"jobId": "told"}'
    worker = await connect(after.settings("ai"), "ai")
    puller = Puller(worker.client, worker.link, "JOBS", "ai-cpu-interactive")
    await puller.open()
    message = await puller.next(5)
    assert message is not None and read_message(message.data, type(job)()).id == job.id
    await message.acknowledge()
    await submit(bus, other := make_job())
    look = partial(bus.last, "EVENTS", f"events.gateway.published.*.*.*.*.{other.id}")
    async with asyncio.timeout(5):  # the server copies it after it has answered
        copy = await until_up(look, "waiting for the copy", outage=(NotFound,), longest_s=0.1)
    assert read_message(copy.data, type(job)()) == other
    await asyncio.gather(worker.close(), bus.close())
    after.kill()
