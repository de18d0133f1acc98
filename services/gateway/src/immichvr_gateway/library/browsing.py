"""How a library is looked through: by time, album, person, place, tag, memory and words; a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from immichvr_common.sources import Source

from immichvr_gateway.library.content import Content
from immichvr_gateway.library.photos import Identity, LibraryPhoto, Page, Place

SearchField = Literal["name", "description", "ocr"]
"""Where words are looked for: in the name of the file, in its description, in what is written on the picture."""


@dataclass(frozen=True)
class Selection:
    """Which photos and videos are meant; what is left as it is narrows nothing.

    kind: of source; None for both. album, person, tag: ids as the library gave them. city, country: as it names them.
    favorite: only those that the person marked. archived: those put away, in place of those on the timeline.
    words: looked for in `field`, or, where `smart`, what the picture shows.
    """

    kind: str | None = None
    album: str | None = None
    person: str | None = None
    tag: str | None = None
    city: str | None = None
    country: str | None = None
    favorite: bool = False
    archived: bool = False
    words: str = ""
    field: SearchField = "name"
    smart: bool = False


@dataclass(frozen=True)
class Month:
    """A month of a timeline: `2024-11`, as clocks showed it there, and how many it holds."""

    month: str
    count: int


@dataclass(frozen=True)
class Glimpse:
    """A photo or a video as a timeline shows it: enough for a tile, of thousands at once.

    kind: of source. ratio: width by height, upright; None where unknown. stacked: how many lie in its stack, with it.
    name: empty where the library's timeline does not tell it, as Immich's. The others are as of a LibraryPhoto.
    """

    id: str
    kind: str
    taken_at: datetime | None
    ratio: float | None
    favorite: bool = False
    archived: bool = False
    live: bool = False
    projection: str | None = None
    duration_s: float | None = None
    stacked: int = 0
    place: Place | None = None
    external_url: str | None = None
    name: str = ""

    @property
    def source(self) -> Source:
        """The photo or video as a source of work."""
        return Source(self.kind, self.id)


@dataclass(frozen=True)
class Album:
    """An album that a person sees.

    owned: by the person who asks, rather than shared with them; owner_name: of whoever it belongs to.
    shared: with other people; shared_by_link: with whoever has a link. cover: a photo or video in it, by its id.
    count: of photos and videos. first, last: when the oldest and the newest of them were taken.
    """

    id: str
    name: str
    description: str
    owned: bool
    owner_name: str
    shared: bool
    shared_by_link: bool
    count: int
    cover: str | None
    first: datetime | None
    last: datetime | None
    external_url: str | None


@dataclass(frozen=True)
class Person:
    """Somebody whom the library recognises in photos. name: empty where nobody gave one."""

    id: str
    name: str
    favorite: bool
    birth_date: date | None
    external_url: str | None


@dataclass(frozen=True)
class Locality:
    """A town that photos were taken in, with one of them. Some of it may be unknown."""

    city: str
    state: str | None
    country: str | None
    cover: LibraryPhoto
    external_url: str | None


@dataclass(frozen=True)
class Tag:
    """A tag. value: with those above it, as in `trips/2024`; parent: the id of the next above it."""

    id: str
    name: str
    value: str
    parent: str | None
    colour: str | None
    external_url: str | None


@dataclass(frozen=True)
class Memory:
    """Photos of one day in an earlier year."""

    id: str
    year: int
    taken_on: date
    items: list[LibraryPhoto]
    external_url: str | None


class Browsing(Protocol):
    """The lists of a library. Each call costs it a few requests however long the list is.

    What cannot be read of a list costs only itself. Trash, locked and hidden are in none of them. Pages hold at most
    `limit`, and may hold fewer before the end. Calls may raise InvalidCursor and what every call of a Library may;
    what a person does not see is PhotoNotFound, and no list of a library that has none of its kind is an error.
    """

    async def select(self, who: Identity, selection: Selection, cursor: str | None, limit: int) -> Page[LibraryPhoto]:
        """Photos and videos, newest first; the best match first where it was a smart search.

        Raises SearchUnavailable where this library, as it is set up, cannot search like that.
        """
        ...

    async def months(self, who: Identity, selection: Selection) -> list[Month]:
        """The months that there are, newest first.

        selection: by album, person, tag, favorite and archived, one of them; the others narrow nothing here.
        """
        ...

    async def month(
        self, who: Identity, selection: Selection, month: str, cursor: str | None, limit: int
    ) -> Page[Glimpse]:
        """What a month holds, newest first. selection: as for `months`."""
        ...

    async def albums(self, who: Identity, cursor: str | None, limit: int) -> Page[Album]:
        """Those shared with one first, then one's own; each the one with the newest photo first."""
        ...

    async def album(self, who: Identity, album_id: str) -> Album:
        """One album. PhotoNotFound."""
        ...

    async def cover(self, who: Identity, album_id: str) -> Content:
        """A small picture of something in an album. PhotoNotFound, also where it is empty; NotReady."""
        ...

    async def people(self, who: Identity, cursor: str | None, limit: int) -> Page[Person]:
        """Whom the library recognises, in its own order; who was hidden is left out."""
        ...

    async def person(self, who: Identity, person_id: str) -> Person:
        """One of them. PhotoNotFound."""
        ...

    async def face(self, who: Identity, person_id: str) -> Content:
        """A small picture of a person's face. PhotoNotFound, NotReady."""
        ...

    async def places(self, who: Identity, cursor: str | None, limit: int) -> Page[Locality]:
        """Towns, by name."""
        ...

    async def tags(self, who: Identity, cursor: str | None, limit: int) -> Page[Tag]:
        """Tags, by value."""
        ...

    async def memories(self, who: Identity, day: date) -> list[Memory]:
        """What was taken on this day of earlier years, the latest year first."""
        ...

    async def stack(self, who: Identity, item: Source) -> list[LibraryPhoto]:
        """What lies in the stack of a photo or video, the one on top first; itself alone without one. PhotoNotFound."""
        ...
