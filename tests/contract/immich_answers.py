"""What an Immich 3.1 holds and how it answers the calls that the gateway makes.

Behaviour beyond the OpenAPI document (order of credentials, refusals, redirects of renditions) follows what was
observed on a running Immich 3.1.0.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import secrets
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from immich_automation import StubTag
    from immich_stub import ImmichStub

ALL_WE_NEED = ("user.read", "asset.read", "asset.view", "asset.download")
_THUMBNAIL_SIDE, _PREVIEW_SIDE = 250, 1440
_MEDIA_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "heic": "image/heic",
    "dng": "image/x-adobe-dng",
    "svg": "image/svg+xml",
    "mp4": "video/mp4",
}
_SHARED = re.compile(
    r"/api/(assets/[^/]+(/(thumbnail|original|video/playback))?|timeline/buckets?|shared-links/(me|login)|search/metadata)"
)
_WEB_SAFE = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/svg+xml"})
ONE_DAY = timedelta(days=1)
FIRST_DAY = datetime(2024, 5, 1, 12, tzinfo=UTC)


@dataclass(eq=False)
class StubUser:
    """Somebody with an account. partners: whose photos are in their timeline too."""

    id: str
    name: str
    email: str
    password: str
    is_admin: bool = False
    is_deleted: bool = False
    quota: int | None = None
    partners: list[StubUser] = field(default_factory=list)


@dataclass
class StubKey:
    """An API key."""

    id: str
    name: str
    owner: StubUser
    permissions: tuple[str, ...]


@dataclass(eq=False)
class StubLink:
    """A link that somebody shared: of photos, or of an album where `album` is its name."""

    id: str
    key: str
    owner: StubUser
    assets: list[StubAsset]
    slug: str | None = None
    album: str | None = None
    album_id: str = ""
    password: str | None = None
    is_expired: bool = False
    allow_download: bool = True
    show_metadata: bool = True
    description: str | None = None


@dataclass
class StubAsset:
    """A photo. Change its fields to change the photo.

    renditions: by size, (media type, bytes); edited: what `edited=true` gives instead, `original` among the sizes.
    uploaded_at: when Immich got it; people, albums: ids of those that it shows and is in; notes: values by key.
    live_video: the id of its clip; transcoded: what is played in place of the file; looks_like: what a smart search
    finds it by. deleting: it is there, as if in the trash, until the job runs that deletes it.
    """

    id: str
    owner: StubUser
    name: str
    original: bytes
    width: int
    height: int
    taken_at: datetime
    renditions: dict[str, tuple[str, bytes]]
    edited: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    visibility: str = "timeline"
    type: str = "IMAGE"
    trashed: bool = False
    deleting: bool = False
    favourite: bool = False
    shared_with: list[StubUser] = field(default_factory=list)
    updated_at: datetime = FIRST_DAY
    zone: timedelta = timedelta()
    projection: str | None = None
    uploaded_at: datetime = FIRST_DAY
    duration_ms: int | None = None
    duplicate_id: str | None = None
    tags: list[StubTag] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    albums: list[str] = field(default_factory=list)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    live_video: str | None = None
    library_id: str | None = None
    transcoded: tuple[str, bytes] | None = None
    city: str | None = None
    country: str | None = None
    description: str = ""
    looks_like: str = ""

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self.name.rpartition(".")[2].lower()]

    def edit(self, picture: bytes) -> None:
        """Gives the photo an edited version, as Immich's editor does."""
        self.edited = {**renditions_of(picture), "original": ("image/jpeg", picture)}
        self.width, self.height = upright_size(picture)
        self.updated_at += ONE_DAY

    def replace(self, picture: bytes) -> None:
        """Puts another picture in the place of this one."""
        self.original, self.renditions = picture, renditions_of(picture)
        self.updated_at += ONE_DAY


def upright_size(picture: bytes) -> tuple[int, int]:
    """Width and height with the orientation applied."""
    return ImageOps.exif_transpose(Image.open(io.BytesIO(picture))).size


