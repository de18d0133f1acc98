"""Unique jobs, stored messages, rights: against a real nats-server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nats.errors
import pytest
from immichvr_common.bus import Bus, BusMessage, Delivery, Puller, connect, ensure_streams, read_bucket
from immichvr_common.bus.faults import translated
from immichvr_common.bus.streams import consumer_configs, stream_configs
from immichvr_common.embedded import NatsServer, free_ports
from immichvr_common.errors import Conflict, NotFound, ServiceError, Unavailable
from immichvr_common.settings import NatsSettings
from immichvr_common.testing.jobs import make_job, submit
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo
from nats.js.errors import NotFoundError


async def test_a_job_is_on_the_queue_once_however_often_it_is_submitted(gateway_bus: Bus) -> None:
    job = make_job()
    answers = await asyncio.gather(*(submit(gateway_bus, job) for _ in range(20)), return_exceptions=True)
    assert sum(answer is None for answer in answers) == 1
    assert {type(answer) for answer in answers if answer is not None} == {Conflict}
    assert (await gateway_bus.js.stream_info("JOBS")).state.messages == 1


async def test_streams_can_be_ensured_again_with_another_lease(gateway_bus: Bus) -> None:
    await ensure_streams(gateway_bus, 7)
    info = await gateway_bus.js.consumer_info("JOBS", "ai-cpu-interactive")
    assert info.config.ack_wait == 7


async def test_what_is_as_it_shall_be_is_not_made_again_and_what_somebody_changed_is(
    gateway_bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ensure_streams(gateway_bus, 7)
    made, add = [], gateway_bus.js.add_consumer

    async def noting(stream: str, config: ConsumerConfig) -> ConsumerInfo:
        made.append(config.durable_name)
        return await add(stream, config)

    monkeypatch.setattr(gateway_bus.js, "add_consumer", noting)
    await gateway_bus.pause("JOBS", "ai-gpu-batch", datetime.now(UTC) + timedelta(hours=1))
    await ensure_streams(gateway_bus, 7)
    assert made == []
    [shall_be] = [one for one in consumer_configs(7) if one.durable_name == "ai-cpu-batch"]
    for otherwise in ({"max_ack_pending": 5}, {"headers_only": True}, {"description": "slow"}):
        await add("JOBS", replace(shall_be, **otherwise))
        await ensure_streams(gateway_bus, 7)
        there = (await gateway_bus.js.consumer_info("JOBS", "ai-cpu-batch")).config
        assert {name: getattr(there, name) for name in otherwise} == {
            name: getattr(shall_be, name) for name in otherwise
        }
    await gateway_bus.js.delete_consumer("JOBS", "ai-cpu-batch")
    await ensure_streams(gateway_bus, 7)
    assert made == ["ai-cpu-batch"] * 4
    assert (await gateway_bus.js.consumer_info("JOBS", "ai-gpu-batch")).paused
    await gateway_bus.pause("JOBS", "ai-gpu-batch", None)


async def test_what_is_told_of_consumers_is_told_of_all_however_many_there_are(gateway_bus: Bus) -> None:
    many = [
        ConsumerConfig(durable_name=f"many-{number:03}", pause_until="2100-01-01T00:00:00Z") for number in range(300)
    ]
    await asyncio.gather(*(gateway_bus.js.add_consumer("EVENTS", one) for one in many))
    try:
        assert sorted(await gateway_bus.paused("EVENTS")) == [one.durable_name for one in many]
    finally:
        await asyncio.gather(*(gateway_bus.remove_consumer("EVENTS", str(one.durable_name)) for one in many))


async def test_a_stream_that_is_not_there_yet_is_waited_for(gateway_bus: Bus) -> None:
    with pytest.raises(Unavailable, match="not there yet"):
        await gateway_bus.paused("NONE")


async def test_what_floods_one_webhook_drops_the_oldest_of_its_own_also_where_the_stream_had_no_bound(
    gateway_bus: Bus,
) -> None:
    [hooks] = [config for config in stream_configs() if config.name == "HOOKS"]
    bound = hooks.max_msgs_per_subject or 0
    await gateway_bus.js.update_stream(replace(hooks, max_msgs_per_subject=-1))
    await gateway_bus.publish("hooks.bob.one", b"{}")
    for _ in range(bound):
        await gateway_bus.announce("hooks.ann.one", b"{}")
    newest = await gateway_bus.publish("hooks.ann.one", b"{}")
    assert await held(gateway_bus) == {"hooks.bob.one": 1, "hooks.ann.one": bound + 1}
    await ensure_streams(gateway_bus)
    assert await held(gateway_bus) == {"hooks.bob.one": 1, "hooks.ann.one": bound}
    await gateway_bus.publish("hooks.ann.one", b"{}")
    assert await held(gateway_bus) == {"hooks.bob.one": 1, "hooks.ann.one": bound}
    assert (await gateway_bus.get("HOOKS", newest.seq)).subject == "hooks.ann.one"
    await gateway_bus.purge("HOOKS", "hooks.>")


async def held(bus: Bus) -> dict[str, int]:
    """How many messages lie on each subject of HOOKS."""
    return dict((await bus.js.stream_info("HOOKS", subjects_filter=">")).state.subjects or {})


async def test_an_event_published_again_is_stored_once(gateway_bus: Bus) -> None:
    for _ in range(3):
        await gateway_bus.publish_until_stored("events.gateway.job.x", b"{}", "x.1.1.1")
    assert (await gateway_bus.js.stream_info("EVENTS")).state.messages == 1


async def test_a_puller_hands_messages_on_in_order_and_says_when_there_are_none(gateway_bus: Bus, ai_bus: Bus) -> None:
    jobs = [make_job() for _ in range(5)]
    for job in jobs:
        await submit(gateway_bus, job)
    puller = Puller(ai_bus.client, ai_bus.link, "JOBS", "ai-cpu-interactive")
    await puller.open()
    subjects = []
    while (message := await puller.next()) is not None:
        subjects.append(message.subject)
        await message.acknowledge()
    assert [subject.rpartition(".")[2] for subject in subjects] == [job.id for job in jobs]
    assert await puller.next(0.1) is None


async def test_wrong_credentials_and_a_missing_server_are_told_in_words(nats_server: NatsServer) -> None:
    wrong = nats_server.settings("ai").model_copy(update={"password": NatsSettings(password="no").password})
    with pytest.raises(Unavailable, match="Authorization"):
        await connect(wrong, "ai")
    with pytest.raises(Unavailable, match="cannot be used"):
        await connect(NatsSettings(url=f"nats://127.0.0.1:{free_ports(1)[0]}", connect_timeout_s=1), "ai")


async def test_a_connection_comes_back_after_the_server_was_away(tmp_path) -> None:
    server = NatsServer(tmp_path).start()
    bus = await connect(server.settings("gateway"), "gateway")
    await ensure_streams(bus)
    server.stop()
    telling = asyncio.create_task(bus.publish_until_stored("events.gateway.job.y", b"{}", "y.1.1.1"))
    server.start()
    await asyncio.wait_for(telling, 15)
    assert (await bus.js.stream_info("EVENTS")).state.messages == 1
    await bus.close()
    server.stop()


async def test_who_waits_for_messages_asks_again_soon_after_the_server_was_away(tmp_path) -> None:
    server = NatsServer(tmp_path).start()
    bus = await connect(server.settings("gateway"), "gateway")
    await ensure_streams(bus)
    puller = Puller(bus.client, bus.link, "JOBS", "ai-cpu-interactive")
    await puller.open()
    waiting = asyncio.create_task(puller.next(60))
    await bus.client.flush()
    server.kill()
    server.start()
    with pytest.raises(Unavailable, match="has gone"):
        await asyncio.wait_for(asyncio.shield(waiting), 5)
    assert waiting.done()
    job = make_job()
    await submit(bus, job)
    message = await puller.next(5)
    assert message is not None and message.subject.endswith(job.id)
    await bus.close()
    server.kill()


@pytest.fixture
async def modest(gateway_bus: Bus) -> AsyncIterator[Puller]:
    """Pulls from a consumer of JOBS that one at a time may wait for."""
    config = ConsumerConfig(
        durable_name="modest", filter_subject="jobs.modest.>", ack_policy=AckPolicy.EXPLICIT, max_waiting=1
    )
    await gateway_bus.add_consumer("JOBS", config)
    async with gateway_bus.pulling("JOBS", "modest") as puller:
        yield puller
    await gateway_bus.remove_consumer("JOBS", "modest")


async def test_a_conflict_that_passes_leaves_the_consumer_in_use(gateway_bus: Bus, modest: Puller) -> None:
    async with gateway_bus.pulling("JOBS", "modest") as other:
        waiting = asyncio.create_task(other.next(30))
        await asyncio.sleep(0)
        # "Exceeded MaxWaiting": nats-server says it with the same status as that a consumer is deleted.
        assert await asyncio.wait_for(modest.next(20), 5) is None
        await gateway_bus.publish("jobs.modest.one", b"{}")
        assert (await waiting) is not None
    await gateway_bus.publish("jobs.modest.two", b"{}")
    message = await modest.next(5)
    assert message is not None and message.subject == "jobs.modest.two"


async def test_that_a_consumer_is_deleted_while_somebody_waits_is_told_at_once(
    gateway_bus: Bus, modest: Puller
) -> None:
    waiting = asyncio.create_task(modest.next(30))
    await asyncio.sleep(0)
    await gateway_bus.client.flush()
    await gateway_bus.remove_consumer("JOBS", "modest")
    with pytest.raises(NotFound, match="Consumer Deleted"):
        await asyncio.wait_for(waiting, 5)
    with pytest.raises(NotFound):
        await modest.next(1)


async def test_what_a_bus_raises_is_one_of_three_errors(gateway_bus: Bus) -> None:
    with pytest.raises(NotFound):
        await gateway_bus.last("JOBS", "jobs.nothing.lies.here")
    with pytest.raises(NotFound):
        await gateway_bus.get("JOBS", 10**9)
    with pytest.raises(NotFound):
        await gateway_bus.consumer("JOBS", "nobody")
    await gateway_bus.kv("state").put("taken", b"1")
    with pytest.raises(Conflict):
        await gateway_bus.kv("state").update("taken", b"2", last=0)
    # What is not made yet is waited for like a server that is away.
    with pytest.raises(Unavailable):
        await gateway_bus.last("NOWHERE", "x")
    with pytest.raises(Unavailable):
        await gateway_bus.kv("nowhere").get("x")
    assert (await gateway_bus.kv("state").get("never-was")).value is None


async def test_while_the_server_is_away_every_call_says_so(tmp_path: Path) -> None:
    server = NatsServer(tmp_path).start()
    settings = server.settings("gateway").model_copy(update={"connect_timeout_s": 1})
    bus = await connect(settings, "gateway")
    await ensure_streams(bus)
    puller = Puller(bus.client, bus.link, "JOBS", "ai-cpu-interactive")
    await puller.open()
    await submit(bus, make_job())
    message = await puller.next(1)
    assert message is not None
    server.kill()
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: bus.publish("events.gateway.job.x", b"{}"),
        lambda: bus.last("JOBS", "jobs.>"),
        lambda: bus.get("JOBS", 1),
        lambda: bus.remove("JOBS", 1),
        lambda: bus.purge("JOBS", ">"),
        lambda: bus.subjects("JOBS"),
        lambda: bus.stream("JOBS"),
        lambda: bus.clock("JOBS"),
        lambda: bus.consumer("JOBS", "ai-cpu-interactive"),
        lambda: bus.kv("state").get("x"),
        lambda: bus.kv("state").put("x", b""),
        lambda: bus.kv("state").update("x", b"", 0),
        lambda: bus.kv("state").delete("x"),
        lambda: read_bucket(bus, "state"),
        lambda: ensure_streams(bus),
        lambda: puller.next(0),
        lambda: Delivery.acknowledge(message),
    ]
    answers = await asyncio.gather(*(call() for call in calls), return_exceptions=True)
    assert [type(answer) for answer in answers if not isinstance(answer, Unavailable)] == []
    await bus.close()


async def test_a_mistake_in_a_call_is_no_outage(gateway_bus: Bus) -> None:
    with pytest.raises(nats.errors.Error) as mistake:
        await gateway_bus.publish("jobs.with a space", b"{}")
    assert not isinstance(mistake.value, ServiceError)


async def test_a_connection_may_leave_out_what_it_says_itself(nats_server: NatsServer, gateway_bus: Bus) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(message: BusMessage) -> None:
        heard.put_nowait(message.data)

    quiet = await connect(nats_server.settings("gateway"), "gateway", hears_itself=False)
    await quiet.subscribe("$KV.jobs.>", hear)
    await quiet.kv("jobs").put("one", b"its own")
    await gateway_bus.kv("jobs").put("one", b"another's")
    assert await asyncio.wait_for(heard.get(), 5) == b"another's"
    assert (await quiet.kv("jobs").get("one")).value == b"another's"
    await quiet.publish("events.gateway.job.one", b"{}")
    info = await quiet.add_consumer("EVENTS", ConsumerConfig(ack_policy=AckPolicy.NONE))
    async with quiet.pulling("EVENTS", info.name) as puller:
        told = await puller.next(5)
    assert told is not None and told.data == b"{}", "what a stream delivers comes back all the same"
    await quiet.close()


async def test_an_odd_message_is_told_with_its_trace_and_the_next_is_heard(
    gateway_bus: Bus, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def hear(message: BusMessage) -> None:
        if message.data == b"odd":
            raise KeyError("nobody foresaw this")
        heard.put_nowait(message.data)

    await gateway_bus.subscribe("control.cancel.*", hear)
    await gateway_bus.announce("control.cancel.x", b"odd")
    await gateway_bus.announce("control.cancel.x", b"even")
    assert await asyncio.wait_for(heard.get(), 5) == b"even"
    assert "nobody foresaw this" in "".join(capsys.readouterr())


@pytest.mark.parametrize("refusal", [None, NotFoundError(), TimeoutError()])
async def test_a_cancel_that_comes_as_nats_answers_is_not_lost(refusal: Exception | None) -> None:
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def ask() -> None:
        with translated("an answer"):
            await asyncio.wait_for(answer, 60)

    asking = asyncio.create_task(ask())
    await asyncio.sleep(0)
    if refusal is None:
        answer.set_result(None)
    else:
        answer.set_exception(refusal)
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
