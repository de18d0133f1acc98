"""What an Immich 3.1 answers about its server, signing in, and assets.

Behaviour beyond the OpenAPI document (redirects of renditions) follows what was observed on a running Immich 3.1.0.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from immich_answering import (
    Caller,
    Refusal,
    body_of,
    checksum_of,
    file_answer,
    ranged_answer,
    seen_by,
    written,
)
from immich_holdings import FIRST_DAY, StubAsset, StubUser
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from immich_stub import ImmichStub

ALL_WE_NEED = ("user.read", "asset.read", "asset.view", "asset.download")
_WEB_SAFE = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/svg+xml"})


async def _version(stub: ImmichStub, request: Request) -> Response:
    major, minor, patch = stub.version
    return JSONResponse({"major": major, "minor": minor, "patch": patch, "prerelease": None})


async def _config(stub: ImmichStub, request: Request) -> Response:
    return JSONResponse(
        {
            "externalDomain": stub.external_domain, "isInitialized": True, "isOnboarded": True, "loginPageMessage": "",
            "maintenanceMode": False, "mapDarkStyleUrl": "", "mapLightStyleUrl": "", "minFaces": 3,
            "oauthButtonText": stub.oauth_button, "publicUsers": True, "trashDays": 30, "userDeleteDelay": 7,
        }
    )  # fmt: skip


async def _login(stub: ImmichStub, request: Request) -> Response:
    given = await body_of(request, "email", "password")
    for user in stub.users:
        if (user.email, user.password) == (given["email"], given["password"]):
            break
    else:
        raise Refusal(401, "Incorrect email or password")
    return signed_in(stub, user)


def signed_in(stub: ImmichStub, user: StubUser) -> Response:
    """LoginResponseDto, of a session that has just begun."""
    token = secrets.token_urlsafe(32)
    stub.tokens[token] = user
    answer = {
        "accessToken": token,
        "userId": user.id,
        "userEmail": user.email,
        "name": user.name,
        "isAdmin": user.is_admin,
        "isOnboarded": True,
        "profileImagePath": "",
        "shouldChangePassword": False,
    }
    response = JSONResponse(answer, 201)
    response.set_cookie("immich_access_token", token, httponly=True, samesite="lax")
    return response


async def _logout(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    ended = {caller.token, *(child for child, parent in stub.parents.items() if parent == caller.token)}
    stub.tokens = {token: user for token, user in stub.tokens.items() if token not in ended}
    return JSONResponse({"successful": True, "redirectUri": "/auth/login?autoLaunch=0"})


async def _my_key(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    if caller.key is None:
        raise Refusal(403, "Not authenticated with an API Key")
    key = caller.key
    return JSONResponse(
        {
            "id": key.id,
            "name": key.name,
            "permissions": list(key.permissions),
            "createdAt": written(FIRST_DAY),
            "updatedAt": written(FIRST_DAY),
        }
    )


async def _me(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    user = caller.user
    return JSONResponse(
        {
            "id": user.id,
            "name": user.name,
            "email": user.email,
            "avatarColor": "primary",
            "createdAt": written(FIRST_DAY),
            "updatedAt": written(FIRST_DAY),
            "profileChangedAt": written(FIRST_DAY),
            "deletedAt": written(FIRST_DAY) if user.is_deleted else None,
            "isAdmin": user.is_admin,
            "license": None,
            "oauthId": "",
            "profileImagePath": "",
            "quotaSizeInBytes": user.quota,
            "quotaUsageInBytes": 0,
            "shouldChangePassword": False,
            "status": "active",
            "storageLabel": None,
        }
    )


async def _search(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    return found_by(stub, await body_of(request), caller)


def found_by(
    stub: ImmichStub, wanted: dict[str, Any], caller: Caller, among: list[StubAsset] | None = None
) -> Response:
    """A page of what is wanted of everything, or of those given, which are in order."""
    page, size = wanted.get("page", 1), wanted.get("size", 250)
    if not isinstance(page, int) or not isinstance(size, int) or not 1 <= size <= 1000:
        raise Refusal(400, "Validation failed")
    albums = wanted.get("albumIds", [])
    if any(one not in stub.albums or not stub.albums[one].is_seen_by(caller.user) for one in albums):
        raise Refusal(400, "Not found or no album.read access")
    owners = stub.users if albums else (caller.user, *caller.user.partners)
    found = [
        asset
        for asset in (stub.assets.values() if among is None else among)
        if asset.owner in owners
        and wanted.get("type", asset.type) == asset.type
        and wanted.get("visibility", asset.visibility) == asset.visibility
        and (wanted.get("withDeleted", False) or not asset.trashed)
        and _is_chosen(asset, wanted)
    ]
    if among is None:
        found.sort(key=lambda asset: asset.taken_at, reverse=wanted.get("order", "desc") == "desc")
    shown = found[(page - 1) * size : page * size]
    items = [asset_answer(asset, with_exif=wanted.get("withExif", False), caller=caller.user) for asset in shown]
    more = page * size < len(found)
    newer = {"nextCursor": "x" if more else None} if stub.version >= (3, 2, 0) else {}
    return JSONResponse(
        {
            "assets": {
                "items": items,
                "total": len(items),
                "count": len(items),
                "facets": [],
                "nextPage": str(page + 1) if more else None,
                **newer,
            },
            "albums": {"items": [], "total": 0, "count": 0, "facets": []},
        }
    )


def _is_chosen(asset: StubAsset, wanted: dict[str, Any]) -> bool:
    """Whether the filters of MetadataSearchDto that choose a few of a library leave an asset in; those unset do."""
    after = {"updatedAfter": asset.updated_at, "createdAfter": asset.uploaded_at}
    in_all = {"tagIds": [tag.id for tag in asset.tags], "personIds": asset.people, "albumIds": asset.albums}
    words = {"originalFileName": asset.name, "description": asset.description}
    return (
        wanted.get("id", asset.id) == asset.id
        and wanted.get("city", asset.city) == asset.city
        and wanted.get("country", asset.country) == asset.country
        and all(wanted[name].casefold() in text.casefold() for name, text in words.items() if name in wanted)
        and wanted.get("isFavorite", asset.favourite) == asset.favourite
        and asset.visibility != "locked"
        and all(moment > datetime.fromisoformat(wanted[name]) for name, moment in after.items() if name in wanted)
        and all(set(wanted[name]) <= set(there) for name, there in in_all.items() if name in wanted)
    )


async def _asset(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    asset = seen_by(stub, request, caller, Refusal(400, "Not found or no asset.read access"))
    if caller.link is not None and not caller.link.show_metadata:
        request.scope["instead"] = True  # the document knows nothing of it
        return JSONResponse(stripped(asset))
    named = {"birthDate": None, "isHidden": False, "name": "", "thumbnailPath": ""}
    people = [{"id": one, **named} for one in asset.people]
    told = {**asset_answer(asset, with_exif=True, caller=caller.user), "people": people, "stack": None}
    told["tags"] = [tag.answer() for tag in asset.tags]
    if (stack := stub.stack_of(asset)) is not None:
        told["stack"] = {"id": stack.id, "primaryAssetId": stack.assets[0].id, "assetCount": len(stack.assets)}
    return JSONResponse(told)


async def _upload_check(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    wanted = (await body_of(request))["assets"]
    own = {checksum_of(asset.original): asset for asset in stub.assets.values() if asset.owner is caller.user}
    results = []
    for one in wanted:
        if (there := own.get(one["checksum"])) is None:
            results.append({"id": one["id"], "action": "accept"})
        else:
            known = {"reason": "duplicate", "assetId": there.id, "isTrashed": there.trashed}
            results.append({"id": one["id"], "action": "reject", **known})
    return JSONResponse({"results": results})


async def _original(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    if caller.link is not None and not caller.link.allow_download:
        raise Refusal(400, "Not found or no asset.download access")
    asset = seen_by(stub, request, caller, Refusal(404, "Not Found"))
    if asset.edited and request.query_params.get("edited") == "true":
        if "original" not in asset.edited:
            raise Refusal(404, "Edited asset media not found")
        return file_answer(*asset.edited["original"])
    return ranged_answer(request, asset.media_type, asset.original)


async def _thumbnail(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    asset = seen_by(stub, request, caller, Refusal(400, "Not found or no asset.view access"))
    size = request.query_params.get("size", "thumbnail")
    edited = asset.edited and request.query_params.get("edited") == "true"
    renditions = asset.edited if edited else asset.renditions
    if size == "fullsize":
        if not edited and asset.media_type in _WEB_SAFE:
            return RedirectResponse("original?", 302)
        if "fullsize" not in renditions:
            return RedirectResponse("thumbnail?size=preview", 302)
    if size not in renditions:
        raise Refusal(404, "Asset media not found")
    return file_answer(*renditions[size])


def asset_answer(asset: StubAsset, with_exif: bool, caller: StubUser | None = None) -> dict[str, object]:
    """AssetResponseDto, as `caller` gets it: others' favourites are not theirs."""
    shown = asset.edited or asset.renditions
    thumbhash = checksum_of(shown["thumbnail"][1]) if "thumbnail" in shown else None
    answer: dict[str, object] = {
        "id": asset.id,
        "ownerId": asset.owner.id,
        "type": asset.type,
        "visibility": asset.visibility,
        "checksum": checksum_of(asset.original),
        "thumbhash": thumbhash,
        "originalFileName": asset.name,
        "originalMimeType": asset.media_type,
        "originalPath": f"/data/upload/{asset.owner.id}/{asset.id}",
        "width": asset.width,
        "height": asset.height,
        "duration": asset.duration_ms,
        "fileCreatedAt": written(asset.taken_at),
        "fileModifiedAt": written(asset.taken_at),
        "localDateTime": written(asset.taken_at + asset.zone),
        "createdAt": written(asset.uploaded_at),
        "updatedAt": written(asset.updated_at),
        "isArchived": asset.visibility == "archive",
        "isEdited": bool(asset.edited),
        "isFavorite": asset.favourite and caller in (None, asset.owner),
        "isOffline": False,
        "isTrashed": asset.trashed,
        "hasMetadata": True,
        "duplicateId": asset.duplicate_id,
        "libraryId": asset.library_id,
        "livePhotoVideoId": asset.live_video,
    }
    if with_exif:
        answer["exifInfo"] = {
            "projectionType": asset.projection,
            "city": asset.city,
            "country": asset.country,
            "fileSizeInByte": len(asset.original),
            "dateTimeOriginal": written(asset.taken_at),
            "focalLength": 2.6,
            "orientation": "1",
        }
    return answer


