"""Immich answers alike for what is gone and for what is not yours: only its owner's own key tells a deletion."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from immichvr_common.bus import Bus
from immichvr_common.sources import Source
from immichvr_gateway.library import Identity
from immichvr_gateway.library.immich import ImmichLibrary
from immichvr_gateway.retention.departed import Departed
from PIL import Image

NOW, WEEK = datetime(2026, 6, 1, tzinfo=UTC), timedelta(days=7)
PERMISSIONS = ("user.read", "asset.read", "asset.view", "asset.download", "asset.upload")


class Scene:
    """A photo of Ada's that Ben sees in an album; both had it staged, and neither is connected any more."""

    def __init__(self, stub: Any, bus: Bus, library: ImmichLibrary) -> None:
        self.stub, self._bus, self.library = stub, bus, library
        self.ada, self.ben = stub.add_user("Ada"), stub.add_user("Ben")
        self.hers, self.his = stub.add_key(self.ada, PERMISSIONS), stub.add_key(self.ben, PERMISSIONS)
        out = io.BytesIO()
        Image.new("RGB", (8, 6), "teal").save(out, "JPEG")
        self.asset = stub.add_photo(self.ada, out.getvalue())
        self.asset.shared_with.append(self.ben)
        self.photo = Source.photo(self.asset.id)

    async def staged_by(self, key: str) -> Departed:
        """What is remembered after somebody had it staged."""
        departed = self.departed()
        await departed.note(await self.library.sign_in(api_key=key), self.photo)
        return departed

    def departed(self, *allowed: Identity) -> Departed:
        """As after a restart: only those may be asked as who allowed it."""
        keys = {one.user_id: one for one in allowed}

        async def in_absence(user_id: str) -> Identity | None:
            return keys.get(user_id)

        return Departed(self._bus, self.library, list, in_absence)

    async def gone(self, departed: Departed) -> bool:
        """Whether it is held to be gone after looks enough for weeks."""
        found: set[Source] = set()
        for day in range(0, 40, 5):
            found = await departed.look({self.photo}, NOW + timedelta(days=day), WEEK)
        return self.photo in found


@pytest.fixture
async def scene(immich_server: Any, empty_bus: Bus) -> AsyncIterator[Scene]:
    """See Scene."""
    immich_server.clear()
    library = ImmichLibrary(immich_server.url)
    yield Scene(immich_server, empty_bus, library)
    await library.close()


async def test_a_share_that_was_revoked_erases_nothing(scene) -> None:
    departed = await scene.staged_by(scene.his)
    scene.asset.shared_with.clear()
    assert not await scene.gone(departed)
    his = await scene.library.sign_in(api_key=scene.his)
    assert not await scene.gone(scene.departed(his)), "nor does his refusal count later"


async def test_a_key_that_was_revoked_erases_nothing(scene) -> None:
    departed = await scene.staged_by(scene.hers)
    del scene.stub.keys[scene.hers]
    assert not await scene.gone(departed)
    scene.stub.assets.clear()
    assert not await scene.gone(departed), "whether it is gone cannot be told with it"


async def test_a_key_that_may_not_check_uploads_erases_nothing(scene) -> None:
    poor = scene.stub.add_key(scene.ada, PERMISSIONS[:-1])
    departed = await scene.staged_by(poor)
    scene.stub.assets.clear()
    assert not await scene.gone(departed)


@pytest.mark.parametrize("visibility", ["locked", "hidden", "archive", "timeline"])
async def test_what_its_owner_locked_or_put_into_the_trash_stays(scene, visibility: str) -> None:
    departed = await scene.staged_by(scene.hers)
    scene.asset.visibility, scene.asset.trashed = visibility, visibility == "timeline"
    assert not await scene.gone(departed)


async def test_what_its_owner_deleted_goes_after_the_grace_also_in_their_absence(scene) -> None:
    await scene.staged_by(scene.his)
    hers = await scene.library.sign_in(api_key=scene.hers)
    scene.stub.assets.clear()
    assert not await scene.gone(scene.departed()), "nobody who owns it may be asked as"
    departed = scene.departed(hers)
    assert await departed.look({scene.photo}, NOW, WEEK) == set(), "there is a grace"
    assert await scene.gone(departed)
