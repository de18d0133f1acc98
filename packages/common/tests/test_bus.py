"""Unique jobs, stored messages, rights: against a real nats-server."""

import asyncio

import pytest
from immichvr_common.bus import Bus, Puller, connect, ensure_streams
from immichvr_common.embedded import NatsServer, free_ports
from immichvr_common.errors import Conflict, Unavailable
from immichvr_common.settings import NatsSettings
from immichvr_common.testing.jobs import make_job, submit


async def test_a_job_is_on_the_queue_once_however_often_it_is_submitted(gateway_bus: Bus) -> None:
    job = make_job()
    answers = await asyncio.gather(*(submit(gateway_bus, job) for _ in range(20)), return_exceptions=True)
    assert sum(answer is None for answer in answers) == 1
    assert {type(answer) for answer in answers if answer is not None} == {Conflict}
    assert (await gateway_bus.js.stream_info("JOBS")).state.messages == 1


async def test_streams_can_be_ensured_again_with_another_lease(gateway_bus: Bus) -> None:
    await ensure_streams(gateway_bus.js, 7)
    info = await gateway_bus.js.consumer_info("JOBS", "ai-cpu-interactive")
    assert info.config.ack_wait == 7


async def test_an_event_published_again_is_stored_once(gateway_bus: Bus) -> None:
    for _ in range(3):
        await gateway_bus.publish_until_stored("events.gateway.job.x", b"{}", "x.1.1.1")
    assert (await gateway_bus.js.stream_info("EVENTS")).state.messages == 1


async def test_a_puller_hands_messages_on_in_order_and_says_when_there_are_none(gateway_bus: Bus, ai_bus: Bus) -> None:
    jobs = [make_job() for _ in range(5)]
    for job in jobs:
        await submit(gateway_bus, job)
    puller = Puller(ai_bus.client, "JOBS", "ai-cpu-interactive")
    await puller.open()
    subjects = []
    while (message := await puller.next()) is not None:
        subjects.append(message.subject)
        await message.ack()
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
    await ensure_streams(bus.js)
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
    await ensure_streams(bus.js)
    puller = Puller(bus.client, "JOBS", "ai-cpu-interactive")
    await puller.open()
    waiting = asyncio.create_task(puller.next(60))
    await bus.client.flush()
    server.kill()
    server.start()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 5)
    assert waiting.done()
    job = make_job()
    await submit(bus, job)
    message = await puller.next(5)
    assert message is not None and message.subject.endswith(job.id)
    await bus.close()
    server.kill()
