"""People whom the library recognises, and what they are in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from immichvr_gateway.browsing_views import PersonPageView, PersonView, person_view
from immichvr_gateway.gallery_views import ItemPageView
from immichvr_gateway.http.description import PICTURE
from immichvr_gateway.http.passing import pass_on
from immichvr_gateway.library import Selection
from immichvr_gateway.routes.dependencies import Here
from immichvr_gateway.routes.people import Person
from immichvr_gateway.routes.showing import Cursor, Kind, Limit, Shown

router = APIRouter(prefix="/api/people", tags=["browsing"])


@router.get("")
async def list_people(here: Here, who: Person, limit: Limit = 60, cursor: Cursor = None) -> PersonPageView:
    """A page of people, in the library's own order. A page may hold fewer than asked for before the end."""
    page = await here.library.browsing.people(who, cursor, limit)
    return PersonPageView(items=[person_view(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/{person_id}")
async def get_person(person_id: str, here: Here, who: Person) -> PersonView:
    """One of them."""
    return person_view(await here.library.browsing.person(who, person_id))


@router.head("/{person_id}/thumbnail", include_in_schema=False, response_class=Response)
@router.get("/{person_id}/thumbnail", response_class=Response, responses=PICTURE)
async def get_face(person_id: str, request: Request, here: Here, who: Person) -> Response:
    """A small picture of a person's face."""
    return await pass_on(request, await here.library.browsing.face(who, person_id))


@router.get("/{person_id}/items")
async def list_person_items(
    person_id: str,
    here: Here,
    who: Person,
    shown: Shown,
    kind: Kind = None,
    favorite: bool = False,
    limit: Limit = 60,
    cursor: Cursor = None,
) -> ItemPageView:
    """A page of what a person is in, newest first, with badges."""
    wanted = Selection(kind, person=person_id, favorite=favorite)
    return shown.items(await here.library.browsing.select(who, wanted, cursor, limit))
