"""What the gateway reads of Immich's answers (OpenAPI document of Immich 3.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

_LONGEST_OFFSET = timedelta(hours=15)
_VISIBLE = frozenset({"timeline", "archive"})


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


class Present(_Answer):
    """Of AssetResponseDto, that there is such an asset, in the trash or out of it."""

    id: str


class UploadAction(_Answer):
    """Of AssetBulkUploadCheckResult, whether a file would be taken: `accept`, or `reject` where it is there."""

    action: str


class UploadCheck(_Answer):
    """AssetBulkUploadCheckResponseDto."""

    results: list[UploadAction]


class Exif(_Answer):
    """Of ExifResponseDto, the size of the file, and what the picture is instead of a flat one."""

    file_size_in_byte: int | None = None
    projection_type: str | None = None


class Asset(_Answer):
    """Of AssetResponseDto, what tells a photo, its state and its version.

    checksum: SHA-1, base64; local_date_time: what clocks showed there, written as if in UTC; width, height: upright;
    thumbhash: of the picture as edited.
    """

    id: Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
    owner_id: str
    type: str
    visibility: str
    is_trashed: bool
    is_edited: bool
    checksum: str
    thumbhash: str | None
    original_file_name: str
    original_mime_type: str | None = None
    width: int | None
    height: int | None
    file_created_at: datetime
    local_date_time: datetime | None = None
    exif_info: Exif | None = None

    @property
    def taken_at(self) -> datetime:
        """The moment it was taken, in the zone of the place.

        Immich writes the time that clocks there showed as if it were UTC's; without it the moment stays in UTC.
        """
        if self.local_date_time is None:
            return self.file_created_at
        offset = self.local_date_time.replace(tzinfo=UTC) - self.file_created_at
        offset = timedelta(minutes=round(offset / timedelta(minutes=1)))
        if abs(offset) > _LONGEST_OFFSET:
            return self.local_date_time.replace(tzinfo=UTC)
        return self.file_created_at.astimezone(timezone(offset))

    @property
    def shown(self) -> bool:
        """Whether this is a photo that people see: not in the trash, not locked or hidden, not a video."""
        return self.type == "IMAGE" and not self.is_trashed and self.visibility in _VISIBLE


class AssetPage(_Answer):
    """SearchAssetResponseDto; next_page: a number written as a string."""

    items: list[Asset]
    next_page: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")] | None


class Listed(_Answer):
    """Of AssetResponseDto, the least that tells whether a photo is shown."""

    id: str
    type: str
    visibility: str
    is_trashed: bool

    @property
    def shown(self) -> bool:
        """As of an Asset."""
        return self.type == "IMAGE" and not self.is_trashed and self.visibility in _VISIBLE


class ListedPage(_Answer):
    """As AssetPage."""

    items: list[Listed]
    next_page: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")] | None


class ListedAnswer(_Answer):
    """As SearchAnswer."""

    assets: ListedPage


class SearchAnswer(_Answer):
    """SearchResponseDto."""

    assets: AssetPage


class User(_Answer):
    """Of UserAdminResponseDto, who somebody is, and whether they administer the server."""

    id: str
    name: str
    is_admin: bool = False
    deleted_at: datetime | None = None


class ApiKey(_Answer):
    """Of ApiKeyResponseDto, what a key may do."""

    name: str
    permissions: list[str]


class Login(_Answer):
    """Of LoginResponseDto, the session of somebody who gave a password."""

    access_token: str = Field(repr=False, min_length=1)
    user_id: str
    name: str


class Logout(_Answer):
    """Of LogoutResponseDto, whether the session has ended."""

    successful: bool


class ServerConfig(_Answer):
    """Of ServerConfigDto, where people reach the server, where its administrator said so."""

    external_domain: str = ""


class ServerVersion(_Answer):
    """ServerVersionResponseDto."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
