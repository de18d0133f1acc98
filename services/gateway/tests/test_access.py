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
