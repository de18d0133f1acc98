"""What the gateway reads of Immich's lists of months, albums, people, tags, memories and stacks (Immich 3.1)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any

from immichvr_catalog import PHOTO, VIDEO
from pydantic import RootModel, StringConstraints, ValidationError

from immichvr_gateway.library.immich.answers import UNREADABLE, UUID_PATTERN, Answer, Asset, Optional, OrFalse, Readable

_Id = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
_SHOWN = frozenset({"timeline", "archive"})


class MonthOf(Answer):
    """TimeBucketsResponseDto; time_bucket: the first day of the month."""

    time_bucket: date
    count: int


class Months(RootModel[list[MonthOf]]):
    """The answer of `timeline/buckets`."""


class Row(Answer):
    """One asset of TimeBucketAssetResponseDto.

    ratio: width by height; file_created_at: in UTC, without saying so; duration: milliseconds; stack: its id and, as
    text, how many it holds.
    """

    id: _Id
    is_image: bool
    is_trashed: bool
    visibility: str
    ratio: Annotated[float | None, Optional] = None
    file_created_at: Annotated[datetime | None, Optional] = None
    local_offset_hours: Annotated[float | None, Optional] = None
    is_favorite: Annotated[bool, OrFalse] = False
    duration: Annotated[int | None, Optional] = None
    live_photo_video_id: Annotated[str | None, Optional] = None
    projection_type: Annotated[str | None, Optional] = None
    city: Annotated[str | None, Optional] = None
    country: Annotated[str | None, Optional] = None
    stack: Annotated[tuple[str, int] | None, Optional] = None

    @property
    def shown_as(self) -> str | None:
        """As of an Asset."""
        if self.is_trashed or self.visibility not in _SHOWN:
            return None
        return PHOTO if self.is_image else VIDEO

    @property
    def taken_at(self) -> datetime | None:
        """The moment it was taken, in the zone of the place."""
        moment = self.file_created_at
        if moment is None:
            return None
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        try:
            return moment.astimezone(timezone(timedelta(hours=self.local_offset_hours or 0.0)))
        except (ValueError, OverflowError):
            return moment


class Columns(RootModel[dict[str, list[Any]]]):
    """TimeBucketAssetResponseDto: an array for each property."""

    def rows(self) -> list[Row]:
        """Those assets that can be read; the others are counted."""
        found = []
        for at in range(len(self.root.get("id", []))):
            try:
                found.append(Row.model_validate({name: v[at] for name, v in self.root.items() if at < len(v)}))
            except ValidationError:
                UNREADABLE.inc()
        return found


class UserOf(Answer):
    """Of UserResponseDto, who somebody is."""

    id: str
    name: Annotated[str, Optional] = ""


class Member(Answer):
    """AlbumUserResponseDto; role: owner, editor or viewer."""

    user: UserOf
    role: str


class AlbumOf(Answer):
    """Of AlbumResponseDto, what tells an album. Since Immich 3 it comes without its assets."""

    id: _Id
    album_name: str
    description: Annotated[str | None, Optional] = None
    album_thumbnail_asset_id: Annotated[str | None, Optional] = None
    album_users: Annotated[list[Member], Readable]
    asset_count: int
    shared: Annotated[bool, OrFalse] = False
    has_shared_link: Annotated[bool, OrFalse] = False
    start_date: Annotated[datetime | None, Optional] = None
    end_date: Annotated[datetime | None, Optional] = None


class Albums(RootModel[Annotated[list[AlbumOf], Readable]]):
    """The answer of `albums`."""


class PersonOf(Answer):
    """Of PersonResponseDto, who it is."""

    id: _Id
    name: str
    is_hidden: Annotated[bool, OrFalse] = False
    is_favorite: Annotated[bool, OrFalse] = False
    birth_date: Annotated[date | None, Optional] = None


class PeopleOf(Answer):
    """Of PeopleResponseDto, a page of people."""

    people: Annotated[list[PersonOf], Readable]
    has_next_page: Annotated[bool, OrFalse] = False


class TagOf(Answer):
    """TagResponseDto; value: with those above it."""

    id: _Id
    name: str
    value: str
    color: Annotated[str | None, Optional] = None
    parent_id: Annotated[str | None, Optional] = None


class Tags(RootModel[Annotated[list[TagOf], Readable]]):
    """The answer of `tags`."""


class YearOf(Answer):
    """OnThisDayDto."""

    year: int


class MemoryOf(Answer):
    """Of MemoryResponseDto, which year it is of, and its assets."""

    id: _Id
    data: YearOf
    memory_at: datetime
    assets: Annotated[list[Asset], Readable]


class Memories(RootModel[Annotated[list[MemoryOf], Readable]]):
    """The answer of `memories`."""


class AssetList(RootModel[Annotated[list[Asset], Readable]]):
    """An answer that is a list of AssetResponseDto."""


class StackDetails(Answer):
    """StackResponseDto."""

    primary_asset_id: str
    assets: Annotated[list[Asset], Readable]


class ServerFeatures(Answer):
    """Of ServerFeaturesDto, whether pictures are searched by what they show."""

    smart_search: bool
