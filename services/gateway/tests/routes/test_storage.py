"""What lies in storage, whose it is, and deleting of it."""

import asyncio

import httpx
import pytest


def as_user(name: str) -> dict[str, str]:
    return {"x-api-key": f"{name}-key"}


async def made(shared, user: str, name: str, what: str, live) -> dict:
    answer = await shared.post(name, what, user)
    return await live.job(answer.json()["job"]["id"])


@pytest.fixture
def looks_often(settings) -> None:
    """The gateway looks through storage again and again."""
    settings.retention.every_minutes = 0.03


async def looked(gateway, user: str = "") -> dict:
    async with asyncio.timeout(30):
        while "splats" not in (found := (await gateway.get("/api/storage", user)).json())["kept"]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return found


async def test_everybody_sees_what_was_made_of_their_photos(looks_often, gateway, workers, live) -> None:
    assert (await gateway.get("/api/storage")).json()["mine"] == {}
    await gateway.make(live, "hut.png", "splat")
    found = await looked(gateway)
    assert found["mine"] == found["kept"] == found["users"]["local"]
    assert {"splats", "depth", "sources"} <= set(found["mine"]) and found["looked_at"] is not None
    assert found["mine"]["splats"]["bytes"] > 0 and found["quota_bytes"] is None


async def test_who_manages_sees_whose_it_is_and_nobody_else_does(looks_often, shared, workers) -> None:
    async with shared.listening(as_user("bob")) as bob:
        await made(shared, "bob", "hut.png", "splat", bob)
    ann = await looked(shared, "ann")
    assert sum(kinds["splats"]["bytes"] for kinds in ann["users"].values()) == ann["kept"]["splats"]["bytes"]
    cleo = (await shared.get("/api/storage", "cleo")).json()
    assert (cleo["mine"], cleo["kept"], cleo["gone"], cleo["users"]) == ({}, {}, {}, {})


async def test_the_owner_deletes_all_that_was_made_of_a_photo_or_what_is_of_one_kind(shared, workers) -> None:
    path = f"/api/photos/{shared.ids['hut.png']}/assets"
    async with shared.listening(as_user("ann")) as ann:
        await made(shared, "ann", "hut.png", "splat", ann)
        assert (await shared.client.delete(path, headers=as_user("bob"))).status_code == 403
        assert (await shared.client.delete(path, headers=as_user("cleo"))).status_code == 404
        assert (await shared.client.delete(f"{path}?kind=dream", headers=as_user("ann"))).status_code == 422
        one = await shared.client.delete(f"{path}?kind=splat", headers=as_user("ann"))
        assert one.json() == {"deleted": 1, "left": 0}
        await ann.first("asset:deleted", lambda news: news["key"].startswith("splat"))
    assert [a["kind"] for a in (await shared.get(path, "ann")).json()["assets"]] == ["depth"]
    assert (await shared.client.delete(path, headers=as_user("ann"))).json() == {"deleted": 1, "left": 0}
    assert (await shared.get(path, "ann")).json() == {"assets": []}


async def test_what_a_batch_made_is_deleted_and_nothing_else(gateway, workers, live, studio) -> None:
    (studio / "release").touch()
    own = await gateway.make(live, "beach.jpg", "depth")
    batch = (await gateway.client.post("/api/batches", json={"kind": "depth", "start": True})).json()
    await live.first(
        "job:update", lambda job: job["photo_id"] == gateway.ids["hut.png"] and job["state"] == "succeeded"
    )
    await gateway.client.delete(f"/api/batches/{batch['id']}")
    deleted: httpx.Response = await gateway.client.delete(f"/api/batches/{batch['id']}/assets")
    assert deleted.json()["deleted"] >= 1 and deleted.json()["left"] == 0
    assert (await gateway.get(f"/api/photos/{gateway.ids['hut.png']}/assets")).json() == {"assets": []}
    assert len((await gateway.get(f"/api/photos/{own['photo_id']}/assets")).json()["assets"]) == 1
    assert (await gateway.client.delete("/api/batches/none/assets")).status_code == 404
    assert (await gateway.client.delete("/api/integrations/immich/assets")).json() == {"deleted": 0, "left": 0}
