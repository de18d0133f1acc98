"""What an Immich 3.1 lists: a timeline in columns, albums without their assets, people, towns, memories, stacks.

Behaviour beyond the OpenAPI document follows what was observed on a running Immich 3.1.0, or is in its source: lists
tell of no stack; an album's search gives what others put into it; a partner's favourites are nobody else's.
"""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from immich_answering import Caller, Refusal, body_of, file_answer, ranged_answer, seen_by, written
from immich_answers import asset_answer, found_by
from immich_clips import link
from immich_holdings import FIRST_DAY, StubAsset, StubUser
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from immich_stub import ImmichStub

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_FULL_FACE = ("image/jpeg", b"\xff\xd8\xff\xe0 a face")


@dataclass
class StubAlbum:
    """An album. members: by role, `editor` or `viewer`; which assets are in it, those say."""

    owner: StubUser
    name: str
    members: list[tuple[StubUser, str]] = field(default_factory=list)
    has_link: bool = False
    description: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def is_seen_by(self, user: StubUser) -> bool:
        """Whether somebody owns it or has it shared with them."""
        return user is self.owner or any(user is member for member, _ in self.members)


@dataclass
class StubPerson:
    """Somebody whom Immich recognises in an owner's photos."""

    owner: StubUser
    name: str
    hidden: bool = False
    favourite: bool = False
    face: tuple[str, bytes] = _FULL_FACE
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def answer(self) -> dict[str, object]:
        """PersonResponseDto."""
        return {
            "id": self.id, "name": self.name, "birthDate": None, "isHidden": self.hidden,
            "isFavorite": self.favourite, "thumbnailPath": f"/data/{self.id}.jpeg", "updatedAt": written(FIRST_DAY),
        }  # fmt: skip


@dataclass
class StubMemory:
    """What was taken on a day of an earlier year, shown on that day of this one."""

    owner: StubUser
    day: date
    shown_on: date
    assets: list[StubAsset]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class StubStack:
    """Assets that lie on one another, the first on top."""

    assets: list[StubAsset]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


def _in_timeline(stub: ImmichStub, request: Request, caller: Caller) -> list[StubAsset]:
    """The assets that the parameters of a timeline choose, newest first; refused as Immich refuses."""
    asked = request.query_params
    album, visibility = asked.get("albumId"), asked.get("visibility")
    if caller.link is not None:
        if album != caller.link.album_id:
            raise Refusal(400, "Not found or no album.read access")
        shared = [one for one in caller.link.assets if not one.trashed]
        return sorted(shared, key=lambda one: one.taken_at + one.zone, reverse=True)
    owners = [caller.user]
    if asked.get("withPartners") == "true":
        if visibility != "timeline" or "isFavorite" in asked or asked.get("isTrashed") == "true":
            raise Refusal(400, "withPartners is only supported for non-archived, non-trashed, non-favorited assets")
        owners += caller.user.partners
    if album is not None and (album not in stub.albums or not stub.albums[album].is_seen_by(caller.user)):
        raise Refusal(400, "Not found or no album.read access")
    if (tag := asked.get("tagId")) is not None and (tag not in stub.tags or stub.tags[tag].owner is not caller.user):
        raise Refusal(400, "Not found or no tag.read access")

    def is_in(asset: StubAsset) -> bool:
        return (
            (album in asset.albums if album is not None else asset.owner in owners)
            and asset.visibility in ((visibility,) if visibility else ("timeline", "archive"))
            and not asset.trashed
            and ("isFavorite" not in asked or asset.favourite == (asked["isFavorite"] == "true"))
            and ("personId" not in asked or asked["personId"] in asset.people)
            and (tag is None or tag in [one.id for one in asset.tags])
            and (
                asked.get("withStacked") != "true"
                or (stack := stub.stack_of(asset)) is None
                or stack.assets[0] is asset
            )
        )

    return sorted(filter(is_in, stub.assets.values()), key=lambda one: one.taken_at + one.zone, reverse=True)


def _month_of(asset: StubAsset) -> str:
    return f"{asset.taken_at + asset.zone:%Y-%m}-01"


