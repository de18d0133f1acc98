"""Photos and videos as the person who asks is shown them: with badges, and with the job that is of interest to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Query
from immichvr_common.sources import Source

from immichvr_gateway.assets.index import AssetIndex
from immichvr_gateway.gallery_views import (
    GlimpseView,
    ItemPageView,
    PhotoPageView,
    PhotoView,
    VideoPageView,
    VideoView,
    entry_view,
    glimpse_view,
    photo_view,
    video_view,
)
from immichvr_gateway.jobs.records import JobView
from immichvr_gateway.library import Glimpse, Identity, LibraryPhoto, Page, Selection
from immichvr_gateway.routes.dependencies import Assets, Up
from immichvr_gateway.routes.people import Spectator
from immichvr_gateway.services import Services

LONGEST_PAGE = 500

Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE)]
Cursor = Annotated[str | None, Query(max_length=512, description="`next_cursor` of the page before")]
Kind = Annotated[Literal["photo", "video"] | None, Query(description="photos or videos alone")]
_Id = Annotated[str | None, Query(min_length=1, max_length=64)]
_Name = Annotated[str | None, Query(min_length=1, max_length=200)]


@dataclass(frozen=True)
class Showing:
    """What is known of everything here, to show it to one person: no list asks anybody for its badges."""

    who: Identity
    up: Services
    assets: AssetIndex

    def item(self, item: LibraryPhoto) -> PhotoView | VideoView:
        """A photo or video."""
        return entry_view(item, self.assets.badges(item.source), self._job(item.source))

    def photo(self, photo: LibraryPhoto) -> PhotoView:
        """A photo."""
        return photo_view(photo, self.assets.badges(photo.source), self._job(photo.source))

    def video(self, video: LibraryPhoto) -> VideoView:
        """A video."""
        return video_view(video, self.assets.badges(video.source), self._job(video.source))

    def glimpse(self, glimpse: Glimpse) -> GlimpseView:
        """A photo or video of a timeline."""
        return glimpse_view(glimpse, self.assets.badges(glimpse.source), self._job(glimpse.source))

    def photos(self, page: Page[LibraryPhoto]) -> PhotoPageView:
        """A page of photos."""
        return PhotoPageView(items=[self.photo(one) for one in page.items], next_cursor=page.next_cursor)

    def videos(self, page: Page[LibraryPhoto]) -> VideoPageView:
        """A page of videos."""
        return VideoPageView(items=[self.video(one) for one in page.items], next_cursor=page.next_cursor)

    def items(self, page: Page[LibraryPhoto]) -> ItemPageView:
        """A page of both."""
        return ItemPageView(items=[self.item(one) for one in page.items], next_cursor=page.next_cursor)

    def _job(self, source: Source) -> JobView | None:
        job = self.up.jobs.store.index.current_of(source, self.who.user_id)
        return job.view(self.who.user_id) if job else None


async def the_showing(who: Spectator, up: Up, assets: Assets) -> Showing:
    """How whoever asks is shown things. Raises Unavailable before NATS has told what there is."""
    return Showing(who, up, assets)


async def in_the_timeline(
    album: _Id = None, person: _Id = None, tag: _Id = None, favorite: bool = False, archived: bool = False
) -> Selection:
    """What a timeline is narrowed to."""
    return Selection(album=album, person=person, tag=tag, favorite=favorite, archived=archived)


async def narrowed(
    album: _Id = None,
    person: _Id = None,
    tag: _Id = None,
    city: _Name = None,
    country: _Name = None,
    favorite: bool = False,
    archived: bool = False,
) -> Selection:
    """What a list is narrowed to."""
    return Selection(
        album=album, person=person, tag=tag, city=city, country=country, favorite=favorite, archived=archived
    )


Shown = Annotated[Showing, Depends(the_showing)]
InTimeline = Annotated[Selection, Depends(in_the_timeline)]
Narrowed = Annotated[Selection, Depends(narrowed)]
