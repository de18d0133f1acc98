"""What the API shows: assets and their files, jobs, and photos and videos with what was made of them."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePath
from typing import Any, Literal, TypeVar

from immichvr_common.grants import without_grants
from immichvr_common.manifests import AssetFile, Manifest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from immichvr_gateway.gallery_views import PhotoView, VideoView
from immichvr_gateway.jobs.records import JobShown, JobView
from immichvr_gateway.sources.places import place_of
from immichvr_gateway.upkeep.aside import SetAside

_LONGEST_STEM = 120
_TOLD_APART = {"camera", "depth", "metric"}


class FileView(BaseModel):
    """One file of an asset."""

    name: str = Field(examples=["splat.spz"])
    role: str = Field(examples=["splat"])
    format: str = Field(examples=["spz"])
    variant: str = Field(examples=["full"])
    size: int
    sha256: str
    media_type: str
    url: str
    download_name: str


class CameraView(BaseModel):
    """A pinhole camera in pixels of the photo, with whatever else its maker tells of it.

    As `gravity`, where the photo tells: which way things fall before it, x right, y down, z ahead, of length 1.
    """

    model_config = ConfigDict(extra="allow")
    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int


class DepthView(BaseModel):
    """How far a depth map reaches: in metres where it is metric, else in units of its own."""

    model_config = ConfigDict(extra="allow")
    near: float
    far: float
    metric: bool


class AssetView(BaseModel):
    """Something made from a source."""

    key: str = Field(examples=["splat-lift-da2-small"])
    kind: str = Field(examples=["splat"])
    model_key: str = Field(examples=["lift-da2-small"])
    model_revision: str
    requested_model: str = Field(examples=["auto"])
    reason: str = Field(description="why this model ran where another was preferred")
    metric: bool
    outdated: bool
    created_at: datetime
    camera: CameraView | None
    depth: DepthView | None
    params: dict[str, Any]
    timings: dict[str, float]
    losses: list[str]
    details: dict[str, Any] = Field(
        description="what else its maker tells, as of a video where its player finds colour and depth",
        examples=[{"rgbd": {"width": 1936, "height": 540}}],
    )
    files: list[FileView]


class ShotView(BaseModel):
    """With what a photo was taken, and how. exposure: seconds, as cameras write it."""

    camera: str | None = Field(examples=["Pixel 8"])
    lens: str | None
    exposure: str | None = Field(examples=["1/250"])
    f_number: float | None = Field(examples=[1.8])
    iso: int | None
    focal_length_mm: float | None


class PhotoDetails(PhotoView):
    """A photo with its assets. shot: null where nothing is known of it, and of what a link shows."""

    shot: ShotView | None = None
    assets: list[AssetView]


class VideoDetails(VideoView):
    """A video with its assets."""

    assets: list[AssetView]


class AssetsView(BaseModel):
    """A source's assets."""

    assets: list[AssetView]


class JobPageView(BaseModel):
    """Jobs, newest first."""

    items: list[JobShown]
    next_cursor: str | None


class DeadLetterView(BaseModel):
    """A job that failed for good. explanation, remedy: what happened and what can be done, in words for people."""

    job: JobView
    failed_at: datetime
    deliveries: int = Field(description="how often a worker took it")
    explanation: str = Field(examples=["This took longer than the server allows."])
    remedy: str = Field(examples=["Try again when the server is less busy, or choose a faster model."])
    may_be_retried: bool


class DeadLetterPageView(BaseModel):
    """Jobs that failed for good, newest first."""

    items: list[DeadLetterView]
    next_cursor: str | None


class ForgottenView(BaseModel):
    """How many of something were forgotten."""

    forgotten: int


class SetAsideView(BaseModel):
    """Messages that could not be read or believed, newest first."""

    items: list[SetAside]


class JobAnswer(BaseModel):
    """The job that answers a request."""

    job: JobView


class AssetMapView(BaseModel):
    """Which photos have what."""

    status: Literal["success"] = "success"
    count: int
    map: dict[str, dict[str, list[str]]] = Field(
        description="by photo and kind: the models that made something",
        examples=[{"6f1c0a3b": {"depth": ["da2-small"], "splat": ["lift-da2-small"]}}],
    )


def asset_view(manifest: Manifest, outdated: bool, source_name: str = "") -> AssetView:
    """An asset as its manifest tells it. source_name: what its files are named after, its id where unknown."""
    depth = _told(DepthView, manifest.details.get("depth"))
    return AssetView(
        key=manifest.asset_key,
        kind=manifest.kind,
        model_key=manifest.model_key,
        model_revision=manifest.model_revision,
        requested_model=manifest.requested_model,
        reason=manifest.reason,
        metric=bool(manifest.details.get("metric", depth is not None and depth.metric)),
        outdated=outdated,
        created_at=manifest.created_at,
        camera=_told(CameraView, manifest.details.get("camera")),
        depth=depth,
        params=without_grants(manifest.params),
        timings=manifest.timings,
        losses=manifest.losses,
        details={name: told for name, told in manifest.details.items() if name not in _TOLD_APART},
        files=[_file_view(manifest, file, source_name) for file in manifest.files],
    )


def download_name(manifest: Manifest, file: AssetFile, source_name: str = "") -> str:
    """The name a file is saved under: {the source's own name, or its id}_{model_key}.ply."""
    stem, _, rest = file.name.partition(".")
    middle = "" if stem == manifest.kind else f".{stem}"
    name = PurePath(source_name).stem[:_LONGEST_STEM] or manifest.source.id
    return f"{name}_{manifest.model_key}{middle}.{rest}"


Told = TypeVar("Told", bound=BaseModel)


def _told(view: type[Told], details: object) -> Told | None:
    """What a maker tells; None where it tells nothing, or nothing that can be used."""
    try:
        return None if details is None else view.model_validate(details)
    except ValidationError:
        return None


def _file_view(manifest: Manifest, file: AssetFile, source_name: str) -> FileView:
    return FileView(
        name=file.name,
        role=file.role,
        format=file.format,
        variant=file.variant,
        size=file.size,
        sha256=file.sha256,
        media_type=file.media_type,
        url=f"/api/{place_of(manifest.source)}/assets/{manifest.asset_key}/{file.name}",
        download_name=download_name(manifest, file, source_name),
    )
