"""How an Immich 3.1 takes files, links a video to a photo, and deletes: as observed on a running one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

from immich_answering import Caller, Refusal, body_of, checksum_of
from immich_holdings import StubAsset
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from immich_stub import ImmichStub


async def _upload(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    form = await request.form()
    file = form["assetData"]
    data = await file.read()  # type: ignore[union-attr]
    there = next(
        (
            one
            for one in stub.assets.values()
            if one.owner is caller.user and checksum_of(one.original) == checksum_of(data)
        ),
        None,
    )
    if there is not None:
        return JSONResponse({"id": there.id, "status": "duplicate"}, 200)
    notes = {one["key"]: one["value"] for one in json.loads(str(form.get("metadata", "[]")))}
    taken_at = datetime.fromisoformat(str(form["fileCreatedAt"]))
    asset = StubAsset(
        id=str(uuid.uuid4()), owner=caller.user, name=str(form["filename"]), original=data, width=16, height=16,
        taken_at=taken_at, renditions={}, visibility=str(form["visibility"]), type="VIDEO", notes=notes,
        uploaded_at=taken_at,
    )  # fmt: skip
    stub.assets[asset.id] = asset
    return JSONResponse({"id": asset.id, "status": "created"}, 201)


def link(stub: ImmichStub, photo: StubAsset, clip_id: str | None) -> None:
    """Links a video to a photo, or unlinks what is: that shows in the timeline then."""
    if photo.live_video in stub.assets:
        stub.assets[photo.live_video].visibility = "timeline"
    if clip_id is not None:
        if clip_id not in stub.assets:
            raise Refusal(400, "Live photo video not found")
        stub.assets[clip_id].visibility = "hidden"
    photo.live_video = clip_id


async def _delete(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    wanted = await body_of(request)
    found = [stub.assets.get(one) for one in wanted["ids"]]
    if any(one is None or one.owner is not caller.user for one in found):
        raise Refusal(400, "Not found or no asset.delete access")
    for one in found:
        assert one is not None
        one.trashed, one.deleting = True, bool(wanted.get("force"))
    return Response(status_code=204)


# As PROTECTED of immich_answers.
CLIPS: tuple[tuple[str, str, str | None, Callable[..., Awaitable[Response]]], ...] = (
    ("POST", "/assets", "asset.upload", _upload),
    ("DELETE", "/assets", "asset.delete", _delete),
)
