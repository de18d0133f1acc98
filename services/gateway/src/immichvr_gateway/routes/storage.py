"""What lies in storage: deleting what was made of a photo, and what the last look through storage found."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from immichvr_gateway.problems import Problem, not_found
from immichvr_gateway.retention.figures import StorageView
from immichvr_gateway.routes.models import Manager
from immichvr_gateway.routes.people import Person, TheCore

router = APIRouter(prefix="/api", tags=["storage"])


@router.delete("/photos/{photo_id}/assets/{asset_key}", status_code=204, response_class=Response)
async def delete_asset(photo_id: str, asset_key: str, core: TheCore, who: Person) -> Response:
    """Deletes what was made of a photo; only its owner may. The photo stays, and it can be made anew."""
    if not await core.library.owns(who, photo_id):
        raise Problem(403, "not_permitted", "only the owner of a photo may delete what was made of it")
    entry = core.assets.get(photo_id, asset_key)
    if entry is None:
        raise not_found(f"photo {photo_id} has no asset {asset_key!r}")
    await core.retention.book.delete(entry)
    return Response(status_code=204)


@router.get("/storage")
async def show_storage(core: TheCore, who: Manager) -> StorageView:
    """What lies in storage and what goes, as the last look found it; for those who manage."""
    return core.retention.keeper.view
