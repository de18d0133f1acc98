"""What whole libraries list: the ids of everybody's timeline, for questions about many photos at once."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

from immichvr_gateway.library.errors import LibraryUnavailable
from immichvr_gateway.library.immich.answers import ListedAnswer
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.decisions import Clock
from immichvr_gateway.library.immich.limits import ImmichLimits
from immichvr_gateway.library.immich.together import Together
from immichvr_gateway.library.photos import Credential

# MetadataSearchDto: no more per page.
LARGEST_PAGE = 1000


def search_for(page: int, size: int, with_exif: bool) -> dict[str, object]:
    """What asks Immich for a page of the timeline, newest first."""
    return {
        "type": "IMAGE",
        "visibility": "timeline",
        "withDeleted": False,
        "withExif": with_exif,
        "order": "desc",
        "page": page,
        "size": size,
    }


@dataclass(frozen=True)
class _Listing:
    until: float
    ids: frozenset[str]


class Listings:
    """The ids of what each credential's timeline shows, read whole: one request for each thousand photos.

    Kept as long as a decision about one photo is, for as many credentials as `max_listed` ids allow.
    """

    def __init__(self, client: ImmichClient, limits: ImmichLimits, clock: Clock = time.monotonic) -> None:
        self._client, self._limits, self._clock = client, limits, clock
        self._known: OrderedDict[str, _Listing] = OrderedDict()
        self._together = Together()

    async def ids(self, who: Credential) -> frozenset[str]:
        """Every photo of the timeline, up to `max_listed`. Raises LibraryUnavailable, SignInFailed, NotPermitted."""
        known = self._known.get(who.fingerprint)
        if known is not None and self._clock() < known.until:
            return known.ids
        return await self._together.ask(who.fingerprint, lambda: self._read(who))

    async def _read(self, who: Credential) -> frozenset[str]:
        until = self._clock() + self._limits.decision_s
        found: set[str] = set()
        page: int | None = 1
        while page is not None and len(found) < self._limits.max_listed:
            query = search_for(page, LARGEST_PAGE, with_exif=False)
            try:
                answer = (await self._client.post(who, "search/metadata", query, ListedAnswer)).assets
            except Refused as error:
                raise LibraryUnavailable(f"Immich does not list its photos: {error}", down="immich") from error
            found.update(one.id for one in answer.items if one.shown)
            page = None if answer.next_page is None else int(answer.next_page)
        ids = frozenset(found)
        self._known[who.fingerprint] = _Listing(until, ids)
        self._known.move_to_end(who.fingerprint)
        while len(self._known) > 1 and sum(len(one.ids) for one in self._known.values()) > self._limits.max_listed:
            self._known.popitem(last=False)
        return ids
