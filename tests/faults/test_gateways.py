"""Gateways that are killed between publishing a job and writing it down: the job appears all the same."""

import asyncio
from uuid import uuid4

from google.protobuf import json_format
from immichvr.events.v1.events_pb2 import Job
from immichvr_common.testing.jobs import Events
from immichvr_common.worker import encode


async def a_job(gateway, store, name: str) -> Job:
    """A job as a gateway publishes it, for a photo of the folder."""
    photo_id, recipe = gateway.ids[name], uuid4().hex[:16]
    job = Job(id=f"depth-{photo_id}-{recipe}", kind="depth", photo_id=photo_id, run=1, bucket=store.bucket)
    job.requesters.append("local")
    job.params.update({"model": "heuristic"})
    job.recipes["depth"] = recipe
    job.source_name = name
    job.inputs["source"].CopyFrom(await store.put_bytes(f"sources/{name}", b"photo", "image/jpeg"))
    job.created_at.GetCurrentTime()
    return job


async def test_a_queued_and_a_finished_job_that_no_gateway_wrote_down_appear(
    start_gateway, start_worker, bus, store
) -> None:
    gone = await asyncio.to_thread(start_gateway().wait_until_ready)
    gone.kill()
    finished, queued = await a_job(gone, store, "finished.jpg"), await a_job(gone, store, "unrecorded.jpg")
    events = await Events(bus, finished.id).open()
    worker = start_worker("quick")
    await bus.publish(f"jobs.ai.cpu.interactive.depth.{finished.id}", encode(finished))
    await events.end()
    worker.kill()
    await bus.publish(f"jobs.ai.cpu.interactive.depth.{queued.id}", encode(queued))
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
    for count, photo in enumerate(("struck-0.jpg", "struck-1.jpg"), 1):
        job = await struck_while_publishing(gateway, bus, photo)
        gateway = await asyncio.to_thread(start_gateway().wait_until_ready)
        shown = await gateway.until(job.id)
        assert (shown["state"], shown["requesters"], shown["attempts"]) == ("succeeded", ["local"], 1)
        assert len((studio / "starts").read_text().splitlines()) == count
        assert len(gateway.assets(photo)) == 1
        again = await gateway.post(photo)
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
