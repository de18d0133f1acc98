"""What webhooks are told is what their owner sees at that time, and what they allowed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from immichvr_common.bus import Bus
from immichvr_common.sources import Source
from immichvr_gateway.hooks.delivering import HookDelivery
from immichvr_gateway.hooks.messages import Told
from immichvr_gateway.hooks.records import Hook, HookAnswer, HookBook
from immichvr_gateway.library import Identity, LibraryUnavailable


class World:
    """Who may be worked for, what they see, and what was posted. seen: by photo, in turn; an error is raised."""

    def __init__(self) -> None:
        self.allowed = True
        self.seen: dict[str, list[bool | Exception]] = {}
        self.posted: list[str] = []

    async def of(self, user_id: str) -> Identity | None:
        return Identity.local() if self.allowed else None

    async def may_see(self, who: Identity, source: Source | None) -> bool:
        assert source is not None
        found = self.seen[source.id].pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def post(self, hook: Hook, secret: str, told: Told) -> HookAnswer:
        assert told.source is not None
        self.posted.append(told.source.id)
        return HookAnswer(event_id=told.id, event=told.type, at=datetime.now(UTC), status=204, error=None, seconds=0)


@pytest.fixture
async def put(empty_bus: Bus) -> Any:
    """Puts an event about a photo on its way to a webhook."""
    await empty_bus.purge("HOOKS", "hooks.>")

    async def put(hook: Hook, photo: str) -> None:
        told = Told(
            id=f"evt_{photo}", type="job.failed", user_id="ann", hook_id=hook.id, source=Source.photo(photo), body={}
        )
        await empty_bus.publish(f"hooks.ann.{hook.id}", told.model_dump_json().encode())

    return put


async def delivered(bus: Bus, book: HookBook, world: World) -> None:
    """Delivers what there is, to the last."""
    running = asyncio.create_task(HookDelivery(bus, book, world, world, world).run())  # type: ignore[arg-type]
    async with asyncio.timeout(20):
        while (await bus.stream("HOOKS")).state.messages:  # noqa: ASYNC110  # the server tells nobody
            await asyncio.sleep(0.01)
    running.cancel()


async def test_what_one_does_not_see_any_more_is_not_told(empty_bus: Bus, put: Any, monkeypatch) -> None:
    monkeypatch.setattr("immichvr_gateway.hooks.delivering._LIBRARY_AWAY_S", 0.05)
    book, world = HookBook(empty_bus, "a key of tests"), World()
    hook, _ = await book.add("ann", "https://hooks.example/", ["job.failed"])
    world.seen = {
        "own": [True],
        "revoked": [False],
        "later": [LibraryUnavailable("Immich is away", down="immich"), True],
    }
    for photo in world.seen:
        await put(hook, photo)
    await delivered(empty_bus, book, world)
    assert sorted(world.posted) == ["later", "own"]


async def test_nothing_is_told_for_whom_nobody_may_work_and_the_owner_learns_why(empty_bus: Bus, put: Any) -> None:
    book, world = HookBook(empty_bus, "a key of tests"), World()
    hook, _ = await book.add("ann", "https://hooks.example/", ["job.failed"])
    world.allowed = False
    await put(hook, "own")
    await delivered(empty_bus, book, world)
    [noted] = await book.of("ann")
    assert world.posted == [] and "absence is off or paused" in (noted.answers[0].error or "")


async def test_a_secret_sealed_with_another_key_is_told_of(empty_bus: Bus, put: Any) -> None:
    hook, secret = await HookBook(empty_bus, "the key before").add("ann", "https://hooks.example/", ["job.failed"])
    kept = await empty_bus.kv("state").get(f"hook.ann.{hook.id}")
    assert secret.removeprefix("whsec_").encode() not in (kept.value or b"")
    book, world = HookBook(empty_bus, "a key of tests"), World()
    await put(hook, "own")
    await delivered(empty_bus, book, world)
    [noted] = await book.of("ann")
    assert world.posted == [] and "cannot be opened any more" in (noted.answers[0].error or "")
