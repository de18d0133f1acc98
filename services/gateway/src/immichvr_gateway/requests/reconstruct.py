"""A scene of several photos of a place, of a video or of a live photo: Gaussians, or points alone."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message
from immichvr.inpaint.v1.inpaint_pb2 import PointsParams, ReconstructParams
from immichvr_catalog import PHOTO, POINTS, SCENE, SET, SPLAT
from immichvr_common.sources import Source
from pydantic import ConfigDict, Field, StrictBool

from immichvr_gateway.http.problems import Problem, not_accepted
from immichvr_gateway.jobs.records import FollowUp
from immichvr_gateway.requests.params import shown_params
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import job_id, recipe
from immichvr_gateway.requests.spec import JobSpec, SourceVersion
from immichvr_gateway.sources.identity import scene_of

RECONSTRUCT = "reconstruct"
TRAINED, CLOUD = "gaussian_splatting", "cloud"
METHODS = [TRAINED, CLOUD]
POSES = ["auto", "da3", "colmap"]
DRAFT = "draft"
QUALITIES = [DRAFT, "normal", "high"]
MOST_PHOTOS = 200
_TILE_GAUSSIANS = 100_000
_LEVELS = FollowUp(name="levels", kind="lod", request={}, message="making levels of detail")
_TILES = FollowUp(
    name="tiles", kind="lod", request={"tile_gaussians": _TILE_GAUSSIANS}, message="cutting it into tiles"
)


class PlaceRequest(JobRequest):
    """What a scene is made with, whatever becomes of it."""

    poses: str = Field("auto", max_length=16, json_schema_extra={"enum": [*POSES]})
    quality: str = Field("normal", max_length=16, json_schema_extra={"enum": [*QUALITIES]})
    mask_moving: StrictBool = Field(False, description="leave out what moves from picture to picture")
    force: StrictBool = False

    def check(self) -> None:
        """Raises Problem, naming what there is."""
        if self.poses not in POSES:
            raise not_accepted("poses", self.poses, POSES)
        if self.quality not in QUALITIES:
            raise not_accepted("quality", self.quality, QUALITIES)

    def about(self, of: SourceVersion) -> SourceVersion:
        """The scene: the same photos with the same wishes are the same one."""
        self.check()
        return scene_version(scene_of(of.source, self._recipe(of)).id, of.name)

    def _recipe(self, of: SourceVersion) -> str:
        raise NotImplementedError

    def _planned(self, kind: str, asset: str, params: Message, known: Known, **more: Any) -> JobSpec:
        of = known.made_of
        if of is None:
            raise LookupError("a scene is planned with what it is made of")
        own = self._recipe(of)
        made = tuple(one for one in known.assets if one.kind == asset and one.recipe == own)
        shown = {**shown_params(params), "made_of": {"kind": of.source.kind, "id": of.source.id}}
        return JobSpec(
            kind=kind, id=job_id(kind, known.of.source, own), params=params, shown=shown,
            grants=known.grants(keep_ply=known.keeps_ply),
            of=known.of, recipes={asset: own}, stages=staged_for(of), trusts_staged=self.force, made_of=of.source,
            existing=() if self.force else made, refusal=_too_few(of), **more,
        )  # fmt: skip


class ReconstructRequest(PlaceRequest):
    """How to make a scene one can walk in."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"quality": "draft"}, {"poses": "colmap", "mask_moving": True}]}
    )
    method: str = Field(TRAINED, max_length=32, json_schema_extra={"enum": [*METHODS]})
    sends: StrictBool = Field(
        False, description="with `cloud`: a yes to what `GET /api/reconstruct` says is sent, and what it may cost"
    )

    def check(self) -> None:
        """Raises Problem, naming what there is."""
        super().check()
        if self.method not in METHODS:
            raise not_accepted("method", self.method, METHODS)
        if self.method == CLOUD and not self.sends:
            raise Problem(
                403, "consent_required",
                "this sends pictures of yours to a service elsewhere: read in `GET /api/reconstruct` what is sent and "
                "what it may cost, then say yes to it with `sends`",
            )  # fmt: skip

    def plan(self, known: Known) -> JobSpec:
        """The scene; of more than a draft its levels and tiles follow from it. Raises Problem where nothing is sent."""
        self.check()
        if self.method == CLOUD and not known.sends_to:
            raise Problem(409, "cloud_off", "no service elsewhere is set up here; use another method")
        params = ReconstructParams(
            method=self.method.replace("_", "-"), poses=self.poses, quality=self.quality, mask_moving=self._masks,
            sends_to=known.sends_to if self.method == CLOUD else "",
        )  # fmt: skip
        then = () if self.quality == DRAFT else (_LEVELS.model_copy(), _TILES.model_copy())
        return self._planned(RECONSTRUCT, SPLAT, params, known, then=then)

    @property
    def _masks(self) -> bool:
        """Whether what moves is left out; a service elsewhere gets the pictures as they are."""
        return self.mask_moving and self.method != CLOUD

    def _recipe(self, of: SourceVersion) -> str:
        wish = {"poses": self.poses, "quality": self.quality, "mask_moving": self._masks}
        return recipe(RECONSTRUCT, of.version, self.method, wish)


class PointsRequest(PlaceRequest):
    """How to make points of a place."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"quality": "draft"}]})

    def plan(self, known: Known) -> JobSpec:
        """The points, in the formats that there are."""
        params = PointsParams(poses=self.poses, quality=self.quality, mask_moving=self.mask_moving)
        return self._planned(POINTS, POINTS, params, known)

    def _recipe(self, of: SourceVersion) -> str:
        return recipe(
            POINTS, of.version, "", {"poses": self.poses, "quality": self.quality, "mask_moving": self.mask_moving}
        )


def scene_version(scene_id: str, name: str) -> SourceVersion:
    """A scene as work is done on it: what it is made of, and how, is all in its id."""
    return SourceVersion(Source(SCENE, scene_id), scene_id, name)


def staged_for(of: SourceVersion) -> dict[str, SourceVersion]:
    """What is staged to make a scene, by role: photos of a set in their order, a video, a live photo and its clip."""
    if of.source.kind == SET:
        return {f"photo_{place:03}": one for place, one in enumerate(of.members)}
    if of.source.kind == PHOTO:
        return {"photo_000": of, "clip": of.clip}
    return {"video": of}


def _too_few(of: SourceVersion) -> Problem | None:
    if of.source.kind == PHOTO and not of.live:
        return Problem(
            422, "too_few_photos",
            "a place is made of two photos of it or more, a video or a live photo; one alone becomes 3D as it is",
        )  # fmt: skip
    if len(of.members) > MOST_PHOTOS:
        return too_many_photos(len(of.members))
    return None


def too_many_photos(count: int) -> Problem:
    """Why nothing is made of so many."""
    return Problem(
        422, "too_many_photos", f"{count} photos: a place is made of at most {MOST_PHOTOS}; choose the sharpest ones"
    )
