"""What the gateway reads of Immich's answers (OpenAPI document of Immich 3.1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

from immichvr_catalog import PHOTO, VIDEO
from prometheus_client import Counter
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

UNREADABLE = Counter("immichvr_library_unreadable_total", "Elements of the library's lists that cannot be read")
_LONGEST_OFFSET = timedelta(hours=15)
_VISIBLE = frozenset({"timeline", "archive"})
TYPES = {PHOTO: "IMAGE", VIDEO: "VIDEO"}
"""What Immich calls the kinds of sources that it has."""
_KINDS = {name: kind for kind, name in TYPES.items()}


class Answer(BaseModel):
    """Something of Immich's, of which only what is named is read."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


def _or_none(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """The value, or None where it cannot be read: what nothing depends on costs nobody the photo."""
    try:
        return validate(value)
    except ValueError:
        return None


Optional = WrapValidator(_or_none)
"""Of what nothing depends on."""
OrFalse = WrapValidator(lambda value, validate: bool(_or_none(value, validate)))


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


Readable = WrapValidator(_readable)
"""Of lists: what cannot be read of one costs only itself."""


class Present(Answer):
    """Of AssetResponseDto, that there is such an asset, in the trash or out of it."""

    id: str


class UploadAction(Answer):
    """Of AssetBulkUploadCheckResult, whether a file would be taken: `accept`, or `reject` where it is there."""

    action: str


class UploadCheck(Answer):
    """AssetBulkUploadCheckResponseDto."""

    results: list[UploadAction]


class Exif(Answer):
    """Of ExifResponseDto, the size of the file, what the picture is instead of a flat one, where and how it was
    taken.
    """

    file_size_in_byte: Annotated[int | None, Optional] = None
    projection_type: Annotated[str | None, Optional] = None
    city: Annotated[str | None, Optional] = None
    state: Annotated[str | None, Optional] = None
    country: Annotated[str | None, Optional] = None
    latitude: Annotated[float | None, Optional] = None
    longitude: Annotated[float | None, Optional] = None
    rating: Annotated[int | None, Optional] = None
    make: Annotated[str | None, Optional] = None
    model: Annotated[str | None, Optional] = None
    lens_model: Annotated[str | None, Optional] = None
    exposure_time: Annotated[str | None, Optional] = None
    f_number: Annotated[float | None, Optional] = None
    iso: Annotated[int | None, Optional] = None
    focal_length: Annotated[float | None, Optional] = None


class StackOf(Answer):
    """AssetStackResponseDto."""

    id: Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
    primary_asset_id: str
    asset_count: int


class Asset(Answer):
    """Of AssetResponseDto, what tells a photo, its state and its version.

    checksum: SHA-1, base64; local_date_time: what clocks showed there, written as if in UTC; width, height: upright;
    thumbhash: of the picture as edited; duration: milliseconds; stack: told of single assets, not in lists.
    """

    id: Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
    owner_id: str
    type: str
    visibility: str
    is_trashed: bool
    is_edited: bool
    checksum: str
    thumbhash: Annotated[str | None, Optional] = None
    original_file_name: str
    original_mime_type: Annotated[str | None, Optional] = None
    width: Annotated[int | None, Optional] = None
    height: Annotated[int | None, Optional] = None
    file_created_at: Annotated[datetime | None, Optional] = None
    local_date_time: Annotated[datetime | None, Optional] = None
    exif_info: Annotated[Exif | None, Optional] = None
    is_favorite: Annotated[bool, OrFalse] = False
    duration: Annotated[int | None, Optional] = None
    live_photo_video_id: Annotated[Annotated[str, StringConstraints(pattern=UUID_PATTERN)] | None, Optional] = None
    stack: Annotated[StackOf | None, Optional] = None
    updated_at: Annotated[datetime | None, Optional] = None

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
    def kind(self) -> str | None:
        """Which kind of source it is, whether or not it is shown."""
        return _KINDS.get(self.type)

    @property
    def is_listed(self) -> bool:
        """Whether it is in the timeline."""
        return self.shown_as is not None and self.visibility == "timeline"

    @property
    def shown_as(self) -> str | None:
        """Which kind of source people see in it; None where they see nothing: in the trash, locked or hidden."""
        return _shown_as(self.type, self.visibility, self.is_trashed)

    def is_shown_as(self, kind: str) -> bool:
        """Whether people see a source of this kind in it; in a live photo its film too, under the photo's own id."""
        return kind == self.shown_as or (kind == VIDEO and self.has_film)

    @property
    def has_film(self) -> bool:
        """Whether it is a photo that a video belongs to."""
        return self.shown_as == PHOTO and self.live_photo_video_id is not None


def _shown_as(immich_type: str, visibility: str, is_trashed: bool) -> str | None:
    return _KINDS.get(immich_type) if not is_trashed and visibility in _VISIBLE else None


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is None:
        return None if moment is None else moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


class SharedAsset(Asset):
    """Of AssetResponseDto, what a share link tells: where it shows no metadata, neither name nor owner nor checksum."""

    owner_id: str = ""
    visibility: str = "timeline"
    is_trashed: bool = False
    is_edited: bool = False
    checksum: str = ""
    original_file_name: str = ""


class SharedAlbum(Answer):
    """Of AlbumResponseDto, which album it is."""

    id: Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
    album_name: str = ""


class SharedLink(Answer):
    """Of SharedLinkResponseDto, what a link shows, for how long, and whether files may be saved."""

    description: str | None = None
    expires_at: datetime | None = None
    allow_download: bool
    album: SharedAlbum | None = None
    assets: Annotated[list[SharedAsset], Readable] = []

    @property
    def title(self) -> str:
        """What it is called; empty where nobody named it."""
        return (self.album.album_name if self.album is not None else "") or self.description or ""


class AssetPage(Answer):
    """SearchAssetResponseDto; next_page: a number written as a string."""

    items: Annotated[list[Asset], Readable]
    next_page: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")] | None


class Listed(Answer):
    """Of AssetResponseDto, the least that tells whether a photo is shown."""

    id: str
    type: str
    visibility: str
    is_trashed: bool

    @property
    def shown_as(self) -> str | None:
        """As of an Asset."""
        return _shown_as(self.type, self.visibility, self.is_trashed)


class ListedPage(Answer):
    """As AssetPage."""

    items: Annotated[list[Listed], Readable]
    next_page: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")] | None


class ListedAnswer(Answer):
    """As SearchAnswer."""

    assets: ListedPage


class SearchAnswer(Answer):
    """SearchResponseDto."""

    assets: AssetPage


class User(Answer):
    """Of UserAdminResponseDto, who somebody is, and whether they administer the server."""

    id: str
    name: str
    is_admin: bool = False
    deleted_at: datetime | None = None


class ApiKey(Answer):
    """Of ApiKeyResponseDto, what a key may do."""

    name: str
    permissions: list[str]


class KnownKey(Answer):
    """Of ApiKeyResponseDto, which key it is."""

    id: Annotated[str, StringConstraints(pattern=UUID_PATTERN)]


class CreatedKey(Answer):
    """ApiKeyCreateResponseDto, of Immich 3.1; 3.2 tells `id` beside `apiKey` too."""

    secret: str = Field(repr=False, min_length=1)
    api_key: KnownKey | None = None
    id: str | None = None

    @property
    def key_id(self) -> str | None:
        """Which key it is, where the answer says so."""
        return self.api_key.id if self.api_key is not None else self.id


class Login(Answer):
    """Of LoginResponseDto, the session of somebody who gave a password."""

    access_token: str = Field(repr=False, min_length=1)
    user_id: str
    name: str


class Logout(Answer):
    """Of LogoutResponseDto, whether the session has ended."""

    successful: bool


class ServerConfig(Answer):
    """Of ServerConfigDto, where people reach the server, where its administrator said so."""

    external_domain: str = ""
    oauth_button_text: str = ""


class SignInFeatures(Answer):
    """Of ServerFeaturesDto, which ways in there are."""

    oauth: bool = False
    password_login: bool = True


class OAuthStart(Answer):
    """OAuthAuthorizeResponseDto."""

    url: str


class ChildSession(Answer):
    """Of SessionCreateResponseDto, the token of a session below another."""

    token: str = Field(repr=False, min_length=1)


class ServerVersion(Answer):
    """ServerVersionResponseDto."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
