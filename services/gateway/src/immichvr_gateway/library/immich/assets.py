"""What Immich shows of single photos and videos, to each person: the one place where ids are decided on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection

from immichvr_catalog import PHOTO, VIDEO
from immichvr_common.sources import Source

from immichvr_gateway.library.errors import LibraryError, NotPermitted, PhotoNotFound
from immichvr_gateway.library.immich.answers import UUID_PATTERN, Asset, SharedAsset
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.clips import Clips
from immichvr_gateway.library.immich.decisions import Clock, Decisions, Shown
from immichvr_gateway.library.immich.limits import ImmichLimits
from immichvr_gateway.library.immich.listings import Listings
from immichvr_gateway.library.immich.shared_calls import SharedCalls
from immichvr_gateway.library.photos import Credential, Identity

UUID = re.compile(UUID_PATTERN)
# So many unknown photos are asked about one by one before the whole timeline is read.
_FEW = 8
# Of photos outside the timeline that were shown once, such as an album's, so many are asked about at once.
_SHOWN_BEFORE = 32
_ASKED_AT_ONCE = 8


class Assets:
    """Immich's word on photos and videos, asked for once and believed for a short while."""

    def __init__(self, client: ImmichClient, limits: ImmichLimits, clips: Clips, clock: Clock) -> None:
        self._client, self._clips = client, clips
        self._decisions = Decisions(limits.decision_s, limits.refusal_s, limits.max_decisions, clock)
        self._listings = Listings(client, limits, clock)
        self._calls = SharedCalls()

    def now(self) -> float:
        """When a list is asked for; what it shows may be older than when it arrives."""
        return self._decisions.now()

    def shown(self, who: Identity, asset: Asset, asked_at: float) -> None:
        """Notes that a list which was asked for then showed an asset."""
        self._decisions.keep(who.credential, asset, asked_at)

    def glimpsed(self, who: Identity, asset_id: str, kind: str, asked_at: float) -> None:
        """Notes that a timeline showed a photo or video, of which it tells little more."""
        self._decisions.keep_glimpse(who.credential, asset_id, kind, asked_at)

    async def of(self, who: Identity, asset_id: str, fresh: bool = False, kind: str = PHOTO) -> Asset:
        """The asset of that kind as Immich shows it to `who`. Raises PhotoNotFound."""
        if not UUID.fullmatch(asset_id):
            raise PhotoNotFound(asset_id)
        known = None if fresh else self._decisions.recall(who.credential, asset_id)
        if known is not None and not known.only_glimpsed:
            asset = _told(known, asset_id)
        elif fresh:
            asset = await self._ask(who.credential, asset_id)
        else:
            question = (who.credential.fingerprint, asset_id)
            asset = await self._calls.ask(question, lambda: self._ask(who.credential, asset_id))
        if not asset.is_shown_as(kind):
            raise PhotoNotFound(asset_id)
        return asset

    async def item(self, who: Identity, item: Source, fresh: bool = False) -> Asset:
        """As `of`, of what people see and work is done on: no clip that was made here. Raises PhotoNotFound."""
        asset = await self.of(who, item.id, fresh, item.kind)
        film = asset.live_photo_video_id if asset.has_film else asset.id
        if item.kind == VIDEO and await self._clips.is_ours(who.credential, film or asset.id):
            raise PhotoNotFound(item.id)
        return asset

    async def visible(self, who: Identity, items: Collection[Source], singly: int) -> set[Source]:
        """Those that this person sees, as Immich said at most a minute ago.

        Many are looked up in the timeline, which is read whole. What it does not list, such as photos of an album
        that is shared, is asked about one by one: 32 that were shown before, or `singly` where that is more, and
        `singly` others.
        """
        told = list(zip(items, self._decisions.recall_kinds(who.credential, items), strict=True))
        seen = {one for one, is_seen in told if is_seen}
        unknown = [one for one, is_seen in told if is_seen is None]
        if len(unknown) > _FEW and not who.is_share:
            listed = await self._listings.of(who.credential)
            asked, unknown = unknown, [one for one in unknown if one.id not in listed[one.kind]]
            seen.update(asked if not unknown else set(asked).difference(unknown))
        unknown = [one for one in unknown if UUID.fullmatch(one.id)]
        before: list[tuple[float, Source]] = []
        others: list[tuple[float, Source]] = []
        for one in unknown:
            last = self._decisions.last(who.credential, one.id)
            (before if last is not None and last.kind is not None else others).append(
                (last.until if last else 0.0, one)
            )
        # What was never asked about comes first, then what was refused longest ago.
        chosen = [*sorted(before, reverse=True)[: max(_SHOWN_BEFORE, singly)], *sorted(others)[:singly]]
        limit = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def sees(item: Source) -> bool:
            async with limit:
                try:
                    await self.of(who, item.id, kind=item.kind)
                except (PhotoNotFound, NotPermitted):
                    return False
                return True

        answers = await asyncio.gather(*(sees(one) for _, one in chosen))
        return seen | {one for (_, one), is_seen in zip(chosen, answers, strict=True) if is_seen}

    def forget(self, who: Credential) -> None:
        """Believes nothing any more that Immich said to a credential."""
        self._decisions.forget(who)

    def recall(self, who: Identity, item: Source) -> bool | None:
        """Whether this person sees a photo or video, if Immich said so lately; None where it has to be asked."""
        shown = self._decisions.recall(who.credential, item.id)
        return None if shown is None else shown.is_of(item.kind)

    def was_glimpsed(self, who: Identity, item: Source) -> bool:
        """Whether a timeline showed it lately, and nothing more is known of it."""
        shown = self._decisions.recall(who.credential, item.id)
        return shown is not None and shown.only_glimpsed and shown.kind == item.kind

    async def _ask(self, who: Credential, asset_id: str) -> Asset:
        """The asset as Immich shows it now; what it says is kept. Raises PhotoNotFound, NotPermitted."""
        asked_at = self._decisions.now()
        try:
            asset = await self._client.get(who, f"assets/{asset_id}", SharedAsset if who.is_share else Asset)
            if asset.shown_as is not None and asset.id == asset_id:
                self._decisions.keep(who, asset, asked_at)
                return asset
            refusal: LibraryError = PhotoNotFound(asset_id)
        except Refused:
            refusal = PhotoNotFound(asset_id)
        except NotPermitted as error:
            refusal = error
        self._decisions.keep_refusal(who, asset_id, refusal, asked_at)
        raise refusal


def _told(known: Shown, asset_id: str) -> Asset:
    """The asset, where it was shown. Raises what was said instead."""
    if known.asset is not None:
        return known.asset
    if isinstance(known.refusal, NotPermitted):
        raise NotPermitted(known.refusal.message, known.refusal.permissions)
    raise PhotoNotFound(asset_id)
