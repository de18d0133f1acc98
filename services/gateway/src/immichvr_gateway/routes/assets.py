"""Assets: what was made from a source, and its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Request
from fastapi.responses import Response
from immichvr_catalog import OF_LIBRARIES, PHOTO
from immichvr_common.errors import CorruptObject, NotFound
from immichvr_common.manifests import Manifest

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.http.description import FILE
from immichvr_gateway.http.problems import lost, not_found
from immichvr_gateway.http.ranges import Served, serve
from immichvr_gateway.library import LibraryPhoto, NotPermitted
from immichvr_gateway.requests.recipes import is_outdated
from immichvr_gateway.resources import Resources
from immichvr_gateway.routes.dependencies import Assets, Here, Up
from immichvr_gateway.routes.people import Person, ShownSource, Spectator
from immichvr_gateway.services import Services
from immichvr_gateway.sources.places import PLACES
from immichvr_gateway.views import AssetMapView, AssetsView, AssetView, asset_view, download_name

router = APIRouter(prefix="/api", tags=["assets"])

_ASKED_SINGLY = 2
"""Of photos that are in nobody's timeline who asks here, and that they have not opened: asked about at each call."""

_PICTURES = ("views", "dataset")
"""Roles of files that hold the photos themselves."""


async def list_assets(source: ShownSource, here: Here, who: Spectator, up: Up, assets: Assets) -> AssetsView:
    """What was made from a source, as the manifests tell it."""
    item = await here.library.item(who, source) if source.kind in OF_LIBRARIES else None
    return AssetsView(assets=await asset_views(here, up, assets.of(source), item))


async def get_asset_file(
    source: ShownSource,
    asset_key: str,
    file: str,
    request: Request,
    here: Here,
    who: Spectator,
    up: Up,
    assets: Assets,
    download: bool = False,
) -> Response:
    """One file of an asset, whole or a range of it."""
    item = await here.library.item(who, source) if source.kind in OF_LIBRARIES else None
    entry = assets.get(source, asset_key)
    if entry is None:
        raise not_found(f"{source} has no asset {asset_key!r}")
    try:
        manifest = await _read(here, up, entry)
    except NotFound as error:
        raise lost(asset_key) from error
    found = next((one for one in manifest.files if one.name == file), None)
    if found is None:
        names = ", ".join(one.name for one in manifest.files)
        raise not_found(f"asset {asset_key} has no file {file!r}; it has: {names}")
    if found.role in _PICTURES and not await here.library.may_save(who):
        raise NotPermitted("whoever shared this link lets nobody save the files")
    served = Served(
        size=found.size,
        media_type=found.media_type,
        etag=f'"{found.sha256}"',
        name=download_name(manifest, found, _name(up, manifest, item)),
        read=lambda start, length: here.store.stream(found.key, start, length),
    )
    try:
        return await serve(request, served, download)
    except NotFound as error:
        await up.retention.book.look(entry)
        raise lost(found.name) from error


@router.get("/assets/map")
async def map_assets(here: Here, who: Person, assets: Assets) -> AssetMapView:
    """Which photos have what, made by which models."""
    found = assets.models(PHOTO)
    visible = await here.library.visible(who, found.keys(), singly=_ASKED_SINGLY)
    shown = {source.id: models for source, models in found.items() if source in visible}
    # Of tens of thousands, each checked to be what it was just made as, would take a third of a second.
    return AssetMapView.model_construct(count=len(shown), map=shown)


async def _read(here: Resources, up: Services, entry: AssetEntry) -> Manifest:
    """An asset's manifest; an asset that turns out to be lost is known no more. Raises NotFound."""
    try:
        return await here.manifests.read(entry.manifest_key)
    except NotFound:
        await up.retention.book.look(entry)
        raise


async def asset_views(
    here: Resources, up: Services, entries: Sequence[AssetEntry], item: LibraryPhoto | None,
    is_old: Callable[[Manifest], bool] = lambda manifest: False,
) -> list[AssetView]:  # fmt: skip
    """A source's assets, the best first. item: the source, where a library holds it; where none does, `is_old` tells
    whether one is outdated."""
    views = []
    for entry in entries:
        try:
            manifest = await _read(here, up, entry)
        except (NotFound, CorruptObject):
            continue
        if item is None:
            outdated = is_old(manifest)
        else:
            outdated = item.source_version != "" and is_outdated(manifest, item.source_version)
        views.append(asset_view(manifest, outdated, _name(up, manifest, item)))
    return views


def _name(up: Services, manifest: Manifest, item: LibraryPhoto | None) -> str:
    """What files of an asset are named after; of what no library holds, as it was named when the job was asked for."""
    if item is not None:
        return item.name
    job = up.jobs.store.index.get(manifest.job_id)
    return job.job().source_name if job is not None else ""


for _place in PLACES:
    _file = f"/{_place}/{{source_id}}/assets/{{asset_key}}/{{file}}"
    router.add_api_route(f"/{_place}/{{source_id}}/assets", list_assets, methods=["GET"])
    router.add_api_route(_file, get_asset_file, methods=["GET"], response_class=Response, responses=FILE)
    router.add_api_route(_file, get_asset_file, methods=["HEAD"], response_class=Response, include_in_schema=False)
