"""Scenes: made of photos and videos, looked at, completed, packed as datasets, deleted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from immichvr_catalog import POINTS, SCENE, SET, SPLAT, VIDEO
from immichvr_common.sources import Source
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from immichvr_gateway.http.problems import Problem, not_found
from immichvr_gateway.http.repeated import Repeatable
from immichvr_gateway.jobs.records import State
from immichvr_gateway.library import Identity
from immichvr_gateway.requests.dataset import DATASET, DatasetRequest
from immichvr_gateway.requests.inpaint import INPAINT, InpaintRequest
from immichvr_gateway.requests.reconstruct import (
    CLOUD,
    METHODS,
    MOST_PHOTOS,
    POSES,
    QUALITIES,
    RECONSTRUCT,
    PlaceRequest,
    PointsRequest,
    ReconstructRequest,
    too_many_photos,
)
from immichvr_gateway.requests.versions import source_version
from immichvr_gateway.resources import Resources
from immichvr_gateway.routes.answers import MADE, answered
from immichvr_gateway.routes.dependencies import Assets, Here, Requests, Up
from immichvr_gateway.routes.jobs import mine
from immichvr_gateway.routes.people import Person, Spectator
from immichvr_gateway.routes.storage import DeletedView, delete_scene_whole
from immichvr_gateway.scenes.reading import CURSOR, SceneDetails, ScenePageView, details_of, page_of_scenes
from immichvr_gateway.settings import CloudSettings
from immichvr_gateway.views import JobAnswer

router = APIRouter(prefix="/api", tags=["scenes"], route_class=Repeatable)

_MOST_NAMED = 1000
_ALL_METHODS = [*METHODS, POINTS]
Cursor = Annotated[str | None, Query(max_length=100, pattern=CURSOR)]


class PlaceSource(BaseModel):
    """What a place is to be made of: one of these. photo_ids: in the order in which they were taken, where that tells
    the way; one alone where it is a live photo. set: the id of a set that there is.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"oneOf": [{"required": [one]} for one in ("video_id", "photo_ids", "set")]},
    )
    video_id: str | None = Field(None, max_length=200, json_schema_extra={"type": "string"})
    photo_ids: list[Annotated[str, Field(max_length=200)]] | None = Field(
        None, min_length=1, max_length=_MOST_NAMED, json_schema_extra={"type": "array"}
    )
    set: str | None = Field(None, max_length=200, json_schema_extra={"type": "string"})

    @model_validator(mode="after")
    def _is_one(self) -> PlaceSource:
        named = [one for one in (self.video_id, self.photo_ids, self.set) if one is not None]
        if (len(named), len(self.model_fields_set)) != (1, 1):
            raise ValueError("name one of video_id, photo_ids and set")
        return self


