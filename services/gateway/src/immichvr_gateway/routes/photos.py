"""Photos: pages of them, their pictures, and asking for depth and splats."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from immichvr_common.trace import accept_traceparent

from immichvr_gateway.conversions import Conversion, Levels
from immichvr_gateway.core import Core
from immichvr_gateway.jobs.records import Answer
from immichvr_gateway.library import Identity, LibraryPhoto
from immichvr_gateway.passing import open_original, pass_on
from immichvr_gateway.routes.assets import asset_views
from immichvr_gateway.routes.people import Person, TheCore
from immichvr_gateway.routes.wishes import ConvertRequest, DepthRequest, LevelsRequest, SplatRequest
from immichvr_gateway.views import JobAnswer, PhotoDetails, PhotoPageView, PhotoView, photo_view

router = APIRouter(prefix="/api/photos", tags=["photos"])


MADE: dict[int | str, dict[str, Any]] = {
    200: {"model": JobAnswer, "description": "It exists already; the job that made it."},
    202: {"model": JobAnswer, "description": "The job that makes it; `Location` says where to follow it."},
}


@router.get("")
async def list_photos(
    core: TheCore,
    who: Person,
    limit: Annotated[int, Query(ge=1, le=500)] = 60,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> PhotoPageView:
    """A page of photos, newest first, with badges."""
    page = await core.library.photos(who, cursor, limit)
    return PhotoPageView(items=[_view(core, who, photo) for photo in page.items], next_cursor=page.next_cursor)


@router.get("/{photo_id}")
async def get_photo(photo_id: str, core: TheCore, who: Person) -> PhotoDetails:
    """One photo with its assets."""
    photo = await core.library.photo(who, photo_id)
    return PhotoDetails(**_view(core, who, photo).model_dump(), assets=await asset_views(core, photo))


@router.head("/{photo_id}/thumbnail", include_in_schema=False, response_class=Response)
@router.get("/{photo_id}/thumbnail", response_class=Response)
async def get_thumbnail(photo_id: str, request: Request, core: TheCore, who: Person) -> Response:
    """A small picture."""
    return await pass_on(request, await core.library.thumbnail(who, photo_id))


@router.head("/{photo_id}/preview", include_in_schema=False, response_class=Response)
@router.get("/{photo_id}/preview", response_class=Response)
async def get_preview(photo_id: str, request: Request, core: TheCore, who: Person) -> Response:
    """An upright picture that browsers show, at most 2048 pixels on its longer side."""
    return await pass_on(request, await core.library.preview(who, photo_id))


@router.head("/{photo_id}/original", include_in_schema=False, response_class=Response)
@router.get("/{photo_id}/original", response_class=Response)
async def get_original(photo_id: str, request: Request, core: TheCore, who: Person, download: bool = False) -> Response:
    """The file as it is, whole or a range of it."""
    return await pass_on(request, await open_original(request, core.library, who, photo_id), download)


@router.post("/{photo_id}/depth", status_code=202, response_model=JobAnswer, responses=MADE)
async def make_depth(photo_id: str, wish: DepthRequest, request: Request, core: TheCore, who: Person) -> Response:
    """Makes depth: 202 with the job, or 200 if it exists."""
    photo = await core.library.photo(who, photo_id, fresh=True)
    return _answered(who, await core.orders.depth(who, photo, wish.model, wish.force, _trace(request), wish.points))


@router.post("/{photo_id}/splat", status_code=202, response_model=JobAnswer, responses=MADE)
async def make_splat(photo_id: str, wish: SplatRequest, request: Request, core: TheCore, who: Person) -> Response:
    """Makes a splat: 202 with the job, or 200 if it exists."""
    photo = await core.library.photo(who, photo_id, fresh=True)
    return _answered(who, await core.orders.splat(who, photo, wish.model, wish.quality, wish.force, _trace(request)))


@router.post("/{photo_id}/splat/convert", status_code=202, response_model=JobAnswer, responses=MADE)
async def convert_splat(photo_id: str, wish: ConvertRequest, request: Request, core: TheCore, who: Person) -> Response:
    """Converts a photo's splat: 202 with the job, or 200 if the file exists."""
    photo = await core.library.photo(who, photo_id)
    conversion = Conversion(wish.format, options=wish.options, lod_count=wish.lod_count)
    return _answered(who, await core.orders.convert(who, photo, wish.model, conversion, _trace(request)))


@router.post("/{photo_id}/splat/levels", status_code=202, response_model=JobAnswer, responses=MADE)
async def make_levels(photo_id: str, wish: LevelsRequest, request: Request, core: TheCore, who: Person) -> Response:
    """Makes levels of detail of a photo's splat, or tiles, with an index: 202 with the job, or 200 if they exist."""
    photo = await core.library.photo(who, photo_id)
    levels = Levels(wish.format, tuple(wish.levels), tuple(wish.counts), wish.tile_gaussians)
    return _answered(who, await core.orders.levels(who, photo, wish.model, levels, _trace(request)))


def _view(core: Core, who: Identity, photo: LibraryPhoto) -> PhotoView:
    job = core.jobs.current_of_photo(photo.id, who.user_id)
    return photo_view(photo, core.assets.badges(photo.id), job.view(who.user_id) if job else None)


def _trace(request: Request) -> str:
    return accept_traceparent(request.headers.get("traceparent"))


def _answered(who: Identity, answer: Answer) -> JSONResponse:
    view = answer.record.view(who.user_id)
    headers = {"Location": f"/api/jobs/{view.id}"}
    return JSONResponse({"job": view.model_dump(mode="json")}, 200 if answer.done else 202, headers)
