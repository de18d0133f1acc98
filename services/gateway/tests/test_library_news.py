"""New and changed photos are told to whoever is connected and may see them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from immichvr_gateway.assets.index import AssetIndex
from immichvr_gateway.events.library_news import LibraryNews
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.library import Changes, Identity, LibraryUnavailable, SignInFailed
from PIL import Image

OLD = 1_600_000_000


def put(folder: Path, name: str, side: int = 8) -> Path:
    path = folder / name
    Image.new("RGB", (side, 6)).save(path)
    os.utime(path, (OLD, OLD))
    return path


async def test_a_photo_put_into_the_folder_is_told_of_as_it_is_listed_and_when_it_goes(gateway, live, photos) -> None:
    path = put(photos, "new.jpg")
    news = await live.first("library:changed", lambda news: bool(news["there"]))
    [entry] = news["there"]
    page = (await gateway.client.get("/api/photos", params={"limit": 500})).json()
    assert entry in [{"kind": "photo", **photo} for photo in page["items"]]
    assert (entry["name"], news["gone"], news["more"]) == ("new.jpg", [], False)
    path.unlink()
    news = await live.first("library:changed", lambda news: bool(news["gone"]))
    assert news["gone"] == [{"kind": "photo", "id": entry["id"]}]


async def test_a_photo_is_told_only_to_whom_it_is_shown(shared, photos) -> None:
    shared.library.bob_sees.add("for-both.jpg")
    async with shared.listening({"x-api-key": "ann-key"}) as ann, shared.listening({"x-api-key": "bob-key"}) as bob:
        put(photos, "for-ann.jpg")
        await ann.first("library:changed", lambda news: names(news) == ["for-ann.jpg"])
        put(photos, "for-both.jpg")
        await bob.first("library:changed", lambda news: "for-both.jpg" in names(news))
        assert [name for _, news in bob.heard for name in names(news)] == ["for-both.jpg"]


def names(news: dict[str, Any]) -> list[str]:
    return [entry["name"] for entry in news["there"]]


class Library:
    """One that fails so, one time after the other, and then has nothing more to tell."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.asked = 0

    async def changes(self, who: Identity) -> AsyncGenerator[Changes]:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        yield Changes(more=True)
        await asyncio.Event().wait()


class Everybody:
    """Sees what there is."""

    async def visible(self, who: Identity, sources: list[object]) -> set[object]:
        return set(sources)


async def test_news_go_on_after_an_outage_and_end_with_the_credential(monkeypatch) -> None:
    monkeypatch.setattr("immichvr_gateway.events.library_news._FIRST_AGAIN_S", 0.01)
    library = Library(LibraryUnavailable("it is away", down="immich"))
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    news = LibraryNews(library, Everybody(), AssetIndex(), JobIndex())  # type: ignore[arg-type]  # as much as is asked
    following = asyncio.create_task(news.follow(Identity.local(), lambda _, one: told.put_nowait(one)))
    assert await asyncio.wait_for(told.get(), 10) == {"there": [], "gone": [], "more": True}
    following.cancel()
    library.failures = [SignInFailed("this key is not taken any more")]
    await asyncio.wait_for(news.follow(Identity.local(), lambda _, one: told.put_nowait(one)), 10)
    assert told.empty() and library.asked == 3
