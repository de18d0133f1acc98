"""The files that Immich gives of photos and videos, passed on as they come."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from immichvr_catalog import PHOTO, VIDEO
from immichvr_common.sources import Source
from immichvr_media import can_decode

from immichvr_gateway.library.content import Content
from immichvr_gateway.library.errors import NoSuchRange, NotReady, PhotoNotFound, PhotoTooLarge
from immichvr_gateway.library.immich.answers import Asset
from immichvr_gateway.library.immich.assets import UUID, Assets
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.clips import Clips
from immichvr_gateway.library.immich.describing import name_of, source_version, version_as
from immichvr_gateway.library.immich.headers import declared_size, etag, is_original, part, rendition_in
from immichvr_gateway.library.immich.limits import ImmichLimits
from immichvr_gateway.library.names import named_as, passive_type
from immichvr_gateway.library.photos import Identity, Span

# Making a thumbnail takes Immich this long, about.
_THUMBNAIL_S = 5.0


class Files:
    """Originals, renditions and what is played, to those whom Immich shows them to."""

    def __init__(self, client: ImmichClient, limits: ImmichLimits, assets: Assets, clips: Clips) -> None:
        self._client, self._limits, self._assets, self._clips = client, limits, assets, clips

    async def original(self, who: Identity, item: Source, span: Span | None) -> Content:
        """The file as it was uploaded, edits not applied. Raises PhotoNotFound, PhotoTooLarge, NoSuchRange."""
        asset = await self._assets.item(who, item)
        return await self._original(who, item, asset, span)

    async def source(self, who: Identity, item: Source) -> Content:
        """The edited picture where there are edits, the original where it is decoded, else Immich's largest rendition.

        Of a video the file as it was uploaded. Raises PhotoNotFound, PhotoTooLarge, NotReady.
        """
        asset = await self._assets.item(who, item, fresh=True)
        if item.kind != PHOTO:
            return await self._original(who, item, asset, None)
        if asset.is_edited:
            content = await self._file(who, asset, "original", {"edited": "true"})
            content.note = "the picture as edited in Immich"
            return content
        if can_decode(asset.original_mime_type or asset.original_file_name):
            return await self._file(who, asset, "original", {})
        content = await self._largest(who, asset, ("fullsize", "preview"))
        content.note = f"{name_of(asset)} is in a format that is not decoded here; {content.note}"
        return content

    async def rendition(self, who: Identity, photo_id: str, small: bool) -> Content:
        """Immich's full-size picture where it made one and `small` is not asked for, else its preview.

        Raises PhotoNotFound, PhotoTooLarge, NotReady.
        """
        asset = await self._assets.of(who, photo_id, fresh=True)
        content = await self._largest(who, asset, ("preview",) if small else ("fullsize", "preview"))
        content.note = f"{name_of(asset)} could not be decoded; {content.note}"
        return content

    async def picture(self, who: Identity, item: Source, size: str) -> Content:
        """Immich's `thumbnail` or `preview`. Raises PhotoNotFound, and NotReady while Immich has not made it.

        Of what a timeline showed just now no more is asked than this: Immich gives the picture as edited where it was.
        """
        if self._assets.was_glimpsed(who, item):
            query = {"size": size, "edited": "true"}
            try:
                response = await self._client.open(who.credential, f"assets/{item.id}/thumbnail", query)
            except Refused:
                await self._assets.of(who, item.id, fresh=True, kind=item.kind)
                raise _not_ready(item.id) from None
            return await self._passed_on(response, item.id, PHOTO, f"{item.id}-{size}")
        asset = await self._assets.of(who, item.id, kind=item.kind)
        edited = {"edited": "true"} if asset.is_edited else {}
        return await self._file(who, asset, "thumbnail", {"size": size, **edited})

    async def thumbnail_of(self, who: Identity, asset_id: str) -> Content:
        """The thumbnail of what Immich itself names, such as a cover, if it still lets this person see it.

        Raises PhotoNotFound.
        """
        query = {"size": "thumbnail", "edited": "true"}
        try:
            response = await self._client.open(who.credential, f"assets/{asset_id}/thumbnail", query)
        except Refused as error:
            raise PhotoNotFound(asset_id) from error
        return await self._passed_on(response, asset_id, PHOTO, f"{asset_id}-cover")

    async def playback(self, who: Identity, item: Source, span: Span | None) -> Content:
        """What Immich made of a video for browsers, else its file; of a live photo its clip, but none made here.

        Raises PhotoNotFound, PhotoTooLarge, NotReady, NoSuchRange.
        """
        asset = await self._assets.item(who, item)
        version, clip = version_as(item.kind, asset), asset.live_photo_video_id if asset.has_film else asset.id
        if item.kind == PHOTO and (not asset.has_film or await self._clips.is_ours(who.credential, clip or "")):
            raise PhotoNotFound(item.id)
        response = await self._open(who, asset, "video/playback", {}, span, of=clip)
        return await self._passed_on(response, name_of(asset), VIDEO, f"{version}-playback", version)

    async def face(self, who: Identity, person_id: str) -> Content:
        """Immich's picture of a person's face. Raises PhotoNotFound."""
        if not UUID.fullmatch(person_id):
            raise PhotoNotFound(person_id, "person")
        try:
            response = await self._client.open(who.credential, f"people/{person_id}/thumbnail", {})
        except Refused as error:
            raise PhotoNotFound(person_id, "person") from error
        return await self._passed_on(response, person_id, PHOTO, person_id)

    async def _largest(self, who: Identity, asset: Asset, sizes: tuple[str, ...]) -> Content:
        """The first of these renditions that is decoded here; its note says which it is. Raises NotReady."""
        edited = {"edited": "true"} if asset.is_edited else {}
        for size in sizes:
            response = await self._open(who, asset, "thumbnail", {"size": size, **edited})
            if is_original(response):  # of formats that browsers show, full size is the file itself
                await response.aclose()
                continue
            content = await self._content(asset, response)
            if can_decode(content.media_type):
                content.note = f"this is {rendition_in(response)} of it"
                return content
            await content.close()
        raise NotReady("Immich has no rendition of this photo that is decoded here", "immich", _THUMBNAIL_S)

    async def _original(self, who: Identity, item: Source, asset: Asset, span: Span | None) -> Content:
        """The file of a photo or video, of a live photo's film its own. Raises PhotoNotFound, NoSuchRange."""
        if item.kind != VIDEO or not asset.has_film:
            return await self._content(asset, await self._open(who, asset, "original", {}, span))
        response = await self._open(who, asset, "original", {}, span, of=asset.live_photo_video_id)
        version = version_as(VIDEO, asset)
        return await self._passed_on(response, name_of(asset), VIDEO, version, version)

    async def _file(self, who: Identity, asset: Asset, route: str, query: Mapping[str, str]) -> Content:
        """A file of an asset. Raises PhotoNotFound, PhotoTooLarge, NotReady."""
        return await self._content(asset, await self._open(who, asset, route, query))

    async def _open(
        self,
        who: Identity,
        asset: Asset,
        route: str,
        query: Mapping[str, str],
        span: Span | None = None,
        of: str | None = None,
    ) -> httpx.Response:
        """A file of an asset, or of the one it is played by."""
        path = f"assets/{of or asset.id}/{route}"
        try:
            if span is not None and span.length == 0:  # HTTP has no words for it
                raise Refused(httpx.codes.NOT_FOUND, "no bytes")
            return await self._client.open(who.credential, path, query, span)
        except Refused as error:
            # Either it may not be seen any more, which asking anew tells, or the file is not there (yet).
            await self._assets.of(who, asset.id, fresh=True, kind=asset.shown_as or PHOTO)
            if span is not None:
                await self._explain_range(who, path, query)
            raise _not_ready(name_of(asset)) from error

    async def _explain_range(self, who: Identity, path: str, query: Mapping[str, str]) -> None:
        """Raises NoSuchRange where the file is there: Immich answers to bytes beyond its end as if it were not."""
        try:
            whole = await self._client.open(who.credential, path, query)
        except Refused:
            return
        await whole.aclose()
        raise NoSuchRange(declared_size(whole) or 0)

    async def _content(self, asset: Asset, response: httpx.Response) -> Content:
        name, query = name_of(asset), response.url.query.decode()
        version = source_version(asset)
        if not query:  # the original itself
            return await self._passed_on(response, name, asset.shown_as or PHOTO, version, version, named=True)
        return await self._passed_on(response, name, asset.shown_as or PHOTO, f"{version}-{query}", version)

    async def _passed_on(
        self, response: httpx.Response, name: str, kind: str, tag: str, version: str | None = None, named: bool = False
    ) -> Content:
        """An opened file. name: of what it is of, and where `named`, its own. Raises PhotoTooLarge."""
        media_type = passive_type(response.headers.get("content-type"))
        if not named:
            name = named_as(name, media_type)
        size, largest = declared_size(response), self._limits.largest(kind)
        if size is not None and size > largest:
            await response.aclose()
            raise PhotoTooLarge(name, largest)
        return Content(
            media_type=media_type,
            size=size,
            name=name,
            chunks=self._client.chunks(response, name, largest),
            etag=etag(response, tag),
            source_version=version,
            on_close=response.aclose,
            part=part(response),
        )


def _not_ready(name: str) -> NotReady:
    return NotReady(f"Immich has not made this picture of {name} yet, or misses the file", "immich", _THUMBNAIL_S)
