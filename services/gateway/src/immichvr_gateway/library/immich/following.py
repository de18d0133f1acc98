"""What became different in Immich for one person, found by asking now and then.

Immich's own news come over a socket that takes sessions and all-powerful keys only; this asks with whatever somebody
has signed in with. What is deleted without a stay in the trash, or locked away, is not told of here: its pictures are
refused at once, and the next list lacks it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from immichvr_gateway.library.changes import MOST_CHANGES
from immichvr_gateway.library.errors import LibraryUnavailable
from immichvr_gateway.library.immich.answers import Asset, SearchAnswer
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.decisions import Clock
from immichvr_gateway.library.photos import Credential

_OVERLAP = timedelta(seconds=5)
"""Asked for twice: of what was being written while the list was read."""


class Follower:
    """Asks on behalf of one credential. every_s: between two questions; asked_at: when the last was, by `clock`."""

    def __init__(self, client: ImmichClient, who: Credential, every_s: float, clock: Clock) -> None:
        self._client, self._who, self._every_s, self._clock = client, who, every_s, clock
        self.asked_at = 0.0
        self._since = datetime.now(UTC) + client.ahead - _OVERLAP
        self._told: dict[str, datetime] = {}

    async def updates(self) -> AsyncIterator[tuple[list[Asset], bool]]:
        """What was updated, each state once, and whether there is more. Raises what the client does."""
        while True:
            await asyncio.sleep(self._every_s)
            found, more = await self._ask()
            if found or more:
                yield found, more

    async def _ask(self) -> tuple[list[Asset], bool]:
        query = {
            "updatedAfter": self._since.isoformat().replace("+00:00", "Z"),
            "withDeleted": True,
            "withExif": True,
            "order": "desc",
            "page": 1,
            "size": MOST_CHANGES,
        }
        self.asked_at = self._clock()
        try:
            answer = (await self._client.post(self._who, "search/metadata", query, SearchAnswer)).assets
        except Refused as error:
            raise LibraryUnavailable(f"Immich does not tell what is new: {error}", down="immich") from error
        fresh = [asset for asset in answer.items if self._told.get(asset.id) != asset.updated_at]
        newest = max((asset.updated_at for asset in answer.items if asset.updated_at is not None), default=None)
        if newest is not None:
            self._since = max(self._since, newest.astimezone(UTC) - _OVERLAP)
        self._told = {asset.id: asset.updated_at for asset in answer.items if asset.updated_at is not None}
        return fresh, answer.next_page is not None
