"""How the API shows photos and videos, and what they are sorted by."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from immichvr_gateway.jobs.records import JobView
from immichvr_gateway.library import Glimpse, LibraryPhoto, Place, Stack
from immichvr_gateway.library.browsing import Album, Locality, Month, Person, Tag
from immichvr_gateway.sources.places import place_of

_BADGES = Field(description="of which kinds it has something", examples=[{"depth": True, "splat": False}])


class PlaceView(BaseModel):
    """Where something was taken. latitude, longitude: degrees, WGS 84."""

    city: str | None
    state: str | None
    country: str | None
    latitude: float | None
    longitude: float | None


class StackView(BaseModel):
    """What lies on one another. top: the one that is shown; members: where all of them are listed."""

    count: int
    top: str
    members: str


class EntryView(BaseModel):
    """A photo or a video, with what it has and what is being done to it.

    taken_at: in the zone of the place, so that its date is the day that people saw there. dated_by_file: it is when
    the file was last written, since nothing tells when it was taken.
    projection: what the picture is instead of a flat one, such as `equirectangular`. mine: whether it is one's own.
    edited: shown as it was edited, not as it was taken. rating: 1 to 5.
    stack: what it lies in; lists show the one on top alone, but for albums, which do not tell of it.
    """

    id: str
    name: str
    width: int | None
    height: int | None
    taken_at: datetime | None
    dated_by_file: bool
    version: str = Field(description="changes with the picture", examples=["9f86d081884c7d65"])
    thumbnail: str
    preview: str
    original: str
    favorite: bool
    archived: bool
    mine: bool
    edited: bool
    rating: int | None
    projection: str | None = Field(examples=["equirectangular"])
    place: PlaceView | None
    stack: StackView | None
    badges: dict[str, bool] = _BADGES
    job: JobView | None
    external_url: str | None


class PhotoView(EntryView):
    """A photo. live: it moves when it is played; playback: then, where its clip is, for `<video>`."""

    kind: Literal["photo"] = "photo"
    live: bool
    playback: str | None


class VideoView(EntryView):
    """A video. playback: where it is, for `<video>`."""

    kind: Literal["video"] = "video"
    duration_s: float | None
    playback: str


ItemView = Annotated[PhotoView | VideoView, Field(discriminator="kind")]


class PhotoPageView(BaseModel):
    """Photos, newest first."""

    items: list[PhotoView]
    next_cursor: str | None


class VideoPageView(BaseModel):
    """Videos, newest first."""

    items: list[VideoView]
    next_cursor: str | None


class ItemPageView(BaseModel):
    """Photos and videos, newest first, or the best match first."""

    items: list[ItemView]
    next_cursor: str | None


class ItemsView(BaseModel):
    """Photos and videos that belong together."""

    items: list[ItemView]


class GlimpseView(BaseModel):
    """A photo or a video as a timeline shows it: enough for a tile. stacked: how many lie in its stack, with it."""

    kind: Literal["photo", "video"]
    id: str
    name: str = Field(description="empty where the library does not tell it here", examples=["cat.jpg"])
    taken_at: datetime | None
    ratio: float | None = Field(description="width by height, upright", examples=[1.5])
    thumbnail: str
    favorite: bool
    archived: bool
    live: bool
    projection: str | None
    duration_s: float | None
    stacked: int
    place: PlaceView | None
    badges: dict[str, bool] = _BADGES
    job: JobView | None
    external_url: str | None


class GlimpsePageView(BaseModel):
    """A part of a month, newest first."""

    items: list[GlimpseView]
    next_cursor: str | None


class MonthView(BaseModel):
    """A month of a timeline."""

    month: str = Field(examples=["2024-11"])
    count: int


class TimelineView(BaseModel):
    """The months that there are, newest first."""

    months: list[MonthView]


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


class Favorite(BaseModel):
    """Whether something shall be a favourite."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"favorite": True}]})

    favorite: StrictBool


def entry_view(item: LibraryPhoto, badges: dict[str, bool], job: JobView | None) -> PhotoView | VideoView:
    """A photo or video as it is shown."""
    return photo_view(item, badges, job) if item.kind == PHOTO else video_view(item, badges, job)


def photo_view(photo: LibraryPhoto, badges: dict[str, bool], job: JobView | None) -> PhotoView:
    """A photo as it is shown."""
    playback = f"{_at(photo.source)}/playback" if photo.live else None
    return PhotoView(**_told(photo, badges, job), live=photo.live, playback=playback)


def video_view(video: LibraryPhoto, badges: dict[str, bool], job: JobView | None) -> VideoView:
    """A video as it is shown."""
    told = _told(video, badges, job)
    return VideoView(**told, duration_s=video.duration_s, playback=f"{_at(video.source)}/playback")


def glimpse_view(glimpse: Glimpse, badges: dict[str, bool], job: JobView | None) -> GlimpseView:
    """A photo or video of a timeline as it is shown."""
    return GlimpseView(
        kind="photo" if glimpse.kind == PHOTO else "video",
        id=glimpse.id,
        name=glimpse.name,
        taken_at=glimpse.taken_at,
        ratio=glimpse.ratio,
        thumbnail=f"{_at(glimpse.source)}/thumbnail",
        favorite=glimpse.favorite,
        archived=glimpse.archived,
        live=glimpse.live,
        projection=_projection(glimpse.projection),
        duration_s=glimpse.duration_s,
        stacked=glimpse.stacked,
        place=_place(glimpse.place),
        badges=badges,
        job=job,
        external_url=glimpse.external_url,
    )


def month_view(month: Month) -> MonthView:
    """A month as it is shown."""
    return MonthView(month=month.month, count=month.count)


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


def _at(source: Source) -> str:
    return f"/api/{place_of(source)}"


def _told(item: LibraryPhoto, badges: dict[str, bool], job: JobView | None) -> dict[str, Any]:
    base = _at(item.source)
    return {
        "id": item.id,
        "name": item.name,
        "width": item.width,
        "height": item.height,
        "taken_at": item.taken_at,
        "dated_by_file": item.dated_by_file,
        "version": item.source_version,
        "thumbnail": f"{base}/thumbnail",
        "preview": f"{base}/preview",
        "original": f"{base}/original",
        "favorite": item.favorite,
        "archived": item.archived,
        "mine": item.mine,
        "edited": item.edited,
        "rating": item.rating,
        "projection": _projection(item.projection),
        "place": _place(item.place),
        "stack": _stack(item.stack, base),
        "badges": badges,
        "job": job,
        "external_url": item.external_url,
    }


def _projection(projection: str | None) -> str | None:
    """As libraries spell it, in one spelling."""
    return None if projection is None else projection.lower()


def _place(place: Place | None) -> PlaceView | None:
    if place is None:
        return None
    return PlaceView(
        city=place.city,
        state=place.state,
        country=place.country,
        latitude=place.latitude,
        longitude=place.longitude,
    )


def _stack(stack: Stack | None, base: str) -> StackView | None:
    return None if stack is None else StackView(count=stack.count, top=stack.top, members=f"{base}/stack")
