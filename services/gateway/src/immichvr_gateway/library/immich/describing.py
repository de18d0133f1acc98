"""Immich's photos, albums and people as every library describes them, with the addresses of their pages there."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import quote, urlencode

from immichvr_catalog import PHOTO

from immichvr_gateway.library.browsing import Album, Glimpse, Locality, Memory, Person, Tag
from immichvr_gateway.library.immich.answers import Asset, Exif, SharedAsset
from immichvr_gateway.library.immich.clips import Clips
from immichvr_gateway.library.immich.listed import AlbumOf, MemoryOf, PersonOf, Row, TagOf
from immichvr_gateway.library.names import named_as, passive_type, printable_name
from immichvr_gateway.library.photos import Identity, LibraryPhoto, Place, Shot, Stack, version_of

_LIVE_PHOTO = "video/quicktime"
"""What most films of live photos are, where Immich does not tell."""


class Descriptions:
    """How things of one Immich server are described. pages: its address for browsers, without a slash at the end."""

    def __init__(self, pages: str, clips: Clips) -> None:
        self.pages, self._clips = pages, clips

    def item(self, who: Identity, asset: Asset) -> LibraryPhoto:
        """A photo or video."""
        exif, clip, stack = asset.exif_info or Exif(), asset.live_photo_video_id, asset.stack
        return LibraryPhoto(
            id=asset.id,
            name=name_of(asset),
            media_type=passive_type(asset.original_mime_type),
            width=asset.width,
            height=asset.height,
            taken_at=asset.taken_at,
            source_version=source_version(asset),
            external_url=None if isinstance(asset, SharedAsset) else f"{self.pages}/photos/{asset.id}",
            size=exif.file_size_in_byte,
            projection=exif.projection_type,
            kind=asset.shown_as or PHOTO,
            mine=asset.owner_id == who.user_id,
            favorite=asset.is_favorite and asset.owner_id == who.user_id,
            archived=asset.visibility == "archive",
            edited=asset.is_edited,
            rating=exif.rating if exif.rating is not None and 1 <= exif.rating <= 5 else None,
            duration_s=_seconds(asset.duration) if asset.shown_as != PHOTO else None,
            live=asset.shown_as == PHOTO and clip is not None and not self._clips.is_known(who.credential, clip),
            stack=None if stack is None else Stack(stack.id, stack.primary_asset_id, stack.asset_count),
            place=_place(exif),
            shot=_shot(exif),
        )

    async def as_kind(self, who: Identity, asset: Asset, kind: str) -> LibraryPhoto:
        """A photo or video, or as a video the film of a live photo, of which little is told.

        Raises LibraryUnavailable, SignInFailed.
        """
        item = self.item(who, asset)
        if kind == item.kind:
            return item
        film = asset.live_photo_video_id
        told = None if film is None else await self._clips.media_type(who.credential, film)
        media_type = passive_type(told or _LIVE_PHOTO)
        return replace(
            item, kind=kind, name=named_as(item.name, media_type), media_type=media_type, width=None, height=None,
            size=None, source_version=version_as(kind, asset), edited=False, live=False, stack=None, shot=None,
            projection=None,
        )  # fmt: skip

    def shared(self, row: Row) -> LibraryPhoto:
        """A photo or video of an album that a link shows, of which a list tells little; nothing of its owner's."""
        kind = row.shown_as or PHOTO
        return LibraryPhoto(
            id=row.id, name=kind, media_type=passive_type(None), width=None, height=None, taken_at=row.taken_at,
            source_version="", external_url=None, size=None, projection=row.projection_type, kind=kind, mine=False,
        )  # fmt: skip

    def glimpse(self, who: Identity, row: Row) -> Glimpse:
        """A photo or video of a timeline."""
        clip = row.live_photo_video_id
        return Glimpse(
            id=row.id,
            kind=row.shown_as or PHOTO,
            taken_at=row.taken_at,
            ratio=row.ratio if row.ratio is not None and 0 < row.ratio < 1e4 else None,
            favorite=row.is_favorite,
            archived=row.visibility == "archive",
            live=row.is_image and clip is not None and not self._clips.is_known(who.credential, clip),
            projection=row.projection_type,
            duration_s=None if row.is_image else _seconds(row.duration),
            stacked=0 if row.stack is None else row.stack[1],
            place=Place(city=row.city, country=row.country) if row.city or row.country else None,
            external_url=f"{self.pages}/photos/{row.id}",
        )

    def album(self, who: Identity, album: AlbumOf) -> Album:
        """An album; where several own it, the first of them is named, or the person who asks."""
        owners = [member.user for member in album.album_users if member.role == "owner"]
        owned = any(owner.id == who.user_id for owner in owners)
        return Album(
            id=album.id,
            name=album.album_name,
            description=album.description or "",
            owned=owned,
            owner_name=who.name if owned else owners[0].name if owners else "",
            shared=album.shared or len(album.album_users) > 1,
            shared_by_link=album.has_shared_link,
            count=album.asset_count,
            cover=album.album_thumbnail_asset_id,
            first=album.start_date,
            last=album.end_date,
            external_url=f"{self.pages}/albums/{album.id}",
        )

    def person(self, person: PersonOf) -> Person:
        """Somebody in photos."""
        url = f"{self.pages}/people/{person.id}"
        return Person(person.id, person.name, person.is_favorite, person.birth_date, url)

    def locality(self, who: Identity, asset: Asset) -> Locality | None:
        """The town that a photo was taken in."""
        exif = asset.exif_info
        if exif is None or not exif.city:
            return None
        told = {"city": exif.city, "state": exif.state, "country": exif.country}
        wanted = json.dumps({name: value for name, value in told.items() if value}, separators=(",", ":"))
        url = f"{self.pages}/search?{urlencode({'query': wanted})}"
        return Locality(exif.city, exif.state, exif.country, self.item(who, asset), url)

    def tag(self, tag: TagOf) -> Tag:
        """A tag."""
        url = f"{self.pages}/tags?path={quote(tag.value, safe='')}"
        return Tag(tag.id, tag.name, tag.value, tag.parent_id, tag.color, url)

    def memory(self, who: Identity, memory: MemoryOf) -> Memory:
        """A memory, of what is shown of it."""
        items = [self.item(who, asset) for asset in memory.assets if asset.shown_as is not None]
        url = f"{self.pages}/memory?id={items[0].id}" if items else None
        return Memory(memory.id, memory.data.year, memory.memory_at.date(), items, url)


