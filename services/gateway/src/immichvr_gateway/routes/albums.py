"""Albums, and what lies in them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from immichvr_gateway.browsing_views import AlbumPageView, AlbumView, album_view
from immichvr_gateway.gallery_views import ItemPageView
from immichvr_gateway.http.description import PICTURE
from immichvr_gateway.http.passing import pass_on
from immichvr_gateway.library import Selection
from immichvr_gateway.routes.dependencies import Here
from immichvr_gateway.routes.people import Person
from immichvr_gateway.routes.showing import Cursor, Kind, Limit, Shown

router = APIRouter(prefix="/api/albums", tags=["albums"])


@router.get("")
async def list_albums(here: Here, who: Person, limit: Limit = 60, cursor: Cursor = None) -> AlbumPageView:
    """A page of albums: those shared with one first, then one's own; each the one with the newest photo first."""
    page = await here.library.browsing.albums(who, cursor, limit)
    return AlbumPageView(items=[album_view(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/{album_id}")
async def get_album(album_id: str, here: Here, who: Person) -> AlbumView:
    """One album."""
    return album_view(await here.library.browsing.album(who, album_id))


@router.head("/{album_id}/cover", include_in_schema=False, response_class=Response)
@router.get("/{album_id}/cover", response_class=Response, responses=PICTURE)
async def get_album_cover(album_id: str, request: Request, here: Here, who: Person) -> Response:
    """A small picture of something in an album."""
    return await pass_on(request, await here.library.browsing.cover(who, album_id))


@router.get("/{album_id}/items")
async def list_album_items(
    album_id: str,
    here: Here,
    who: Person,
    shown: Shown,
    kind: Kind = None,
    favorite: bool = False,
    limit: Limit = 60,
    cursor: Cursor = None,
) -> ItemPageView:
    """A page of an album, newest first, with badges: whoever added it, archived or not."""
    wanted = Selection(kind, album=album_id, favorite=favorite)
    return shown.items(await here.library.browsing.select(who, wanted, cursor, limit))
