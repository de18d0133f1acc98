"""What whole libraries list: everybody's timeline by ids, for questions about many photos at once."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass

from immichvr_catalog import PHOTO, VIDEO

from immichvr_gateway.library.browsing import Selection
from immichvr_gateway.library.errors import LibraryUnavailable
from immichvr_gateway.library.immich.answers import ListedAnswer
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.decisions import Clock
from immichvr_gateway.library.immich.limits import ImmichLimits
from immichvr_gateway.library.immich.queries import LARGEST_PAGE, search_for
from immichvr_gateway.library.immich.shared_calls import SharedCalls
from immichvr_gateway.library.photos import Credential


@dataclass(frozen=True)
class _Listing:
    until: float
    ids: Mapping[str, Set[str]]


class Listings:
    """What each credential's timeline shows, read whole: one request for each thousand photos and videos.

    Kept as long as a decision about one photo is, for as many credentials as `max_listed` ids allow.
    """

    def __init__(self, client: ImmichClient, limits: ImmichLimits, clock: Clock = time.monotonic) -> None:
        self._client, self._limits, self._clock = client, limits, clock
        self._known: OrderedDict[str, _Listing] = OrderedDict()
        self._calls = SharedCalls()

    async def of(self, who: Credential) -> Mapping[str, Set[str]]:
        """All of a timeline, up to `max_listed`: the ids of its photos and of its videos.

        Raises LibraryUnavailable, SignInFailed, NotPermitted.
        """
        known = self._known.get(who.fingerprint)
        if known is not None and self._clock() < known.until:
            return known.ids
        # Not while the new one is read beside it: of a large library that would be most of the memory it takes.
        self._known.pop(who.fingerprint, None)
        del known
        return await self._calls.ask(who.fingerprint, lambda: self._read(who))

    async def _read(self, who: Credential) -> Mapping[str, Set[str]]:
        until = self._clock() + self._limits.decision_s
        found: dict[str, set[str]] = {PHOTO: set(), VIDEO: set()}
        page: int | None = 1
        while page is not None and _count(found) < self._limits.max_listed:
            query = search_for(Selection(), page, LARGEST_PAGE, with_exif=False)
            try:
                answer = (await self._client.post(who, "search/metadata", query, ListedAnswer)).assets
            except Refused as error:
                raise LibraryUnavailable(f"Immich does not list its photos: {error}", down="immich") from error
            for one in answer.items:
                if one.shown_as is not None:
                    found[one.shown_as].add(one.id)
            page = None if answer.next_page is None else int(answer.next_page)
        self._known[who.fingerprint] = _Listing(until, found)
        self._known.move_to_end(who.fingerprint)
        while len(self._known) > 1 and sum(_count(one.ids) for one in self._known.values()) > self._limits.max_listed:
            self._known.popitem(last=False)
        return found


def _count(ids: Mapping[str, Collection[str]]) -> int:
    return sum(len(some) for some in ids.values())