class PlaceWanted(PlaceRequest):
    """A place to be made. method: `gaussian_splatting` is trained here, `points` are its points alone, `cloud` is
    trained elsewhere, where that is set up.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"source": {"video_id": "6f1c0a3b"}, "quality": "draft"}]}
    )
    source: PlaceSource
    method: str = Field(METHODS[0], max_length=32, json_schema_extra={"enum": [*_ALL_METHODS]})
    sends: StrictBool = Field(False, description="with `cloud`: a yes to what `GET /api/reconstruct` says of it")

    def request(self) -> tuple[str, PlaceRequest]:
        """The kind of job, and what its planner takes."""
        own: dict[str, Any] = {"poses": self.poses, "quality": self.quality, "mask_moving": self.mask_moving}
        own["cameras"] = self.cameras
        if self.method == POINTS:
            return POINTS, PointsRequest(**own, force=self.force)
        return RECONSTRUCT, ReconstructRequest(**own, method=self.method, sends=self.sends, force=self.force)


class CloudView(BaseModel):
    """A service elsewhere that scenes can be trained at. sends: what leaves the house. cost: what it may cost, in
    words."""

    name: str
    address: str
    sends: str
    cost: str


class WaysView(BaseModel):
    """How places can be made here. cloud: null where nothing is ever sent anywhere."""

    methods: list[str]
    poses: list[str]
    qualities: list[str]
    most_photos: int
    cloud: CloudView | None


@router.get("/reconstruct")
async def list_ways_to_reconstruct(here: Here, who: Person) -> WaysView:
    """How a place can be made, and for work elsewhere what would be sent and what it may cost."""
    cloud = _cloud_of(here.settings.cloud)
    methods = [one for one in _ALL_METHODS if one != CLOUD or cloud is not None]
    return WaysView(methods=methods, poses=POSES, qualities=QUALITIES, most_photos=MOST_PHOTOS, cloud=cloud)


@router.post("/reconstruct", status_code=202, response_model=JobAnswer, responses=MADE)
async def reconstruct(wanted: PlaceWanted, request: Request, here: Here, who: Person, requests: Requests) -> Response:
    """Makes a place one can walk in: 202 with the job, whose source is the scene, or 200 if it exists."""
    kind, own = wanted.request()
    own.check()
    of = await source_version(here, who, await _source(here, who, wanted.source))
    return await answered(kind, own, of, request, requests, who)


@router.get("/scenes")
async def list_scenes(
    here: Here, who: Person, assets: Assets, limit: Annotated[int, Query(ge=1, le=200)] = 60, cursor: Cursor = None
) -> ScenePageView:
    """Scenes whose every photo one sees, the newest first."""
    return await page_of_scenes(here, who, assets, limit, cursor)


async def shown_scene(scene_id: str, here: Here, who: Spectator, up: Up, assets: Assets) -> Source:
    """The scene of that id, if there is anything of it, or will be, and this person may see it.

    Raises Problem (404), Unavailable.
    """
    source = Source(SCENE, scene_id)
    is_there = assets.of(source) or up.jobs.store.index.under_way_about(source)
    if not is_there or not await here.visibility.may_see(who, source):
        raise not_found(f"there is no scene {scene_id!r}, or you may not see it")
    return source


ShownScene = Annotated[Source, Depends(shown_scene)]


@router.get("/scenes/{scene_id}")
async def get_scene(scene: ShownScene, here: Here, who: Spectator, up: Up, assets: Assets) -> SceneDetails:
    """One scene: its cameras, how good it is, and what there is of it."""
    return await details_of(here, up, who, scene, assets)


@router.delete("/scenes/{scene_id}")
async def delete_scene(scene: ShownScene, here: Here, who: Person, up: Up) -> DeletedView:
    """Deletes a scene, and all that was or is being made of it; who made it may, and who owns any of its photos.

    The photos stay.
    """
    return await delete_scene_whole(scene, here, who, up)


@router.post("/scenes/{scene_id}/dataset", status_code=202, response_model=JobAnswer, responses=MADE)
async def make_dataset(
    scene: ShownScene, wanted: DatasetRequest, request: Request, here: Here, who: Person, requests: Requests
) -> Response:
    """Packs its pictures with cameras, depth and masks as nerfstudio reads them: 202 with the job, or 200."""
    return await answered(DATASET, wanted, await source_version(here, who, scene), request, requests, who)


@router.post("/scenes/{scene_id}/inpaint", status_code=202, response_model=JobAnswer, responses=MADE)
async def inpaint_scene(
    scene: ShownScene, wanted: InpaintRequest, request: Request, here: Here, who: Person, requests: Requests
) -> Response:
    """Fills what is missing in it: 202 with the job, or 200 if that exists. The scene as it was stays."""
    return await answered(INPAINT, wanted, await source_version(here, who, scene), request, requests, who)


@router.post("/inpaint/{job_id}", status_code=202, response_model=JobAnswer, responses=MADE)
async def inpaint_result(
    job_id: str, wanted: InpaintRequest, request: Request, here: Here, who: Person, up: Up, requests: Requests
) -> Response:
    """Fills what is missing in the splat that a job made: 409 unless that job has succeeded."""
    record = await mine(here, up, who, job_id)
    if record.state is not State.SUCCEEDED:
        raise Problem(
            409, "not_succeeded", f"job {job_id} is {record.state}; what it makes can be filled once it succeeds"
        )
    made = next((key for key in record.outputs if key.startswith(f"{SPLAT}-")), None)
    if made is None or record.source is None:
        raise Problem(409, "nothing_to_complete", f"job {job_id} made no splat that could be filled")
    own = wanted.model_copy(update={"model": made.removeprefix(f"{SPLAT}-")})
    return await answered(INPAINT, own, await source_version(here, who, record.source), request, requests, who)


async def _source(here: Resources, who: Identity, named: PlaceSource) -> Source:
    """What was named, a set being kept from now on. Raises Problem, InvalidRequest, Unavailable."""
    if named.video_id is not None:
        return Source(VIDEO, named.video_id)
    if named.set is not None:
        return Source(SET, named.set)
    ids = named.photo_ids or []
    if len(ids) > MOST_PHOTOS:
        raise too_many_photos(len(ids))
    if len(ids) == 1:
        return Source.photo(ids[0])
    if not await _sees_all(here, who, ids):
        raise not_found("of these photos, some are not there any more, or you may not see them; take the others")
    return await here.composites.add_set(ids)


async def _sees_all(here: Resources, who: Identity, ids: list[str]) -> bool:
    """Nothing is kept of photos that somebody merely names."""
    photos = [Source.photo(one) for one in ids]
    return len(await here.visibility.visible(who, photos)) == len(set(ids))


def _cloud_of(settings: CloudSettings) -> CloudView | None:
    if not settings.address:
        return None
    sends = "the photos themselves, or the frames of the video, each with the camera it was taken from"
    return CloudView(name=settings.name, address=settings.address, sends=sends, cost=settings.cost)
