"""Routes as the project of the same name had them before, for clients that were written for it.

A file is a row as its table `generated_assets_3d` held them, and is shown to whoever sees the photo.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from immichvr_common.errors import CorruptObject, NotFound
from immichvr_common.manifests import AssetFile, Manifest
from immichvr_common.sources import Source
from pydantic import BaseModel, ConfigDict, Field

from immichvr_gateway.assets.index import AssetEntry, AssetIndex
from immichvr_gateway.http.description import FILE
from immichvr_gateway.http.problems import not_found
from immichvr_gateway.http.repeated import Repeatable
from immichvr_gateway.jobs.records import JobView
from immichvr_gateway.library import Identity
from immichvr_gateway.requests.conversion import CONVERT, FORMATS, ConvertRequest
from immichvr_gateway.requests.depth import DEPTH_MODELS, DepthRequest
from immichvr_gateway.requests.spec import SourceVersion
from immichvr_gateway.requests.splat import SPLAT_MODELS, SplatRequest
from immichvr_gateway.resources import Resources
from immichvr_gateway.routes.answers import answered
from immichvr_gateway.routes.assets import get_asset_file
from immichvr_gateway.routes.dependencies import Assets, Here, Requests, Up
from immichvr_gateway.routes.people import Person, Spectator
from immichvr_gateway.routes.storage import delete_asset
from immichvr_gateway.sources.places import place_of

router = APIRouter(prefix="/api/assets/{photo_id}", tags=["earlier"], route_class=Repeatable)

_IDS = uuid.UUID("6d0c5a1e-5a0b-4b53-9a39-5b0a1f6d9c11")
"""Under which the ids of files are made: rows had UUIDs, our files have names."""


class EarlierFile(BaseModel):
    """A file, as the table `generated_assets_3d` had it. file_path: where it is to be had."""

    id: str = Field(examples=["0f6c1c1e-6a57-5b3e-8d3e-3f1f2b7c9a10"])
    media_item_id: str = Field(examples=["6f1c0a3b"])
    asset_type: str = Field(examples=["splat"])
    model_key: str = Field(examples=["lift-da2-small"])
    format: str = Field(examples=["spz"])
    file_path: str
    file_size: int
    width: int | None
    height: int | None
    metadata: dict[str, Any]
    generated_at: datetime
    created_at: datetime
    updated_at: datetime


class EarlierFiles(BaseModel):
    """The files of a photo."""

    status: Literal["success"] = "success"
    count: int
    files: list[EarlierFile]


class EarlierJob(BaseModel):
    """What became of a wish: `success` where it is made already, `queued` where a job makes it."""

    status: Literal["success", "queued"]
    job: JobView


class EarlierDone(BaseModel):
    """It is done."""

    status: Literal["success"] = "success"


class EarlierDepth(BaseModel):
    """That depth shall be made."""

    model_config = ConfigDict(extra="ignore")
    type: Literal["depth"]
    modelKey: Annotated[str, Field(max_length=64, json_schema_extra={"enum": [*DEPTH_MODELS]})] = "auto"  # noqa: N815  # as it was called

    def own(self) -> DepthRequest:
        """The same in the API's own words."""
        return DepthRequest(model=self.modelKey)


class EarlierSplat(BaseModel):
    """That a splat shall be made."""

    model_config = ConfigDict(extra="ignore")
    type: Literal["splat"]
    modelKey: Annotated[str, Field(max_length=64, json_schema_extra={"enum": [*SPLAT_MODELS]})] = "auto"  # noqa: N815  # as it was called

    def own(self) -> SplatRequest:
        """The same in the API's own words."""
        return SplatRequest(model=self.modelKey)


EarlierWish = Annotated[
    EarlierDepth | EarlierSplat, Field(discriminator="type", examples=[{"type": "depth", "modelKey": "auto"}])
]


class EarlierConversion(BaseModel):
    """To what to convert the photo's splat; from what it is made is the gateway's choice, the best there is."""

    model_config = ConfigDict(
        extra="ignore", populate_by_name=True, json_schema_extra={"examples": [{"from": "ply", "to": "ksplat"}]}
    )
    source_format: str = Field("ply", alias="from", max_length=16)
    to: Annotated[str, Field(max_length=16, json_schema_extra={"enum": list(FORMATS)})]


_MADE: dict[int | str, dict[str, Any]] = {202: {"model": EarlierJob, "description": "The job that makes it"}}


@router.get("/files")
async def list_earlier_files(photo_id: str, here: Here, who: Spectator, assets: Assets) -> EarlierFiles:
    """The files made of a photo, as rows."""
    photo = await here.library.item(who, Source.photo(photo_id))
    rows = [_row(manifest, file) for _, manifest, file in await _files(here, assets, photo.source)]
    return EarlierFiles(count=len(rows), files=rows)


