"""Requests that are sent twice with one `Idempotency-Key`: one answer, whichever gateway is asked."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from immichvr_common.bus.streams import KV_ANSWERS
from immichvr_gateway.http import repeated
from immichvr_gateway.library import FolderLibrary


def own_name() -> dict[str, str]:
    return {"idempotency-key": str(uuid.uuid4())}


async def ask(client: httpx.AsyncClient, photo_id: str, headers: dict[str, str], **wish: Any) -> httpx.Response:
    return await client.post(f"/api/photos/{photo_id}/depth", json=wish, headers=headers)


async def test_a_request_that_is_sent_again_gets_its_first_answer(gateway, workers, live) -> None:
    photo_id, name = gateway.ids["beach.jpg"], own_name()
    first = await ask(gateway.client, photo_id, name, model="heuristic")
    await live.job(first.json()["job"]["id"], "succeeded")
    again = await ask(gateway.client, photo_id, name, model="heuristic")
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers and again.headers["idempotent-replayed"] == "true"
    asked_anew = await ask(gateway.client, photo_id, own_name(), model="heuristic")
    assert (asked_anew.status_code, asked_anew.json()["job"]["state"]) == (200, "succeeded")


async def test_a_name_is_of_one_request_and_of_one_person(shared) -> None:
    name, photo_id = own_name(), shared.ids["hut.png"]
    ann, bob = ({**name, "x-api-key": f"{who}-key"} for who in ("ann", "bob"))
    assert (await ask(shared.client, photo_id, ann, model="heuristic")).status_code == 202
    for other in (
        await ask(shared.client, photo_id, ann, model="heuristic", points=True),
        await ask(shared.client, shared.ids["beach.jpg"], ann, model="heuristic"),
    ):
        assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    answer = await ask(shared.client, photo_id, bob, model="heuristic")
    assert answer.json()["job"]["requesters"] == ["bob"]
    assert "idempotent-replayed" not in answer.headers
    nobody = await ask(shared.client, photo_id, name, model="heuristic")
    assert nobody.status_code == 401


async def test_what_was_refused_can_be_asked_for_again_under_the_same_name(gateway) -> None:
    name = own_name()
    refused = await ask(gateway.client, gateway.ids["beach.jpg"], name, model="nonsense")
    assert refused.status_code == 422
    assert (await ask(gateway.client, gateway.ids["beach.jpg"], name, model="heuristic")).status_code == 202
    for odd in ("", "a b", "x" * 256):
        answer = await ask(gateway.client, gateway.ids["beach.jpg"], {"idempotency-key": odd}, model="heuristic")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_an_answer_that_tells_a_secret_is_repeated_and_lies_where_nobody_reads_it(gateway, empty_bus) -> None:
    name, kept = own_name(), await empty_bus.js.key_value(KV_ANSWERS)
    await empty_bus.js.purge_stream(f"KV_{KV_ANSWERS}")
    first = await gateway.client.post("/api/batches", json={"kind": "depth"}, headers=name)
    again = await gateway.client.post("/api/batches", json={"kind": "depth"}, headers=name)
    assert (first.status_code, again.status_code) == (201, 201) and again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await gateway.client.get("/api/batches")).json()["items"]) == 1
    [only] = await kept.keys()
    stored = (await kept.get(only)).value or b""
    assert stored and first.json()["signal_secret"].encode() not in stored and first.json()["id"].encode() not in stored


async def test_what_another_key_has_sealed_is_said_to_be_done_and_not_done_again(serving, settings) -> None:
    name = own_name()
    for status in (201, 409):  # each gateway has a key of its own that it made up
        async with serving(settings) as gateway:
            answer = await gateway.client.post("/api/batches", json={"kind": "depth"}, headers=name)
            assert answer.status_code == status, answer.text
            assert len((await gateway.client.get("/api/batches")).json()["items"]) == 1
    assert answer.json()["code"] == "not_possible_now"


class Hesitant(FolderLibrary):
    """A folder that is asked, and answers when it is let."""

    def __init__(self, root: Path, cache: Path) -> None:
        super().__init__(root, cache)
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def item(self, *args: Any, **more: Any) -> Any:
        self.asked.set()
        await self.may_answer.wait()
        return await super().item(*args, **more)


async def test_two_gateways_do_one_request_once(serving, settings, photos, tmp_path, gateway) -> None:
    library, name, photo_id = Hesitant(photos, tmp_path / "other"), own_name(), gateway.ids["beach.jpg"]
    async with serving(settings, library) as hesitant:
        first = asyncio.create_task(ask(hesitant.client, photo_id, name, model="heuristic"))
        await library.asked.wait()
        early = await ask(gateway.client, photo_id, name, model="heuristic")
        assert (early.status_code, early.json()["code"], early.headers["retry-after"]) == (409, "under_way", "1")
        library.may_answer.set()
        answer = await first
        late = await ask(gateway.client, photo_id, name, model="heuristic")
        assert (late.status_code, late.content, late.headers["idempotent-replayed"]) == (202, answer.content, "true")


async def test_a_request_over_which_a_gateway_died_is_taken_up_by_another(
    serving, settings, photos, tmp_path, gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, name, photo_id = Hesitant(photos, tmp_path / "other"), own_name(), gateway.ids["beach.jpg"]
    async with serving(settings, library) as dying:
        first = asyncio.create_task(ask(dying.client, photo_id, name, model="heuristic"))
        await library.asked.wait()
        monkeypatch.setattr(repeated, "_ABANDONED_S", 0.0)
        answer = await ask(gateway.client, photo_id, name, model="heuristic")
        assert answer.status_code == 202 and "idempotent-replayed" not in answer.headers
        library.may_answer.set()
        assert (await first).json()["job"]["id"] == answer.json()["job"]["id"]
        assert (await ask(dying.client, photo_id, name, model="heuristic")).content == answer.content
