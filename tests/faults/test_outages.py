"""NATS or S3 away for a while: the API says so, jobs wait, nothing is lost and nothing counts as a failure."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from immichvr.events.v1.events_pb2 import JOB_STATE_FAILED

from .conftest import Gateway

_LEASE_S = 4.0
"""Longer than a worker may stand still on a busy machine, which here must not look like an outage's doing."""


@pytest.fixture(scope="module")
def steady_gateway(start_gateway: Callable[..., Gateway]) -> Iterator[Gateway]:
    """A gateway whose workers keep their jobs for that long."""
    steady = start_gateway(IMMICHVR_GATEWAY_LEASE_S=str(_LEASE_S)).wait_until_ready()
    yield steady
    steady.stop()


async def test_jobs_wait_out_an_outage_of_nats_longer_than_their_lease(
    gateway, start_worker, studio, bus_server, events_of
) -> None:
    start_worker("patient")
    running = await gateway.submit("slow-cut.jpg")
    await gateway.until(running, "running")
    queued = await gateway.submit("slow-waits.jpg")
    bus_server.kill()
    try:
        for refused in (await gateway.post("refused.jpg"), await delete(gateway, running)):
            assert_unavailable(refused, "nats")
        ready = await gateway.get("/api/ready")
        assert (ready.status_code, ready.json()["nats"], ready.json()["s3"]) == (503, False, True)
        for path in ("/api/photos", "/api/jobs", f"/api/jobs/{running}", "/api/assets/map", "/api/health"):
            assert (await gateway.get(path)).status_code == 200
        (studio / "release").touch()
        # Long enough that the lease would have run out, had the server been there to count.
        await asyncio.sleep(_LEASE_S + 0.5)
    finally:
        bus_server.start()
    for job_id, name in [(running, "slow-cut.jpg"), (queued, "slow-waits.jpg")]:
        job = await gateway.until(job_id)
        assert (job["state"], job["run"], job["attempts"], job["error"]) == ("succeeded", 1, 1, None)
        assert len(gateway.assets(name)) == 1
        assert not [event for event in await events_of(job_id) if event.state == JOB_STATE_FAILED]
    assert len((studio / "starts").read_text().splitlines()) == 2
    again = await gateway.submit("refused.jpg")
    assert (await gateway.until(again))["run"] == 1


async def test_jobs_wait_out_an_outage_of_s3_and_workers_take_new_ones_after_it(
    gateway, start_worker, studio, object_server, events_of
) -> None:
    start_worker("first")
    before = await gateway.submit("before.jpg")
    await gateway.until(before)
    stores = await gateway.submit("slow-stores.jpg")
    await gateway.until(stores, "running")
    start_worker("second")
    given_up = await gateway.submit("slow-given-up.jpg")
    await gateway.until(given_up, "running")
    queued = await gateway.submit("queued.jpg")
    object_server.kill()
    try:
        assert_unavailable(await gateway.post("unstaged.jpg", "splat"), "s3")
        [asset] = await asyncio.to_thread(gateway.assets, "before.jpg")
        assert_unavailable(await gateway.get(asset["files"][0]["url"]), "s3")
        ready = await gateway.get("/api/ready")
        assert (ready.status_code, ready.json()["nats"], ready.json()["s3"]) == (503, True, False)
        for path in ("/api/photos", "/api/jobs", "/api/assets/map", "/api/health"):
            assert (await gateway.get(path)).status_code == 200
        (studio / "release").touch()
        # Both have done their work and cannot store it; one of them is not wanted any more.
        assert (await delete(gateway, given_up)).status_code == 202
        assert (await gateway.until(given_up))["state"] == "cancelled"
        assert (await gateway.job(stores))["state"] == "running"
    finally:
        await asyncio.to_thread(object_server.start)
    for job_id, name in [(stores, "slow-stores.jpg"), (queued, "queued.jpg")]:
        job = await gateway.until(job_id)
        assert (job["state"], job["run"], job["attempts"], job["error"]) == ("succeeded", 1, 1, None)
        assert len(gateway.assets(name)) == 1
        assert not [event for event in await events_of(job_id) if event.state == JOB_STATE_FAILED]
    assert (await gateway.get(asset["files"][0]["url"])).status_code == 200
    again = await gateway.submit("unstaged.jpg", "splat")
    assert (await gateway.until(again))["state"] == "succeeded"


def assert_unavailable(answer, down: str) -> None:
    """The API's word for what is away."""
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["down"]) == (503, "unavailable", [down])
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0


async def delete(gateway, job_id: str):
    return await asyncio.to_thread(gateway.client.delete, f"/api/jobs/{job_id}")
