"""Photos that move in Immich itself: motion clips of ours, linked to them for those who want it. Undone as a whole.

Each step is written down before it is taken, so that a crash leaves nothing that is not known of: what was begun and
not ended is gone on with or taken off, and a clip that was unlinked is deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from immichvr_catalog import MOTION, PHOTO
from immichvr_common.errors import Conflict, NotFound, ServiceError
from immichvr_common.locks import KeyedLocks
from immichvr_common.logs import get_log
from immichvr_common.sources import Source
from immichvr_common.storage import ObjectStore
from immichvr_common.supervision import Supervisor

from immichvr_gateway.assets.index import AssetEntry, AssetIndex, ManifestReader
from immichvr_gateway.auth.standing_keys import StandingKeys
from immichvr_gateway.automation.records import AutomationRecords
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.library import Identity, NotPermitted, PhotoNotFound
from immichvr_gateway.library.immich import linking, notes, owned
from immichvr_gateway.library.immich.assets import UUID
from immichvr_gateway.library.immich.client import ImmichClient
from immichvr_gateway.library.immich.clips import CLIP_SUFFIX

log = get_log(__name__)

_LARGEST_CLIP = 16 * 1024 * 1024
_AT_ONCE = 4
_RECALLED_S = 3600.0
"""So often it is looked what is left over of somebody who is here."""
BEGUN, LINKED, LEAVING = "begun", "linked", "leaving"

_FINAL = (Problem, PhotoNotFound, NotFound, NotPermitted)
"""It is the same however often it is tried."""

Record = dict[str, Any]
"""What is known of a photo's clip: `state`, and `recipe`, `checksum` and, once Immich has it, its id as `clip`. What
was begun has a `nonce`, and may have as `before` the record of the clip whose place it takes. What is under way says
by which gateway, as `by`."""
RequestersOf = Callable[[Source], Iterable[str]]


class Moving:
    """Links and takes off clips. requesters_of: who asked for something about a source. here: who is connected now.

    patience_s: what another gateway has in hand, and did not change for so long, it has let go of.
    """

    def __init__(
        self, client: ImmichClient, keys: StandingKeys, records: AutomationRecords, assets: AssetIndex,
        manifests: ManifestReader, store: ObjectStore, requesters_of: RequestersOf, supervisor: Supervisor,
        here: Callable[[], Iterable[Identity]] = tuple, patience_s: float = 120,
    ) -> None:  # fmt: skip
        self._client, self._keys, self._records, self._assets = client, keys, records, assets
        self._manifests, self._store = manifests, store
        self._requesters_of, self._supervisor, self._here = requesters_of, supervisor, here
        self._name, self._patience_s = secrets.token_hex(8), patience_s
        self._seen: dict[tuple[str, str], tuple[Record, float]] = {}
        self._locks, self._left_over = KeyedLocks(), set[tuple[str, str]]()
        self._recalled: dict[str, float] = {}

    def on_asset(self, entry: AssetEntry) -> None:
        """Listens to assets: a new clip goes into Immich for those who asked for it and want that."""
        if entry.kind == MOTION and entry.source.kind == PHOTO:
            for user in set(self._requesters_of(entry.source)):
                self._supervisor.errand("motion clip", self._settle(user, entry.source.id))

    async def recall(self, user: str) -> None:
        """Takes up what others, or this one before a crash, began and never ended. Raises Unavailable."""
        clips = await self._records.all_clips(user)
        left = [one for one, what in clips.items() if what.get("state") != LINKED and what.get("by") != self._name]
        self._left_over |= {(user, one) for one in left}
        self._recalled[user] = time.monotonic()

    async def go_on(self) -> None:
        """Tries once more what could not be done; of other gateways too, and from before a crash.

        Of those for whom nothing may be done in their absence, while they are here: other gateways may have ended since
        they were looked at.
        """
        late = time.monotonic() - _RECALLED_S
        for user in {who.user_id for who in self._here()}:
            if self._recalled.get(user, -math.inf) < late:
                await self.recall(user)
        for user, asset_id in sorted(self._left_over):
            await self._settle(user, asset_id)

    async def linked(self, who: Identity, asset_id: str) -> str | None:
        """The id in Immich of the clip that a photo has there, as far as it is known here. Raises as `put`."""
        _check(asset_id)
        known = await self._records.clip(who.user_id, asset_id)
        return str(known["clip"]) if known is not None and known.get("state") == LINKED else None

    async def put(self, who: Identity, asset_id: str, *, external: bool) -> str:
        """Has a photo move with its newest clip; the id of that in Immich. Asked again, it is the same.

        external: whether files of external libraries may too. Raises Problem, NotPermitted, PhotoNotFound, Conflict
        where another gateway is at it, Unavailable, library errors.
        """
        _check(asset_id)
        async with self._locks.hold(f"{who.user_id} {asset_id}"), self._ended_later(who.user_id, asset_id):
            try:
                return await self._put(who, asset_id, external)
            except _FINAL:
                with contextlib.suppress(Conflict):
                    await self._withdraw(who, asset_id)
                raise

    async def take(self, who: Identity, asset_id: str) -> None:
        """Takes our clip off a photo, and deletes it; without one, nothing is to be done. Raises as `put`."""
        _check(asset_id)
        async with self._locks.hold(f"{who.user_id} {asset_id}"), self._ended_later(who.user_id, asset_id):
            await self._take(who, asset_id)

    async def undo(self, who: Identity) -> None:
        """Takes every clip of ours off somebody's photos. Raises NotPermitted, Unavailable, library errors."""
        limit = asyncio.Semaphore(_AT_ONCE)

        async def remove(asset_id: str) -> None:
            async with limit:
                await self.take(who, asset_id)

        await asyncio.gather(*(remove(one) for one in await self._records.all_clips(who.user_id)))

    @asynccontextmanager
    async def _ended_later(self, user: str, asset_id: str) -> AsyncIterator[None]:
        """What is broken off in here is gone on with later."""
        try:
            yield
        except _FINAL:
            raise
        except ServiceError:
            self._left_over.add((user, asset_id))
            raise

    async def _settle(self, user: str, asset_id: str) -> None:
        """Brings one photo to where it should be; what cannot be done yet is kept for later."""
        key = (user, asset_id)
        try:
            integration, who = await self._records.integration(user), await self._keys.of(user)
            who = who or next((one for one in self._here() if one.user_id == user), None)
            known = await self._records.clip(user, asset_id)
            state = None if known is None else known.get("state")
            wants = integration is not None and not integration.removing and integration.motion_clips
            if not wants and state in (None, LINKED):
                self._left_over.discard(key)
                return
            if who is None:
                self._left_over.add(key)
                return
            if state == BEGUN and integration is None:  # nobody but they themselves asked for it
                async with self._locks.hold(f"{user} {asset_id}"):
                    await self._withdraw(who, asset_id)
            elif state == LEAVING or integration is None or not wants:
                await self.take(who, asset_id)
            else:
                await self.put(who, asset_id, external=integration.external_clips)
            self._left_over.discard(key)
        except _FINAL as error:
            log.info("a photo does not move in Immich", asset=asset_id, why=str(error))
            self._left_over.discard(key)
        except ServiceError as error:
            log.info("a motion clip waits", asset=asset_id, error=error.message)
            self._left_over.add(key)

    async def _put(self, who: Identity, asset_id: str, external: bool) -> str:
        asset = await owned.asset(self._client, who.credential, asset_id)
        if asset.shown_as != PHOTO:
            raise PhotoNotFound(asset_id)
        if asset.owner_id != who.user_id:
            raise NotPermitted("it is for its owner to say whether a photo moves")
        entry = self._newest(asset_id)
        if asset.library_id is not None and not external:
            raise Problem(409, "external_library", "its file is in an external library, which was not agreed to")
        known, linked = (
            await self._known(who, asset_id) or await self._recognised(who, asset),
            asset.live_photo_video_id,
        )
        clip_id = None
        if known is not None and known.get("state") == BEGUN:
            clip_id = await linking.find(self._client, who.credential, str(known.get("checksum")))
            if clip_id is not None and clip_id == linked:
                known = await self._end(who, asset_id, clip_id, known)
            elif known.get("recipe") != entry.recipe:
                known = await self._withdraw(who, asset_id)
        begun = known if known is not None and known.get("state") == BEGUN else None
        before = known if begun is None else begun.get("before")
        _check_ours(linked, before)
        if known is not None and begun is None and (known.get("recipe"), known.get("clip")) == (entry.recipe, linked):
            if known.get("state") != LINKED:
                await self._note(who, asset_id, {**known, "state": LINKED}, over=known)
            return str(linked)
        if begun is None or clip_id is None:
            begun = await self._upload(who, asset, entry, known)
        else:
            begun = await self._note(who, asset_id, {**begun, "clip": clip_id}, over=begun)
        await self._link(who, asset_id, begun)
        log.info("a photo moves in Immich", asset=asset_id, clip=begun["clip"])
        return str(begun["clip"])

    async def _known(self, who: Identity, asset_id: str) -> Record | None:
        """What is known of a photo's clip. Raises Conflict where another gateway is at it.

        That is judged by how long nothing changed, never by anybody's clock.
        """
        key, known = (who.user_id, asset_id), await self._records.clip(who.user_id, asset_id)
        if known is None or known.get("state") == LINKED or known.get("by") == self._name:
            self._seen.pop(key, None)
            return known
        now = time.monotonic()
        if self._seen.get(key, (None, 0.0))[0] != known:
            self._seen[key] = (known, now)
        if "by" in known and now - self._seen[key][1] < self._patience_s:
            raise Conflict("another gateway has this photo's clip in hand: ask again in some minutes")
        return await self._note(who, asset_id, known, over=known)

    async def _recognised(self, who: Identity, asset: owned.OwnedAsset) -> Record | None:
        """A clip that we linked to somebody's photo and know nothing of any more: its own note tells."""
        clip_id = asset.live_photo_video_id
        if clip_id is None or asset.owner_id != who.user_id:
            return None
        try:
            note = await notes.note_on(self._client, who.credential, clip_id)
        except PhotoNotFound:
            return None
        if note is None or not notes.is_made_here(note) or note.get("parent") != asset.id:
            return None
        ours = {"state": LINKED, "recipe": note.get("recipe"), "clip": clip_id}
        return await self._note(who, asset.id, ours, over=None)

    async def _upload(self, who: Identity, asset: owned.OwnedAsset, entry: AssetEntry, known: Record | None) -> Record:
        """Uploads the clip that is to be linked. known: what was begun before, or the clip whose place it takes."""
        nonce, before = secrets.token_hex(8), known
        if known is not None and known.get("state") == BEGUN:
            before = known.get("before")
            # What may still arrive is uploaded again as it was, so that there is one; what is being deleted, never.
            if not await self._find(who, known):
                nonce = str(known.get("nonce", nonce))
        clip = await self._clip(entry, asset, nonce)
        left = await linking.room(self._client, who.credential)
        if left is not None and left < len(clip.data):
            raise Problem(
                507, "immich_full", f"the clip has {len(clip.data)} bytes, and Immich has {left} left for you"
            )
        begun: Record = {"state": BEGUN, "checksum": clip.checksum, "recipe": entry.recipe, "nonce": nonce}
        if before is not None:
            begun["before"] = before
        begun = await self._note(who, asset.id, begun, over=known)
        clip_id = await linking.upload(self._client, who.credential, clip)
        async with self._taking_back(who, asset.id, clip_id):
            return await self._note(who, asset.id, {**begun, "clip": clip_id}, over=begun)

    async def _link(self, who: Identity, asset_id: str, begun: Record) -> None:
        # A film of theirs may have been paired with the photo while the clip went up.
        now = await owned.asset(self._client, who.credential, asset_id)
        _check_ours(now.live_photo_video_id, begun.get("before"), begun)
        clip_id = str(begun["clip"])
        await linking.link(self._client, who.credential, asset_id, clip_id)
        async with self._taking_back(who, asset_id, clip_id):
            await self._end(who, asset_id, clip_id, begun)

    @asynccontextmanager
    async def _taking_back(self, who: Identity, asset_id: str, clip_id: str) -> AsyncIterator[None]:
        """Removes a clip where another gateway went on without this one, and does not know of it."""
        try:
            yield
        except Conflict:
            theirs = await self._records.clip(who.user_id, asset_id)
            if theirs is None or await self._find(who, theirs) != clip_id:
                await self._remove(who, asset_id, clip_id)
            raise

    async def _end(self, who: Identity, asset_id: str, clip_id: str, begun: Record) -> Record:
        """The clip is linked: the one before goes."""
        if before := begun.get("before"):
            await linking.discard(self._client, who.credential, str(before.get("clip")))
        ended = {"checksum": begun.get("checksum"), "recipe": begun.get("recipe"), "clip": clip_id, "state": LINKED}
        return await self._note(who, asset_id, ended, over=begun)

    async def _withdraw(self, who: Identity, asset_id: str) -> Record | None:
        """Takes away what was begun, if something was; what is known of the photo's clip then."""
        known = await self._known(who, asset_id)
        if known is None or known.get("state") != BEGUN:
            return known
        if clip_id := await self._find(who, known):
            await self._remove(who, asset_id, clip_id)
        before: Record | None = known.get("before")
        if before is not None:
            return await self._note(who, asset_id, before, over=known)
        await self._records.forget_clip(who.user_id, asset_id, over=known)
        return None

    async def _take(self, who: Identity, asset_id: str) -> None:
        known = await self._known(who, asset_id)
        if known is None:
            with contextlib.suppress(PhotoNotFound):
                known = await self._recognised(who, await owned.asset(self._client, who.credential, asset_id))
        if known is None:
            return
        if before := known.get("before"):
            await self._remove(who, asset_id, str(before.get("clip")))
            alone = {name: what for name, what in known.items() if name != "before"}
            known = await self._note(who, asset_id, alone, over=known)
        if clip_id := await self._find(who, known):
            leaving = {**known, "clip": clip_id, "state": LEAVING}
            known = await self._note(who, asset_id, leaving, over=known)
            await self._remove(who, asset_id, clip_id)
        await self._records.forget_clip(who.user_id, asset_id, over=known)

    async def _find(self, who: Identity, known: Record) -> str | None:
        """The id of a clip that is in Immich, or may be."""
        clip_id, checksum = known.get("clip"), str(known.get("checksum"))
        return clip_id or await linking.find(self._client, who.credential, checksum, deleted=True)

    async def _remove(self, who: Identity, asset_id: str, clip_id: str) -> None:
        if await self._moves_with(who, asset_id, clip_id):
            await notes.remove_clip(self._client, who.credential, asset_id, clip_id)
        else:
            await linking.discard(self._client, who.credential, clip_id)

    async def _moves_with(self, who: Identity, asset_id: str, clip_id: str) -> bool:
        """Whether a photo has this clip; what was linked to it by others since is theirs."""
        try:
            return (await owned.asset(self._client, who.credential, asset_id)).live_photo_video_id == clip_id
        except PhotoNotFound:
            return False

    async def _note(self, who: Identity, asset_id: str, what: Record, over: Record | None) -> Record:
        """What is known from now on. over: what was known until now. Raises Conflict where that is not so any more, and
        Problem where there is no room to remember one more, so that it could not be undone.
        """
        noted = {name: value for name, value in what.items() if name != "by"}
        if noted.get("state") != LINKED:
            noted["by"] = self._name
        if not await self._records.note_clip(who.user_id, asset_id, noted, over):
            raise Problem(
                409, "too_many_clips", "so many photos of yours move already that one more could not be undone"
            )
        return noted

    async def _clip(self, entry: AssetEntry, asset: owned.OwnedAsset, nonce: str) -> linking.Clip:
        manifest = await self._manifests.read(entry.manifest_key)
        file = next((one for one in manifest.files if one.role == MOTION), None)
        if file is None:
            raise NotFound(f"asset {manifest.asset_key} keeps no clip")
        stored = await self._store.get_bytes(file.key, _LARGEST_CLIP)
        name = f"{asset.original_file_name.rpartition('.')[0] or asset.original_file_name}{CLIP_SUFFIX}"
        # No two photos share a clip, not even two of the same picture: one would lose it with the other. Nor do two
        # uploads: Immich gives the id of what it is still deleting for the same bytes.
        own = f"free{asset.id} {nonce}".encode()
        data = stored.data + (len(own) + 4).to_bytes(4, "big") + own
        return linking.Clip(data, name, asset.id, entry.recipe, asset.file_created_at)

    def _newest(self, asset_id: str) -> AssetEntry:
        entries = [one for one in self._assets.of(Source.photo(asset_id)) if one.kind == MOTION]
        if not entries:
            raise Problem(409, "no_clip", "there is no motion clip of this photo yet: make it first")
        return max(entries, key=lambda one: (one.made_at, one.seq))


def _check(asset_id: str) -> None:
    """Raises PhotoNotFound for what is no id of Immich."""
    if not UUID.fullmatch(asset_id):
        raise PhotoNotFound(asset_id)


def _check_ours(linked: str | None, *known: Record | None) -> None:
    """Raises Problem where a photo has a video that is none of these."""
    if linked is not None and linked not in [one.get("clip") for one in known if one is not None]:
        raise Problem(409, "has_live_video", "Immich has a video of its own for this photo; it is left as it is")
