"""What is new in Immich is found by asking now and then, with the credential of whoever is connected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from immich_answers import ALL_WE_NEED
from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from immichvr_gateway.library import Changes, ImmichLibrary, ImmichLimits, LibraryPhoto

if TYPE_CHECKING:
    from immich_stub import ImmichStub, StubAsset, StubUser


class Followed:
    """A library whose changes one person hears."""

    def __init__(self, stub: ImmichStub, ada: StubUser, library: ImmichLibrary) -> None:
        self.stub, self.ada, self.library = stub, ada, library
        self.heard: asyncio.Queue[Changes] = asyncio.Queue()

    async def follow(self) -> None:
        who = await self.library.sign_in(api_key=self.stub.add_key(self.ada, (*ALL_WE_NEED, "stack.read")))
        async with aclosing(self.library.changes(who)) as changes:
            async for change in changes:
                self.heard.put_nowait(change)

    async def told(self) -> Changes:
        return await asyncio.wait_for(self.heard.get(), 20)


@pytest.fixture
async def followed(immich_stub: ImmichStub) -> AsyncIterator[Followed]:
    library = ImmichLibrary(immich_stub.url, limits=ImmichLimits(follow_s=0.05))
    followed = Followed(immich_stub, immich_stub.add_user("Ada"), library)
    task = asyncio.create_task(followed.follow())
    while not any(call.endswith("/search/metadata") for call in immich_stub.calls):  # noqa: ASYNC110  # it tells nobody
        await asyncio.sleep(0.005)
    yield followed
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await library.close()


def updated(asset: StubAsset) -> StubAsset:
    asset.updated_at = datetime.now(UTC)
    return asset


async def test_what_is_uploaded_edited_and_trashed_is_told_once_each(followed: Followed, picture) -> None:
    photo = updated(followed.stub.add_photo(followed.ada, picture(), "new.jpg"))
    come = await followed.told()
    assert ([item.name for item in come.there], come.gone, come.more) == (["new.jpg"], (), False)
    photo.edit(picture(30, 20))
    updated(photo)
    changed = await followed.told()
    assert changed.there[0].source_version != come.there[0].source_version
    photo.trashed = True
    updated(photo)
    assert (await followed.told()).gone == (come.there[0].source,)
    assert followed.heard.empty()


@pytest.mark.parametrize("visibility", ["hidden", "archive"])
async def test_what_leaves_the_timeline_is_gone(followed: Followed, picture, visibility: str) -> None:
    photo = updated(followed.stub.add_photo(followed.ada, picture(), "new.jpg"))
    assert len((await followed.told()).there) == 1
    photo.visibility = visibility
    updated(photo)
    assert [source.kind for source in (await followed.told()).gone] == [PHOTO]


async def test_what_is_laid_below_another_photo_is_gone(followed: Followed, picture) -> None:
    top, below = (updated(followed.stub.add_photo(followed.ada, picture(), name)) for name in ("top.jpg", "below.jpg"))
    seen: list[str] = []
    while len(seen) < 2:
        seen += [item.name for item in (await followed.told()).there]
    followed.stub.add_stack(top, below)
    for one in (top, below):
        updated(one)
    told = await followed.told()
    while not told.gone:
        told = await followed.told()
    assert [source.id for source in told.gone] == [below.id]


async def test_of_many_stacks_only_those_that_changed_are_asked_for(followed: Followed, picture) -> None:
    """Each state of what is stacked anew and taken apart is told rightly all the same."""
    photos = [followed.stub.add_photo(followed.ada, picture(), f"{n}.jpg") for n in range(6)]
    for top, below in zip(photos[::2], photos[1::2], strict=True):
        followed.stub.add_stack(top, below)

    async def change(*assets: StubAsset) -> Changes:
        for one in assets:
            updated(one)
        there, gone = list[LibraryPhoto](), list[Source]()
        while len(there) + len(gone) < len(assets):
            told = await followed.told()
            there, gone = [*there, *told.there], [*gone, *told.gone]
        return Changes(tuple(there), tuple(gone), False)

    await change(photos[0])
    whole = followed.stub.stacks_read_whole
    followed.stub.calls.clear()
    new = followed.stub.add_photo(followed.ada, picture(), "new.jpg")
    followed.stub.add_stack(new, followed.stub.add_photo(followed.ada, picture(), "under.jpg"))
    told = await change(*followed.stub.stack_of(new).assets)
    assert [(one.id, one.stack and one.stack.count) for one in told.there] == [(new.id, 2)] and len(told.gone) == 1
    del followed.stub.stacks[followed.stub.stack_of(photos[2]).id]
    told = await change(photos[2], photos[3])
    assert {(one.id, one.stack) for one in told.there} == {(photos[2].id, None), (photos[3].id, None)}
    assert followed.stub.calls.count("GET /api/stacks") >= 4 and followed.stub.stacks_read_whole == whole


async def test_what_others_upload_is_not_told(followed: Followed, picture) -> None:
    updated(followed.stub.add_photo(followed.stub.add_user("Bob"), picture(), "not-ours.jpg"))
    updated(followed.stub.add_photo(followed.ada, picture(), "ours.jpg"))
    assert [item.name for item in (await followed.told()).there] == ["ours.jpg"]


async def test_more_than_can_be_told_at_once_is_said_to_be_more(followed: Followed, picture) -> None:
    photo = followed.stub.add_photo(followed.ada, picture(), "many.jpg")
    copies = [followed.stub.add_copy(photo) for _ in range(250)]
    for copy in copies:
        copy.updated_at = datetime.now(UTC)
    told = await followed.told()
    while not told.more:
        told = await followed.told()
    assert told.more


def test_two_questions_a_minute_are_asked_for_somebody_who_only_waits() -> None:
    limits = ImmichLimits()
    assert 60 / limits.follow_s + 60 / limits.standing_s <= 2
