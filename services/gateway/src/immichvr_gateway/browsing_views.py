"""How the API shows what photos and videos are sorted by: albums, people, towns, tags, memories."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field

from immichvr_gateway.gallery_views import ItemView, PhotoView, VideoView
from immichvr_gateway.library.browsing import Album, Locality, Person, Tag


class AlbumView(BaseModel):
    """An album. owned: one's own; shared: with other people; shared_by_link: with whoever has a link.

    count: of photos and videos; cover: where a small picture of one of them is; first, last: when the oldest and the
    newest of them were taken.
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
    items: str
    external_url: str | None


class AlbumPageView(BaseModel):
    """Albums: those shared with one first."""

    items: list[AlbumView]
    next_cursor: str | None


class PersonView(BaseModel):
    """Somebody whom the library recognises. name: empty where nobody gave one."""

    id: str
    name: str
    favorite: bool
    birth_date: date | None
    thumbnail: str
    items: str
    external_url: str | None


class PersonPageView(BaseModel):
    """People."""

    items: list[PersonView]
    next_cursor: str | None


class LocalityView(BaseModel):
    """A town that photos were taken in, with one of them."""

    city: str
    state: str | None
    country: str | None
    cover: ItemView
    external_url: str | None


class LocalityPageView(BaseModel):
    """Towns, by name."""

    items: list[LocalityView]
    next_cursor: str | None


class TagView(BaseModel):
    """A tag. value: with those above it; parent: the id of the next above it."""

    id: str
    name: str
    value: str = Field(examples=["trips/2024"])
    parent: str | None
    colour: str | None
    items: str
    external_url: str | None


class TagPageView(BaseModel):
    """Tags, by value."""

    items: list[TagView]
    next_cursor: str | None


class MemoryView(BaseModel):
    """What was taken on one day of an earlier year."""

    id: str
    year: int
    taken_on: date
    items: list[ItemView]
    external_url: str | None


class MemoriesView(BaseModel):
    """A day's memories, the latest year first."""

    items: list[MemoryView]


def album_view(album: Album) -> AlbumView:
    """An album as it is shown."""
    told = {name: getattr(album, name) for name in AlbumView.model_fields if name not in ("cover", "items")}
    base = f"/api/albums/{album.id}"
    return AlbumView(**told, cover=None if album.cover is None else f"{base}/cover", items=f"{base}/items")


def person_view(person: Person) -> PersonView:
    """Somebody in photos as they are shown."""
    base = f"/api/people/{person.id}"
    return PersonView(
        id=person.id,
        name=person.name,
        favorite=person.favorite,
        birth_date=person.birth_date,
        thumbnail=f"{base}/thumbnail",
        items=f"{base}/items",
        external_url=person.external_url,
    )


def locality_view(place: Locality, cover: PhotoView | VideoView) -> LocalityView:
    """A town as it is shown."""
    return LocalityView(
        city=place.city, state=place.state, country=place.country, cover=cover, external_url=place.external_url
    )


def tag_view(tag: Tag) -> TagView:
    """A tag as it is shown."""
    return TagView(
        id=tag.id,
        name=tag.name,
        value=tag.value,
        parent=tag.parent,
        colour=tag.colour,
        items=f"/api/tags/{tag.id}/items",
        external_url=tag.external_url,
    )
