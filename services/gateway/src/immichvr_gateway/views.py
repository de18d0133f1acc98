"""What the API shows: photos, assets and their files."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePath
from typing import Any, Literal

from immichvr_common.manifests import AssetFile, Manifest
from pydantic import BaseModel, Field

from immichvr_gateway.assets import Badges
from immichvr_gateway.jobs.records import NOT_SHOWN, JobView
from immichvr_gateway.library import LibraryPhoto

_LONGEST_STEM = 120


class BadgesView(BaseModel):
    """What a photo has: a depth map, a splat."""

    depth: bool
    splat: bool


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


class AssetView(BaseModel):
    """Something made from a photo."""

    key: str = Field(examples=["splat-lift-da2-small"])
    kind: str = Field(examples=["splat"])
    model_key: str = Field(examples=["lift-da2-small"])
    model_revision: str
    requested_model: str = Field(examples=["auto"])
    reason: str = Field(description="why this model ran where another was preferred")
    metric: bool
    outdated: bool
    created_at: datetime
    camera: dict[str, Any] | None
    depth: dict[str, Any] | None
    params: dict[str, Any]
    timings: dict[str, float]
    losses: list[str]
    files: list[FileView]


class PhotoView(BaseModel):
    """A photo, with what it has and what is being done to it."""

    id: str
    name: str
    width: int | None
    height: int | None
    taken_at: datetime | None
    thumbnail: str
    preview: str
    original: str
    badges: BadgesView
    job: JobView | None
    external_url: str | None


class PhotoDetails(PhotoView):
    """A photo with its assets."""

    assets: list[AssetView]


class PhotoPageView(BaseModel):
    """Photos, newest first."""

    items: list[PhotoView]
    next_cursor: str | None


class AssetsView(BaseModel):
    """A photo's assets."""

    assets: list[AssetView]


class JobPageView(BaseModel):
    """Jobs, newest first."""

    items: list[JobView]
    next_cursor: str | None


class JobAnswer(BaseModel):
    """The job that answers a request."""

    job: JobView


class KindsView(BaseModel):
    """The models a photo's assets were made by."""

    depth: list[str]
    splat: list[str]


class AssetMapView(BaseModel):
    """Which photos have what."""

    status: Literal["success"] = "success"
    count: int
    map: dict[str, KindsView]


def photo_view(photo: LibraryPhoto, badges: Badges, job: JobView | None) -> PhotoView:
    """A photo as it is shown."""
    base = f"/api/photos/{photo.id}"
    return PhotoView(
        id=photo.id,
        name=photo.name,
        width=photo.width,
        height=photo.height,
        taken_at=photo.taken_at,
        thumbnail=f"{base}/thumbnail",
        preview=f"{base}/preview",
        original=f"{base}/original",
        badges=BadgesView(depth=badges.depth, splat=badges.splat),
        job=job,
        external_url=photo.external_url,
    )


def asset_view(manifest: Manifest, outdated: bool, photo_name: str = "") -> AssetView:
    """An asset as its manifest tells it. photo_name: what its files are named after, its id where unknown."""
    depth = manifest.details.get("depth")
    return AssetView(
        key=manifest.asset_key,
        kind=manifest.kind,
        model_key=manifest.model_key,
        model_revision=manifest.model_revision,
        requested_model=manifest.requested_model,
        reason=manifest.reason,
        metric=bool(manifest.details.get("metric", (depth or {}).get("metric", False))),
        outdated=outdated,
        created_at=manifest.created_at,
        camera=manifest.details.get("camera"),
        depth=depth,
        params={name: value for name, value in manifest.params.items() if name not in NOT_SHOWN},
        timings=manifest.timings,
        losses=manifest.losses,
        files=[_file_view(manifest, file, photo_name) for file in manifest.files],
    )


def download_name(manifest: Manifest, file: AssetFile, photo_name: str = "") -> str:
    """The name a file is saved under: {the photo's own name, or its id}_{model_key}.ply."""
    stem, _, rest = file.name.partition(".")
    middle = "" if stem in ("splat", "depth") else f".{stem}"
    photo = PurePath(photo_name).stem[:_LONGEST_STEM] or manifest.photo_id
    return f"{photo}_{manifest.model_key}{middle}.{rest}"


def _file_view(manifest: Manifest, file: AssetFile, photo_name: str) -> FileView:
    return FileView(
        name=file.name,
        role=file.role,
        format=file.format,
        variant=file.variant,
        size=file.size,
        sha256=file.sha256,
        media_type=file.media_type,
        url=f"/api/photos/{manifest.photo_id}/assets/{manifest.asset_key}/{file.name}",
        download_name=download_name(manifest, file, photo_name),
    )
