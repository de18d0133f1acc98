"""Workers that die or sleep in the middle of a job: it is done all the same, once."""

import asyncio
import signal
import time

from immichvr.events.v1.events_pb2 import JOB_STATE_CANCELLED, JOB_STATE_FAILED, JOB_STATE_SUCCEEDED

from .conftest import PATIENCE_S

TERMINAL = (JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED)


async def test_twenty_requests_at_once_are_one_job_one_run_and_one_asset(gateway, start_worker, studio) -> None:
    start_worker("only")
    answers = await asyncio.gather(*(gateway.post("twenty.jpg") for _ in range(20)))
    [job_id] = {answer.json()["job"]["id"] for answer in answers}
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert (await gateway.until(job_id))["state"] == "succeeded"
    assert len((studio / "starts").read_text().splitlines()) == 1
    assert len(gateway.assets("twenty.jpg")) == 1


async def test_a_job_whose_worker_is_killed_runs_again_on_another(gateway, start_worker, studio, events_of) -> None:
    first = start_worker("first")
    job_id = await gateway.submit("slow-killed.jpg")
    await gateway.until(job_id, "running")
    await started(studio, 1)
    start_worker("second")
    first.kill()
    await started(studio, 2)
    (studio / "release").touch()
    job = await gateway.until(job_id)
    assert (job["state"], job["run"], job["attempts"], job["error"]) == ("succeeded", 1, 2, None)
    assert len(gateway.assets("slow-killed.jpg")) == 1
    events = await events_of(job_id)
    assert [event.worker for event in events if event.state in TERMINAL] == ["second"]


async def test_a_worker_paused_longer_than_its_lease_changes_nothing_when_it_wakes(
    gateway, start_worker, studio, events_of, store
) -> None:
    sleeper = start_worker("sleeper")
    job_id = await gateway.submit("slow-paused.jpg")
    await gateway.until(job_id, "running")
    await started(studio, 1)
    family = sleeper.family()
    assert len(family) == 2
    for process in family:
        process.send_signal(signal.SIGSTOP)
    other = start_worker("other")
    await started(studio, 2)
    (studio / "release").touch()
    job = await gateway.until(job_id)
    assert (job["state"], job["attempts"]) == ("succeeded", 2)
    [manifest] = [
        key for key in await store.list_keys("depth/") if gateway.ids["slow-paused.jpg"] in key and "json" in key
    ]
    before, keys = await store.get_bytes(manifest), await store.list_keys("depth/")
    other.kill()
    for process in family:
        process.send_signal(signal.SIGCONT)
    # It has place for one job: that it does the next one shows that it is through with the old one.
    assert (await gateway.until(await gateway.submit("next.jpg")))["state"] == "succeeded"
    assert await store.get_bytes(manifest) == before
    assert [key for key in await store.list_keys("depth/") if gateway.ids["next.jpg"] not in key] == keys
    assert [event.worker for event in await events_of(job_id) if event.state in TERMINAL] == ["other"]
    assert await gateway.job(job_id) == {**job, "place": None}


async def test_a_job_that_stopping_workers_give_back_again_and_again_is_no_poison(
    gateway, start_worker, studio
) -> None:
    worker = start_worker("stopped-0")
    job_id = await gateway.submit("slow-returned.jpg")
    for number in range(1, 5):
        await started(studio, number)
        worker.ask_to_end()
        worker = start_worker(f"stopped-{number}")
    await started(studio, 5)
    (studio / "release").touch()
    job = await gateway.until(job_id, run=5)
    assert (job["state"], job["run"], job["attempts"], job["error"]) == ("succeeded", 5, 1, None)