def name_of(asset: Asset) -> str:
    """The name of its file; where a share link keeps that, what it is."""
    return printable_name(asset.original_file_name or asset.shown_as or PHOTO)


def source_version(asset: Asset) -> str:
    """Follows the file and, where Immich edited it, the edited picture.

    `updatedAt` would follow the edits too, but also every favourite and album; the thumbhash is made of the edited
    picture, and the size tells crops apart.
    """
    if not asset.checksum:
        return ""  # a share link without metadata does not tell
    if not asset.is_edited:
        return version_of("immich", asset.checksum)
    return version_of("immich", asset.checksum, "edited", asset.width, asset.height, asset.thumbhash)


def version_as(kind: str, asset: Asset) -> str:
    """`source_version` of what it is taken for: a live photo's film is another file than the photo."""
    version = source_version(asset)
    if kind == asset.shown_as or not version:
        return version
    return version_of("immich", asset.checksum, "film", asset.live_photo_video_id)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _shot(exif: Exif) -> Shot | None:
    make, model = exif.make or "", exif.model or ""
    camera = model if model.startswith(make.split(" ")[0]) else f"{make} {model}"
    shot = Shot(camera.strip() or None, exif.lens_model, exif.exposure_time, exif.f_number, exif.iso, exif.focal_length)
    return None if shot == Shot() else shot


def _place(exif: Exif) -> Place | None:
    place = Place(exif.city, exif.state, exif.country, exif.latitude, exif.longitude)
    return None if place == Place() else place
