"""How the API shows photos and videos, and the months that they lie in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from immichvr_gateway.jobs.records import JobView
from immichvr_gateway.library import Glimpse, LibraryPhoto, Place, Stack
from immichvr_gateway.library.browsing import Month
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
