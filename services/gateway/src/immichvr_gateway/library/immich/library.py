"""An Immich 3.x server, asked with the credential of whoever asks the gateway."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Collection
from pathlib import PurePath
from typing import Literal

import httpx
from immichvr_media import can_decode
from pydantic import SecretStr

from immichvr_gateway.library.content import Content
from immichvr_gateway.library.errors import (
    InvalidCursor,
    LibraryError,
    LibraryUnavailable,
    NotPermitted,
    NotReady,
    PhotoNotFound,
    PhotoTooLarge,
    SignInFailed,
)
from immichvr_gateway.library.immich.address import page_address
from immichvr_gateway.library.immich.answers import UUID_PATTERN, Asset, Present, SearchAnswer, UploadCheck
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.decisions import Clock, Decisions, Shown
from immichvr_gateway.library.immich.headers import declared_size, etag, is_original, part, rendition_in
from immichvr_gateway.library.immich.limits import ImmichLimits
from immichvr_gateway.library.immich.listings import LARGEST_PAGE, Listings, search_for
from immichvr_gateway.library.immich.signing_in import (
    end_session,
    identity_of_key,
    identity_of_password,
    is_there,
    problems_with,
    told_page_address,
)
from immichvr_gateway.library.immich.standing import Standings
from immichvr_gateway.library.immich.together import Together
from immichvr_gateway.library.names import passive_type, printable_name
from immichvr_gateway.library.photos import (
    Caller,
    Credential,
    Identity,
    LibraryPhoto,
    PhotoPage,
    Span,
    Trace,
    version_of,
)  # fmt: skip

_UUID = re.compile(UUID_PATTERN)
_CURSOR_PATTERN = r"^[1-9][0-9]{0,8}x(1000|[1-9][0-9]{0,2})$"
_CURSOR = re.compile(_CURSOR_PATTERN)
# So many unknown photos are asked about one by one before the whole timeline is read.
_FEW = 8
# Of photos outside the timeline that were shown once, such as an album's, so many are asked about at once.
_SHOWN_BEFORE = 32
_ASKED_AT_ONCE = 8
_ASKED_EVERY_S = 30.0
# Making a thumbnail takes Immich this long, about.
_THUMBNAIL_S = 5.0


class ImmichLibrary:
    """The photos that a person sees in Immich.

    url: of the server, with or without `/api`; api_key: the gateway's own, if it has one; external_url: of the
    server as browsers reach it, for links; what Immich itself says, else `url`, where none is given.
    """

    kind: Literal["immich"] = "immich"
    cursor_pattern = _CURSOR_PATTERN

    def __init__(
        self,
        url: str,
        api_key: SecretStr | None = None,
        external_url: str | None = None,
        limits: ImmichLimits | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._limits = limits or ImmichLimits()
        self._client = ImmichClient(url, self._limits)
        self._named_pages = page_address(external_url)
        self._pages = self._named_pages or page_address(url)
        self._key = (api_key.get_secret_value().strip() if api_key is not None else "") or None
        self._service: Identity | None = None
        self._answered: tuple[float, bool] | None = None
        self._decisions = Decisions(self._limits.decision_s, self._limits.refusal_s, self._limits.max_decisions, clock)
        self._listings = Listings(self._client, self._limits, clock)
        self._standings = Standings(self._client, self._limits.standing_s, clock)
        self._client.on_refused = self._standings.forget
        self._together = Together()

    async def photos(self, who: Identity, cursor: str | None, limit: int) -> PhotoPage:
        """A page of the timeline, newest first; a cursor keeps the limit of the page it comes from.

        A photo uploaded meanwhile moves the others on, so that a page may repeat one. Raises InvalidCursor.
        """
        page, size = (1, min(max(limit, 1), LARGEST_PAGE)) if cursor is None else _page_from(cursor)
        query = search_for(page, size, with_exif=True)
        asked_at = self._decisions.now()
        try:
            answer = (await self._client.post(who.credential, "search/metadata", query, SearchAnswer)).assets
        except Refused as error:
            raise LibraryUnavailable(f"Immich does not list its photos: {error}", down="immich") from error
        shown = [asset for asset in answer.items if asset.shown]
        for asset in shown:
            self._decisions.keep(who.credential, asset, asked_at)
        next_cursor = None if answer.next_page is None else _cursor_from(int(answer.next_page), size)
        return PhotoPage([self._photo(asset) for asset in shown], next_cursor)

    async def photo(self, who: Identity, photo_id: str, *, fresh: bool = False) -> LibraryPhoto:
        """One photo, as Immich showed it to this person at most a minute ago. Raises PhotoNotFound."""
        return self._photo(await self._asset(who, photo_id, fresh))

    async def owns(self, who: Identity, photo_id: str) -> bool:
        """Whether this person uploaded the photo, rather than having it shared with them. Raises PhotoNotFound."""
        return (await self._asset(who, photo_id, fresh=True)).owner_id == who.user_id

    async def trace(self, who: Identity, photo_id: str) -> Trace:
        """The photo's owner and checksum. Raises PhotoNotFound."""
        asset = await self._asset(who, photo_id)
        return Trace(asset.owner_id, asset.checksum)

    async def is_gone(self, who: Identity, photo_id: str, mark: str) -> bool:
        """Whether Immich has neither the photo nor, in this person's whole library, any of its checksum.

        Immich answers alike for what is deleted and what lies in the locked folder; the check of uploads looks there
        and into the trash too. It wants the permission `asset.upload`: raises NotPermitted without it.
        """
        if not _UUID.fullmatch(photo_id):
            return False
        try:
            await self._client.get(who.credential, f"assets/{photo_id}", Present)
        except Refused:
            body = {"assets": [{"id": photo_id, "checksum": mark}]}
            try:
                answer = await self._client.post(who.credential, "assets/bulk-upload-check", body, UploadCheck)
            except Refused:
                return False
            return [one.action for one in answer.results] == ["accept"]
        return False

    async def original(self, who: Identity, photo_id: str, span: Span | None = None) -> Content:
        """The file as it was uploaded, edits not applied. Raises PhotoNotFound, PhotoTooLarge."""
        asset = await self._asset(who, photo_id)
        return await self._content(asset, await self._open(who, asset, "original", {}, span))

    async def source(self, who: Identity, photo_id: str) -> Content:
        """The edited picture where there are edits, the original where it is decoded, else Immich's largest rendition.

        Raises PhotoNotFound, PhotoTooLarge, NotReady.
        """
        asset = await self._asset(who, photo_id, fresh=True)
        if asset.is_edited:
            content = await self._file(who, asset, "original", {"edited": "true"})
            content.note = "the picture as edited in Immich"
            return content
        if can_decode(asset.original_mime_type or asset.original_file_name):
            return await self._file(who, asset, "original", {})
        content = await self._largest(who, asset, ("fullsize", "preview"))
        content.note = (
            f"{printable_name(asset.original_file_name)} is in a format that is not decoded here; {content.note}"
        )
        return content

    async def rendition(self, who: Identity, photo_id: str, *, small: bool) -> Content | None:
        """Immich's full-size picture where it made one and `small` is not asked for, else its preview.

        Raises PhotoNotFound, PhotoTooLarge, NotReady.
        """
        asset = await self._asset(who, photo_id, fresh=True)
        content = await self._largest(who, asset, ("preview",) if small else ("fullsize", "preview"))
        content.note = f"{printable_name(asset.original_file_name)} could not be decoded; {content.note}"
        return content

    async def thumbnail(self, who: Identity, photo_id: str) -> Content:
        """Immich's thumbnail. Raises PhotoNotFound, and NotReady while Immich has not made it."""
        return await self._rendition(who, photo_id, "thumbnail")

    async def preview(self, who: Identity, photo_id: str) -> Content:
        """Immich's preview. Raises PhotoNotFound, and NotReady while Immich has not made it."""
        return await self._rendition(who, photo_id, "preview")

    async def visible(self, who: Identity, photo_ids: Collection[str], *, singly: int) -> set[str]:
        """Those that this person sees, as Immich said at most a minute ago.

        Many are looked up in the timeline, which is read whole. What it does not list, such as photos of an album
        that is shared, is asked about one by one: 32 that were shown before, and `singly` others.
        """
        known = {one: self._decisions.recall(who.credential, one) for one in photo_ids if _UUID.fullmatch(one)}
        seen = {one for one, shown in known.items() if shown is not None and shown.asset is not None}
        unknown = [one for one, shown in known.items() if shown is None]
        if len(unknown) > _FEW:
            listed = await self._listings.ids(who.credential)
            seen.update(one for one in unknown if one in listed)
            unknown = [one for one in unknown if one not in listed]
        before: list[tuple[float, str]] = []
        others: list[tuple[float, str]] = []
        for one in unknown:
            last = self._decisions.last(who.credential, one)
            (before if last is not None and last.asset is not None else others).append(
                (last.until if last else 0.0, one)
            )
        # What was never asked about comes first, then what was refused longest ago.
        chosen = [*sorted(before, reverse=True)[:_SHOWN_BEFORE], *sorted(others)[:singly]]
        limit = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def sees(photo_id: str) -> bool:
            async with limit:
                try:
                    await self._asset(who, photo_id)
                except (PhotoNotFound, NotPermitted):
                    return False
                return True

        answers = await asyncio.gather(*(sees(one) for _, one in chosen))
        return seen | {one for (_, one), is_seen in zip(chosen, answers, strict=True) if is_seen}

    def recall(self, who: Identity, photo_id: str) -> bool | None:
        """Whether this person sees a photo, if Immich said so lately; None where it has to be asked."""
        shown = self._decisions.recall(who.credential, photo_id)
        return None if shown is None else shown.asset is not None

    async def sign_in(
        self,
        *,
        api_key: str | None = None,
        email: str | None = None,
        password: str | None = None,
        caller: Caller | None = None,
    ) -> Identity:
        """Who this is: by an API key with the permissions needed, or by e-mail address and password."""
        if api_key:
            return await identity_of_key(self._client, api_key, caller)
        if email and password:
            return await identity_of_password(self._client, email, password, caller)
        raise SignInFailed("sign in with an API key of Immich, or with e-mail address and password")

    async def confirm(self, who: Identity) -> None:
        """Whether Immich still takes this key or session, as it said less than a minute ago.

        Raises SignInFailed where it does not any more, or where the key may do less than is needed;
        LibraryUnavailable where Immich does not answer, which is no refusal.
        """
        await self._standings.confirm(who.credential)

    async def sign_out(self, who: Identity) -> None:
        """Ends the session that a password started in Immich; keys stay. Raises LibraryUnavailable."""
        await end_session(self._client, who.credential)

    async def may_manage(self, who: Identity, *, fresh: bool = False) -> bool:
        """Whether this is an administrator, by a session or by a key that may change Immich's settings too."""
        return await self._standings.may_manage(who.credential, fresh)

    async def identity_of_service(self) -> Identity | None:
        """Whose the gateway's own key is, None without one. Raises SignInFailed, LibraryUnavailable."""
        if self._service is None and self._key is not None:
            self._service = await identity_of_key(self._client, self._key)
        return self._service

    async def check(self) -> list[str]:
        """Whether the server is there, is Immich 3, and accepts the gateway's key with all permissions needed.

        Learns on the way by which address people reach it, where no setting says so.
        """
        problems = await problems_with(self._client, self._key)
        if self._named_pages is None and not problems:
            self._pages = await told_page_address(self._client) or self._pages
        return problems

    async def answers(self) -> bool:
        """Whether the server answered at most half a minute ago."""
        now = time.monotonic()
        if self._answered is None or now - self._answered[0] > _ASKED_EVERY_S:
            self._answered = (now, await is_there(self._client))
        return self._answered[1]

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _asset(self, who: Identity, photo_id: str, fresh: bool = False) -> Asset:
        """The asset as Immich shows it to `who`. Raises PhotoNotFound."""
        if not _UUID.fullmatch(photo_id):
            raise PhotoNotFound(photo_id)
        if fresh:
            return await self._ask(who.credential, photo_id)
        known = self._decisions.recall(who.credential, photo_id)
        if known is None:
            question = (who.credential.fingerprint, photo_id)
            return await self._together.ask(question, lambda: self._ask(who.credential, photo_id))
        return _told(known, photo_id)

    async def _ask(self, who: Credential, photo_id: str) -> Asset:
        """The asset as Immich shows it now; what it says is kept. Raises PhotoNotFound, NotPermitted."""
        asked_at = self._decisions.now()
        try:
            asset = await self._client.get(who, f"assets/{photo_id}", Asset)
            if asset.shown and asset.id == photo_id:
                self._decisions.keep(who, asset, asked_at)
                return asset
            refusal: LibraryError = PhotoNotFound(photo_id)
        except Refused:
            refusal = PhotoNotFound(photo_id)
        except NotPermitted as error:
            refusal = error
        self._decisions.keep_refusal(who, photo_id, refusal, asked_at)
        raise refusal

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

    async def _rendition(self, who: Identity, photo_id: str, size: str) -> Content:
        asset = await self._asset(who, photo_id)
        edited = {"edited": "true"} if asset.is_edited else {}
        return await self._file(who, asset, "thumbnail", {"size": size, **edited})

    async def _file(self, who: Identity, asset: Asset, route: str, query: dict[str, str]) -> Content:
        """A file of an asset. Raises PhotoNotFound, PhotoTooLarge, NotReady."""
        return await self._content(asset, await self._open(who, asset, route, query))

    async def _open(
        self, who: Identity, asset: Asset, route: str, query: dict[str, str], span: Span | None = None
    ) -> httpx.Response:
        try:
            return await self._client.open(who.credential, f"assets/{asset.id}/{route}", query, span)
        except Refused as error:
            # Either it may not be seen any more, which asking anew tells, or the file is not there (yet).
            await self._asset(who, asset.id, fresh=True)
            name = printable_name(asset.original_file_name)
            raise NotReady(
                f"Immich has not made this picture of {name} yet, or misses the file", "immich", _THUMBNAIL_S
            ) from error

    async def _content(self, asset: Asset, response: httpx.Response) -> Content:
        media_type = passive_type(response.headers.get("content-type"))
        name = printable_name(asset.original_file_name)
        query = response.url.query.decode()
        if query:  # anything but the original itself
            name = f"{PurePath(name).stem}.{media_type.rpartition('/')[2]}"
        size = declared_size(response)
        if size is not None and size > self._limits.max_file_bytes:
            await response.aclose()
            raise PhotoTooLarge(name, self._limits.max_file_bytes)
        version = _source_version(asset)
        return Content(
            media_type=media_type,
            size=size,
            name=name,
            chunks=self._client.chunks(response, name),
            etag=etag(response, f"{version}-{query}"),
            source_version=version,
            on_close=response.aclose,
            part=part(response),
        )

    def _photo(self, asset: Asset) -> LibraryPhoto:
        return LibraryPhoto(
            id=asset.id,
            name=printable_name(asset.original_file_name),
            media_type=passive_type(asset.original_mime_type),
            width=asset.width,
            height=asset.height,
            taken_at=asset.taken_at,
            source_version=_source_version(asset),
            external_url=f"{self._pages}/photos/{asset.id}",
            size=None if asset.exif_info is None else asset.exif_info.file_size_in_byte,
            projection=None if asset.exif_info is None else asset.exif_info.projection_type,
        )


def _told(shown: Shown, photo_id: str) -> Asset:
    """The asset, where it was shown. Raises what was said instead."""
    if shown.asset is not None:
        return shown.asset
    if isinstance(shown.refusal, NotPermitted):
        raise NotPermitted(shown.refusal.message, shown.refusal.permissions)
    raise PhotoNotFound(photo_id)


def _source_version(asset: Asset) -> str:
    """Follows the file and, where Immich edited it, the edited picture.

    `updatedAt` would follow the edits too, but also every favourite and album; the thumbhash is made of the edited
    picture, and the size tells crops apart.
    """
    if not asset.is_edited:
        return version_of("immich", asset.checksum)
    return version_of("immich", asset.checksum, "edited", asset.width, asset.height, asset.thumbhash)


def _cursor_from(page: int, size: int) -> str:
    return f"{page}x{size}"


def _page_from(cursor: str) -> tuple[int, int]:
    if not _CURSOR.fullmatch(cursor):
        raise InvalidCursor
    page, _, size = cursor.partition("x")
    return int(page), int(size)
