"""What lies in storage: deleting what was made of a photo, and what the last look through storage found."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from immichvr_catalog import ASSETS, SCENE
from immichvr_common.sources import Source
from pydantic import BaseModel

from immichvr_gateway.assets.index import AssetEntry
from immichvr_gateway.http.problems import Problem, not_accepted, not_found
from immichvr_gateway.library import Identity, PhotoNotFound
from immichvr_gateway.resources import Resources
from immichvr_gateway.retention.figures import StorageView
from immichvr_gateway.routes.dependencies import Assets, Here, Up
from immichvr_gateway.routes.people import Person, ShownSource
from immichvr_gateway.services import Services
from immichvr_gateway.sources.places import PLACES

router = APIRouter(prefix="/api", tags=["storage"])

_MANAGED = ("kept", "gone", "users")
_AT_A_TIME = 200
Kind = Annotated[str | None, Query(max_length=64, json_schema_extra={"enum": [*ASSETS]})]


class DeletedView(BaseModel):
    """How many assets were deleted. left: that are there still; ask once more."""

    deleted: int
    left: int


async def delete_asset(
    source: ShownSource, asset_key: str, here: Here, who: Person, up: Up, assets: Assets
) -> Response:
    """Deletes what was made of a source; only the owner of all of it may.

    Of a scene also who made it, and who owns a part of it. The source stays.
    """
    await _require_deletable(here, up, who, source)
    entry = assets.get(source, asset_key)
    if entry is None:
        raise not_found(f"{source} has no asset {asset_key!r}")
    await up.retention.book.delete(entry)
    return Response(status_code=204)


async def delete_assets(
    source: ShownSource, here: Here, who: Person, up: Up, assets: Assets, kind: Kind = None
) -> DeletedView:
    """Deletes all that was made of a source, or what is of one kind; only the owner of all of it may.

    Of a scene also who made it, and who owns a part of it.
    """
    if kind is not None and kind not in ASSETS:
        raise not_accepted("kind", kind, list(ASSETS))
    await _require_deletable(here, up, who, source)
    entries = [one for one in assets.of(source) if kind in (None, one.kind)]
    for entry in entries:
        await up.retention.book.delete(entry)
    return DeletedView(deleted=len(entries), left=0)


async def delete_scene_whole(scene: Source, here: Resources, who: Identity, up: Services) -> DeletedView:
    """Deletes all that was made of a scene, and ends what is being made of it. Raises Problem (403), Unavailable."""
    await _require_deletable(here, up, who, scene)
    await up.jobs.end_all_about(scene)
    entries = here.assets.of(scene)
    for entry in entries:
        await up.retention.book.delete(entry)
    return DeletedView(deleted=len(entries), left=0)


@router.delete("/integrations/{name}/assets")
async def delete_assets_of_integration(
    name: Annotated[Literal["immich"], Path()], here: Here, who: Person, up: Up
) -> DeletedView:
    """Deletes what your rules had made of your own photos, up to 200 at a time; `left` says how many are left."""
    return await _delete_what_came_of(f"integration.{name}", here, who, up)


@router.delete("/batches/{batch_id}/assets")
async def delete_assets_of_batch(batch_id: str, here: Here, who: Person, up: Up) -> DeletedView:
    """Deletes what a batch made of your own photos, up to 200 at a time; `left` says how many are left."""
    batch = up.batches.store.get(batch_id)
    if batch is None or batch.user_id != who.user_id:
        raise not_found(f"there is no batch {batch_id!r} of yours")
    return await _delete_what_came_of(f"batch.{batch_id}", here, who, up)


async def _delete_what_came_of(origin: str, here: Resources, who: Identity, up: Services) -> DeletedView:
    """Deletes what jobs of an origin made that is there still, of photos that are this person's."""
    entries: list[AssetEntry] = []
    for record in up.jobs.store.index.of_requester(who.user_id):
        if record.origin == origin and record.source is not None:
            found = (here.assets.get(record.source, key) for key in record.outputs)
            entries += [one for one in found if one is not None and one.job_id == record.id]
    owned: dict[Source, bool] = {}
    deleted = 0
    for entry in entries:
        if deleted < _AT_A_TIME and entry.source not in owned:
            owned[entry.source] = await _is_owner(here, who, entry.source)
        if deleted < _AT_A_TIME and owned.get(entry.source):
            await up.retention.book.delete(entry)
            deleted += 1
    left = sum(owned.get(entry.source, True) for entry in entries) - deleted
    return DeletedView(deleted=deleted, left=left)


async def _require_deletable(here: Resources, up: Services, who: Identity, source: Source) -> None:
    """Raises Problem (403) for whoever may not delete what was made of a source.

    A scene may be made of photos of several people: any of them takes theirs out of it, and so does who made it.
    """
    if source.kind == SCENE:
        is_made = who.user_id in up.jobs.store.index.makers_of(source)
        if not is_made and not await here.visibility.owns_some(who, source):
            raise Problem(403, "not_permitted", "only who made a scene, or owns one of its photos, may delete it")
    elif not await here.visibility.owns(who, source):
        raise Problem(403, "not_permitted", f"only the owner of a {source.kind} may delete what was made of it")


async def _is_owner(here: Resources, who: Identity, source: Source) -> bool:
    try:
        return await here.visibility.owns(who, source)
    except PhotoNotFound:
        return False


for _place in PLACES:
    router.add_api_route(f"/{_place}/{{source_id}}/assets", delete_assets, methods=["DELETE"])
    _asset = f"/{_place}/{{source_id}}/assets/{{asset_key}}"
    router.add_api_route(_asset, delete_asset, methods=["DELETE"], status_code=204, response_class=Response)


@router.get("/storage")
async def show_storage(here: Here, who: Person, up: Up) -> StorageView:
    """What was made of one's photos; for those who manage also all that lies in storage, whose it is, and what goes.

    As the last look found it, whichever gateway's that was.
    """
    await up.retention.keeper.read_figures()
    found = up.retention.keeper.figures
    shown = found if await here.library.may_manage(who) else found.model_copy(update={name: {} for name in _MANAGED})
    return StorageView(
        looked_at=found.looked_at, mine=found.of(who.user_id), quota_bytes=here.settings.limits.quota,
        dry_run=found.dry_run, kept=shown.kept, gone=shown.gone, users=shown.users,
    )  # fmt: skip
