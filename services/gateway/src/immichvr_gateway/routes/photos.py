"""Photos: pages of them, their pictures and clips, and asking for depth, splats and motion clips."""

from __future__ import annotations

from dataclasses import asdict, replace

from fastapi import APIRouter, Request
from fastapi.responses import Response
from immichvr_catalog import DEPTH, MOTION, PHOTO, SPLAT
from immichvr_common.sources import Source

from immichvr_gateway.gallery_views import Favorite, ItemsView, PhotoPageView, PhotoView
from immichvr_gateway.http.description import FILE, PICTURE, also
from immichvr_gateway.http.passing import pass_on, pass_part
from immichvr_gateway.http.repeated import Repeatable
from immichvr_gateway.requests.conversion import CONVERT, ConvertRequest
from immichvr_gateway.requests.depth import DepthRequest
from immichvr_gateway.requests.levels import LOD, LevelsRequest
from immichvr_gateway.requests.motion import MotionRequest
from immichvr_gateway.requests.spec import SourceVersion
from immichvr_gateway.requests.splat import SplatRequest
from immichvr_gateway.routes.answers import MADE, answered
from immichvr_gateway.routes.assets import asset_views
from immichvr_gateway.routes.dependencies import Assets, Here, Requests, Up
from immichvr_gateway.routes.people import Person, Spectator
from immichvr_gateway.routes.showing import Cursor, Limit, Narrowed, Shown
from immichvr_gateway.views import JobAnswer, PhotoDetails, ShotView

router = APIRouter(prefix="/api/photos", tags=["photos"], route_class=Repeatable)


@router.get("", responses=also(404))
async def list_photos(
    here: Here, who: Spectator, shown: Shown, narrowed: Narrowed, limit: Limit = 60, cursor: Cursor = None
) -> PhotoPageView:
    """A page of photos, newest first, with badges."""
    wanted = replace(narrowed, kind=PHOTO)
    return shown.photos(await here.library.browsing.select(who, wanted, cursor, limit))


@router.get("/{photo_id}")
async def get_photo(photo_id: str, here: Here, who: Spectator, up: Up, assets: Assets, shown: Shown) -> PhotoDetails:
    """One photo with its assets."""
    photo = await here.library.item(who, Source.photo(photo_id))
    views = await asset_views(here, up, assets.of(photo.source), photo)
    shot = ShotView(**asdict(photo.shot)) if photo.shot is not None and who.may_write else None
    return PhotoDetails(**shown.photo(photo).model_dump(), shot=shot, assets=views)


@router.head("/{photo_id}/thumbnail", include_in_schema=False, response_class=Response)
@router.get("/{photo_id}/thumbnail", response_class=Response, responses=PICTURE)
async def get_thumbnail(photo_id: str, request: Request, here: Here, who: Spectator) -> Response:
    """A small picture."""
    return await pass_on(request, await here.library.thumbnail(who, Source.photo(photo_id)))


@router.head("/{photo_id}/preview", include_in_schema=False, response_class=Response)
@router.get("/{photo_id}/preview", response_class=Response, responses=PICTURE)
async def get_preview(photo_id: str, request: Request, here: Here, who: Spectator) -> Response:
    """An upright picture that browsers show, at most 2048 pixels on its longer side."""
    return await pass_on(request, await here.library.preview(who, Source.photo(photo_id)))


@router.head("/{photo_id}/original", include_in_schema=False, response_class=Response)
@router.get("/{photo_id}/original", response_class=Response, responses=FILE)
async def get_original(photo_id: str, request: Request, here: Here, who: Spectator, download: bool = False) -> Response:
    """The file as it is, whole or a range of it."""
    photo = Source.photo(photo_id)
    return await pass_part(request, lambda span: here.library.original(who, photo, span), download)


@router.head("/{photo_id}/playback", include_in_schema=False, response_class=Response)
@router.get("/{photo_id}/playback", response_class=Response, responses=FILE)
async def play_photo(photo_id: str, request: Request, here: Here, who: Spectator) -> Response:
    """The clip of a live photo as browsers play it, whole or a range; 404 of a photo that has none."""
    photo = Source.photo(photo_id)
    return await pass_part(request, lambda span: here.library.playback(who, photo, span))


@router.get("/{photo_id}/stack")
async def list_stack(photo_id: str, here: Here, who: Person, shown: Shown) -> ItemsView:
    """What lies in its stack, the one on top first; itself alone without one."""
    found = await here.library.browsing.stack(who, Source.photo(photo_id))
    return ItemsView(items=[shown.item(one) for one in found])


@router.put("/{photo_id}/favorite")
async def mark_photo(photo_id: str, wish: Favorite, here: Here, who: Person, shown: Shown) -> PhotoView:
    """Marks it as a favourite in the library, or takes the mark away.

    403 where it is not one's own, or where the key may not: with Immich it needs the permission `asset.update`.
    """
    return shown.photo(await here.library.set_favorite(who, Source.photo(photo_id), wish.favorite))


@router.post("/{photo_id}/depth", status_code=202, response_model=JobAnswer, responses=MADE)
async def make_depth(
    photo_id: str, wanted: DepthRequest, request: Request, here: Here, who: Person, requests: Requests
) -> Response:
    """Makes depth: 202 with the job, or 200 if it exists."""
    photo = await here.library.item(who, Source.photo(photo_id), fresh=True)
    return await answered(DEPTH, wanted, SourceVersion.of_item(photo), request, requests, who)


@router.post("/{photo_id}/splat", status_code=202, response_model=JobAnswer, responses=MADE)
async def make_splat(
    photo_id: str, wanted: SplatRequest, request: Request, here: Here, who: Person, requests: Requests
) -> Response:
    """Makes a splat: 202 with the job, or 200 if it exists."""
    photo = await here.library.item(who, Source.photo(photo_id), fresh=True)
    return await answered(SPLAT, wanted, SourceVersion.of_item(photo), request, requests, who)


@router.post("/{photo_id}/splat/convert", status_code=202, response_model=JobAnswer, responses=MADE)
async def convert_splat(
    photo_id: str, wanted: ConvertRequest, request: Request, here: Here, who: Person, requests: Requests
) -> Response:
    """Converts a photo's splat: 202 with the job, or 200 if the file exists."""
    of = SourceVersion.of_item(await here.library.item(who, Source.photo(photo_id)))
    return await answered(CONVERT, wanted, of, request, requests, who)


@router.post("/{photo_id}/splat/levels", status_code=202, response_model=JobAnswer, responses=MADE)
async def make_levels(
    photo_id: str, wanted: LevelsRequest, request: Request, here: Here, who: Person, requests: Requests
) -> Response:
    """Makes levels of detail of a photo's splat, or tiles, with an index: 202 with the job, or 200 if they exist."""
    of = SourceVersion.of_item(await here.library.item(who, Source.photo(photo_id)))
    return await answered(LOD, wanted, of, request, requests, who)


@router.post("/{photo_id}/motion", status_code=202, response_model=JobAnswer, responses=MADE)
async def make_motion(
    photo_id: str, wanted: MotionRequest, request: Request, here: Here, who: Person, requests: Requests
) -> Response:
    """Makes a loop of two to four seconds in which the camera goes around the photo a little: 202 with the job, or 200
    if it exists."""
    photo = await here.library.item(who, Source.photo(photo_id), fresh=True)
    return await answered(MOTION, wanted, SourceVersion.of_item(photo), request, requests, who)
