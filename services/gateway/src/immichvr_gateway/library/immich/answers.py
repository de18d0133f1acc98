"""What the gateway reads of Immich's answers (OpenAPI document of Immich 3.1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidatorFunctionWrapHandler, WrapValidator
from pydantic.alias_generators import to_camel

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

UNREADABLE = Counter("immichvr_library_unreadable_total", "Elements of the library's lists that cannot be read")
_LONGEST_OFFSET = timedelta(hours=15)
_VISIBLE = frozenset({"timeline", "archive"})


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


def _or_none(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """The value, or None where it cannot be read: what nothing depends on costs nobody the photo."""
    try:
        return validate(value)
    except ValueError:
        return None


_Optional = WrapValidator(_or_none)


def _readable(values: object, validate: ValidatorFunctionWrapHandler) -> list[object]:
    """Those elements of a list that can be read; the others are counted. Raises ValueError where none is an asset."""
    if not isinstance(values, list):
        raise ValueError("it is no list")
    found: list[object] = []
    refusal: ValueError | None = None
    for value in values:
        try:
            found += validate([value])
        except ValueError as error:
            UNREADABLE.inc()
            refusal = refusal or error
    if refusal is not None and not any(_has_id(value) for value in values):
        raise refusal
    return found


def _has_id(value: object) -> bool:
    return isinstance(value, dict) and re.fullmatch(UUID_PATTERN, str(value.get("id"))) is not None


_Readable = WrapValidator(_readable)


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

    file_size_in_byte: Annotated[int | None, _Optional] = None
    projection_type: Annotated[str | None, _Optional] = None


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
    thumbhash: Annotated[str | None, _Optional] = None
    original_file_name: str
    original_mime_type: Annotated[str | None, _Optional] = None
    width: Annotated[int | None, _Optional] = None
    height: Annotated[int | None, _Optional] = None
    file_created_at: Annotated[datetime | None, _Optional] = None
    local_date_time: Annotated[datetime | None, _Optional] = None
    exif_info: Annotated[Exif | None, _Optional] = None

    @property
    def taken_at(self) -> datetime | None:
        """The moment it was taken, in the zone of the place; None where Immich tells none that there is.

        Immich writes the time that clocks there showed as if it were UTC's; without it the moment stays in UTC.
        """
        created, local = _in_utc(self.file_created_at), _in_utc(self.local_date_time)
        if created is None or local is None:
            return created or local
        offset = timedelta(minutes=round((local - created) / timedelta(minutes=1)))
        if abs(offset) > _LONGEST_OFFSET:
            return local
        try:
            return created.astimezone(timezone(offset))
        except OverflowError:  # on the first or the last day that there is
            return created

    @property
    def shown(self) -> bool:
        """Whether this is a photo that people see: not in the trash, not locked or hidden, not a video."""
        return self.type == "IMAGE" and not self.is_trashed and self.visibility in _VISIBLE


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is None:
        return None if moment is None else moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


class AssetPage(_Answer):
    """SearchAssetResponseDto; next_page: a number written as a string."""

    items: Annotated[list[Asset], _Readable]
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

    items: Annotated[list[Listed], _Readable]
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
