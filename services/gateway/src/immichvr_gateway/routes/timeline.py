"""The timeline: its months, and what a month holds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from immichvr_gateway.gallery_views import GlimpsePageView, TimelineView, month_view
from immichvr_gateway.http.description import also
from immichvr_gateway.routes.dependencies import Here
from immichvr_gateway.routes.people import Person
from immichvr_gateway.routes.showing import Cursor, InTimeline, Shown

router = APIRouter(prefix="/api/timeline", tags=["timeline"])

_MOST = 1000

Month = Annotated[str, Path(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2024-11"])]


@router.get("", responses=also(404))
async def get_timeline(here: Here, who: Person, wanted: InTimeline) -> TimelineView:
    """The months that there are, newest first, with how many photos and videos each holds.

    A month is that of the place where something was taken. Of a stack the one on top counts alone.
    """
    months = await here.library.browsing.months(who, wanted)
    return TimelineView(months=[month_view(one) for one in months])


@router.get("/{month}")
async def list_month(
    month: Month,
    here: Here,
    who: Person,
    shown: Shown,
    wanted: InTimeline,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 200,
    cursor: Cursor = None,
) -> GlimpsePageView:
    """A part of what a month holds, newest first, with badges."""
    page = await here.library.browsing.month(who, wanted, month, cursor, limit)
    return GlimpsePageView(items=[shown.glimpse(one) for one in page.items], next_cursor=page.next_cursor)
