"""Places, tags, memories, and searching."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from immichvr_gateway.browsing_views import (
    LocalityPageView,
    MemoriesView,
    MemoryView,
    TagPageView,
    locality_view,
    tag_view,
)
from immichvr_gateway.gallery_views import ItemPageView
from immichvr_gateway.http.description import also
from immichvr_gateway.http.times import Day
from immichvr_gateway.library import Selection
from immichvr_gateway.library.browsing import SearchField
from immichvr_gateway.routes.dependencies import Here
from immichvr_gateway.routes.people import Person
from immichvr_gateway.routes.showing import Cursor, Kind, Limit, Narrowed, Shown

router = APIRouter(prefix="/api", tags=["browsing"])


_Town = Annotated[str, Query(min_length=1, max_length=200)]


@router.get("/places")
async def list_places(
    here: Here, who: Person, shown: Shown, limit: Limit = 60, cursor: Cursor = None
) -> LocalityPageView:
    """A page of the towns that photos were taken in, by name, with one of each."""
    page = await here.library.browsing.places(who, cursor, limit)
    towns = [locality_view(one, shown.item(one.cover)) for one in page.items]
    return LocalityPageView(items=towns, next_cursor=page.next_cursor)


@router.get("/places/items")
async def list_place_items(
    here: Here,
    who: Person,
    shown: Shown,
    city: _Town,
    country: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    kind: Kind = None,
    limit: Limit = 60,
    cursor: Cursor = None,
) -> ItemPageView:
    """A page of what was taken in a town, newest first, with badges."""
    wanted = Selection(kind, city=city, country=country)
    return shown.items(await here.library.browsing.select(who, wanted, cursor, limit))


@router.get("/tags")
async def list_tags(here: Here, who: Person, limit: Limit = 60, cursor: Cursor = None) -> TagPageView:
    """A page of tags, by value."""
    page = await here.library.browsing.tags(who, cursor, limit)
    return TagPageView(items=[tag_view(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/tags/{tag_id}/items")
async def list_tag_items(
    tag_id: str, here: Here, who: Person, shown: Shown, kind: Kind = None, limit: Limit = 60, cursor: Cursor = None
) -> ItemPageView:
    """A page of what has a tag, or one below it, newest first, with badges."""
    wanted = Selection(kind, tag=tag_id)
    return shown.items(await here.library.browsing.select(who, wanted, cursor, limit))


@router.get("/memories")
async def list_memories(
    here: Here, who: Person, shown: Shown, day: Annotated[Day | None, Query(examples=["2026-11-29"])] = None
) -> MemoriesView:
    """What was taken on a day, today if none is named, of earlier years, the latest year first, with badges."""
    found = await here.library.browsing.memories(who, day or date.today())
    memories = [
        MemoryView(
            id=one.id,
            year=one.year,
            taken_on=one.taken_on,
            items=[shown.item(item) for item in one.items],
            external_url=one.external_url,
        )
        for one in found
    ]
    return MemoriesView(items=memories)


@router.get("/search", responses=also(404, 409))
async def search(
    here: Here,
    who: Person,
    shown: Shown,
    narrowed: Narrowed,
    q: Annotated[str, Query(min_length=1, max_length=200, description="what is looked for")],
    mode: Literal["metadata", "smart"] = "metadata",
    field: SearchField = "name",
    kind: Kind = None,
    limit: Limit = 60,
    cursor: Cursor = None,
) -> ItemPageView:
    """A page of what was found, with badges.

    `mode=metadata` looks for words in the names of files (`field=name`), in descriptions, or on the pictures (`ocr`):
    newest first. `mode=smart` looks for what pictures show, the best match first; 409 `search_unavailable` where the
    library does not do that.
    """
    wanted = replace(narrowed, kind=kind, words=q, field=field, smart=mode == "smart")
    return shown.items(await here.library.browsing.select(who, wanted, cursor, limit))
