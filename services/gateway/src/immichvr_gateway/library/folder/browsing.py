"""The lists of a folder: its months, its folders as albums, and what its photos say of themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Protocol, TypeVar

from immichvr_catalog import PHOTO
from immichvr_common.sources import Source

from immichvr_gateway.library.browsing import Album, Glimpse, Locality, Memory, Month, Person, Selection, Tag
from immichvr_gateway.library.content import Content
from immichvr_gateway.library.errors import PhotoNotFound
from immichvr_gateway.library.folder.catalogue import Catalogue, Entry, is_favorite, key_from, lineage, page_behind
from immichvr_gateway.library.folder.catalogue import id_of as id_named
from immichvr_gateway.library.folder.towns import place_of
from immichvr_gateway.library.photos import Identity, LibraryPhoto, Page

_MOST_OF_A_MEMORY = 100
_T = TypeVar("_T")

Read = Callable[[Identity], Awaitable[Catalogue]]
Describe = Callable[[Sequence[Entry]], Awaitable[list[LibraryPhoto]]]


class Compute(Protocol):
    """Has something done beside the event loop."""

    async def __call__(self, work: Callable[[], _T]) -> _T:
        """What it gives, or raises."""


ItemOf = Callable[[Identity, Source], Awaitable[LibraryPhoto]]
Picture = Callable[[Identity, Source], Awaitable[Content]]


class FolderBrowsing:
    """What a person can look through in a folder.

    read: what the folder holds and this person sees; describe: entries as lists show them; item, thumbnail: as of the
    library.
    """

    def __init__(
        self, root_name: str, read: Read, describe: Describe, item: ItemOf, thumbnail: Picture, compute: Compute
    ) -> None:
        self._root_name, self._read, self._describe = root_name, read, describe
        self._item, self._thumbnail, self._compute = item, thumbnail, compute

    async def select(self, who: Identity, selection: Selection, cursor: str | None, limit: int) -> Page[LibraryPhoto]:
        """Photos and videos, newest first. Raises InvalidCursor, PhotoNotFound, SearchUnavailable."""
        catalogue = await self._read(who)
        found, more = await self._compute(lambda: page_behind(catalogue.chosen(selection), cursor, limit))
        return Page(await self._describe(found), more)

    async def months(self, who: Identity, selection: Selection) -> list[Month]:
        """The months that there are, newest first. Raises PhotoNotFound."""
        catalogue = await self._narrowed(who, selection)
        return await self._compute(lambda: [Month(name, len(inside)) for name, inside in catalogue.months.items()])

    async def month(
        self, who: Identity, selection: Selection, month: str, cursor: str | None, limit: int
    ) -> Page[Glimpse]:
        """What a month holds, newest first. Raises InvalidCursor, PhotoNotFound."""
        catalogue = await self._narrowed(who, selection)
        inside = await self._compute(lambda: catalogue.months.get(month, []))
        found, more = page_behind(inside, cursor, limit)
        return Page([_glimpse(entry) for entry in found], more)

    async def albums(self, who: Identity, cursor: str | None, limit: int) -> Page[Album]:
        """Folders that photos or videos lie in. Raises InvalidCursor."""
        catalogue = await self._read(who)
        folders = await self._compute(lambda: catalogue.folders)
        return _part([self._album(who, name, inside) for name, inside in folders.items()], cursor, limit)

    async def album(self, who: Identity, album_id: str) -> Album:
        """One folder. Raises PhotoNotFound."""
        catalogue = await self._read(who)
        inside = (await self._compute(lambda: catalogue.folders)).get(album_id)
        if inside is None:
            raise PhotoNotFound(album_id, "album")
        return self._album(who, album_id, inside)

    async def cover(self, who: Identity, album_id: str) -> Content:
        """The thumbnail of a folder's newest photo. Raises PhotoNotFound."""
        catalogue = await self._read(who)
        inside = (await self._compute(lambda: catalogue.folders)).get(album_id, [])
        photo = next((entry.file.id for entry in inside if entry.file.kind == PHOTO), None)
        if photo is None:
            raise PhotoNotFound(album_id, "album")
        return await self._thumbnail(who, Source.photo(photo))

    async def people(self, who: Identity, cursor: str | None, limit: int) -> Page[Person]:
        """A folder recognises nobody. Raises InvalidCursor."""
        return _part([], cursor, limit)

    async def person(self, who: Identity, person_id: str) -> Person:
        """A folder recognises nobody: raises PhotoNotFound."""
        raise PhotoNotFound(person_id, "person")

    async def face(self, who: Identity, person_id: str) -> Content:
        """A folder recognises nobody: raises PhotoNotFound."""
        raise PhotoNotFound(person_id, "person")

    async def places(self, who: Identity, cursor: str | None, limit: int) -> Page[Locality]:
        """Towns that XMP or IPTC name, and else coordinates rounded to about 11 km. Raises InvalidCursor."""
        catalogue = await self._read(who)
        found = _part(list((await self._compute(lambda: catalogue.towns)).items()), cursor, limit)
        covers = await self._describe([entry for _, entry in found.items])
        places = [
            Locality(town.city, town.state, town.country, cover, None)
            for (town, _), cover in zip(found.items, covers, strict=True)
        ]
        return Page(places, found.next_cursor)

    async def tags(self, who: Identity, cursor: str | None, limit: int) -> Page[Tag]:
        """Tags, by value. Raises InvalidCursor."""
        catalogue = await self._read(who)
        return _part([_tag(value) for value in (await self._compute(lambda: catalogue.tags)).values()], cursor, limit)

    async def memories(self, who: Identity, day: date) -> list[Memory]:
        """What was taken on this day of earlier years, the latest year first; at most a hundred of a year."""
        catalogue = await self._read(who)
        found = await self._compute(lambda: list(catalogue.on_day(day)))
        return [
            Memory(
                f"{year:04}-{day.month:02}-{day.day:02}", year, date(year, day.month, day.day),
                await self._describe(entries[:_MOST_OF_A_MEMORY]), None,
            )
            for year, entries in found
        ]  # fmt: skip

    async def stack(self, who: Identity, item: Source) -> list[LibraryPhoto]:
        """The photo alone: a folder has no stacks. Raises PhotoNotFound."""
        return [await self._item(who, item)]

    async def _narrowed(self, who: Identity, selection: Selection) -> Catalogue:
        catalogue = await self._read(who)
        if selection == Selection():
            return catalogue
        return Catalogue(await self._compute(lambda: catalogue.chosen(selection)))

    def _album(self, who: Identity, album_id: str, inside: list[Entry]) -> Album:
        folder = inside[0].file.folder
        return Album(
            id=album_id,
            name=folder.rpartition("/")[2] or self._root_name,
            description=folder,
            owned=True,
            owner_name=who.name,
            shared=False,
            shared_by_link=False,
            count=len(inside),
            cover=inside[0].file.id,
            first=inside[-1].taken_at,
            last=inside[0].taken_at,
            external_url=None,
        )


def _glimpse(entry: Entry) -> Glimpse:
    width, height = entry.header.width, entry.header.height
    return Glimpse(
        id=entry.file.id,
        kind=entry.file.kind,
        taken_at=entry.taken_at,
        ratio=width / height if width and height else None,
        favorite=is_favorite(entry),
        live=entry.is_live,
        projection=entry.header.projection,
        duration_s=entry.header.duration_s,
        place=place_of(entry.header.about),
        name=entry.file.name,
    )


def _tag(value: str) -> Tag:
    above = lineage(value)[:-1]
    parent = id_named("tag", above[-1]) if above else None
    return Tag(id_named("tag", value), value.rpartition("/")[2], value, parent, None, None)


def _part(whole: list[_T], cursor: str | None, limit: int) -> Page[_T]:
    """Some of a short list; its cursors count from the beginning. Raises InvalidCursor."""
    start = 0 if cursor is None else max(0, key_from(cursor)[0])
    more = start + limit < len(whole)
    return Page(whole[start : start + limit], f"{start + limit}.n" if more else None)
