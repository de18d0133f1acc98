"""Immich's lists, each page at one request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import TypeVar

import httpx
from immichvr_common.sources import Source
from pydantic import BaseModel

from immichvr_gateway.library.browsing import Album, Glimpse, Locality, Memory, Month, Person, Selection, Tag
from immichvr_gateway.library.content import Content
from immichvr_gateway.library.errors import LibraryUnavailable, PhotoNotFound, SearchUnavailable
from immichvr_gateway.library.immich.answers import TYPES, Asset, SearchAnswer
from immichvr_gateway.library.immich.assets import UUID, Assets
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.immich.clips import is_named_as_ours
from immichvr_gateway.library.immich.describing import Descriptions
from immichvr_gateway.library.immich.files import Files
from immichvr_gateway.library.immich.listed import (
    AlbumOf,
    Albums,
    AssetList,
    Columns,
    Memories,
    Months,
    PeopleOf,
    PersonOf,
    Row,
    ServerFeatures,
    StackDetails,
    TagOf,
    Tags,
)
from immichvr_gateway.library.immich.queries import cursor_from, page_from, page_of, search_for, timeline_of
from immichvr_gateway.library.immich.sharing import SharedLinks
from immichvr_gateway.library.immich.stacks import StackLists, collapsed
from immichvr_gateway.library.photos import Identity, LibraryPhoto, Page

_Answer = TypeVar("_Answer", bound=BaseModel)
# Immich's word on which asset is an album's cover; it is asked anew whether that may be seen.
_COVER_S, _COVERS = 60.0, 20_000
_NAMES = {"albums": "album", "people": "person", "tags": "tag", "stacks": "stack"}
_NEVER = datetime.min.replace(tzinfo=UTC)


class ImmichBrowsing:
    """What a person can look through in Immich: their own, their partners' timelines, and albums shared with them."""

    def __init__(
        self, client: ImmichClient, assets: Assets, files: Files, links: SharedLinks, stacks: StackLists,
        descriptions: Descriptions,
    ) -> None:  # fmt: skip
        self._client, self._assets, self._files, self._links = client, assets, files, links
        self._stacks, self._describe = stacks, descriptions
        self._covers: OrderedDict[tuple[str, str], tuple[float, str | None]] = OrderedDict()

    async def select(self, who: Identity, selection: Selection, cursor: str | None, limit: int) -> Page[LibraryPhoto]:
        """A page of Immich's search; a cursor keeps the limit of the page it comes from.

        A stack is one item, as in Immich's timeline; in albums its members lie one by one, as in Immich's.
        What is uploaded meanwhile moves the others on, so that a page may repeat one. Raises InvalidCursor,
        PhotoNotFound for an album that this person does not see, SearchUnavailable.
        """
        page, size = page_from(cursor, limit)
        if selection.kind is not None and selection.kind not in TYPES:
            return Page([], None)
        if who.is_share:
            return await self._shared(who, selection, cursor, limit)
        within = _within(selection)
        route = "search/smart" if selection.words and selection.smart else "search/metadata"
        if page == 1:  # Immich finds nothing of people and tags of others, and does not say that they are not there
            await self._require(who, selection)
        asked_at = self._assets.now()
        try:
            query = search_for(selection, page, size)
            answer = (await self._client.post(who.credential, route, query, SearchAnswer)).assets
        except Refused as error:
            if route == "search/smart" and not await self._searches_smartly():
                raise SearchUnavailable(
                    "smart search is switched off in this Immich; its administrator can switch it on under "
                    "Machine Learning Settings"
                ) from error
            if within is not None:
                raise within from error
            raise LibraryUnavailable(f"Immich does not list its photos: {error}", down="immich") from error
        items = self._shown(who, answer.items, asked_at, selection.kind)
        if selection.favorite:  # a partner's favourites are not this person's
            items = [item for item in items if item.favorite]
        if selection.album is None and items:
            items = collapsed(items, await self._stacks.of(who.credential), selection)
        return Page(items, None if answer.next_page is None else cursor_from(int(answer.next_page), size))

    async def months(self, who: Identity, selection: Selection) -> list[Month]:
        """The months of a timeline at one request. Raises PhotoNotFound."""
        found = await self._ask(who, "timeline/buckets", timeline_of(selection), Months, selection)
        months = [Month(f"{one.time_bucket:%Y-%m}", one.count) for one in found.root if one.count > 0]
        return sorted(months, key=lambda one: one.month, reverse=True)

    async def month(
        self, who: Identity, selection: Selection, month: str, cursor: str | None, limit: int
    ) -> Page[Glimpse]:
        """A page of a month, which Immich tells whole, at one request. Raises InvalidCursor, PhotoNotFound."""
        page_from(cursor, limit)
        asked_at = self._assets.now()
        query = {**timeline_of(selection), "timeBucket": f"{month}-01"}
        columns = await self._ask(who, "timeline/bucket", query, Columns, selection)
        found = page_of(columns.rows(), cursor, limit)
        shown = [row for row in found.items if row.shown_as is not None]
        for row in shown:
            self._assets.glimpsed(who, row.id, row.shown_as or "", asked_at)
        return Page([self._describe.glimpse(who, row) for row in shown], found.next_cursor)

    async def albums(self, who: Identity, cursor: str | None, limit: int) -> Page[Album]:
        """A page of what Immich lists at once. Raises InvalidCursor."""
        page_from(cursor, limit)
        albums = [self._describe.album(who, one) for one in (await self._ask(who, "albums", {}, Albums)).root]
        albums.sort(key=lambda one: one.last or _NEVER, reverse=True)
        albums.sort(key=lambda one: one.owned)
        page = page_of(albums, cursor, limit)
        for one in page.items:
            self._remember_cover(who, one)
        return page

    async def album(self, who: Identity, album_id: str) -> Album:
        """One album. Raises PhotoNotFound."""
        return self._describe.album(who, await self._one(who, "albums", album_id, AlbumOf))

    async def cover(self, who: Identity, album_id: str) -> Content:
        """Immich's thumbnail of an album's cover, at one request where its list was shown. Raises PhotoNotFound."""
        key = (who.credential.fingerprint, album_id)
        until, cover = self._covers.get(key, (0.0, None))
        if self._assets.now() >= until:
            cover = self._remember_cover(who, (await self.album(who, album_id)))
        if cover is None:
            raise PhotoNotFound(album_id, "album")
        return await self._files.thumbnail_of(who, cover)

    async def people(self, who: Identity, cursor: str | None, limit: int) -> Page[Person]:
        """A page of Immich's. Raises InvalidCursor."""
        page, size = page_from(cursor, limit)
        query = {"page": str(page), "size": str(size), "withHidden": "false"}
        answer = await self._ask(who, "people", query, PeopleOf)
        people = [self._describe.person(one) for one in answer.people if not one.is_hidden]
        return Page(people, cursor_from(page + 1, size) if answer.has_next_page else None)

    async def person(self, who: Identity, person_id: str) -> Person:
        """One of them. Raises PhotoNotFound."""
        return self._describe.person(await self._one(who, "people", person_id, PersonOf))

    async def face(self, who: Identity, person_id: str) -> Content:
        """Immich's picture of a face. Raises PhotoNotFound."""
        return await self._files.face(who, person_id)

    async def places(self, who: Identity, cursor: str | None, limit: int) -> Page[Locality]:
        """A page of the towns that Immich lists at once. Raises InvalidCursor."""
        page_from(cursor, limit)
        asked_at = self._assets.now()
        answer = await self._ask(who, "search/cities", {}, AssetList)
        shown = [asset for asset in answer.root if asset.shown_as is not None]
        found = [self._describe.locality(who, asset) for asset in shown]
        towns = [one for one in found if one is not None]
        given = page_of(sorted(towns, key=lambda one: (one.city.casefold(), one.country or "")), cursor, limit)
        covers = {one.cover.id for one in given.items}
        for asset in shown:
            if asset.id in covers:
                self._assets.shown(who, asset, asked_at)
        return given

    async def tags(self, who: Identity, cursor: str | None, limit: int) -> Page[Tag]:
        """A page of what Immich lists at once. Raises InvalidCursor."""
        page_from(cursor, limit)
        tags = [self._describe.tag(one) for one in (await self._ask(who, "tags", {}, Tags)).root]
        return page_of(sorted(tags, key=lambda one: one.value.casefold()), cursor, limit)

    async def memories(self, who: Identity, day: date) -> list[Memory]:
        """Those that Immich made for a day, at one request; it makes them three days ahead."""
        asked_at = self._assets.now()
        answer = await self._ask(who, "memories", {"for": day.isoformat()}, Memories)
        for one in answer.root:
            self._shown(who, one.assets, asked_at)
        memories = [self._describe.memory(who, one) for one in answer.root]
        return sorted((one for one in memories if one.items), key=lambda one: one.year, reverse=True)

    async def stack(self, who: Identity, item: Source) -> list[LibraryPhoto]:
        """What lies in a stack, at two requests at most. Raises PhotoNotFound."""
        asset = await self._assets.item(who, item, fresh=True)
        if asset.stack is None:
            return [self._describe.item(who, asset)]
        asked_at = self._assets.now()
        found = await self._one(who, "stacks", asset.stack.id, StackDetails)
        return self._shown(who, sorted(found.assets, key=lambda one: one.id != found.primary_asset_id), asked_at)

    def _remember_cover(self, who: Identity, album: Album) -> str | None:
        self._covers[(who.credential.fingerprint, album.id)] = (self._assets.now() + _COVER_S, album.cover)
        self._covers.move_to_end((who.credential.fingerprint, album.id))
        if len(self._covers) > _COVERS:
            self._covers.popitem(last=False)
        return album.cover

    async def _shared(self, who: Identity, selection: Selection, cursor: str | None, limit: int) -> Page[LibraryPhoto]:
        """A page of what a share link shows of one kind, which is all that it can be narrowed to.

        Cursors name the place of the first, counted from 1.
        """
        place, size = page_from(cursor, limit)
        if selection.kind is None or selection != Selection(selection.kind):
            return Page([], None)
        asked_at = self._assets.now()
        shown, following = await self._links.page(who.credential, selection.kind, place - 1, size)
        items = []
        for one in shown:
            if isinstance(one, Row):
                self._assets.glimpsed(who, one.id, selection.kind, asked_at)
                items.append(self._describe.shared(one))
            else:
                self._assets.shown(who, one, asked_at)
                items.append(self._describe.item(who, one))
        return Page(items, None if following is None else cursor_from(following + 1, size))

    def _shown(
        self, who: Identity, assets: Iterable[Asset], asked_at: float, kind: str | None = None
    ) -> list[LibraryPhoto]:
        """Those of a list that people see, noted as shown."""
        items = []
        for asset in assets:
            shown_as = asset.shown_as
            if shown_as is None or kind not in (None, shown_as) or is_named_as_ours(asset.original_file_name):
                continue
            self._assets.shown(who, asset, asked_at)
            items.append(self._describe.item(who, asset))
        return items

    async def _ask(
        self,
        who: Identity,
        path: str,
        query: dict[str, str],
        answer: type[_Answer],
        selection: Selection | None = None,
    ) -> _Answer:
        """The answer to a question about lists. Raises PhotoNotFound where it was about something not seen."""
        within = None if selection is None else _within(selection)
        try:
            return await self._client.get(who.credential, f"{path}?{httpx.QueryParams(query)}".rstrip("?"), answer)
        except Refused as error:
            if within is not None:
                raise within from error
            raise LibraryUnavailable(f"Immich does not tell its {path}: {error}", down="immich") from error

    async def _one(self, who: Identity, path: str, named: str, answer: type[_Answer]) -> _Answer:
        """The answer to a question about something by its id. Raises PhotoNotFound."""
        missing = PhotoNotFound(named, _NAMES[path])
        if not UUID.fullmatch(named):
            raise missing
        try:
            return await self._client.get(who.credential, f"{path}/{named}", answer)
        except Refused as error:
            raise missing from error

    async def _require(self, who: Identity, selection: Selection) -> None:
        """Raises PhotoNotFound where this person has no such person or tag."""
        if selection.person is not None:
            await self.person(who, selection.person)
        if selection.tag is not None:
            await self._one(who, "tags", selection.tag, TagOf)

    async def _searches_smartly(self) -> bool:
        try:
            return (await self._client.get(None, "server/features", ServerFeatures)).smart_search
        except Refused:
            return False


def _within(selection: Selection) -> PhotoNotFound | None:
    """What is to be said where Immich refuses a selection: which album, person or tag is not there.

    Raises it for what can be none of Immich's.
    """
    named = {"album": selection.album, "person": selection.person, "tag": selection.tag}
    asked = [(one, what) for what, one in named.items() if one is not None]
    for one, what in asked:
        if not UUID.fullmatch(one):
            raise PhotoNotFound(one, what)
    return PhotoNotFound(*asked[0]) if asked else None
