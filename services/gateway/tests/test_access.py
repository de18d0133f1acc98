"""Who may see what: with a library of many people, it decides; knowing an id opens nothing."""

import asyncio

from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_common.reporting import encode
from immichvr_gateway.library import SignInFailed
from websockets.asyncio.client import connect


async def test_what_is_anns_alone_is_not_there_for_bob(shared, workers) -> None:
    async with shared.listening({"x-api-key": "ann-key"}) as ann:
        answer = await shared.post("beach.jpg", "splat", "ann")
        job = await ann.job(answer.json()["job"]["id"], "succeeded")
    photo = f"/api/photos/{shared.ids['beach.jpg']}"
    file = f"{photo}/assets/splat-lift-heuristic/splat.spz"
    job_path = f"/api/jobs/{job['id']}"
    paths = [photo, f"{photo}/thumbnail", f"{photo}/preview", f"{photo}/original", f"{photo}/assets", file, job_path]
    for path in paths:
        assert (await shared.get(path, "ann")).status_code == 200, path
        refused = await shared.get(path, "bob")
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), path
        assert (await shared.get(path)).status_code == 401
    bob = {"x-api-key": "bob-key"}
    for method, path, wish in [
        ("POST", f"{photo}/depth", {}),
        ("POST", f"{photo}/splat", {}),
        ("POST", f"{photo}/splat/convert", {"format": "splat"}),
        ("POST", f"{job_path}/retry", None),
        ("DELETE", job_path, None),
    ]:
        refused = await shared.client.request(method, path, json=wish, headers=bob)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), path
    assert (await shared.get("/api/jobs", "bob")).json()["items"] == []
    assert (await shared.get(f"/api/jobs?photo_id={shared.ids['beach.jpg']}", "bob")).json()["items"] == []
    assert (await shared.get("/api/assets/map", "bob")).json()["count"] == 0
    assert (await shared.get("/api/assets/map", "ann")).json()["count"] == 1


async def test_bob_hears_nothing_of_what_ann_does(shared, workers) -> None:
    async with shared.listening({"x-api-key": "ann-key"}) as ann, shared.listening({"x-api-key": "bob-key"}) as bob:
        own = (await shared.post("hut.png", "depth", "bob")).json()["job"]["id"]
        hers = (await shared.post("beach.jpg", "splat", "ann")).json()["job"]["id"]
        await asyncio.gather(ann.job(hers, "succeeded"), bob.job(own, "succeeded"))
        await asyncio.gather(
            ann.first("asset:created", lambda news: news["photo_id"] == shared.ids["beach.jpg"]),
            bob.first("asset:created", lambda news: news["photo_id"] == shared.ids["hut.png"]),
        )
        about = {payload.get("photo_id") for _, payload in bob.heard}
        assert about == {shared.ids["hut.png"]}


async def test_who_has_not_been_let_in_yet_hears_nothing_of_models_either(shared, empty_bus, monkeypatch) -> None:
    asked, known = asyncio.Event(), asyncio.Event()

    async def sign_in_slowly(**_: object) -> None:
        asked.set()
        await known.wait()
        raise SignInFailed("Immich does not know this key")

    async with shared.listening({"x-api-key": "ann-key"}) as ann:
        monkeypatch.setattr(shared.library, "sign_in", sign_in_slowly)
        address = shared.url.replace("http", "ws") + "/api/socket.io/?EIO=4&transport=websocket"
        async with connect(address, additional_headers={"x-api-key": "eve-key"}) as eve:
            assert str(await eve.recv()).startswith("0")
            await eve.send("40")
            await asyncio.wait_for(asked.wait(), 10)
            event = ModelEvent(key="da3-base", state="ready", worker="w1")
            event.at.GetCurrentTime()
            await empty_bus.publish("events.ai.model.da3-base", encode(event))
            await ann.first("model:progress", lambda news: news["key"] == "da3-base")
            known.set()
            assert "unauthorized" in str(await asyncio.wait_for(eve.recv(), 10))


async def test_what_exists_is_shown_to_everybody_who_may_see_the_photo(shared, workers) -> None:
    async with shared.listening({"x-api-key": "ann-key"}) as ann:
        answer = await shared.post("hut.png", "depth", "ann")
        job_id = (await ann.job(answer.json()["job"]["id"], "succeeded"))["id"]
    photo = (await shared.get(f"/api/photos/{shared.ids['hut.png']}", "bob")).json()
    assert (photo["badges"]["depth"], photo["job"]) == (True, None)
    assert (await shared.get(f"/api/jobs/{job_id}", "bob")).status_code == 404
    asked = await shared.post("hut.png", "depth", "bob")
    assert asked.status_code == 200
    assert (await shared.get(asked.headers["location"], "bob")).json()["state"] == "succeeded"