def stripped(asset: StubAsset) -> dict[str, object]:
    """What is told of an asset with a link that shows no metadata."""
    kept = ("id", "type", "originalMimeType", "thumbhash", "localDateTime", "duration", "width", "height")
    whole = asset_answer(asset, with_exif=False)
    return {**{name: whole[name] for name in kept}, "hasMetadata": False, "livePhotoVideoId": None}


# method, path below /api, the permission a key needs (None: any will do), who answers
PUBLIC: tuple[tuple[str, str, Callable[..., Awaitable[Response]]], ...] = (
    ("GET", "/server/version", _version),
    ("GET", "/server/config", _config),
    ("POST", "/auth/login", _login),
)
PROTECTED: tuple[tuple[str, str, str | None, Callable[..., Awaitable[Response]]], ...] = (
    ("POST", "/auth/logout", None, _logout),
    ("GET", "/api-keys/me", None, _my_key),
    ("GET", "/users/me", "user.read", _me),
    ("POST", "/search/metadata", "asset.read", _search),
    ("POST", "/assets/bulk-upload-check", "asset.upload", _upload_check),
    ("GET", "/assets/{id}", "asset.read", _asset),
    ("GET", "/assets/{id}/original", "asset.download", _original),
    ("GET", "/assets/{id}/thumbnail", "asset.view", _thumbnail),
)