def renditions_of(picture: bytes) -> dict[str, tuple[str, bytes]]:
    """Thumbnail and preview, upright."""
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(picture))).convert("RGB")
    scale = min(1.0, _THUMBNAIL_SIDE / min(upright.size))
    small = upright.resize((max(1, round(upright.width * scale)), max(1, round(upright.height * scale))))
    upright.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
    thumbnail, preview = io.BytesIO(), io.BytesIO()
    small.save(thumbnail, "WEBP")
    upright.save(preview, "JPEG")
    return {"thumbnail": ("image/webp", thumbnail.getvalue()), "preview": ("image/jpeg", preview.getvalue())}


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
    given = await _body(request, "email", "password")
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
            "createdAt": _text(FIRST_DAY),
            "updatedAt": _text(FIRST_DAY),
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
            "createdAt": _text(FIRST_DAY),
            "updatedAt": _text(FIRST_DAY),
            "profileChangedAt": _text(FIRST_DAY),
            "deletedAt": _text(FIRST_DAY) if user.is_deleted else None,
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
    return _found(stub, await _body(request), caller)


def _found(stub: ImmichStub, wanted: dict[str, Any], caller: Caller, among: list[StubAsset] | None = None) -> Response:
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
    asset = _seen_by(stub, request, caller, Refusal(400, "Not found or no asset.read access"))
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
    wanted = (await _body(request))["assets"]
    own = {_hash(asset.original): asset for asset in stub.assets.values() if asset.owner is caller.user}
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
    asset = _seen_by(stub, request, caller, Refusal(404, "Not Found"))
    if asset.edited and request.query_params.get("edited") == "true":
        if "original" not in asset.edited:
            raise Refusal(404, "Edited asset media not found")
        return _file(*asset.edited["original"])
    return _ranged(request, asset.media_type, asset.original)


def _ranged(request: Request, media_type: str, data: bytes) -> Response:
    """A file, or a part of it, as Express gives it; beyond the end Immich answers 404 and not 416."""
    answer = _file(media_type, data)
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


async def _thumbnail(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    asset = _seen_by(stub, request, caller, Refusal(400, "Not found or no asset.view access"))
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
    return _file(*renditions[size])


def asset_answer(asset: StubAsset, with_exif: bool, caller: StubUser | None = None) -> dict[str, object]:
    """AssetResponseDto, as `caller` gets it: others' favourites are not theirs."""
    shown = asset.edited or asset.renditions
    thumbhash = _hash(shown["thumbnail"][1]) if "thumbnail" in shown else None
    answer: dict[str, object] = {
        "id": asset.id,
        "ownerId": asset.owner.id,
        "type": asset.type,
        "visibility": asset.visibility,
        "checksum": _hash(asset.original),
        "thumbhash": thumbhash,
        "originalFileName": asset.name,
        "originalMimeType": asset.media_type,
        "originalPath": f"/data/upload/{asset.owner.id}/{asset.id}",
        "width": asset.width,
        "height": asset.height,
        "duration": asset.duration_ms,
        "fileCreatedAt": _text(asset.taken_at),
        "fileModifiedAt": _text(asset.taken_at),
        "localDateTime": _text(asset.taken_at + asset.zone),
        "createdAt": _text(asset.uploaded_at),
        "updatedAt": _text(asset.updated_at),
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
            "dateTimeOriginal": _text(asset.taken_at),
            "focalLength": 2.6,
            "orientation": "1",
        }
    return answer


def stripped(asset: StubAsset) -> dict[str, object]:
    """What is told of an asset with a link that shows no metadata."""
    kept = ("id", "type", "originalMimeType", "thumbhash", "localDateTime", "duration", "width", "height")
    whole = asset_answer(asset, with_exif=False)
    return {**{name: whole[name] for name in kept}, "hasMetadata": False, "livePhotoVideoId": None}


async def _body(request: Request, *needed: str) -> dict[str, Any]:
    try:
        given = json.loads(await request.body())
    except ValueError as error:
        raise Refusal(400, "Validation failed") from error
    if not isinstance(given, dict) or not all(isinstance(given.get(name), str) for name in needed):
        raise Refusal(400, "Validation failed")
    return given


def _seen_by(stub: ImmichStub, request: Request, caller: Caller, refusal: Refusal) -> StubAsset:
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


def _file(media_type: str, data: bytes) -> Response:
    headers = {
        "cache-control": "private, max-age=86400, no-transform",
        "etag": f'W/"{len(data):x}-{zlib.crc32(data):x}"',
    }
    return Response(data, headers=headers, media_type=media_type)


def _hash(data: bytes) -> str:
    return base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
