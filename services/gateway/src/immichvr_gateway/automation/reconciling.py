"""What no call told of: Immich's changes are looked through now and then, by one gateway at a time.

Each look asks Immich little: what was changed since the last, and what is in the albums, tags and people that rules
name. After each there is a pause of half a minute for every request, so that idle traffic stays low.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from immichvr_common.errors import Conflict, ServiceError, Unavailable
from immichvr_common.logs import get_log

from immichvr_gateway.auth.standing_keys import StandingKeys
from immichvr_gateway.automation.looking import Members, facts_of, lists_of
from immichvr_gateway.automation.making import Making, NotNow
from immichvr_gateway.automation.records import AutomationRecords, Cursor
from immichvr_gateway.automation.rules import Name, Rules, named
from immichvr_gateway.library import Identity
from immichvr_gateway.library.immich import owned
from immichvr_gateway.library.immich.client import ImmichClient
from immichvr_gateway.upkeep.turns import Turn

log = get_log(__name__)

_PACE_S = 30.0
_PAGES = 5
"""Pages of a list, or of changes, in one look; of changes the next look goes on, of a list the newest are seen."""
_OVERLAP = timedelta(seconds=60)
"""What Immich wrote down a little later than it says is looked at as well."""

Recall = Callable[[str], Awaitable[None]]


@dataclass
class Look:
    """What one look cost and found: requests to Immich, and photos that something is made of now."""

    requests: int = 0
    made: list[str] = field(default_factory=list)


class Reconciler:
    """Looks, for one person after the other. every_s: from one look for somebody to the next; recall: told of each."""

    def __init__(
        self, client: ImmichClient, keys: StandingKeys, records: AutomationRecords, making: Making, turn: Turn,
        recall: Recall, every_s: float,
    ) -> None:  # fmt: skip
        self._client, self._keys, self._records, self._making = client, keys, records, making
        self._turn, self._recall, self._every_s = turn, recall, every_s
        self._pace_s = min(_PACE_S, every_s / 10)
        self._tag_ids: dict[str, dict[str, str]] = {}
        self._recalled: set[str] = set()
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Has somebody's photos be looked for soon: their rules are new."""
        self._news.set()

    async def run(self) -> None:
        """Looks until cancelled; outages are waited out."""
        while True:
            began = time.monotonic()
            try:
                await self._round()
            except ServiceError as error:
                log.info("what Immich did not tell of is looked for later", error=error.message)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(self._pace_s, began + self._every_s - time.monotonic())):
                    await self._news.wait()
            self._news.clear()

    async def _round(self) -> None:
        for user in await self._records.users():
            if not await self._turn.take():
                return
            found = await self.look(user)
            await asyncio.sleep(found.requests * self._pace_s)

    async def look(self, user: str) -> Look:
        """Looks for what somebody was not told of. What stands in the way is kept in words. Raises Unavailable."""
        found = Look()
        integration = await self._records.integration(user)
        # Before the rules: whoever sets it back has written theirs before, so nothing is passed over by old ones.
        cursor, revision = await self._records.cursor_to_move(user)
        rules = await self._records.rules(user)
        if integration is None or integration.removing or rules is None:
            return found
        if user not in self._recalled:
            await self._recall(user)
            self._recalled.add(user)
        who = await self._keys.of(user)
        if who is None:
            return found  # how their key stands says why
        found.requests += 1  # whether Immich takes the key still
        trouble = ""
        try:
            await self._look_as(who, rules, cursor or Cursor(after=rules.since), revision, found)
        except Unavailable:
            raise
        except (NotNow, ServiceError) as error:
            trouble = str(error)
            log.info("somebody's new photos wait", user=user, error=trouble)
        missed = integration.missed + len(found.made)
        await self._records.change_integration(user, trouble=trouble, last_look=datetime.now(UTC), missed=missed)
        return found

    async def _look_as(self, who: Identity, rules: Rules, cursor: Cursor, revision: int, found: Look) -> None:
        members: Members = {}
        for name, assets in [one async for one in self._listed(who, rules, found)]:
            members[name] = frozenset(one.id for one in assets)
            await self._consider(who, rules, assets, {name: members[name]}, found)
        for _ in range(_PAGES):
            begun = cursor.begun or datetime.now(UTC)
            wanted = owned.Wanted(updated_after=cursor.after - _OVERLAP)
            page = await owned.search(self._client, who.credential, wanted, cursor.page)
            found.requests += 1
            await self._consider(who, rules, page.items, members, found)
            high = max([one.updated_at for one in page.items] + ([cursor.high] if cursor.high else []), default=None)
            if page.next_page is None:
                # What was changed while more than one page was read may have moved to one that was read before.
                after = cursor.after if high is None else max(cursor.after, min(high, begun))
                cursor = Cursor(after=after)
            else:
                cursor = Cursor(after=cursor.after, page=page.next_page, high=high, begun=begun)
            try:
                revision = await self._records.move_cursor(who.user_id, cursor, revision)
            except Conflict:
                log.info("a look was overtaken: how far it came does not count", user=who.user_id)
                return
            if page.next_page is None:
                return

    async def _listed(
        self, who: Identity, rules: Rules, found: Look
    ) -> AsyncIterator[tuple[Name, list[owned.OwnedAsset]]]:
        """What is in each album and tag, and shows each person, that the rules name."""
        tag_ids = await self._tags(who, rules, found)
        for name, wanted in lists_of(rules, tag_ids):
            page: int | None = 1
            assets: list[owned.OwnedAsset] = []
            while page is not None and page <= _PAGES:
                answer = await owned.search(self._client, who.credential, wanted, page)
                found.requests += 1
                assets += answer.items
                page = answer.next_page
            yield name, assets

    async def _tags(self, who: Identity, rules: Rules, found: Look) -> dict[str, str]:
        """The ids of the tags that the rules name; known ones are not asked for again."""
        known = self._tag_ids.setdefault(who.user_id, {})
        if any(of == "tag" and name not in known for of, name in named(rules)):
            known |= {one.value: one.id for one in await owned.tags(self._client, who.credential)}
            found.requests += 1
        return known

    async def _consider(
        self, who: Identity, rules: Rules, assets: list[owned.OwnedAsset], members: Members, found: Look
    ) -> None:
        for asset in assets:
            decision = await self._making.consider(who, facts_of(asset, members), rules)
            if decision.wanted:
                found.made.append(asset.id)
