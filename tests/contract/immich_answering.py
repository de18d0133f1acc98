"""How an Immich 3.1 answers: who asks and may see what, and how it says no; files, and parts of them.

Behaviour beyond the OpenAPI document (order of credentials, refusals) follows what was observed on a running Immich
3.1.0.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from immich_holdings import StubAsset, StubKey, StubLink, StubUser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from immich_stub import ImmichStub

_SHARED = re.compile(
    r"/api/(assets/[^/]+(/(thumbnail|original|video/playback))?|timeline/buckets?|shared-links/(me|login)|search/metadata)"
)


class Refusal(Exception):
    """An answer in which Immich says no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = JSONResponse({"message": message, "statusCode": status}, status)


@dataclass(frozen=True)
class Caller:
    """Who asks, as whose account; key: None for a session, which may do everything; token: of that session."""

    user: StubUser
    key: StubKey | None
    token: str = ""
    link: StubLink | None = None


def caller_of(stub: ImmichStub, request: Request, permission: str | None) -> Caller:
    key, slug = (request.headers.get(f"x-immich-share-{what}") for what in ("key", "slug"))
    if key or slug:  # before everything else
        link = next((one for one in stub.links if key == one.key or (not key and slug == one.slug)), None)
        if link is None or link.is_expired:
            raise Refusal(401, "Invalid share key" if key else "Invalid share slug")
        if _SHARED.fullmatch(request.url.path) is None:
            raise Refusal(403, "Forbidden")
        return Caller(link.owner, None, link=link)
    token = request.cookies.get("immich_access_token")
    authorization = request.headers.get("authorization", "")
    if token is None and authorization.startswith("Bearer "):
        token = authorization.removeprefix("Bearer ")
    if token is not None:  # a session, even a stale one, comes before a key
        if token not in stub.tokens:
            raise Refusal(401, "Invalid user token")
        return Caller(stub.tokens[token], None, token)
    secret = request.headers.get("x-api-key")
    if secret is None:
        raise Refusal(401, "Authentication required")
    if secret not in stub.keys:
        raise Refusal(401, "Invalid API key")
    key = stub.keys[secret]
    if permission is not None and permission not in key.permissions and "all" not in key.permissions:
        raise Refusal(403, f"Missing required permission: {permission}")
    return Caller(key.owner, key)


async def body_of(request: Request, *needed: str) -> dict[str, Any]:
    try:
        given = json.loads(await request.body())
    except ValueError as error:
        raise Refusal(400, "Validation failed") from error
    if not isinstance(given, dict) or not all(isinstance(given.get(name), str) for name in needed):
        raise Refusal(400, "Validation failed")
    return given


def seen_by(stub: ImmichStub, request: Request, caller: Caller, refusal: Refusal) -> StubAsset:
    asset = stub.assets.get(request.path_params["id"])
    if caller.link is not None:
        shown = caller.link.assets
        if asset is None or not (asset in shown or asset.id in [one.live_video for one in shown]):
            raise refusal
        if asset.trashed or asset.visibility == "locked":
            raise refusal
        return asset
    if asset is None or not _is_seen(stub, asset, caller.user):
        raise refusal
    if asset.visibility == "locked":  # the locked folder opens by a PIN alone, which neither key nor password is
        raise refusal
    return asset


def _is_seen(stub: ImmichStub, asset: StubAsset, user: StubUser) -> bool:
    """Whether Immich lets somebody see an asset: theirs, a partner's, in an album that they see, or a clip of such."""
    if user in (asset.owner, *asset.shared_with) or asset.owner in user.partners:
        return True
    if any(one in stub.albums and stub.albums[one].is_seen_by(user) for one in asset.albums):
        return True
    return any(one.live_video == asset.id and _is_seen(stub, one, user) for one in stub.assets.values())


def file_answer(media_type: str, data: bytes) -> Response:
    headers = {
        "cache-control": "private, max-age=86400, no-transform",
        "etag": f'W/"{len(data):x}-{zlib.crc32(data):x}"',
    }
    return Response(data, headers=headers, media_type=media_type)


def ranged_answer(request: Request, media_type: str, data: bytes) -> Response:
    """A file, or a part of it, as Express gives it; beyond the end Immich answers 404 and not 416."""
    answer = file_answer(media_type, data)
    answer.headers["accept-ranges"] = "bytes"
    wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if wanted is None or not any(wanted.groups()):
        return answer
    first = int(wanted[1]) if wanted[1] else max(0, len(data) - int(wanted[2]))
    last = min(int(wanted[2]), len(data) - 1) if wanted[1] and wanted[2] else len(data) - 1
    if first > last:
        raise Refusal(404, "Not Found")
    part = {"content-range": f"bytes {first}-{last}/{len(data)}"}
    return Response(data[first : last + 1], 206, {**answer.headers, **part, "content-length": str(last - first + 1)})


def checksum_of(data: bytes) -> str:
    return base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