async def test_a_worker_that_is_scaled_away_ends_its_job_and_hands_the_others_on(
    gateway, start_worker, studio, events_of
) -> None:
    leaving = start_worker("leaving", IMMICHVR_AI_WORK__PREFETCH="1", IMMICHVR_AI_WORK__STOP_GRACE_S="120")
    under_way = await gateway.submit("slow-leaving.jpg")
    await started(studio, 1)
    held = await gateway.submit("handed-on.jpg")
    leaving.popen.terminate()
    start_worker("staying")
    job = await gateway.until(held)
    assert (job["state"], job["run"]) == ("succeeded", 1)
    assert (await gateway.job(under_way))["state"] == "running"
    (studio / "release").touch()
    job = await gateway.until(under_way)
    assert (job["state"], job["run"], job["attempts"], job["error"]) == ("succeeded", 1, 1, None)
    workers = {one: {event.worker for event in await events_of(one) if event.worker} for one in (under_way, held)}
    assert (workers[under_way], "staying" in workers[held]) == ({"leaving"}, True)
    assert await asyncio.to_thread(leaving.popen.wait, PATIENCE_S) == 0
    assert len((studio / "starts").read_text().splitlines()) == 2


async def test_a_job_that_ends_its_worker_again_and_again_is_poison_visible_and_can_be_tried_again(
    gateway, start_worker, studio, bus
) -> None:
    workers = [start_worker(f"victim-{number}") for number in range(4)]
    job_id = await gateway.submit("deadly-one.jpg")
    job = await gateway.until(job_id)
    assert (job["state"], job["error"]["code"], job["attempts"]) == ("failed", "poison", 4)
    assert "3 workers ended while they did this job" in job["error"]["message"]
    assert job["error"]["retriable"]
    assert len((studio / "starts").read_text().splitlines()) == 3
    assert sorted(worker.popen.poll() is None for worker in workers) == [False, False, False, True]
    assert job_id in [one["id"] for one in (await gateway.get("/api/jobs?state=failed")).json()["items"]]
    assert (await bus.js.get_last_msg("DEAD", f"dead.depth.{job_id}")).data
    (studio / "mercy").touch()
    again = await asyncio.to_thread(gateway.client.post, f"/api/jobs/{job_id}/retry")
    assert (again.status_code, again.json()["run"]) == (202, 2)
    assert (await gateway.until(job_id, run=2))["state"] == "succeeded"


async def test_jobs_that_a_worker_merely_holds_when_another_kills_it_lose_none_of_their_lives(
    gateway, start_worker, studio
) -> None:
    deadly = await gateway.submit("deadly-two.jpg")
    held = [await gateway.submit(f"held-{number}.jpg") for number in range(4)]
    # One does the deadly job, and holds the others while it does.
    for number in range(4):
        worker = start_worker(f"holding-{number}", IMMICHVR_AI_WORK__PREFETCH="8")
        if number < 3:
            await asyncio.to_thread(worker.popen.wait, PATIENCE_S)
    job = await gateway.until(deadly)
    assert (job["state"], job["error"]["code"]) == ("failed", "poison")
    for job_id in held:
        job = await gateway.until(job_id)
        assert (job["state"], job["run"], job["error"]) == ("succeeded", 1, None)


async def started(studio, times: int) -> None:
    """Waits until the capability has begun so many times; it writes a line each time."""
    deadline = time.monotonic() + PATIENCE_S
    starts = studio / "starts"
    while not starts.exists() or len(starts.read_text().splitlines()) < times:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_the_photos_of_a_killed_worker_are_removed_when_the_next_one_starts(
    gateway, start_worker, studio, tmp_path
) -> None:
    first = start_worker("tidy-first", IMMICHVR_AI_WORK__DIRECTORY=str(tmp_path))
    job_id = await gateway.submit("slow-tidied.jpg")
    await gateway.until(job_id, "running")
    await started(studio, 1)
    assert list(tmp_path.glob("*/job-*/source")), "the photo lies in the worker's own folder"
    first.kill()
    (studio / "release").touch()
    start_worker("tidy-second", IMMICHVR_AI_WORK__DIRECTORY=str(tmp_path))
    assert (await gateway.until(job_id))["state"] == "succeeded"
    assert len(list(tmp_path.iterdir())) == 1
