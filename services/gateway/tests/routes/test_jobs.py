"""Jobs: listed, followed, cancelled, tried again."""

import asyncio
import time

import pytest
from PIL import Image


async def test_jobs_are_listed_newest_first_in_pages_and_by_state_and_photo(gateway, workers, live) -> None:
    made = [(await gateway.make(live, "beach.jpg", "depth", model=model))["id"] for model in ("auto", "heuristic")]
    failed = (await gateway.make(live, "fail-fog.jpg", "depth"))["id"]
    first = (await gateway.get("/api/jobs?limit=2")).json()
    assert [job["id"] for job in first["items"]] == [failed, made[1]]
    rest = (await gateway.get(f"/api/jobs?limit=2&cursor={first['next_cursor']}")).json()
    assert ([job["id"] for job in rest["items"]], rest["next_cursor"]) == ([made[0]], None)
    by_state = (await gateway.get("/api/jobs?state=failed")).json()
    assert [job["id"] for job in by_state["items"]] == [failed]
    by_photo = (await gateway.get(f"/api/jobs?photo_id={gateway.ids['beach.jpg']}")).json()
    assert {job["id"] for job in by_photo["items"]} == set(made)
    wrong = await gateway.get("/api/jobs?state=asleep")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_state")
    assert wrong.json()["accepted"] == ["queued", "running", "succeeded", "failed", "cancelled"]


async def test_jobs_are_filtered_by_several_states_and_kinds_and_by_when(gateway, workers, live) -> None:
    depth = await gateway.make(live, "beach.jpg", "depth")
    failed = await gateway.make(live, "fail-fog.jpg", "depth")
    splat = await gateway.make(live, "hut.png", "splat")

    async def listed(query: str) -> set[str]:
        return {job["id"] for job in (await gateway.get(f"/api/jobs?{query}")).json()["items"]}

    assert await listed("state=failed&state=succeeded") == {depth["id"], failed["id"], splat["id"]}
    assert await listed("kind=splat") == {splat["id"]}
    assert await listed("kind=splat&kind=depth&state=succeeded") == {depth["id"], splat["id"]}
    assert await listed(f"since={failed['updated_at']}") == {failed["id"], splat["id"]}
    assert await listed(f"before={failed['created_at']}") == {depth["id"]}
    unknown = await gateway.get("/api/jobs?kind=dream")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid_kind")


async def test_pages_go_on_where_they_were_although_a_job_of_the_last_one_is_gone(
    gateway, workers, live, studio
) -> None:
    (studio / "release").touch()
    made = [(await gateway.make(live, name, "depth"))["id"] for name in ("beach.jpg", "hut.png", "slow-lake.jpg")]
    first = (await gateway.get("/api/jobs?limit=1&state=succeeded")).json()
    assert [job["id"] for job in first["items"]] == [made[2]]
    (studio / "release").unlink()
    again = (await gateway.post("slow-lake.jpg", "depth", force=True)).json()["job"]
    assert (again["id"], again["run"]) == (made[2], 2)
    rest = (await gateway.get(f"/api/jobs?limit=5&state=succeeded&cursor={first['next_cursor']}")).json()
    assert [job["id"] for job in rest["items"]] == [made[1], made[0]]
    assert (await gateway.get("/api/jobs?cursor=depth-x-y")).status_code == 422


