"""Scenes that are made, listed and deleted, among people who share photos."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from immichvr_catalog import SCENE, SPLAT
from immichvr_common.errors import NotFound
from immichvr_common.sources import Source
from immichvr_gateway.assets.index import AssetEntry, AssetIndex
from immichvr_gateway.library import Identity
from immichvr_gateway.scenes.reading import page_of_scenes
from immichvr_gateway.sources.identity import set_of

BOTH = ("hut.png", "slow-river.jpg")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def as_user(name: str) -> dict[str, str]:
    return {"x-api-key": f"{name}-key"}


async def asked_by_bob(shared: Any) -> tuple[str, str]:
    """The job and the scene of two photos that Ann owns and Bob sees."""
    source = {"photo_ids": [shared.ids[name] for name in BOTH]}
    answer = await shared.client.post("/api/reconstruct", json={"source": source}, headers=as_user("bob"))
    assert answer.status_code == 202, answer.text
    job = answer.json()["job"]
    return job["id"], job["source"]["id"]


@pytest.mark.parametrize("who", ["ann", "bob"], ids=["an owner", "the maker"])
async def test_a_scene_that_is_being_made_is_deleted_with_its_job_by_its_maker_or_an_owner(
    shared: Any, who: str
) -> None:
    job, scene = await asked_by_bob(shared)
    path = f"/api/scenes/{scene}"
    shown = (await shared.client.get(path, headers=as_user("ann"))).json()
    assert datetime.fromisoformat(shown["created_at"]) > BEGAN, "not 1970, though there is nothing of it yet"
    assert (await shared.client.delete(path, headers=as_user("cleo"))).status_code == 404
    async with shared.listening(as_user("bob")) as bob:
        assert (await shared.client.delete(path, headers=as_user(who))).status_code == 200
        if (await shared.get(f"/api/jobs/{job}", "bob")).json()["state"] != "cancelled":
            await bob.job(job, "cancelled")
    for method in ("GET", "DELETE"):
        assert (await shared.client.request(method, path, headers=as_user("ann"))).status_code == 404
    assert (await shared.get("/api/scenes", "ann")).json()["items"] == []


async def test_who_neither_made_a_scene_nor_owns_a_photo_of_it_deletes_nothing(shared: Any) -> None:
    source = {"photo_ids": [shared.ids[name] for name in BOTH]}
    job = (await shared.client.post("/api/reconstruct", json={"source": source}, headers=as_user("ann"))).json()["job"]
    refused = await shared.client.delete(f"/api/scenes/{job['source']['id']}", headers=as_user("bob"))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_permitted")


async def test_of_an_unknown_scene_nothing_is_shown(shared: Any) -> None:
    assert (await shared.get("/api/scenes/scene-0", "ann")).status_code == 404


async def test_work_elsewhere_is_refused_by_every_door_where_none_is_set_up(shared: Any) -> None:
    wish = {"method": "cloud", "sends": True}
    source = {"photo_ids": [shared.ids[name] for name in BOTH]}
    await asked_by_bob(shared)
    burst = set_of(source["photo_ids"])
    answers = [
        await shared.client.post("/api/reconstruct", json={"source": source, **wish}, headers=as_user("ann")),
        await shared.client.post(
            "/api/jobs", headers=as_user("ann"),
            json={"kind": "reconstruct", "source": {"kind": "set", "id": burst.id}, "params": wish},
        ),
    ]  # fmt: skip
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(409, "cloud_off")] * 2


async def test_a_page_of_scenes_asks_about_few_and_none_is_told_twice_or_left_out(monkeypatch: Any) -> None:
    index, asked = AssetIndex(), []
    for number in range(1000):
        source = Source(SCENE, f"scene-{number:04}")
        at = BEGAN + timedelta(seconds=number // 2)
        index.put(
            AssetEntry(source=source, kind=SPLAT, model_key="gaussians", recipe="r", manifest_key=f"a/{number}/m",
                       made_at=at)
        )  # fmt: skip

    async def visible(who: Identity, sources: Any) -> set[Source]:
        asked.append(len(sources))
        return {one for one in sources if int(one.id[-1]) % 2}

    async def nothing(*_: object) -> Any:
        return ()

    async def gone(key: str) -> Any:
        raise NotFound(f"{key} is gone")

    here: Any = SimpleNamespace(
        visibility=SimpleNamespace(visible=visible), composites=SimpleNamespace(leaves=nothing),
        manifests=SimpleNamespace(read=gone),
    )  # fmt: skip
    told: list[str] = []
    page = await page_of_scenes(here, Identity.local(), index, 30, None)
    assert asked == [100]
    while page.next_cursor:
        told += [one.id for one in page.items]
        page = await page_of_scenes(here, Identity.local(), index, 30, page.next_cursor)
    told += [one.id for one in page.items]
    assert told == [f"scene-{number:04}" for number in range(999, 0, -2)]
