"""What an Immich 3.1 answers about accounts: their keys, their sessions, the links they share."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from immich_answering import Caller, Refusal
from immich_answers import asset_answer, signed_in, stripped
from immich_holdings import FIRST_DAY, StubAsset, StubKey, StubLink
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from immich_stub import ImmichStub

_DAY = FIRST_DAY.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _make_key(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    wanted = json.loads(await request.body())
    held = None if caller.key is None else caller.key.permissions
    if held is not None and "all" not in held and not set(wanted["permissions"]) <= set(held):
        raise Refusal(400, "Cannot grant permissions you do not have")
    secret = secrets.token_urlsafe(32)
    key = StubKey(str(uuid.uuid4()), wanted.get("name", "API Key"), caller.user, tuple(wanted["permissions"]))
    stub.keys[secret] = key
    answer: dict[str, Any] = {"secret": secret, "apiKey": _key_answer(key)}
    if stub.version >= (3, 2, 0):
        answer |= _key_answer(key)
        request.scope["instead"] = True  # the document is that of 3.1
    return JSONResponse(answer, 201)


async def _list_keys(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    return JSONResponse([_key_answer(key) for key in stub.keys.values() if key.owner is caller.user])


async def _delete_key(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    for secret, key in list(stub.keys.items()):
        if key.id == request.path_params["id"] and key.owner is caller.user:
            del stub.keys[secret]
            return Response(status_code=204)
    raise Refusal(400, "API Key not found")


def _key_answer(key: StubKey) -> dict[str, Any]:
    """ApiKeyResponseDto."""
    return {
        "id": key.id,
        "name": key.name,
        "permissions": list(key.permissions),
        "createdAt": _DAY,
        "updatedAt": _DAY,
    }


async def _make_session(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    if caller.key is not None:
        raise Refusal(400, "This endpoint can only be used with a session token")
    wanted = json.loads(await request.body())
    token = secrets.token_urlsafe(32)
    stub.tokens[token], stub.parents[token] = caller.user, caller.token
    answer = {
        "id": str(uuid.uuid4()),
        "token": token,
        "createdAt": _DAY,
        "updatedAt": _DAY,
        "current": False,
        "appVersion": None,
        "deviceType": wanted.get("deviceType", ""),
        "deviceOS": wanted.get("deviceOS", ""),
        "isPendingSyncReset": False,
    }
    return JSONResponse(answer, 201)


def _opened_by(link: StubLink) -> str:
    """What the cookie says of whoever has given a link's password."""
    return base64.b64encode(hashlib.sha256(f"{link.id}-{link.password}".encode()).digest()).decode()


def _link_of(caller: Caller) -> StubLink:
    if caller.link is None:
        raise Refusal(403, "Forbidden")
    return caller.link