async def test_an_unknown_job_is_not_found(gateway) -> None:
    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/first"), ("POST", "/retry")]:
        answer = await gateway.client.request(method, f"/api/jobs/depth-x-y{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_queued_job_is_cancelled_and_leaves_the_queue(gateway, live, empty_bus) -> None:
    job = (await gateway.post("beach.jpg", "depth")).json()["job"]
    answer = await gateway.client.delete(f"/api/jobs/{job['id']}")
    assert (answer.status_code, answer.json()["id"]) == (202, job["id"])
    await live.job(job["id"], "cancelled")
    assert (await empty_bus.js.stream_info("JOBS")).state.messages == 0
    again = await gateway.client.delete(f"/api/jobs/{job['id']}")
    assert (again.status_code, again.json()["code"]) == (409, "already_ended")


@pytest.fixture
def one_place(settings) -> None:
    """In each lane of the queue."""
    settings.limits.window = 1


async def test_what_waits_in_line_is_put_first_and_what_lies_in_the_queue_stays_as_it_is(one_place, gateway) -> None:
    names = ("beach.jpg", "hut.png", "slow-lake.jpg")
    lies, waits, last = [(await gateway.post(name, "depth")).json()["job"]["id"] for name in names]

    async def put_first(job_id: str) -> tuple[int, str, int, bool]:
        answer = await gateway.client.post(f"/api/jobs/{job_id}/first")
        job = answer.json()
        return answer.status_code, job["id"], job["place"]["ahead"], job["place"]["in_line"]

    assert await put_first(last) == (200, last, 1, True)
    assert await put_first(waits) == (200, waits, 1, True)
    places = [(await gateway.get(f"/api/jobs/{one}")).json()["place"]["ahead"] for one in (lies, waits, last)]
    assert places == [0, 1, 2]
    before = (await gateway.get(f"/api/jobs/{lies}")).json()
    assert await put_first(lies) == (200, lies, 0, False)
    assert (await gateway.get(f"/api/jobs/{lies}")).json() == before


@pytest.mark.alone
async def test_a_running_job_is_cancelled_within_two_seconds(gateway, workers, live) -> None:
    job = (await gateway.post("slow-lake.jpg", "splat")).json()["job"]
    await live.job(job["id"], "running")
    began = time.monotonic()
    assert (await gateway.client.delete(f"/api/jobs/{job['id']}")).status_code == 202
    await live.job(job["id"], "cancelled")
    assert time.monotonic() - began < 2
    assert (await gateway.get(f"/api/photos/{job['photo_id']}/assets")).json() == {"assets": []}


@pytest.fixture
def busy_bee(photos) -> str:
    """The name of a photo whose job computes and hears nothing."""
    Image.new("RGB", (8, 6), "gold").save(photos / "busy-bee.jpg")
    return "busy-bee.jpg"


@pytest.mark.alone
async def test_a_worker_whose_child_computes_and_hears_nothing_is_stopped_within_two_seconds(
    busy_bee, gateway, workers, live
) -> None:
    job = (await gateway.post(busy_bee, "depth")).json()["job"]
    await live.job(job["id"], "running")
    began = time.monotonic()
    await gateway.client.delete(f"/api/jobs/{job['id']}")
    await live.job(job["id"], "cancelled")
    assert time.monotonic() - began < 2
    assert (await gateway.make(live, "beach.jpg", "depth"))["state"] == "succeeded"


async def test_a_cancelled_job_can_be_asked_for_again(gateway, workers, live, studio) -> None:
    job = (await gateway.post("slow-lake.jpg", "depth")).json()["job"]
    await live.job(job["id"], "running")
    await gateway.client.delete(f"/api/jobs/{job['id']}")
    await live.job(job["id"], "cancelled")
    (studio / "release").touch()
    again = await gateway.make(live, "slow-lake.jpg", "depth")
    assert (again["id"], again["run"], again["state"]) == (job["id"], 2, "succeeded")


async def test_one_of_two_who_asked_takes_back_their_wish_and_the_job_goes_on_for_the_other(
    shared, workers, studio
) -> None:
    for user in ("ann", "bob"):
        job = (await shared.post("slow-river.jpg", "depth", user)).json()["job"]
        assert job["requesters"] == [user]
    ann = {"x-api-key": "ann-key"}
    async with shared.listening({"x-api-key": "bob-key"}) as bob:
        left = await shared.client.delete(f"/api/jobs/{job['id']}", headers=ann)
        assert (left.status_code, left.json()["requesters"]) == (202, [])
        assert (await shared.get(f"/api/jobs/{job['id']}", "ann")).status_code == 404
        (studio / "release").touch()
        await bob.job(job["id"], "succeeded")


async def test_the_last_who_asked_ends_the_job_for_good(shared, workers) -> None:
    for user in ("ann", "bob"):
        job = (await shared.post("slow-river.jpg", "depth", user)).json()["job"]
    async with shared.listening({"x-api-key": "bob-key"}) as bob:
        await bob.job(job["id"], "running")
        for user in ("ann", "bob"):
            await shared.client.delete(f"/api/jobs/{job['id']}", headers={"x-api-key": f"{user}-key"})
        await bob.job(job["id"], "cancelled")


async def test_a_failed_job_is_tried_again_as_its_next_run_and_only_once_however_often_asked(
    gateway, workers, live, studio
) -> None:
    job = await gateway.make(live, "fail-fog.jpg", "depth")
    answers = await asyncio.gather(*(gateway.client.post(f"/api/jobs/{job['id']}/retry") for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409]
    [accepted] = [answer for answer in answers if answer.status_code == 202]
    assert accepted.headers["location"] == f"/api/jobs/{job['id']}"
    assert (accepted.json()["run"], accepted.json()["error"]) == (2, None)
    await live.job(job["id"], "failed", run=2)
    assert len((studio / "starts").read_text().splitlines()) == 2


async def test_a_job_under_way_is_not_tried_again(gateway, live) -> None:
    job = (await gateway.post("beach.jpg", "depth")).json()["job"]
    answer = await gateway.client.post(f"/api/jobs/{job['id']}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ended")


async def test_more_jobs_than_one_person_may_have_waiting_are_refused(serving, settings) -> None:
    settings.limits.queued_per_user = 1
    async with serving(settings) as gateway:
        photos = (await gateway.get("/api/photos")).json()["items"]
        gateway.ids = {photo["name"]: photo["id"] for photo in photos}
        assert (await gateway.post("beach.jpg", "depth")).status_code == 202
        refused = await gateway.post("hut.png", "depth")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_jobs")
        assert (await gateway.post("beach.jpg", "depth")).status_code == 202
