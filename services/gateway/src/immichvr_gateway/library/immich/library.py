"""An Immich 3.x server, asked with the credential of whoever asks the gateway."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Collection
from typing import Literal

from immichvr_common.sources import Source
from pydantic import SecretStr

from immichvr_gateway.library.browsing import Selection
from immichvr_gateway.library.changes import Changes
from immichvr_gateway.library.content import Content
from immichvr_gateway.library.errors import NotPermitted, PhotoNotFound, SignInFailed
from immichvr_gateway.library.immich.accounts import Accounts
from immichvr_gateway.library.immich.address import page_address
from immichvr_gateway.library.immich.answers import Asset, Present, UploadCheck
from immichvr_gateway.library.immich.assets import UUID, Assets
from immichvr_gateway.library.immich.browsing import ImmichBrowsing
from immichvr_gateway.library.immich.checking import problems_with, remarks_on
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.clips import Clips, is_named_as_ours
from immichvr_gateway.library.immich.decisions import Clock
from immichvr_gateway.library.immich.describing import Descriptions
from immichvr_gateway.library.immich.files import Files
from immichvr_gateway.library.immich.following import Follower
from immichvr_gateway.library.immich.keys import ImmichKeys
from immichvr_gateway.library.immich.limits import ImmichLimits
from immichvr_gateway.library.immich.queries import CURSOR_PATTERN
from immichvr_gateway.library.immich.sharing import SharedLinks
from immichvr_gateway.library.immich.signing_in import (
    end_session,
    identity_of_key,
    identity_of_password,
    is_there,
    told_page_address,
)
from immichvr_gateway.library.immich.stacks import StackLists, collapsed
from immichvr_gateway.library.immich.standing import Standings
from immichvr_gateway.library.photos import Caller, Credential, Identity, LibraryPhoto, PhotoPage, Span, Trace

_ASKED_EVERY_S = 30.0


class ImmichLibrary:
    """The photos that a person sees in Immich.

    url: of the server, with or without `/api`; api_key: the gateway's own, if it has one; external_url: of the
    server as browsers reach it, for links; what Immich itself says, else `url`, where none is given.
    """

    kind: Literal["immich"] = "immich"
    remembers = True
    cursor_pattern = CURSOR_PATTERN

    def __init__(
        self,
        url: str,
        api_key: SecretStr | None = None,
        external_url: str | None = None,
        limits: ImmichLimits | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        limits = limits or ImmichLimits()
        self._client, self._follow_s = ImmichClient(url, limits), limits.follow_s
        self._named_pages = page_address(external_url)
        self._key = (api_key.get_secret_value().strip() if api_key is not None else "") or None
        self._service: Identity | None = None
        self._answered: tuple[float, bool] | None = None
        self._standings = Standings(self._client, limits.standing_s, clock)
        self.links = SharedLinks(self._client, limits.standing_s, clock)
        self._client.on_refused = self._forget
        self.keys, self.accounts = ImmichKeys(self._client), Accounts(self._client)
        clips = Clips(self._client)
        self._describe = Descriptions(self._named_pages or page_address(url) or "", clips)
        self._assets = Assets(self._client, limits, clips, clock)
        self._files = Files(self._client, limits, self._assets, clips)
        self._stacks = StackLists(self._client, limits, clock)
        self.browsing = ImmichBrowsing(
            self._client, self._assets, self._files, self.links, self._stacks, self._describe
        )

    @property
    def client(self) -> ImmichClient:
        """How the server is asked, for what no other library has: its workflows, and what is written on its photos."""
        return self._client

    async def items(self, kind: str, who: Identity, cursor: str | None, limit: int) -> PhotoPage:
        """A page of the timeline, as `select` gives it. Raises InvalidCursor."""
        return await self.browsing.select(who, Selection(kind), cursor, limit)

    async def changes(self, who: Identity) -> AsyncGenerator[Changes]:
        """What was uploaded, edited, stacked, trashed or shown again since; Immich is asked every `follow_s`."""
        follower = Follower(self._client, who.credential, self._follow_s, self._assets.now)
        async for assets, more in follower.updates():
            there, gone = [], []
            for asset in assets:
                if asset.is_listed and not is_named_as_ours(asset.original_file_name):
                    self._assets.shown(who, asset, follower.asked_at)
                    there.append(self._describe.item(who, asset))
                elif asset.kind is not None:
                    gone.append(Source(asset.kind, asset.id))
            stacks = await self._stacks.after(who.credential, [one.id for one in assets]) if there else {}
            shown = collapsed(there, stacks, Selection())
            below = {item.source for item in there} - {item.source for item in shown}
            yield Changes(tuple(shown), (*gone, *below), more)

    async def item(self, who: Identity, item: Source, *, fresh: bool = False) -> LibraryPhoto:
        """One photo or video, as Immich showed it to this person at most a minute ago. Raises PhotoNotFound."""
        return await self._describe.as_kind(who, await self._assets.item(who, item, fresh), item.kind)

    async def owns(self, who: Identity, item: Source) -> bool:
        """Whether this person uploaded it, rather than having it shared with them. Raises PhotoNotFound."""
        return (await self._assets.of(who, item.id, fresh=True, kind=item.kind)).owner_id == who.user_id

    async def trace(self, who: Identity, item: Source) -> Trace:
        """Its owner and checksum. Raises PhotoNotFound."""
        asset = await self._assets.of(who, item.id, kind=item.kind)
        return Trace(asset.owner_id, asset.checksum)

    async def is_gone(self, who: Identity, item: Source, mark: str) -> bool:
        """Whether Immich has neither the photo or video nor, in this person's whole library, any of its checksum.

        Immich answers alike for what is deleted and what lies in the locked folder; the check of uploads looks there
        and into the trash too. It wants the permission `asset.upload`: raises NotPermitted without it.
        """
        if not UUID.fullmatch(item.id):
            return False
        try:
            await self._client.get(who.credential, f"assets/{item.id}", Present)
        except Refused:
            body = {"assets": [{"id": item.id, "checksum": mark}]}
            try:
                answer = await self._client.post(who.credential, "assets/bulk-upload-check", body, UploadCheck)
            except Refused:
                return False
            return [one.action for one in answer.results] == ["accept"]
        return False

    async def set_favorite(self, who: Identity, item: Source, favorite: bool) -> LibraryPhoto:
        """Marks it in Immich. Raises PhotoNotFound, NotPermitted: a key needs `asset.update`."""
        asset = await self._assets.item(who, item)
        if asset.owner_id != who.user_id:
            raise NotPermitted("only whoever owns a photo marks it as a favourite in Immich")
        asked_at = self._assets.now()
        try:
            now = await self._client.put(who.credential, f"assets/{asset.id}", {"isFavorite": favorite}, Asset)
        except Refused as error:
            raise PhotoNotFound(item.id) from error
        marked = asset.model_copy(update={"is_favorite": now.is_favorite})
        self._assets.shown(who, marked, asked_at)
        return await self._describe.as_kind(who, marked, item.kind)

    async def original(self, who: Identity, item: Source, span: Span | None = None) -> Content:
        """The file as it was uploaded, edits not applied. Raises PhotoNotFound, PhotoTooLarge, NoSuchRange."""
        await self._assets.of(who, item.id, kind=item.kind)
        if not await self.may_save(who):
            raise NotPermitted("whoever shared this link lets nobody save the files")
        return await self._files.original(who, item, span)

    async def playback(self, who: Identity, item: Source, span: Span | None = None) -> Content:
        """What Immich made of a video for browsers, else its file; of a live photo its clip.

        Raises PhotoNotFound, PhotoTooLarge, NotReady, NoSuchRange.
        """
        return await self._files.playback(who, item, span)

    async def source(self, who: Identity, item: Source) -> Content:
        """The edited picture where there are edits, the original where it is decoded, else Immich's largest rendition.

        Of a video the file as it was uploaded. Raises PhotoNotFound, PhotoTooLarge, NotReady.
        """
        return await self._files.source(who, item)

    async def rendition(self, who: Identity, photo_id: str, *, small: bool) -> Content | None:
        """Immich's full-size picture where it made one and `small` is not asked for, else its preview.

        Raises PhotoNotFound, PhotoTooLarge, NotReady.
        """
        return await self._files.rendition(who, photo_id, small)

    async def thumbnail(self, who: Identity, item: Source) -> Content:
        """Immich's thumbnail. Raises PhotoNotFound, and NotReady while Immich has not made it."""
        return await self._files.picture(who, item, "thumbnail")

    async def preview(self, who: Identity, item: Source) -> Content:
        """Immich's preview. Raises PhotoNotFound, and NotReady while Immich has not made it."""
        return await self._files.picture(who, item, "preview")

    async def visible(self, who: Identity, items: Collection[Source], *, singly: int) -> set[Source]:
        """Those that this person sees, as Immich said at most a minute ago.

        Many are looked up in the timeline; what it does not list is asked about one by one, as far as `singly` allows.
        """
        return await self._assets.visible(who, items, singly)

    def recall(self, who: Identity, item: Source) -> bool | None:
        """Whether this person sees a photo or video, if Immich said so lately; None where it has to be asked."""
        return self._assets.recall(who, item)

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
        if who.is_share:
            await self.links.link(who.credential)
        else:
            await self._standings.confirm(who.credential)

    async def sign_out(self, who: Identity) -> None:
        """Ends the session that a password started in Immich; keys stay. Raises LibraryUnavailable."""
        await end_session(self._client, who.credential)

    async def may_manage(self, who: Identity, *, fresh: bool = False) -> bool:
        """Whether this is an administrator, by a session or by a key that may change Immich's settings too."""
        return who.may_write and await self._standings.may_manage(who.credential, fresh)

    async def may_save(self, who: Identity) -> bool:
        """Everybody with an account; a visitor as the link says. Raises SignInFailed, LibraryUnavailable."""
        return not who.is_share or (await self.links.link(who.credential)).allow_download

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
            self._describe.pages = await told_page_address(self._client) or self._describe.pages
        return problems

    async def remarks(self) -> list[str]:
        """A version newer than those that are known, and permissions that the gateway's key may do without."""
        return await remarks_on(self._client, self._key)

    async def answers(self) -> bool:
        """Whether the server answered at most half a minute ago."""
        now = time.monotonic()
        if self._answered is None or now - self._answered[0] > _ASKED_EVERY_S:
            self._answered = (now, await is_there(self._client))
        return self._answered[1]

    def _forget(self, credential: Credential) -> None:
        """Believes nothing any more that Immich said to a credential which it does not take now."""
        self._standings.forget(credential)
        self.links.forget(credential)
        self._assets.forget(credential)
        self._stacks.forget(credential)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()
