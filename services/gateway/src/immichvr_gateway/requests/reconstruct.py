"""A scene of several photos of a place, of a video or of a live photo: Gaussians, or points alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message
from immichvr.events.v1.events_pb2 import Grants
from immichvr.inpaint.v1.inpaint_pb2 import PointsParams, ReconstructParams
from immichvr_catalog import PHOTO, POINTS, SCENE, SET, SPLAT
from immichvr_common.manifests import Manifest
from immichvr_common.sources import Source
from pydantic import ConfigDict, Field, StrictBool

from immichvr_gateway.http.problems import Problem, not_accepted
from immichvr_gateway.jobs.records import FollowUp
from immichvr_gateway.requests.given import GivenCameras
from immichvr_gateway.requests.params import shown_params
from immichvr_gateway.requests.planning import JobRequest, Known
from immichvr_gateway.requests.recipes import job_id, recipe
from immichvr_gateway.requests.spec import JobSpec, SourceVersion
from immichvr_gateway.sources.identity import scene_of

RECONSTRUCT = "reconstruct"
TRAINED, CLOUD = "gaussian_splatting", "cloud"
METHODS = [TRAINED, CLOUD]
GIVEN = "given"
POSES = ["auto", "da3", "colmap", GIVEN]
DRAFT = "draft"
QUALITIES = [DRAFT, "normal", "high"]
MOST_PHOTOS = 200
TRANSFORMS = "transforms"
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
    cameras: GivenCameras | None = Field(None, description="with `given` poses: where the photos were taken from")
    force: StrictBool = False

    def check(self) -> None:
        """Raises Problem, naming what there is."""
        if self.poses not in POSES:
            raise not_accepted("poses", self.poses, POSES)
        if self.quality not in QUALITIES:
            raise not_accepted("quality", self.quality, QUALITIES)
        if (self.poses == GIVEN) != (self.cameras is not None):
            raise Problem(422, "invalid_request", "`given` poses and `cameras` go together: send both, or neither")

    def about(self, of: SourceVersion) -> SourceVersion:
        """The scene: the same photos with the same wishes are the same one."""
        self.check()
        return scene_version(scene_of(of.source, self._recipe(of)).id, of.name)

    def _recipe(self, of: SourceVersion) -> str:
        raise NotImplementedError

    def _wish(self, of: SourceVersion, *, masks: bool) -> dict[str, Any]:
        """What a place is made with, as the parameters of its job have it."""
        given = self._given(of)
        cameras = "" if given is None else hashlib.sha256(given).hexdigest()
        return {"poses": self.poses, "quality": self.quality, "mask_moving": masks, "cameras": cameras}

    def _given(self, of: SourceVersion) -> bytes | None:
        """The cameras for a worker. Raises Problem where they are not those of these photos."""
        if self.cameras is None:
            return None
        if of.source.kind != SET:
            raise Problem(
                422, "invalid_request", "cameras can be given of several photos, not of a video or of one photo"
            )
        return self.cameras.of(of.members)

    def _planned(self, kind: str, asset: str, params: Message, known: Known, **more: Any) -> JobSpec:
        of = known.made_of
        if of is None:
            raise LookupError("a scene is planned with what it is made of")
        own, given = self._recipe(of), self._given(of)
        made = tuple(one for one in known.assets if one.kind == asset and one.recipe == own)
        shown = {**shown_params(params), "made_of": {"kind": of.source.kind, "id": of.source.id}}
        return JobSpec(
            kind=kind, id=job_id(kind, known.of.source, own), params=params, shown=shown,
            grants=Grants(accepted=known.accepted, keep_ply=known.keeps_ply, stand_ins=known.has_stand_ins),
            of=known.of, recipes={asset: own}, stages=staged_for(of), trusts_staged=self.force, made_of=of.source,
            carried={} if given is None else {TRANSFORMS: given},
            existing=() if self.force else made, begins_anew=self.force, refusal=_too_few(of), **more,
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
        of = known.made_of or known.of
        params = ReconstructParams(
            method=_spelt(self.method), sends_to=known.sends_to if self.method == CLOUD else "",
            **self._wish(of, masks=self._masks),
        )  # fmt: skip
        then = () if self.quality == DRAFT else (_LEVELS.model_copy(), _TILES.model_copy())
        return self._planned(RECONSTRUCT, SPLAT, params, known, then=then)

    @property
    def _masks(self) -> bool:
        """Whether what moves is left out; a service elsewhere gets the pictures as they are."""
        return self.mask_moving and self.method != CLOUD

    def _recipe(self, of: SourceVersion) -> str:
        return _trained(of.version, self.method, self._wish(of, masks=self._masks))


class PointsRequest(PlaceRequest):
    """How to make points of a place."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"quality": "draft"}]})

    def plan(self, known: Known) -> JobSpec:
        """The points, in the formats that there are."""
        params = PointsParams(**self._wish(known.made_of or known.of, masks=self.mask_moving))
        return self._planned(POINTS, POINTS, params, known)

    def _recipe(self, of: SourceVersion) -> str:
        return _as_points(of.version, self._wish(of, masks=self.mask_moving))


def is_outdated_scene(manifest: Manifest, version: str) -> bool:
    """Whether what a scene is made of, or what makes scenes, has changed since.

    manifest: of what was made of photos or a video, not of something filled. version: of those, now.
    """
    told = manifest.params
    wish = {
        "poses": told.get("poses", ""), "quality": told.get("quality", ""),
        "mask_moving": bool(told.get("maskMoving")), "cameras": told.get("cameras", ""),
    }  # fmt: skip
    if manifest.kind == POINTS:
        return manifest.recipe != _as_points(version, wish)
    method = next((one for one in METHODS if _spelt(one) == told.get("method")), TRAINED)
    return manifest.recipe != _trained(version, method, wish)


def _spelt(method: str) -> str:
    """As workers are told it."""
    return method.replace("_", "-")


def _trained(version: str, method: str, wish: Mapping[str, Any]) -> str:
    return recipe(RECONSTRUCT, version, method, _canonical(wish))


def _as_points(version: str, wish: Mapping[str, Any]) -> str:
    return recipe(POINTS, version, "", _canonical(wish))


def _canonical(wish: Mapping[str, Any]) -> dict[str, Any]:
    """Scenes whose cameras were found are those of before cameras could be given."""
    return {name: value for name, value in wish.items() if name != "cameras" or value}


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