async def _buckets(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    counts: dict[str, int] = defaultdict(int)
    for asset in _in_timeline(stub, request, caller):
        counts[_month_of(asset)] += 1
    return JSONResponse([{"timeBucket": month, "count": count} for month, count in counts.items()])


async def _bucket(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    wanted = request.query_params["timeBucket"]
    found = [asset for asset in _in_timeline(stub, request, caller) if _month_of(asset) == wanted]
    columns: dict[str, list[Any]] = {
        "id": [one.id for one in found],
        "ownerId": [one.owner.id for one in found],
        "isImage": [one.type == "IMAGE" for one in found],
        "ratio": [one.width / one.height for one in found],
        "thumbhash": [None for _ in found],
        "duration": [one.duration_ms for one in found],
        "projectionType": [one.projection for one in found],
        "livePhotoVideoId": [one.live_video for one in found],
        "visibility": [one.visibility for one in found],
        "isFavorite": [one.favourite and one.owner is caller.user for one in found],
        "isTrashed": [one.trashed for one in found],
        "fileCreatedAt": [written(one.taken_at).removesuffix("Z") for one in found],
        "localOffsetHours": [one.zone / timedelta(hours=1) for one in found],
        "createdAt": [written(one.uploaded_at) for one in found],
        "city": [one.city for one in found],
        "country": [one.country for one in found],
    }
    if request.query_params.get("withStacked") == "true":
        stacks = [stub.stack_of(one) for one in found]
        columns["stack"] = [None if one is None else [one.id, str(len(one.assets))] for one in stacks]
    return JSONResponse(columns)


def _user_answer(user: StubUser) -> dict[str, object]:
    return {
        "id": user.id, "name": user.name, "email": user.email, "avatarColor": "primary", "profileImagePath": "",
        "profileChangedAt": written(FIRST_DAY),
    }  # fmt: skip


def _album_answer(stub: ImmichStub, album: StubAlbum) -> dict[str, object]:
    held = [one for one in stub.assets.values() if album.id in one.albums and not one.trashed]
    held.sort(key=lambda one: one.taken_at)
    users = [(album.owner, "owner"), *album.members]
    answer: dict[str, object] = {
        "id": album.id,
        "albumName": album.name,
        "description": album.description,
        "albumThumbnailAssetId": held[-1].id if held else None,
        "albumUsers": [{"user": _user_answer(user), "role": role} for user, role in users],
        "assetCount": len(held),
        "shared": len(users) > 1 or album.has_link,
        "hasSharedLink": album.has_link,
        "isActivityEnabled": True,
        "createdAt": written(FIRST_DAY),
        "updatedAt": written(FIRST_DAY),
    }
    if held:
        answer |= {"startDate": written(held[0].taken_at), "endDate": written(held[-1].taken_at)}
    return answer


async def _albums(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    return JSONResponse([_album_answer(stub, one) for one in stub.albums.values() if one.is_seen_by(caller.user)])


async def _album(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    album = stub.albums.get(request.path_params["id"])
    if album is None or not album.is_seen_by(caller.user):
        raise Refusal(400, "Not found or no album.read access")
    return JSONResponse(_album_answer(stub, album))


async def _people(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    own = [one for one in stub.people.values() if one.owner is caller.user]
    shown = own if request.query_params.get("withHidden") == "true" else [one for one in own if not one.hidden]
    page, size = int(request.query_params.get("page", "1")), int(request.query_params.get("size", "500"))
    if not 1 <= size <= 1000:
        raise Refusal(400, "Validation failed")
    given = shown[(page - 1) * size : page * size]
    return JSONResponse(
        {
            "people": [one.answer() for one in given],
            "total": len(own),
            "hidden": sum(one.hidden for one in own),
            "hasNextPage": page * size < len(shown),
        }
    )


def _person_of(stub: ImmichStub, request: Request, caller: Caller) -> StubPerson:
    person = stub.people.get(request.path_params["id"])
    if person is None or person.owner is not caller.user:
        raise Refusal(400, "Not found or no person.read access")
    return person


async def _person(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    return JSONResponse(_person_of(stub, request, caller).answer())


async def _face(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    return file_answer(*_person_of(stub, request, caller).face)


async def _tag(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    tag = stub.tags.get(request.path_params["id"])
    if tag is None or tag.owner is not caller.user:
        raise Refusal(400, "Not found or no tag.read access")
    return JSONResponse(tag.answer())


async def _cities(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    towns: dict[str, StubAsset] = {}
    for asset in stub.assets.values():
        seen = asset.owner in (caller.user, *caller.user.partners) and asset.visibility == "timeline"
        if asset.city is not None and seen and not asset.trashed:
            towns[asset.city] = asset
    return JSONResponse([asset_answer(towns[name], with_exif=True, caller=caller.user) for name in sorted(towns)])


async def _memories(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    wanted = request.query_params.get("for", "")
    if not _DAY.fullmatch(wanted):
        raise Refusal(400, "Validation failed")
    found = [one for one in stub.memories if one.owner is caller.user and one.shown_on.isoformat() == wanted]
    return JSONResponse(
        [
            {
                "id": one.id, "ownerId": one.owner.id, "type": "on_this_day", "data": {"year": one.day.year},
                "memoryAt": written(datetime.combine(one.day, datetime.min.time(), UTC)), "isSaved": False,
                "createdAt": written(FIRST_DAY), "updatedAt": written(FIRST_DAY),
                "assets": [asset_answer(asset, with_exif=False, caller=caller.user) for asset in one.assets],
            }
            for one in found
        ]
    )  # fmt: skip


def _stack_answer(stack: StubStack, caller: Caller, with_exif: bool) -> dict[str, object]:
    there = [one for one in reversed(stack.assets) if not one.trashed]
    assets = [asset_answer(one, with_exif=with_exif, caller=caller.user) for one in there]
    return {"id": stack.id, "primaryAssetId": stack.assets[0].id, "assets": assets}


async def _stacks(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    own = [one for one in stub.stacks.values() if one.assets[0].owner is caller.user]
    if top := request.query_params.get("primaryAssetId"):
        own = [one for one in own if one.assets[0].id == top]
    else:
        stub.stacks_read_whole += 1
    return JSONResponse([_stack_answer(one, caller, with_exif=False) for one in own])


async def _stack(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    stack = stub.stacks.get(request.path_params["id"])
    if stack is None or stack.assets[0].owner is not caller.user:
        raise Refusal(400, "Not found or no stack.read access")
    return JSONResponse(_stack_answer(stack, caller, with_exif=True))


async def _search_smart(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    wanted = await body_of(request, "query")
    if not stub.smart_search:
        raise Refusal(400, "Smart search is not enabled")
    asked = wanted.pop("query")
    like = [asset for asset in stub.assets.values() if asked in asset.looks_like]
    return found_by(stub, wanted, caller, among=like)


async def _playback(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    asset = seen_by(stub, request, caller, Refusal(400, "Not found or no asset.view access"))
    if asset.type != "VIDEO":
        raise Refusal(400, "Asset is not a video")
    return ranged_answer(request, *(asset.transcoded or (asset.media_type, asset.original)))


async def _update(stub: ImmichStub, request: Request, caller: Caller) -> Response:
    asset = stub.assets.get(request.path_params["id"])
    if asset is None or asset.owner is not caller.user:
        raise Refusal(400, "Not found or no asset.update access")
    wanted = await body_of(request)
    asset.favourite = wanted.get("isFavorite", asset.favourite)
    if "livePhotoVideoId" in wanted:
        link(stub, asset, wanted["livePhotoVideoId"])
    return JSONResponse(asset_answer(asset, with_exif=True, caller=caller.user))


# As PROTECTED of immich_answers.
LISTS: tuple[tuple[str, str, str | None, Callable[..., Awaitable[Response]]], ...] = (
    ("GET", "/timeline/buckets", "asset.read", _buckets),
    ("GET", "/timeline/bucket", "asset.read", _bucket),
    ("GET", "/albums", "album.read", _albums),
    ("GET", "/albums/{id}", "album.read", _album),
    ("GET", "/people", "person.read", _people),
    ("GET", "/people/{id}", "person.read", _person),
    ("GET", "/people/{id}/thumbnail", "person.read", _face),
    ("GET", "/tags/{id}", "tag.read", _tag),
    ("GET", "/search/cities", "asset.read", _cities),
    ("POST", "/search/smart", "asset.read", _search_smart),
    ("GET", "/memories", "memory.read", _memories),
    ("GET", "/stacks", "stack.read", _stacks),
    ("GET", "/stacks/{id}", "stack.read", _stack),
    ("GET", "/assets/{id}/video/playback", "asset.view", _playback),
    ("PUT", "/assets/{id}", "asset.update", _update),
)