async def test_a_photo_that_is_no_longer_shared_takes_its_assets_with_it(shared, workers) -> None:
    async with shared.listening({"x-api-key": "bob-key"}) as bob:
        answer = await shared.post("hut.png", "depth", "bob")
        await bob.job(answer.json()["job"]["id"], "succeeded")
    file = f"/api/photos/{shared.ids['hut.png']}/assets/depth-heuristic/depth.png"
    assert (await shared.get(file, "bob")).status_code == 200
    shared.library.bob_sees.clear()
    assert (await shared.get(file, "bob")).status_code == 404


async def test_who_may_not_see_a_photo_any_more_hears_nothing_of_it_and_can_touch_no_job_on_it(
    shared, workers, studio
) -> None:
    photo_id = shared.ids["slow-river.jpg"]
    async with shared.listening({"x-api-key": "ann-key"}) as ann, shared.listening({"x-api-key": "bob-key"}) as bob:
        done = (await shared.post("hut.png", "depth", "bob")).json()["job"]
        await bob.job(done["id"], "succeeded")
        for user in ("bob", "ann"):
            job = (await shared.post("slow-river.jpg", "depth", user)).json()["job"]
        await bob.job(job["id"], "running")
        shared.library.bob_sees.clear()
        (studio / "release").touch()
        await ann.job(job["id"], "succeeded")
        await ann.first("asset:created", lambda news: news["photo_id"] == photo_id)
        shared.library.bob_sees.add("hut.png")
        # Whatever bob is told of the end before, he has heard when this is through.
        again = (await shared.post("hut.png", "splat", "bob")).json()["job"]
        await bob.job(again["id"], "succeeded")
        assert "succeeded" not in {update["state"] for update in bob.updates(job["id"])}
        assert all(update["requesters"] == ["bob"] for update in bob.updates(job["id"]))
        shared.library.bob_sees.clear()
    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/retry")]:
        for one in (job, done, again):
            answer = await shared.client.request(
                method, f"/api/jobs/{one['id']}{path}", headers={"x-api-key": "bob-key"}
            )
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path)
    assert (await shared.get("/api/jobs", "bob")).json() == {"items": [], "next_cursor": None}
    assert (await shared.get(f"/api/jobs?photo_id={photo_id}", "bob")).json()["items"] == []
    assert (await shared.get("/api/assets/map", "bob")).json()["count"] == 0
    assert len((await shared.get("/api/jobs", "ann")).json()["items"]) == 1


async def test_a_page_of_jobs_goes_on_behind_those_that_may_not_be_seen(shared) -> None:
    for what in ("depth", "splat"):
        for name in ("slow-river.jpg", "hut.png"):
            assert (await shared.post(name, what, "bob")).status_code == 202
    everything = [job["id"] for job in (await shared.get("/api/jobs", "bob")).json()["items"]]
    shared.library.bob_sees.discard("hut.png")
    left = [job["id"] for job in (await shared.get("/api/jobs", "bob")).json()["items"]]
    assert (len(left), len(everything)) == (2, 4)
    paged, cursor = [], ""
    while cursor is not None:
        page = (await shared.get(f"/api/jobs?limit=1&cursor={cursor}", "bob")).json()
        paged += [job["id"] for job in page["items"]]
        cursor = page["next_cursor"]
    assert paged == left


async def test_nothing_about_people_may_be_kept_by_a_browser_without_asking_again(shared, workers) -> None:
    photo = f"/api/photos/{shared.ids['hut.png']}"
    for path in (photo, "/api/photos", "/api/jobs", "/api/assets/map", "/api/config", "/api/models"):
        assert (await shared.get(path, "bob")).headers["cache-control"] == "no-store", path
    assert (await shared.get(photo)).headers["cache-control"] == "no-store"
    for what in ("thumbnail", "preview", "original"):
        first = await shared.get(f"{photo}/{what}", "bob")
        assert first.headers["cache-control"] == "private, no-cache", what
        tag = {"if-none-match": first.headers["etag"]}
        assert (await shared.get(f"{photo}/{what}", "bob", **tag)).status_code == 304
        assert (await shared.get(f"{photo}/{what}", **tag)).status_code == 401
        shared.library.bob_sees.discard("hut.png")
        assert (await shared.get(f"{photo}/{what}", "bob", **tag)).status_code == 404
        shared.library.bob_sees.add("hut.png")
