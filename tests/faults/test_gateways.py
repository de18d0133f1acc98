"""Gateways that are killed between publishing a job and writing it down: the job appears all the same."""

import asyncio

from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import Job


async def test_a_queued_and_a_finished_job_that_no_gateway_wrote_down_appear(
    start_gateway, start_worker, publish
) -> None:
    gone = await asyncio.to_thread(start_gateway().wait_until_ready)
    gone.kill()
    finished, events = await publish("finished.jpg", b"photo", gone.ids["finished.jpg"])
    worker = start_worker("quick")
    await events.end()
    worker.kill()
    queued, _ = await publish("unrecorded.jpg", b"photo", gone.ids["unrecorded.jpg"])
    gateway = await asyncio.to_thread(start_gateway().wait_until_ready)
    shown = await gateway.until(finished.id)
    assert (shown["state"], shown["requesters"], shown["params"]) == ("succeeded", ["local"], {"model": "heuristic"})
    assert len(gateway.assets("finished.jpg")) == 1
    await gateway.until(queued.id, "queued")
    assert {finished.id, queued.id} <= {job["id"] for job in (await gateway.get("/api/jobs")).json()["items"]}
    start_worker("late")
    assert (await gateway.until(queued.id))["state"] == "succeeded"
    gateway.stop()


async def test_a_gateway_killed_the_moment_its_job_is_on_the_bus_loses_nothing(
    start_gateway, start_worker, bus, studio
) -> None:
    gateway = await asyncio.to_thread(start_gateway().wait_until_ready)
    start_worker("busy")
    job = await struck_while_publishing(gateway, bus, "struck.jpg")
    gateway = await asyncio.to_thread(start_gateway().wait_until_ready)
    shown = await gateway.until(job.id)
    assert (shown["state"], shown["requesters"], shown["attempts"]) == ("succeeded", ["local"], 1)
    assert len((studio / "starts").read_text().splitlines()) == 1
    assert len(gateway.assets("struck.jpg")) == 1
    again = await gateway.post("struck.jpg")
    assert (again.status_code, again.json()["job"]["id"]) == (200, job.id)
    gateway.stop()


async def struck_while_publishing(gateway, bus, photo: str) -> Job:
    """Asks for depth, and kills the gateway the moment its job is seen on the bus: it has not written it down."""
    published = asyncio.get_running_loop().create_future()

    async def strike(message) -> None:
        gateway.kill()
        published.set_result(json_format.Parse(message.data, Job()))

    subscription = await bus.client.subscribe("jobs.ai.>", cb=strike, max_msgs=1)
    await bus.client.flush()
    request = asyncio.create_task(gateway.post(photo))
    job = await asyncio.wait_for(published, 10)
    await asyncio.gather(request, return_exceptions=True)
    await subscription.unsubscribe()
    return job
