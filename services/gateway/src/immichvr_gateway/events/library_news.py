"""Tells people of photos and videos that come, change and go, as the library tells each of them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from immichvr_common.errors import ServiceError
from immichvr_common.logs import get_log
from immichvr_common.retrying import delays

from immichvr_gateway.assets.index import AssetIndex
from immichvr_gateway.events.hearing import Payload, Send
from immichvr_gateway.gallery_views import entry_view
from immichvr_gateway.jobs.index import JobIndex
from immichvr_gateway.library import Changes, Identity, Library, NotPermitted, SignInFailed
from immichvr_gateway.sources.visibility import Visibility

log = get_log(__name__)

_FIRST_AGAIN_S, _LAST_AGAIN_S = 2.0, 120.0
EVENT = "library:changed"


class LibraryNews:
    """What becomes different in the library, for one person at a time."""

    def __init__(self, library: Library, visibility: Visibility, assets: AssetIndex, jobs: JobIndex) -> None:
        self._library, self._visibility = library, visibility
        self._assets, self._jobs = assets, jobs

    async def follow(self, who: Identity, send: Send) -> None:
        """Tells somebody for as long as the library takes their credential, or until cancelled."""
        waits = delays(_FIRST_AGAIN_S, _LAST_AGAIN_S)
        while True:
            try:
                async with aclosing(self._library.changes(who)) as changes:
                    async for change in changes:
                        waits = delays(_FIRST_AGAIN_S, _LAST_AGAIN_S)
                        send(EVENT, await self._told(who, change))
            except (SignInFailed, NotPermitted) as refusal:
                log.debug("somebody is not told of new photos", why=refusal.message)
                return
            except ServiceError as error:
                log.debug("news of the library wait", error=error.message)
            await asyncio.sleep(next(waits))

    async def _told(self, who: Identity, change: Changes) -> Payload:
        seen = await self._visibility.visible(who, [item.source for item in change.there])
        entries: list[dict[str, Any]] = []
        for item in change.there:
            if item.source in seen:
                job = self._jobs.current_of(item.source, who.user_id)
                view = entry_view(item, self._assets.badges(item.source), job.view(who.user_id) if job else None)
                entries.append(view.model_dump(mode="json"))
        gone = [{"kind": source.kind, "id": source.id} for source in change.gone]
        return {"there": entries, "gone": gone, "more": change.more}