async def _open_link(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    link = _link_of(caller)
    if not link.password:
        raise Refusal(400, "Shared link is not password protected")
    if json.loads(await request.body())["password"] != link.password:
        raise Refusal(401, "Invalid password")
    response = _link_answer(request, link, 201)
    value = quote(_opened_by(link), safe="")
    response.headers.append("set-cookie", f"immich_shared_link_token={value}; Path=/; HttpOnly; SameSite=Lax")
    return response


async def _my_link(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    link = _link_of(caller)
    shown = unquote(request.cookies.get("immich_shared_link_token", "")).split(",")
    if link.password and _opened_by(link) not in shown:
        raise Refusal(401, "Password required")
    return _link_answer(request, link, 200)


def _link_answer(request: Request, link: StubLink, status: int) -> Response:
    """SharedLinkResponseDto; of an album its photos are not told."""
    told: dict[str, Any] = {
        "id": link.id,
        "key": link.key,
        "slug": link.slug,
        "userId": link.owner.id,
        "type": "ALBUM" if link.album else "INDIVIDUAL",
        "description": link.description,
        "password": link.password and "",
        "createdAt": _DAY,
        "expiresAt": None,
        "allowDownload": link.allow_download,
        "allowUpload": False,
        "showMetadata": link.show_metadata,
        "assets": [],
    }
    there = [one for one in link.assets if not one.trashed]
    if link.album:
        told["album"] = _album_answer(link, there)
    elif link.show_metadata:
        told["assets"] = [asset_answer(one, with_exif=False) for one in there]
    else:
        request.scope["instead"] = True  # the document knows nothing of it
        told["assets"] = [stripped(one) for one in there]
    return JSONResponse(told, status)


def _album_answer(link: StubLink, there: list[StubAsset]) -> dict[str, Any]:
    """AlbumResponseDto."""
    owner = {"id": link.owner.id, "name": link.owner.name, "email": link.owner.email, "avatarColor": "primary"}
    owner |= {"profileChangedAt": _DAY, "profileImagePath": ""}
    return {
        "id": link.album_id,
        "albumName": link.album,
        "description": "",
        "albumThumbnailAssetId": there[0].id if there else None,
        "albumUsers": [{"role": "owner", "user": owner}],
        "assetCount": len(there),
        "createdAt": _DAY,
        "updatedAt": _DAY,
        "hasSharedLink": True,
        "isActivityEnabled": False,
        "shared": True,
    }


async def _features(stub: ImmichStub, request: Request) -> Response:
    names = (
        "configFile", "duplicateDetection", "email", "facialRecognition", "importFaces", "map", "oauthAutoLaunch",
        "ocr", "realtimeTranscoding", "reverseGeocoding", "search", "sidecar", "trash",
    )  # fmt: skip
    told = {"smartSearch": stub.smart_search, "oauth": bool(stub.oauth_button), "passwordLogin": True}
    return JSONResponse({**dict.fromkeys(names, False), **told})


async def _begin_oauth(stub: ImmichStub, request: Request) -> Response:
    asked = json.loads(await request.body())
    if not stub.oauth_button:
        raise Refusal(400, "OAuth is not enabled")
    stub.oauth_asked[asked["state"]] = asked
    there = {"redirect_uri": asked["redirectUri"], "state": asked["state"], "response_type": "code"}
    return JSONResponse({"url": f"https://login.example/authorize?{urlencode(there)}"}, 201)


async def _finish_oauth(stub: ImmichStub, request: Request) -> Response:
    """Redeems a code, once, for whoever holds the verifier of the sign-in that asked for it."""
    given = json.loads(await request.body())
    told = urlsplit(given["url"])
    query = dict(parse_qsl(told.query))
    asked = stub.oauth_asked.pop(query["state"], None)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(given["codeVerifier"].encode()).digest()).rstrip(b"=").decode()
    is_of_it = asked is not None and asked["codeChallenge"] == challenge and given["state"] == query["state"]
    person = stub.oauth_people.pop(query["code"], None)
    if not is_of_it or person is None or f"{told.scheme}://{told.netloc}{told.path}" != asked["redirectUri"]:
        raise Refusal(400, "Error in OAuth callback")
    return signed_in(stub, person)


SIGNING_IN: tuple[tuple[str, str, Callable[..., Awaitable[Response]]], ...] = (
    ("GET", "/server/features", _features),
    ("POST", "/oauth/authorize", _begin_oauth),
    ("POST", "/oauth/callback", _finish_oauth),
)
OF_PEOPLE: tuple[tuple[str, str, str | None, Callable[..., Awaitable[Response]]], ...] = (
    ("POST", "/api-keys", "apiKey.create", _make_key),
    ("GET", "/api-keys", "apiKey.read", _list_keys),
    ("DELETE", "/api-keys/{id}", "apiKey.delete", _delete_key),
    ("POST", "/sessions", "session.create", _make_session),
    ("GET", "/shared-links/me", None, _my_link),
    ("POST", "/shared-links/login", None, _open_link),
)
