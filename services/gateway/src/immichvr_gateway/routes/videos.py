"""Videos: pages of them, playing them, and asking for depth and stereo."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response
from immichvr_catalog import VIDEO
from immichvr_common.sources import Source

from immichvr_gateway.gallery_views import Favorite, ItemsView, VideoPageView, VideoView
from immichvr_gateway.http.description import FILE, PICTURE, also
from immichvr_gateway.http.passing import pass_on, pass_part
from immichvr_gateway.http.repeated import Repeatable
from immichvr_gateway.requests.spec import SourceVersion
from immichvr_gateway.requests.stereo import STEREO, StereoRequest
from immichvr_gateway.requests.video_depth import VIDEO_DEPTH, VideoDepthRequest
from immichvr_gateway.routes.answers import MADE, answered
from immichvr_gateway.routes.assets import asset_views
from immichvr_gateway.routes.dependencies import Assets, Here, Requests, Up
from immichvr_gateway.routes.people import Person, Spectator
from immichvr_gateway.routes.showing import Cursor, Limit, Narrowed, Shown
from immichvr_gateway.views import JobAnswer, VideoDetails

router = APIRouter(prefix="/api/videos", tags=["videos"], route_class=Repeatable)


@router.get("", responses=also(404))
async def list_videos(
    here: Here, who: Spectator, shown: Shown, narrowed: Narrowed, limit: Limit = 60, cursor: Cursor = None
) -> VideoPageView:
    """A page of videos, newest first, with badges."""
    wanted = replace(narrowed, kind=VIDEO)
    return shown.videos(await here.library.browsing.select(who, wanted, cursor, limit))


@router.get("/{video_id}")
async def get_video(video_id: str, here: Here, who: Spectator, up: Up, assets: Assets, shown: Shown) -> VideoDetails:
    """One video with its assets."""
    video = await here.library.item(who, Source(VIDEO, video_id))
    views = await asset_views(here, up, assets.of(video.source), video)
    return VideoDetails(**shown.video(video).model_dump(), assets=views)


@router.head("/{video_id}/thumbnail", include_in_schema=False, response_class=Response)
@router.get("/{video_id}/thumbnail", response_class=Response, responses=PICTURE)
async def get_video_thumbnail(video_id: str, request: Request, here: Here, who: Spectator) -> Response:
    """A small picture of a moment."""
    return await pass_on(request, await here.library.thumbnail(who, Source(VIDEO, video_id)))


@router.head("/{video_id}/preview", include_in_schema=False, response_class=Response)
@router.get("/{video_id}/preview", response_class=Response, responses=PICTURE)
async def get_video_preview(video_id: str, request: Request, here: Here, who: Spectator) -> Response:
    """A larger picture of a moment."""
    return await pass_on(request, await here.library.preview(who, Source(VIDEO, video_id)))


@router.head("/{video_id}/playback", include_in_schema=False, response_class=Response)
@router.get("/{video_id}/playback", response_class=Response, responses=FILE)
async def play_video(video_id: str, request: Request, here: Here, who: Spectator) -> Response:
    """What browsers play of it, whole or a range: the library's own transcode where there is one, else the file."""
    video = Source(VIDEO, video_id)
    return await pass_part(request, lambda span: here.library.playback(who, video, span))


@router.head("/{video_id}/original", include_in_schema=False, response_class=Response)
@router.get("/{video_id}/original", response_class=Response, responses=FILE)
async def get_video_original(
    video_id: str, request: Request, here: Here, who: Spectator, download: bool = False
) -> Response:
    """The file as it is, whole or a range of it."""
    video = Source(VIDEO, video_id)
    return await pass_part(request, lambda span: here.library.original(who, video, span), download)


@router.get("/{video_id}/stack")
async def list_video_stack(video_id: str, here: Here, who: Person, shown: Shown) -> ItemsView:
    """What lies in its stack, the one on top first; itself alone without one."""
    found = await here.library.browsing.stack(who, Source(VIDEO, video_id))
    return ItemsView(items=[shown.item(one) for one in found])


@router.put("/{video_id}/favorite")
async def mark_video(video_id: str, wish: Favorite, here: Here, who: Person, shown: Shown) -> VideoView:
    """Marks it as a favourite in the library, or takes the mark away."""
    return shown.video(await here.library.set_favorite(who, Source(VIDEO, video_id), wish.favorite))


@router.post("/{video_id}/depth", status_code=202, response_model=JobAnswer, responses=MADE)
async def make_video_depth(
    video_id: str, wanted: VideoDepthRequest, request: Request, here: Here, who: Person, requests: Requests
) -> Response:
    """Makes depth of a video, and stereo where that is among the outputs: 202 with the job, or 200 if it exists."""
    video = await here.library.item(who, Source(VIDEO, video_id), fresh=True)
    return await answered(VIDEO_DEPTH, wanted, SourceVersion.of_item(video), request, requests, who)


@router.post("/{video_id}/stereo", status_code=202, response_model=JobAnswer, responses=MADE)
async def make_stereo(
    video_id: str, wanted: StereoRequest, request: Request, here: Here, who: Person, requests: Requests
) -> Response:
    """Makes stereo of a video that has depth, without the network: 202 with the job, or 200 if it exists."""
    video = await here.library.item(who, Source(VIDEO, video_id), fresh=True)
    return await answered(STEREO, wanted, SourceVersion.of_item(video), request, requests, who)
