"""What is written on photos in Immich: values by key, which only programs see, and tags."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import RootModel

from immichvr_gateway.library.errors import LibraryUnavailable, PhotoNotFound
from immichvr_gateway.library.immich.answers import Answer, Present
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.owned import Tag
from immichvr_gateway.library.photos import Credential

KEY = "immichvr.v1"
"""Under which ImmichVR keeps a value with an asset. A pointer says so in its `is`; what else carries it is our file."""
POINTER = "pointer"


class _Note(Answer):
    """Of AssetMetadataResponseDto."""

    key: str
    value: dict[str, Any]


async def note_on(client: ImmichClient, who: Credential, asset_id: str) -> dict[str, Any] | None:
    """What is noted on an asset under our key; None where nothing is. Raises PhotoNotFound, and as the client does."""
    try:
        found = (await client.get(who, f"assets/{asset_id}/metadata", RootModel[list[_Note]])).root
    except Refused as error:
        raise PhotoNotFound(asset_id) from error
    return next((one.value for one in found if one.key == KEY), None)


def is_made_here(note: Mapping[str, Any] | None) -> bool:
    """Whether what carries this note is a file that ImmichVR put into Immich, rather than one it made something of."""
    return note is not None and note.get("is") != POINTER


async def put_note(client: ImmichClient, who: Credential, asset_id: str, value: Mapping[str, object]) -> None:
    """Notes a value on an asset, over what was there under our key. Raises PhotoNotFound, and as the client does."""
    try:
        body = {"items": [{"key": KEY, "value": dict(value)}]}
        await client.put(who, f"assets/{asset_id}/metadata", body, RootModel[list[_Note]])
    except Refused as error:
        raise PhotoNotFound(asset_id) from error


async def remove_note(client: ImmichClient, who: Credential, asset_id: str) -> None:
    """Takes our value off an asset; where there is none, or no such asset, nothing is to be done."""
    try:
        await client.delete(who, f"assets/{asset_id}/metadata/{KEY}")
    except Refused:
        return


async def make_tag(client: ImmichClient, who: Credential, name: str) -> Tag:
    """The tag of that whole name, made where there is none. Raises as the client does, but for Refused."""
    try:
        made = (await client.put(who, "tags", {"tags": [name]}, RootModel[list[Tag]])).root
    except Refused as error:
        raise LibraryUnavailable(f"Immich does not take the tag {name!r}: {error}", down="immich") from error
    found = next((one for one in made if one.value == name), None)
    if found is None:
        raise LibraryUnavailable(f"Immich made no tag {name!r}", down="immich")
    return found


class _Tagged(Answer):
    """Of BulkIdResponseDto."""

    id: str
    success: bool


async def put_tag(client: ImmichClient, who: Credential, tag_id: str, asset_id: str) -> None:
    """Puts a tag on an asset. Raises PhotoNotFound where there is no such tag or asset, and as the client does."""
    try:
        await client.put(who, f"tags/{tag_id}/assets", {"ids": [asset_id]}, RootModel[list[_Tagged]])
    except Refused as error:
        raise PhotoNotFound(asset_id) from error


async def take_tag(client: ImmichClient, who: Credential, tag_id: str, asset_ids: Collection[str]) -> None:
    """Takes a tag off assets; where tag or asset is gone, nothing is to be done. Raises as the client does."""
    try:
        await client.delete(who, f"tags/{tag_id}/assets", {"ids": sorted(asset_ids)})
    except Refused:
        return


async def remove_tag(client: ImmichClient, who: Credential, tag_id: str) -> None:
    """Removes a tag; one that is gone already is no matter. Raises as the client does."""
    try:
        await client.delete(who, f"tags/{tag_id}")
    except Refused:
        return


async def remove_clip(client: ImmichClient, who: Credential, asset_id: str, clip_id: str) -> None:
    """Takes a clip of ours off a photo, and deletes it: unlinked, Immich would show it in the timeline.

    What is done already is no matter, so that it may be gone on with after a crash in between. Raises as the client
    does.
    """
    with contextlib.suppress(Refused):
        await client.put(who, f"assets/{asset_id}", {"livePhotoVideoId": None}, Present)
    with contextlib.suppress(Refused):
        await client.delete(who, "assets", {"ids": [clip_id], "force": True})