@router.get("/files/{file_id}", response_class=Response, responses=FILE)
async def get_earlier_file(
    photo_id: str, file_id: str, request: Request, here: Here, who: Spectator, up: Up, assets: Assets
) -> Response:
    """One file, whole or a range of it."""
    return await _sent(photo_id, file_id, request, here, who, up, assets, download=False)


@router.get("/files/{file_id}/download", response_class=Response, responses=FILE)
async def download_earlier_file(
    photo_id: str, file_id: str, request: Request, here: Here, who: Spectator, up: Up, assets: Assets
) -> Response:
    """The same, to be saved."""
    return await _sent(photo_id, file_id, request, here, who, up, assets, download=True)


@router.delete("/files/{file_id}")
async def delete_earlier_file(
    photo_id: str, file_id: str, here: Here, who: Person, up: Up, assets: Assets
) -> EarlierDone:
    """Deletes a file with the asset that it is of, its other formats among it; only the photo's owner may."""
    photo = await here.library.item(who, Source.photo(photo_id))
    entry, _ = await _found(here, assets, photo.source, file_id)
    await delete_asset(photo.source, entry.asset_key, here, who, up, assets)
    return EarlierDone()


@router.post("/generate", status_code=200, response_model=EarlierJob, responses=_MADE)
async def generate_earlier(
    photo_id: str,
    wanted: EarlierWish,
    request: Request,
    here: Here,
    who: Person,
    requests: Requests,
) -> Response:
    """Makes depth or a splat: 202 with the job, or 200 if it exists."""
    photo = await here.library.item(who, Source.photo(photo_id), fresh=True)
    return _told(await answered(wanted.type, wanted.own(), SourceVersion.of_item(photo), request, requests, who))


@router.post("/convert", status_code=200, response_model=EarlierJob, responses=_MADE)
async def convert_earlier(
    photo_id: str, wanted: EarlierConversion, request: Request, here: Here, who: Person, requests: Requests
) -> Response:
    """Converts the photo's splat: 202 with the job, or 200 if the file exists."""
    photo = await here.library.item(who, Source.photo(photo_id))
    own = ConvertRequest(format=wanted.to)
    return _told(await answered(CONVERT, own, SourceVersion.of_item(photo), request, requests, who))


def _told(answer: JSONResponse) -> Response:
    """An answer about a job, in the words of before."""
    status = b"success" if answer.status_code == 200 else b"queued"
    body = b'{"status":"' + status + b'",' + bytes(answer.body).removeprefix(b"{")
    return Response(body, answer.status_code, {"Location": answer.headers["location"]}, "application/json")


async def _sent(
    photo_id: str, file_id: str, request: Request, here: Here, who: Identity, up: Up, assets: Assets, download: bool
) -> Response:
    photo = await here.library.item(who, Source.photo(photo_id))
    entry, name = await _found(here, assets, photo.source, file_id)
    return await get_asset_file(photo.source, entry.asset_key, name, request, here, who, up, assets, download)


async def _found(here: Resources, assets: AssetIndex, source: Source, file_id: str) -> tuple[AssetEntry, str]:
    """The asset of a file, and the file's name. Raises Problem (404)."""
    for entry, manifest, file in await _files(here, assets, source):
        if file_id == _id(manifest, file):
            return entry, file.name
    raise not_found(f"{source} has no file {file_id!r}")


async def _files(here: Resources, assets: AssetIndex, source: Source) -> list[tuple[AssetEntry, Manifest, AssetFile]]:
    found = []
    for entry in assets.of(source):
        try:
            manifest = await here.manifests.read(entry.manifest_key)
        except (NotFound, CorruptObject):
            continue
        found += [(entry, manifest, file) for file in manifest.files]
    return found


def _id(manifest: Manifest, file: AssetFile) -> str:
    return str(uuid.uuid5(_IDS, f"{place_of(manifest.source)}/{manifest.asset_key}/{file.name}"))


def _row(manifest: Manifest, file: AssetFile) -> EarlierFile:
    camera = manifest.details.get("camera")
    sides = camera if isinstance(camera, dict) else {}
    return EarlierFile(
        id=_id(manifest, file),
        media_item_id=manifest.source.id,
        asset_type=manifest.kind,
        model_key=manifest.model_key,
        format=file.format,
        file_path=f"/api/{place_of(manifest.source)}/assets/{manifest.asset_key}/{file.name}",
        file_size=file.size,
        width=sides.get("width"),
        height=sides.get("height"),
        metadata={"variant": file.variant, "role": file.role, "sha256": file.sha256},
        generated_at=manifest.created_at,
        created_at=manifest.created_at,
        updated_at=manifest.created_at,
    )
