"""Clips of ours in Immich, linked to a photo so that it moves there: uploaded hidden, linked, found, deleted."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from immichvr_gateway.library.errors import LibraryUnavailable, PhotoNotFound
from immichvr_gateway.library.immich import notes
from immichvr_gateway.library.immich.answers import Answer, Present
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.photos import Credential


@dataclass(frozen=True)
class Clip:
    """A clip as a file. name: what it is called in Immich; recipe: what it was made by; parent: the photo's id."""

    data: bytes
    name: str
    parent: str
    recipe: str
    taken_at: datetime | None

    @property
    def checksum(self) -> str:
        """SHA-1, base64: what Immich knows files by."""
        return base64.b64encode(hashlib.sha1(self.data, usedforsecurity=False).digest()).decode()


class _Uploaded(Answer):
    """Of AssetMediaResponseDto."""

    id: str


class _Check(Answer):
    asset_id: str | None = None
    is_trashed: bool = False


class _Checks(Answer):
    results: list[_Check]


class _Quota(Answer):
    """Of UserAdminResponseDto; None without a limit."""

    quota_size_in_bytes: int | None = None
    quota_usage_in_bytes: int | None = None


async def room(client: ImmichClient, who: Credential) -> int | None:
    """How many bytes somebody may still upload; None without a limit. Raises as the client does, but for Refused."""
    try:
        quota = await client.get(who, "users/me", _Quota)
    except Refused as error:
        raise LibraryUnavailable(f"Immich does not tell how much room there is: {error}", down="immich") from error
    if quota.quota_size_in_bytes is None:
        return None
    return max(0, quota.quota_size_in_bytes - (quota.quota_usage_in_bytes or 0))


async def upload(client: ImmichClient, who: Credential, clip: Clip) -> str:
    """The id of the clip in Immich, hidden there; the same bytes have the same id, even if they are being deleted.

    Raises as the client does, but for Refused.
    """
    taken = (clip.taken_at or datetime.now(UTC)).isoformat(timespec="milliseconds")
    note = [{"key": notes.KEY, "value": {"parent": clip.parent, "recipe": clip.recipe}}]
    form = {"fileCreatedAt": taken, "fileModifiedAt": taken, "filename": clip.name, "visibility": "hidden"}
    form["metadata"] = json.dumps(note)
    file = (clip.name, clip.data, "video/mp4")
    try:
        return (await client.upload(who, "assets", form, file, clip.checksum, _Uploaded)).id
    except Refused as error:
        raise LibraryUnavailable(f"Immich does not take the clip: {error}", down="immich") from error


async def find(client: ImmichClient, who: Credential, checksum: str, *, deleted: bool = False) -> str | None:
    """The id of what has this checksum among somebody's own files; None where nothing has.

    deleted: also what is in the trash, or is to be deleted for good: Immich has it until its job for that ran.
    """
    asked = {"assets": [{"id": "clip", "checksum": checksum}]}
    try:
        found = await client.post(who, "assets/bulk-upload-check", asked, _Checks)
    except Refused as error:
        raise LibraryUnavailable(f"Immich does not say what it has: {error}", down="immich") from error
    return next((one.asset_id for one in found.results if one.asset_id and (deleted or not one.is_trashed)), None)


async def link(client: ImmichClient, who: Credential, asset_id: str, clip_id: str) -> None:
    """Has a photo move. Raises PhotoNotFound, and as the client does."""
    try:
        await client.put(who, f"assets/{asset_id}", {"livePhotoVideoId": clip_id}, Present)
    except Refused as error:
        raise PhotoNotFound(asset_id) from error


async def discard(client: ImmichClient, who: Credential, clip_id: str) -> None:
    """Deletes a clip that no photo has; one that is gone already is no matter. Raises as the client does."""
    with contextlib.suppress(Refused):
        await client.delete(who, "assets", {"ids": [clip_id], "force": True})
