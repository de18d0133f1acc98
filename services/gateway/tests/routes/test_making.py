"""Asking for depth, splats and conversions, and what answers."""

import asyncio


async def test_asking_for_depth_leads_to_a_job_and_its_asset(gateway, workers, live) -> None:
    answer = await gateway.post("beach.jpg", "depth", model="auto")
    assert answer.status_code == 202
    job = answer.json()["job"]
    assert (job["kind"], job["state"], job["requesters"]) == ("depth", "queued", ["local"])
    assert answer.headers["location"] == f"/api/jobs/{job['id']}"
    await live.job(job["id"], "succeeded")
    ended = (await gateway.client.get(answer.headers["location"])).json()
    assert (ended["state"], ended["outputs"], ended["error"]) == ("succeeded", ["depth-heuristic"], None)
    assert [step["stage"] for step in ended["timeline"]] == ["queued", "staged", "decoded", "stored"]
    assert all(step["seconds"] >= 0 for step in ended["timeline"])
    photo = (await gateway.client.get(f"/api/photos/{job['photo_id']}")).json()
    assert photo["badges"] == {"depth": True, "splat": False}
    assert [asset["key"] for asset in photo["assets"]] == ["depth-heuristic"]


async def test_twenty_requests_at_once_are_one_job_with_one_run(gateway, workers, live, studio) -> None:
    answers = await asyncio.gather(*(gateway.post("beach.jpg", "splat", model="auto") for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert len({answer.json()["job"]["id"] for answer in answers}) == 1
    await live.job(answers[0].json()["job"]["id"], "succeeded")
    assert len((studio / "starts").read_text().splitlines()) == 1
