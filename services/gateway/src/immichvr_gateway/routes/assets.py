"""Assets: what was made from a photo, and its files."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from immichvr_common.errors import CorruptObject, NotFound
from immichvr_common.manifests import Manifest

from immichvr_gateway.assets import AssetEntry
from immichvr_gateway.core import Core
from immichvr_gateway.library import LibraryPhoto
from immichvr_gateway.problems import lost, not_found
from immichvr_gateway.ranges import Served, serve
from immichvr_gateway.routes.people import Person, TheCore
from immichvr_gateway.views import AssetMapView, AssetsView, AssetView, KindsView, asset_view, download_name

router = APIRouter(prefix="/api", tags=["assets"])

_ASKED_SINGLY = 2
"""Of photos that are in nobody's timeline who asks here, and that they have not opened: asked about at each call."""


@router.get("/photos/{photo_id}/assets")
async def list_assets(photo_id: str, core: TheCore, who: Person) -> AssetsView:
    """What was made from a photo, as the manifests tell it."""
    photo = await core.library.photo(who, photo_id)
    return AssetsView(assets=await asset_views(core, photo))


@router.head("/photos/{photo_id}/assets/{asset_key}/{file}", include_in_schema=False, response_class=Response)
@router.get("/photos/{photo_id}/assets/{asset_key}/{file}", response_class=Response)
async def get_asset_file(
    photo_id: str, asset_key: str, file: str, request: Request, core: TheCore, who: Person, download: bool = False
) -> Response:
    """One file of an asset, whole or a range of it."""
    photo = await core.library.photo(who, photo_id)
    entry = core.assets.get(photo_id, asset_key)
    if entry is None:
        raise not_found(f"photo {photo_id} has no asset {asset_key!r}")
    try:
        manifest = await _read(core, entry)
    except NotFound as error:
        raise lost(entry.manifest_key) from error
    found = next((one for one in manifest.files if one.name == file), None)
    if found is None:
        names = ", ".join(one.name for one in manifest.files)
        raise not_found(f"asset {asset_key} has no file {file!r}; it has: {names}")
    served = Served(
        size=found.size,
        media_type=found.media_type,
        etag=f'"{found.sha256}"',
        name=download_name(manifest, found, photo.name),
        read=lambda start, length: core.store.stream(found.key, start, length),
    )
    try:
        return await serve(request, served, download)
    except NotFound as error:
        await core.retention.book.look(entry)
        raise lost(found.key) from error


@router.get("/assets/map")
async def map_assets(core: TheCore, who: Person) -> AssetMapView:
    """Which photos have depth and splats, and by which models."""
    found = {
        photo_id: KindsView(
            depth=[entry.model_key for entry in entries if entry.kind == "depth"],
            splat=[entry.model_key for entry in entries if entry.kind == "splat"],
        )
        for photo_id, entries in core.assets
    }
    visible = await core.library.visible(who, list(found), singly=_ASKED_SINGLY)
    shown = {photo_id: kinds for photo_id, kinds in found.items() if photo_id in visible}
    return AssetMapView(count=len(shown), map=shown)


async def _read(core: Core, entry: AssetEntry) -> Manifest:
    """An asset's manifest; an asset that turns out to be lost is known no more. Raises NotFound."""
    try:
        return await core.manifests.read(entry.manifest_key)
    except NotFound:
        await core.retention.book.look(entry)
        raise


async def asset_views(core: Core, photo: LibraryPhoto) -> list[AssetView]:
    """A photo's assets, the best first."""
    views = []
    for entry in core.assets.of_photo(photo.id):
        try:
            manifest = await _read(core, entry)
        except (NotFound, CorruptObject):
            continue
        views.append(asset_view(manifest, core.orders.is_outdated(manifest, photo), photo.name))
    return views
