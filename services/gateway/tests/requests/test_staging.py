"""Photos on their way to where workers read them: once for each version, and only what was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import Content, Credential, FolderLibrary, Identity
from immichvr_gateway.requests.spec import SourceVersion
from immichvr_gateway.requests.staging import Stager
from immichvr_gateway.settings import LimitSettings, RetentionSettings

ANN = Identity("ann", "Ann", Credential("none"))
OF = SourceVersion(Source.photo("p"), "v1", "beach.jpg")


class Library(FolderLibrary):
    """Hands out one photo, as a test says."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path, tmp_path / "cache")
        self.chunks, self.size, self.version = [b"a photo"], len(b"a photo"), "v1"
        self.opened = 0
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def source(self, who: Identity, photo_id: str) -> Content:
        self.opened += 1
        await self.may_go_on.wait()

        async def chunks() -> AsyncIterator[bytes]:
            for chunk in self.chunks:
                yield chunk

        return Content("image/jpeg", self.size, "beach.jpg", chunks(), source_version=self.version)

    async def rendition(self, who: Identity, photo_id: str, *, small: bool = False) -> Content | None:
        return None


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


@pytest.fixture
def staged() -> list[tuple[str, Source]]:
    """Who had what staged."""
    return []


@pytest.fixture
def stager(library: Library, storage: ObjectStore, staged: list[Any]) -> Stager:
    limits, retention = LimitSettings(source_megabytes=0.000_01), RetentionSettings()
    return Stager(library, storage, limits, retention, lambda who, source: staged.append((who.user_id, source)))


async def test_a_photo_that_many_ask_for_at_once_is_fetched_once(
    stager: Stager, library: Library, staged: list[Any]
) -> None:
    library.may_go_on.clear()
    asking = [asyncio.create_task(stager.stage(ANN, OF)) for _ in range(5)]
    while not library.opened:  # noqa: ASYNC110  # the library tells nobody
        await asyncio.sleep(0)
    # One more comes just as the first is through, and finds what the others found.
    library.may_go_on.set()
    late = asyncio.create_task(stager.stage(ANN, OF))
    keys = {one.ref.key for one in await asyncio.gather(*asking, late)}
    assert (len(keys), library.opened, staged) == (1, 1, [("ann", OF.source)])


async def test_one_that_grows_above_the_limit_on_its_way_is_refused_and_nothing_of_it_stays(
    stager: Stager, library: Library, storage: ObjectStore
) -> None:
    library.size, library.chunks = None, [b"123456", b"123456"]
    with pytest.raises(Problem) as refused:
        await stager.stage(ANN, OF)
    assert (refused.value.status, refused.value.code) == (413, "image_too_large")
    assert "beach.jpg" in refused.value.detail
    assert await storage.list_keys("sources/") == []


async def test_one_that_was_changed_since_it_was_asked_for_is_refused(stager: Stager, library: Library) -> None:
    library.version = "v2"
    with pytest.raises(Problem) as refused:
        await stager.stage(ANN, OF)
    assert (refused.value.status, refused.value.code) == (409, "changed")


async def test_one_without_a_byte_is_refused(stager: Stager, library: Library) -> None:
    library.size, library.chunks = None, []
    with pytest.raises(Problem) as refused:
        await stager.stage(ANN, OF)
    assert (refused.value.status, refused.value.code) == (409, "invalid_image")


async def test_what_was_refused_once_is_tried_again(stager: Stager, library: Library) -> None:
    library.version = "v2"
    with pytest.raises(Problem):
        await stager.stage(ANN, OF)
    library.version = "v1"
    assert (await stager.stage(ANN, OF)).ref.size == 7


async def test_what_is_lost_in_storage_is_staged_anew_unless_it_was_seen_just_now(
    stager: Stager, library: Library, storage: ObjectStore
) -> None:
    first = await stager.stage(ANN, OF)
    assert await stager.stage(ANN, OF, trusting=True) == first
    await storage.delete(first.ref.key)
    again = await stager.stage(ANN, OF)
    assert (again.ref.key != first.ref.key, library.opened) == (True, 2)
