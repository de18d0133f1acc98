"""Switching it on and off, what is said meanwhile, and who may call."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

import httpx
import pytest
from immichvr_gateway.automation.asks import Ask, told_by
from immichvr_gateway.automation.intake import Bucket

ADDRESS = "http://immichvr:2284"
PERMISSIONS = ("user.read", "asset.read", "asset.view", "asset.download")

URL = "/api/integrations/immich"


async def test_what_is_said_where_something_is_missing_and_that_a_second_time_leaves_one_workflow(
    household, picture
) -> None:
    async with household() as home:
        off = await home.call("GET", URL)
        assert (off["state"], off["workflows"]) == ("off", [])
        assert off["left"]["pointer"]["permissions"] == ["asset.update"]
        poor = home.stub.add_key(home.ada, PERMISSIONS)
        refused = await home.client.post(URL, json={}, headers={"x-api-key": poor})
        assert refused.status_code == 403 and "apiKey.create" in refused.json()["permissions"]
        assert home.stub.workflows == {} and (await home.call("GET", URL))["state"] == "off"

        await home.call("POST", URL, json={"rules": [{"of": "favourites", "quality": "light"}]})
        [first] = home.webhooks()
        assert first["url"].startswith(f"{ADDRESS}/api/webhooks/immich/{home.ada.id}")
        # A server that knows more triggers gets a workflow for them as well.
        home.stub.triggers = (*home.stub.triggers, "AssetTagged")
        shown = await home.call("POST", URL, json={})
        assert {one["trigger"] for one in shown["workflows"] if one["exists"]} == {
            "AssetMetadataExtraction", "AssetTagged",
        }  # fmt: skip
        assert len(home.stub.workflows) == 2 and first not in home.webhooks()
        assert len([key for key in home.stub.keys.values() if "absence" in key.name]) == 1
        rules = (await home.call("GET", "/api/rules"))["rules"]
        assert [(one["of"], one["quality"]) for one in rules] == [("favourites", "light")]

        # Somebody removes the workflow in Immich, or takes the key away: it is said, and nothing is lost.
        home.stub.workflows.popitem()
        assert any("is gone from Immich" in note for note in (await home.call("GET", URL))["notes"])
        [standing] = [secret for secret, key in home.stub.keys.items() if "absence" in key.name]
        del home.stub.keys[standing]
        paused = await home.call("GET", URL)
        assert paused["state"] == "paused" and "Immich does not accept" in paused["detail"]
        assert (await home.call("POST", URL, json={}))["state"] == "on"

        # Rules that can never hold are refused, naming what there is.
        for rule, code in (
            ({"model": "nonsense"}, "invalid_model"),
            ({"quality": "best"}, "invalid_quality"),
            ({"kind": "nonsense"}, "invalid_kind"),
            ({"media": "video"}, "invalid_source_kind"),
            ({"of": "albums"}, "invalid_request"),
            ({"colour": "red"}, "invalid_request"),
        ):
            answer = await home.client.put("/api/rules", json={"rules": [rule]}, headers={"x-api-key": home.key})
            assert (answer.status_code, answer.json()["code"]) == (422, code), rule

        gone = await home.call("DELETE", URL)
        assert (gone["state"], home.stub.workflows) == ("off", {})
        assert len((await home.call("GET", "/api/rules"))["rules"]) == 1, "what she wrote stays hers"


async def test_only_who_has_the_secret_may_call_and_of_what_is_said_only_an_id_is_believed(
    household, workers, picture
) -> None:
    async with household() as home:
        call_shown = (await home.call("POST", URL, json={}))["call"]
        [webhook] = home.webhooks()
        assert (call_shown["url"], f"Bearer {call_shown['secret']}") == (webhook["url"], webhook["headerValue"])
        assert (await home.call("GET", URL))["call"] is None, "only its hash is kept"
        path, shown = webhook["url"].removeprefix(ADDRESS), {"authorization": webhook["headerValue"]}
        ben = home.stub.add_user("Ben")
        theirs, locked = home.stub.add_photo(ben, picture()), home.stub.add_photo(home.ada, picture())
        locked.visibility = "locked"

        async def call(asset_id: object, headers: dict[str, str] = shown, where: str = path) -> int:
            body = {"data": {"asset": {"id": asset_id, "ownerId": home.ada.id, "visibility": "timeline"}}}
            return (await home.client.post(where, json=body, headers=headers)).status_code

        strangers = (
            {},
            {"authorization": "Bearer x"},
            {"x-api-key": home.key},
            {"authorization": f"Bearer {home.key}"},
        )
        unknown = path.replace(home.ada.id, ben.id)
        told = [(await home.client.post(where, content=b"{}", headers=headers)).text
                for where in (path, unknown) for headers in strangers]  # fmt: skip
        assert len(set(told)) == 1 and json.loads(told[0])["status"] == 401, "nobody learns who has set it up"
        assert await call(theirs.id, where=unknown) == 401
        assert [await call(one) for one in ("../../users/me", 7, None, theirs.id.upper())] == [422] * 4
        for body in (b"", b"[]", b"\xff", b"[" * 60_000):
            assert (await home.client.post(path, content=body, headers=shown)).status_code == 422
        assert (await home.client.post(path, content=b"x" * 70_000, headers=shown)).status_code == 413
        assert [await call(one.id) for one in (theirs, locked)] == [202, 202]
        mine = home.stub.add_photo(home.ada, picture())
        mine.uploaded_at = mine.updated_at = mine.uploaded_at.replace(year=2100)
        assert await call(mine.id) == 202

        jobs = await home.until(home.jobs)
        assert [job["source"]["id"] for job in jobs] == [mine.id]
        # A step of a workflow may ask for something itself, of any photo of hers; what there is not is refused at once.
        old = home.stub.add_photo(home.ada, picture())

        async def ask(**wish: str) -> httpx.Response:
            body = {"data": {"asset": {"id": old.id}}, "ask": wish}
            return await home.client.post(path, json=body, headers=shown)

        refused = await ask(kind="dream")
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_kind")
        assert [(await ask(kind=one, model="heuristic")).status_code for one in ("motion", "depth")] == [202, 202]

        async def asked() -> Any:
            return [job for job in await home.jobs() if (job["kind"], job["source"]["id"]) == ("depth", old.id)]

        [job] = await home.until(asked)
        assert job["params"]["model"] == "heuristic"
        # Whoever tries secrets is soon not heard any more; Immich is, still.
        async with asyncio.timeout(30):
            while await call(mine.id, {"authorization": f"Bearer {secrets.token_hex(8)}"}) != 429:
                pass
        assert await call(mine.id) == 202
        assert (await home.call("DELETE", URL))["state"] == "off"
        assert await call(mine.id) in (401, 429)


async def test_without_an_address_or_without_immich_it_is_said_what_is_missing(
    serving: Any, settings: Any, immich_server: Any
) -> None:
    async with serving(settings) as gateway:
        answer = await gateway.client.get(URL)
        assert (answer.status_code, answer.json()["code"]) == (409, "no_workflows")


def test_so_many_calls_at_once_and_so_many_a_second_after_that() -> None:
    now = [0.0]
    bucket = Bucket(3, 2, lambda: now[0])
    assert [bucket.take("a") for _ in range(4)] == [True, True, True, False]
    assert bucket.take("b")
    now[0] += 1
    assert [bucket.take("a") for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("body", [b"null", b"3", b'"x"', b'{"data": []}', b'{"data": {"asset": null}}'])
def test_a_body_that_names_no_asset_names_none(body: bytes) -> None:
    assert told_by(body) == (None, None)


def test_what_a_step_asks_for_is_read_and_nothing_else() -> None:
    name = "0c9b2b0e-2a3c-4d59-9a51-7a1c6f1e0c11"
    told = {"data": {"asset": {"id": name}}, "ask": {"kind": "depth", "model": "auto", "quality": 7, "force": True}}
    assert told_by(json.dumps(told).encode()) == (name, Ask("depth"))
    for nothing in (None, [], "splat", {"kind": 3}):
        assert told_by(json.dumps({**told, "ask": nothing}).encode()) == (name, None)


async def test_an_undo_that_was_interrupted_is_gone_on_with_and_takes_what_is_ours_alone(workshop, picture) -> None:
    user = workshop.ada.user_id
    await workshop.set_up(pointer=True, tag=True)
    photos = [workshop.upload(picture()) for _ in range(3)]
    for photo in photos:
        await workshop.records.note_pointed(user, photo.id, {"note": {"is": "pointer"}, "done": False})
        photo.notes = {"immichvr.v1": {"is": "pointer"}, "theirs": {"kept": True}}
    # The tag on the second was there before; the third went meanwhile; a crash came before the first got its tag.
    tag = workshop.stub.add_tag(photos[1], "3D")
    await workshop.records.note_pointed(user, photos[0].id, {"note": {}, "tag": tag.id, "done": False})
    del workshop.stub.assets[photos[2].id]

    async def fails(_: Any) -> Any:
        raise httpx.ReadError("cut off")

    workshop.stub.instead[f"{photos[1].id}/metadata"] = fails
    with pytest.raises(Exception, match="Immich"):
        await workshop.pointing.undo(workshop.ada)
    workshop.stub.instead.clear()
    workshop.again()
    await workshop.pointing.undo(workshop.ada)
    assert [list(photo.notes) for photo in photos[:2]] == [["theirs"], ["theirs"]]
    assert photos[1].tags == [tag], "that one is not ours"
    assert await workshop.records.all_pointed(user) == {}
