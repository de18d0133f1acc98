"""Jobs that failed for good: listed, explained, tried again, forgotten."""

from immichvr_common.bus.reading import Unreadable
from immichvr_common.bus.streams import DEAD
from immichvr_gateway.upkeep.aside import Aside


async def test_a_job_that_failed_for_good_is_explained_and_tried_again(gateway, workers, live, empty_bus) -> None:
    job = await gateway.make(live, "fail-fog.jpg", "depth")
    [letter] = (await gateway.get("/api/dead-letters")).json()["items"]
    assert (letter["job"]["id"], letter["job"]["error"]["code"]) == (job["id"], "invalid_image")
    assert letter["explanation"] == "This file could not be read as a photo."
    assert letter["remedy"].startswith("It may be damaged")
    assert (letter["may_be_retried"], letter["deliveries"]) == (True, 1)
    assert (await gateway.get(f"/api/dead-letters/{job['id']}")).json() == letter
    assert (await gateway.get("/api/dead-letters?code=poison")).json()["items"] == []
    assert (await gateway.client.post(f"/api/jobs/{job['id']}/retry")).status_code == 202
    await live.job(job["id"], "failed", run=2)
    [letter] = (await gateway.get("/api/dead-letters")).json()["items"]
    assert letter["job"]["run"] == 2
    assert await empty_bus.subjects(DEAD, f"dead.*.{job['id']}") == [f"dead.depth.{job['id']}"]


async def test_a_dead_letter_is_forgotten_with_its_job(gateway, workers, live, empty_bus) -> None:
    job = await gateway.make(live, "fail-fog.jpg", "depth")
    made = await gateway.make(live, "beach.jpg", "depth")
    assert (await gateway.client.delete(f"/api/dead-letters/{job['id']}")).status_code == 204
    assert (await gateway.client.delete(f"/api/dead-letters/{made['id']}")).status_code == 404
    assert (await gateway.get(f"/api/jobs/{job['id']}")).status_code == 404
    assert await empty_bus.subjects(DEAD, f"dead.*.{job['id']}") == []
    again = await gateway.make(live, "fail-fog.jpg", "depth")
    assert (again["id"], again["state"]) == (job["id"], "failed")
    assert (await gateway.client.delete("/api/dead-letters?code=poison")).json() == {"forgotten": 0}
    assert (await gateway.client.delete("/api/dead-letters")).json() == {"forgotten": 1}
    assert (await gateway.get("/api/dead-letters")).json() == {"items": [], "next_cursor": None}


async def test_who_forgets_a_dead_letter_takes_it_from_nobody_else(shared, working) -> None:
    shared.library.bob_sees.add("crash-car.jpg")
    for user in ("ann", "bob"):
        job = (await shared.post("crash-car.jpg", "depth", user)).json()["job"]
    async with shared.listening({"x-api-key": "bob-key"}) as bob, working("ai"):
        await bob.job(job["id"], "failed")
        purged = await shared.client.delete("/api/dead-letters", headers={"x-api-key": "ann-key"})
        assert purged.json() == {"forgotten": 1}
        assert (await shared.get("/api/dead-letters", "ann")).json()["items"] == []
        assert [one["job"]["id"] for one in (await shared.get("/api/dead-letters", "bob")).json()["items"]] == [
            job["id"]
        ]
        assert (await shared.get(f"/api/dead-letters/{job['id']}", "cleo")).status_code == 404


async def test_what_was_set_aside_is_shown_to_those_who_manage(shared, empty_bus) -> None:
    await Aside(empty_bus).put("EVENTS", "events.ai.job.x", b"secret", Unreadable("unreadable", "no JSON"))
    assert (await shared.get("/api/dead-letters/set-aside", "bob")).status_code == 403
    newest = (await shared.get("/api/dead-letters/set-aside", "ann")).json()["items"][0]
    assert (newest["stream"], newest["subject"], newest["reason"]) == ("EVENTS", "events.ai.job.x", "unreadable")
    assert (newest["size"], "data" in newest) == (6, False)
    ann = {"x-api-key": "ann-key"}
    assert (await shared.client.delete("/api/dead-letters/set-aside", headers=ann)).status_code == 204
    assert (await shared.get("/api/dead-letters/set-aside", "ann")).json() == {"items": []}
