"""What is left on photos in Immich for those who want it: a pointer to what was made, and a tag. Undone as a whole.

What is left is written down before it is left, so that no crash leaves anything that is not known of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from immichvr_catalog import OF_LIBRARIES, SPLAT
from immichvr_common.errors import ServiceError
from immichvr_common.locks import KeyedLocks
from immichvr_common.logs import get_log
from immichvr_common.manifests import Manifest
from immichvr_common.sources import Source
from immichvr_common.supervision import Supervisor

from immichvr_gateway.assets.index import AssetEntry, AssetIndex
from immichvr_gateway.auth.standing_keys import StandingKeys
from immichvr_gateway.automation.records import AutomationRecords
from immichvr_gateway.library import Identity, PhotoNotFound
from immichvr_gateway.library.immich import notes, owned
from immichvr_gateway.library.immich.client import ImmichClient

log = get_log(__name__)

TAG = "3D"
_AT_ONCE = 8
_TAGGED_AT_ONCE = 100

RequestersOf = Callable[[Source], Iterable[str]]


class Pointing:
    """Leaves and removes pointers and tags.

    requesters_of: who asked for something about a source. pages: the address people use, for links; empty where none
    is set.
    """

    def __init__(
        self, client: ImmichClient, keys: StandingKeys, records: AutomationRecords, assets: AssetIndex,
        requesters_of: RequestersOf, supervisor: Supervisor, pages: str,
    ) -> None:  # fmt: skip
        self._client, self._keys, self._records, self._assets = client, keys, records, assets
        self._requesters_of, self._supervisor, self._pages = requesters_of, supervisor, pages.rstrip("/")
        self._locks, self._left_over = KeyedLocks(), set[tuple[str, str]]()

    def on_asset(self, asset: AssetEntry | Manifest) -> None:
        """Listens to assets: one is new, or has gone."""
        if asset.source.kind in OF_LIBRARIES:
            for user in set(self._requesters_of(asset.source)):
                self._supervisor.errand("pointer", self._settle(user, asset.source.id))

    def begin(self, user: str) -> None:
        """Has what was made for somebody before be pointed to as well, soon."""
        self._left_over |= {
            (user, source.id) for source, _ in self._assets
            if source.kind in OF_LIBRARIES and user in self._requesters_of(source)
        }  # fmt: skip

    async def go_on(self) -> None:
        """Tries once more what could not be left or removed; of other gateways too, and from before a crash.

        Raises Unavailable.
        """
        for user in {user for user, _ in self._left_over}:
            if await self._keys.of(user) is not None:
                for asset_id in [one for whose, one in self._left_over if whose == user]:
                    await self._settle(user, asset_id)

    async def recall(self, user: str) -> None:
        """Takes up what was written down and never done. Raises Unavailable."""
        pointed = await self._records.all_pointed(user)
        self._left_over |= {(user, one) for one, what in pointed.items() if not what.get("done")}

    async def undo(self, who: Identity) -> None:
        """Removes all that was left for somebody. Raises NotPermitted, Unavailable, library errors."""
        user = who.user_id
        pointed = await self._records.all_pointed(user)
        for asset_id in pointed:
            async with self._locks.hold(f"{user} {asset_id}"):
                pass  # what is being left there at this moment is there now; nothing new begins any more
        by_tag: dict[str, list[str]] = {}
        for asset_id, what in pointed.items():
            if what.get("tag"):
                by_tag.setdefault(str(what["tag"]), []).append(asset_id)
        for tag_id, asset_ids in by_tag.items():
            for at in range(0, len(asset_ids), _TAGGED_AT_ONCE):
                await notes.take_tag(self._client, who.credential, tag_id, asset_ids[at : at + _TAGGED_AT_ONCE])
        limit = asyncio.Semaphore(_AT_ONCE)

        async def remove(asset_id: str, what: dict[str, Any]) -> None:
            async with limit:
                if what.get("clip"):
                    await notes.remove_clip(self._client, who.credential, asset_id, str(what["clip"]))
                await notes.remove_note(self._client, who.credential, asset_id)

        items = list(pointed.items())
        for at in range(0, len(items), _TAGGED_AT_ONCE):
            await asyncio.gather(*(remove(*one) for one in items[at : at + _TAGGED_AT_ONCE]))
            for asset_id, _ in items[at : at + _TAGGED_AT_ONCE]:
                await self._records.forget_pointed(user, asset_id)
        await self._remove_tag(who, await self._records.owned_tag(user))
        log.info("what was left on photos in Immich is removed", user=user, photos=len(pointed))

    async def _remove_tag(self, who: Identity, tag_id: str) -> None:
        """Removes the tag itself, that we made, where nothing carries it any more."""
        carrying = owned.Wanted(of="tag", name=tag_id)
        if tag_id and not (await owned.search(self._client, who.credential, carrying, size=1)).items:
            await notes.remove_tag(self._client, who.credential, tag_id)

    async def _settle(self, user: str, asset_id: str) -> None:
        """Leaves on an asset what should be there now; what cannot be done yet is kept for later."""
        async with self._locks.hold(f"{user} {asset_id}"):
            try:
                is_settled = await self._write(user, asset_id)
            except PhotoNotFound:
                await self._records.forget_pointed(user, asset_id)
                is_settled = True
            except ServiceError as error:
                log.info("a pointer waits", asset=asset_id, error=error.message)
                is_settled = False
            if is_settled:
                self._left_over.discard((user, asset_id))
            else:
                self._left_over.add((user, asset_id))

    async def _write(self, user: str, asset_id: str) -> bool:
        """Whether nothing is left to do; False while there is no key to do it with."""
        integration = await self._records.integration(user)
        if integration is None or integration.removing or not (integration.pointer or integration.tag):
            return True
        known = await self._records.pointed(user, asset_id)
        value, left = self._value(asset_id), [integration.pointer, integration.tag]
        if known is not None and known.get("done") and (known.get("note"), known.get("left")) == (value, left):
            return True
        if value is None and known is None:
            return True
        who = await self._keys.of(user)
        if who is None:
            return False
        if value is None:
            await self._take_off(who, asset_id, known or {})
            return True
        asset = await owned.asset(self._client, who.credential, asset_id)
        if asset.owner_id != user:
            return True  # it is for its owner to say what is left on it
        what: dict[str, Any] = {**(known or {}), "note": value, "left": left, "done": False}
        if integration.tag and not what.get("tag"):
            tag_id = await self._tag(who)
            if tag_id not in {one.id for one in asset.tags or ()}:
                what["tag"] = tag_id
        if not await self._records.note_pointed(user, asset_id, what):
            log.warning("no more pointers are left: so many could not be undone", user=user)
            return True
        # Only what was known of before all was switched off is waited for, and undone.
        if (now := await self._records.integration(user)) is None or now.removing:
            if known is None:
                await self._records.forget_pointed(user, asset_id)
            return True
        if integration.pointer:
            await notes.put_note(self._client, who.credential, asset_id, value)
        if what.get("tag"):
            await notes.put_tag(self._client, who.credential, what["tag"], asset_id)
        await self._records.note_pointed(user, asset_id, {**what, "done": True})
        return True

    async def _take_off(self, who: Identity, asset_id: str, what: dict[str, Any]) -> None:
        """Of a photo of which nothing is left, nor is anything to point at."""
        await notes.remove_note(self._client, who.credential, asset_id)
        if what.get("tag"):
            await notes.take_tag(self._client, who.credential, what["tag"], [asset_id])
        await self._records.forget_pointed(who.user_id, asset_id)

    async def _tag(self, who: Identity) -> str:
        """The id of the tag; whether we made it is written down before it is made."""
        async with self._locks.hold(f"{who.user_id} tag"):
            integration = await self._records.integration(who.user_id)
            if integration is not None and integration.tag_id:
                return integration.tag_id
            there_was = any(one.value == TAG for one in await owned.tags(self._client, who.credential))
            if not there_was:
                await self._records.change_integration(who.user_id, owns_tag=True)
            tag = await notes.make_tag(self._client, who.credential, TAG)
            # Ours as well where it was made before all was switched off and on again.
            ours = {"owns_tag": True} if tag.id == await self._records.owned_tag(who.user_id) else {}
            await self._records.change_integration(who.user_id, tag_id=tag.id, **ours)
            return tag.id

    def _value(self, asset_id: str) -> dict[str, object] | None:
        """What a pointer says: the best of what was made; None where nothing is there."""
        for kind in OF_LIBRARIES:
            entries = self._assets.of(Source(kind, asset_id))
            entry = next((one for one in entries if one.kind == SPLAT), entries[0] if entries else None)
            if entry is not None:
                link = f"{self._pages}/#/{kind}/{asset_id}" if self._pages else ""
                told = {"is": notes.POINTER, "state": "done", "kind": entry.kind, "model": entry.model_key}
                return {**told, "link": link} if link else {**told}
        return None
