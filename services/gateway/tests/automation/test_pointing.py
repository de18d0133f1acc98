"""What is left on photos while the key for it is away, and once all is switched off."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from immichvr_common.sources import Source
from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.automation.asks import Asks
from immichvr_gateway.automation.intake import Intake
from immichvr_gateway.automation.setup import Setup
from immichvr_gateway.library.immich import notes


def splat_of(asset: Any) -> AssetEntry:
    return AssetEntry(
        source=Source.photo(asset.id), kind="splat", model_key="lift", recipe="r",
        manifest_key=f"splat/{asset.id}_lift/r", made_at=datetime.now(UTC),
    )  # fmt: skip


def setup_of(workshop: Any) -> Setup:
    async def nothing(*_: Any) -> None:
        return None

    intake = Intake(workshop.records, Asks(workshop.bus), nothing, lambda ask: None)
    return Setup(
        workshop.client, workshop.keys, workshop.records, intake, workshop.pointing, workshop.moving, lambda: None,
        "http://immichvr:2284",
    )  # fmt: skip


async def test_a_pointer_that_waits_for_the_key_is_left_once_that_is_back(workshop, picture) -> None:
    await workshop.set_up(pointer=True)
    photo = workshop.upload(picture())
    workshop.assets.put(splat_of(photo))
    workshop.keys.refused = "Immich does not accept this key"
    await workshop.pointing._settle(workshop.ada.user_id, photo.id)
    assert not photo.notes
    workshop.keys.refused = ""
    await workshop.pointing.go_on()
    assert list(photo.notes) == [notes.KEY]
    workshop.stub.calls.clear()
    await workshop.pointing.go_on()
    assert not workshop.stub.calls, "it is settled"


async def test_what_was_left_can_be_undone_long_after_all_was_switched_off(workshop, picture) -> None:
    user = workshop.ada.user_id
    await workshop.set_up(pointer=True, tag=True)
    photo = workshop.upload(picture())
    workshop.assets.put(splat_of(photo))
    await workshop.pointing._settle(user, photo.id)
    assert list(photo.notes) == [notes.KEY] and [tag.value for tag in photo.tags] == ["3D"]

    setup = setup_of(workshop)
    for _ in range(2):
        await setup.end(workshop.ada, undo=False)
        assert list(photo.notes) == [notes.KEY] and photo.tags
        assert await workshop.records.integration(user) is None
    # Switched on and off once more, without anything new.
    await workshop.set_up()
    await setup.end(workshop.ada, undo=False)
    workshop.again()
    await setup.end(workshop.ada, undo=True)
    assert (photo.notes, photo.tags, workshop.stub.tags) == ({}, [], {})
    assert await workshop.records.all_pointed(user) == {} and await workshop.records.owned_tag(user) == ""


async def test_a_tag_that_we_made_is_ours_still_once_all_is_switched_on_again(workshop, picture) -> None:
    user = workshop.ada.user_id
    await workshop.set_up(tag=True)
    first, second = workshop.upload(picture()), workshop.upload(picture())
    for photo in (first, second):
        workshop.assets.put(splat_of(photo))
    await workshop.pointing._settle(user, first.id)
    await workshop.records.forget(user, undone=False)
    await workshop.set_up(tag=True)
    await workshop.pointing._settle(user, second.id)
    assert (await workshop.records.integration(user)).owns_tag
    await workshop.pointing.undo(workshop.ada)
    assert (first.tags, second.tags, workshop.stub.tags) == ([], [], {})


async def test_what_is_being_left_while_all_is_undone_is_undone_as_well(workshop, picture, monkeypatch) -> None:
    await workshop.set_up(pointer=True, tag=True)
    photo = workshop.upload(picture())
    workshop.assets.put(splat_of(photo))
    put, leaving, go_on = notes.put_note, asyncio.Event(), asyncio.Event()

    async def slowly(*what: Any) -> None:
        leaving.set()
        await go_on.wait()
        await put(*what)

    monkeypatch.setattr(notes, "put_note", slowly)
    settling = asyncio.create_task(workshop.pointing._settle(workshop.ada.user_id, photo.id))
    await leaving.wait()
    ending = asyncio.create_task(setup_of(workshop).end(workshop.ada, undo=True))
    done, _ = await asyncio.wait({ending}, timeout=0.3)
    assert not done
    go_on.set()
    await asyncio.gather(settling, ending)
    assert (photo.notes, photo.tags, workshop.stub.tags) == ({}, [], {})
    assert await workshop.records.all_pointed(workshop.ada.user_id) == {}


async def test_nothing_is_left_any_more_once_all_is_switched_off(workshop, picture, monkeypatch) -> None:
    await workshop.set_up(pointer=True)
    photo = workshop.upload(picture())
    workshop.assets.put(splat_of(photo))
    note = workshop.records.note_pointed

    async def just_after_it_was_undone(*what: Any) -> bool:
        await setup_of(workshop).end(workshop.ada, undo=True)
        return bool(await note(*what))

    monkeypatch.setattr(workshop.records, "note_pointed", just_after_it_was_undone)
    await workshop.pointing._settle(workshop.ada.user_id, photo.id)
    assert photo.notes == {}
    assert await workshop.records.all_pointed(workshop.ada.user_id) == {}
