"""Batches through the API: looked at before, made behind everything else, told about after."""

import asyncio


async def until(gateway, batch_id: str, state: str) -> dict:
    async with asyncio.timeout(60):
        while (batch := (await gateway.get(f"/api/batches/{batch_id}")).json())["state"] != state:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return batch


async def test_a_batch_is_estimated_then_made_and_says_of_what_nothing_came(
    gateway, workers, live, studio, empty_bus
) -> None:
    (studio / "release").touch()
    await gateway.make(live, "beach.jpg", "depth")
    answer = await gateway.client.post("/api/batches", json={"kind": "depth", "filter": {"media": "photo"}})
    assert answer.status_code == 201, answer.text
    batch = answer.json()
    assert (batch["state"], batch["estimate"]["items"], batch["estimate"]["to_make"]) == ("estimated", 8, 7)
    assert batch["estimate"]["hours"] is not None and batch["estimate"]["gigabytes"] is not None
    path = f"/api/batches/{batch['id']}"
    assert (await gateway.client.post(f"{path}/start")).json()["state"] == "running"
    done = await until(gateway, batch["id"], "done")
    assert done["progress"] == {"looked_at": 8, "made": 4, "existing": 1, "failed": 3, "skipped": 0}
    failures = {one["name"]: one["code"] for one in (await gateway.get(f"{path}/failures")).json()["items"]}
    assert failures["fail-fog.jpg"] == "invalid_image" and set(failures) >= {"crash-car.jpg", "empty.jpg"}
    published = await empty_bus.subjects("EVENTS", "events.gateway.published.>")
    assert any(".batch.depth." in subject for subject in published)
    assert (await gateway.client.post(f"{path}/retry")).json()["state"] == "running"
    assert (await until(gateway, batch["id"], "done"))["progress"]["failed"] == 3
    assert [one["id"] for one in (await gateway.get("/api/batches")).json()["items"]] == [batch["id"]]


async def test_of_previews_the_full_splat_is_made_anew_when_somebody_asks_for_it(gateway, workers, live) -> None:
    wish = {"preview_only": True, "start": True, "model": "lift-heuristic"}
    batch = (await gateway.client.post("/api/batches", json=wish)).json()
    photo = gateway.ids["beach.jpg"]

    async def variants() -> set[str]:
        assets = (await gateway.get(f"/api/photos/{photo}/assets")).json()["assets"]
        return {file["variant"] for one in assets if one["kind"] == "splat" for file in one["files"]}

    async with asyncio.timeout(60):
        while await variants() != {"light"}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await gateway.client.delete(f"/api/batches/{batch['id']}")
    again = await gateway.post("beach.jpg", "splat", model="lift-heuristic", quality="light")
    assert again.status_code == 200
    full = await gateway.make(live, "beach.jpg", "splat", model="lift-heuristic")
    assert (full["state"], full["run"]) == ("succeeded", 2)
    assert "full" in await variants()


async def test_a_signal_needs_its_secret_or_its_owner(gateway) -> None:
    batch = (await gateway.client.post("/api/batches", json={"kind": "depth", "waits_for_signal": True})).json()
    path = f"/api/batches/{batch['id']}/signal"
    sent = await gateway.client.post(path, json={"go": True}, headers={"x-signal-secret": batch["signal_secret"]})
    assert sent.json()["signal"] == {"go": True, "until": None}
    later = (await gateway.client.post(path, json={"go": False, "minutes": 5})).json()
    assert later["signal"]["go"] is False and later["signal"]["until"] > batch["created_at"]
    assert "secret" not in (await gateway.get(f"/api/batches/{batch['id']}")).text


async def test_what_no_batch_can_be_made_of_is_refused_in_words(gateway) -> None:
    for wish, code in [
        ({"kind": "dream"}, "invalid_kind"),
        ({"kind": "depth", "filter": {"media": "video"}}, "invalid_source_kind"),
        ({"kind": "depth", "quality": "light"}, "invalid_request"),
        ({"kind": "depth", "preview_only": True}, "invalid_request"),
        ({"hours": {"begin": "25:00"}}, "invalid_request"),
    ]:
        refused = await gateway.client.post("/api/batches", json=wish)
        assert (refused.status_code, refused.json()["code"]) == (422, code), wish
