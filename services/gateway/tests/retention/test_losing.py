"""What storage has no more is shown no more, and made anew when it is asked for; and what people delete is gone."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from immichvr_common.errors import Unavailable
from immichvr_common.sources import Source


async def badges(gateway, name: str) -> dict[str, bool]:
    return (await gateway.get(f"/api/photos/{gateway.ids[name]}")).json()["badges"]


async def lose(storage, ending: str) -> None:
    keys = [key for key in await storage.list_keys("") if key.endswith(ending)]
    assert keys
    for key in keys:
        await storage.delete(key)


@pytest.mark.parametrize("lost", ["", "manifest.json", "splat.spz"], ids=["everything", "manifests", "files"])
async def test_what_is_lost_is_made_anew_when_it_is_asked_for(gateway, workers, live, storage, lost: str) -> None:
    first = await gateway.make(live, "beach.jpg", "splat")
    if lost == "splat.spz":
        await lose(storage, "splat.ply")
    await lose(storage, lost)
    answer = await gateway.post("beach.jpg", "splat")
    assert answer.status_code == 202, "not 200 with nothing there"
    job = answer.json()["job"]
    assert (job["id"], job["run"]) == (first["id"], 2)
    assert (await live.job(job["id"], run=2))["state"] == "succeeded"
    [splat] = [
        one for one in (await gateway.get(f"/api/photos/{gateway.ids['beach.jpg']}/assets")).json()["assets"]
        if one["kind"] == "splat"
    ]  # fmt: skip
    for file in splat["files"]:
        assert (await gateway.get(file["url"])).status_code == 200


async def test_one_read_of_a_lost_file_takes_the_badge_away_at_once(gateway, workers, live, storage) -> None:
    await gateway.make(live, "beach.jpg", "depth")
    assert await badges(gateway, "beach.jpg") == {
        "depth": True,
        "splat": False,
        "depth-video": False,
        "motion": False,
        "points": False,
    }
    await lose(storage, "depth.png")
    photo = gateway.ids["beach.jpg"]
    url = f"/api/photos/{photo}/assets/depth-heuristic/depth.png"
    answer = await gateway.get(url)
    assert (answer.status_code, answer.json()["code"]) == (410, "lost_object")
    assert await badges(gateway, "beach.jpg") == {
        "depth": False,
        "splat": False,
        "depth-video": False,
        "motion": False,
        "points": False,
    }
    told = await live.first("asset:deleted", lambda news: True)
    assert told == {"source": {"kind": "photo", "id": photo}, "photo_id": photo, "key": "depth-heuristic"}
    assert (await gateway.get(url)).status_code == 404


async def test_a_lost_ply_alone_costs_the_ply_alone(gateway, workers, live, storage) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    await lose(storage, "splat.ply")
    base = f"/api/photos/{gateway.ids['beach.jpg']}/assets"
    assert (await gateway.get(f"{base}/splat-lift-heuristic/splat.ply")).status_code == 410
    [splat] = [one for one in (await gateway.get(base)).json()["assets"] if one["kind"] == "splat"]
    assert [file["name"] for file in splat["files"]] == ["splat.spz"] and "lost in storage" in splat["losses"][-1]


async def test_assets_that_are_lost_are_noticed_without_anybody_asking_for_them(
    gateway, workers, live, storage, keeping
) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    await gateway.make(live, "hut.png", "depth")
    keeper = await keeping()
    await lose(storage, "")
    assert await keeper.compare() == 3
    # Every gateway hears of it.
    beach, hut = gateway.ids["beach.jpg"], gateway.ids["hut.png"]
    for gone in ((beach, "splat-lift-heuristic"), (beach, "depth-heuristic"), (hut, "depth-heuristic")):
        assert await live.first("asset:deleted", lambda news, gone=gone: (news["photo_id"], news["key"]) == gone)
    for name in ("beach.jpg", "hut.png"):
        assert await badges(gateway, name) == {
            "depth": False,
            "splat": False,
            "depth-video": False,
            "motion": False,
            "points": False,
        }


async def test_a_gateway_that_starts_finds_out_what_was_lost_while_it_was_away(
    serving, settings, gateway, workers, live, storage
) -> None:
    await gateway.make(live, "beach.jpg", "depth")
    await lose(storage, "")
    async with serving(settings) as other:
        other.ids = gateway.ids
        async with asyncio.timeout(10):
            while (await badges(other, "beach.jpg"))["depth"]:  # noqa: ASYNC110  # nobody listens to this one
                await asyncio.sleep(0.02)


async def test_assets_nobody_knew_of_are_found_in_storage(gateway, workers, live, keeping) -> None:
    await gateway.make(live, "beach.jpg", "depth")
    keeper = await keeping()
    keeper._index.remove(Source.photo(gateway.ids["beach.jpg"]), "depth-heuristic")
    assert await keeper.look()
    assert keeper._index.get(Source.photo(gateway.ids["beach.jpg"]), "depth-heuristic") is not None


async def test_storage_that_is_away_has_lost_nothing(gateway, workers, live, keeping, monkeypatch, storage) -> None:
    await gateway.make(live, "beach.jpg", "depth")
    keeper = await keeping()
    monkeypatch.setattr(storage._client, "_http", _Gone())
    with pytest.raises(Unavailable):
        await keeper.compare()
    assert await badges(gateway, "beach.jpg") == {
        "depth": True,
        "splat": False,
        "depth-video": False,
        "motion": False,
        "points": False,
    }


class _Gone:
    """The way to storage, cut."""

    def urlopen(self, *_: object, **__: object) -> None:
        raise ConnectionRefusedError(111, "refused")


async def test_what_was_made_of_a_photo_can_be_deleted_and_made_anew(gateway, workers, live, keeping, stored) -> None:
    await gateway.make(live, "beach.jpg", "splat")
    photo = f"/api/photos/{gateway.ids['beach.jpg']}"
    answer = await gateway.client.delete(f"{photo}/assets/splat-lift-heuristic")
    assert answer.status_code == 204
    assert await live.first("asset:deleted", lambda news: news["key"] == "splat-lift-heuristic")
    assert await badges(gateway, "beach.jpg") == {
        "depth": True,
        "splat": False,
        "depth-video": False,
        "motion": False,
        "points": False,
    }
    assert (await gateway.client.delete(f"{photo}/assets/splat-lift-heuristic")).status_code == 404
    assert (await gateway.get(photo)).status_code == 200, "the photo itself stays"

    assert await (await keeping(timedelta(days=2))).look()
    keys, _ = await stored()
    assert not [key for key in keys if key.startswith("splats/") and not key.endswith("/manifest.json")]
    answer = await gateway.post("beach.jpg", "splat")
    assert (answer.status_code, answer.json()["job"]["run"]) == (202, 2)
    assert (await live.job(answer.json()["job"]["id"], run=2))["state"] == "succeeded"
    assert (await badges(gateway, "beach.jpg"))["splat"]


async def test_only_the_owner_of_a_photo_deletes_what_was_made_of_it(shared, workers) -> None:
    async with shared.listening({"x-api-key": "bob-key"}) as live:
        job = (await shared.post("hut.png", "depth", as_user="bob")).json()["job"]
        await live.job(job["id"])

    async def delete(name: str, who: str) -> httpx.Response:
        path = f"/api/photos/{shared.ids[name]}/assets/depth-heuristic"
        return await shared.client.delete(path, headers={"x-api-key": f"{who}-key"} if who else {})

    assert (await delete("hut.png", "")).status_code == 401
    assert (await delete("hut.png", "bob")).status_code == 403, "it was shared with him"
    assert (await delete("beach.jpg", "bob")).status_code == 404, "he may not know that it exists"
    assert (await delete("hut.png", "ann")).status_code == 204
