"""What an Immich 3.1 holds: accounts, keys, links, and assets with their renditions."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps

if TYPE_CHECKING:
    from immich_automation import StubTag

_THUMBNAIL_SIDE, _PREVIEW_SIDE = 250, 1440
_MEDIA_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "heic": "image/heic",
    "dng": "image/x-adobe-dng",
    "svg": "image/svg+xml",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
}
ONE_DAY = timedelta(days=1)
FIRST_DAY = datetime(2024, 5, 1, 12, tzinfo=UTC)


@dataclass(eq=False)
class StubUser:
    """Somebody with an account. partners: whose photos are in their timeline too."""

    id: str
    name: str
    email: str
    password: str
    is_admin: bool = False
    is_deleted: bool = False
    quota: int | None = None
    partners: list[StubUser] = field(default_factory=list)


@dataclass
class StubKey:
    """An API key."""

    id: str
    name: str
    owner: StubUser
    permissions: tuple[str, ...]


@dataclass(eq=False)
class StubLink:
    """A link that somebody shared: of photos, or of an album where `album` is its name."""

    id: str
    key: str
    owner: StubUser
    assets: list[StubAsset]
    slug: str | None = None
    album: str | None = None
    album_id: str = ""
    password: str | None = None
    is_expired: bool = False
    allow_download: bool = True
    show_metadata: bool = True
    description: str | None = None


@dataclass
class StubAsset:
    """A photo. Change its fields to change the photo.

    renditions: by size, (media type, bytes); edited: what `edited=true` gives instead, `original` among the sizes.
    uploaded_at: when Immich got it; people, albums: ids of those that it shows and is in; notes: values by key.
    live_video: the id of its clip; transcoded: what is played in place of the file; looks_like: what a smart search
    finds it by. deleting: it is there, as if in the trash, until the job runs that deletes it.
    """

    id: str
    owner: StubUser
    name: str
    original: bytes
    width: int
    height: int
    taken_at: datetime
    renditions: dict[str, tuple[str, bytes]]
    edited: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    visibility: str = "timeline"
    type: str = "IMAGE"
    trashed: bool = False
    deleting: bool = False
    favourite: bool = False
    shared_with: list[StubUser] = field(default_factory=list)
    updated_at: datetime = FIRST_DAY
    zone: timedelta = timedelta()
    projection: str | None = None
    uploaded_at: datetime = FIRST_DAY
    duration_ms: int | None = None
    duplicate_id: str | None = None
    tags: list[StubTag] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    albums: list[str] = field(default_factory=list)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    live_video: str | None = None
    library_id: str | None = None
    transcoded: tuple[str, bytes] | None = None
    city: str | None = None
    country: str | None = None
    description: str = ""
    looks_like: str = ""

    @property
    def media_type(self) -> str:
        return _MEDIA_TYPES[self.name.rpartition(".")[2].lower()]

    def edit(self, picture: bytes) -> None:
        """Gives the photo an edited version, as Immich's editor does."""
        self.edited = {**renditions_of(picture), "original": ("image/jpeg", picture)}
        self.width, self.height = upright_size(picture)
        self.updated_at += ONE_DAY

    def replace(self, picture: bytes) -> None:
        """Puts another picture in the place of this one."""
        self.original, self.renditions = picture, renditions_of(picture)
        self.updated_at += ONE_DAY


def upright_size(picture: bytes) -> tuple[int, int]:
    """Width and height with the orientation applied."""
    return ImageOps.exif_transpose(Image.open(io.BytesIO(picture))).size


def renditions_of(picture: bytes) -> dict[str, tuple[str, bytes]]:
    """Thumbnail and preview, upright."""
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(picture))).convert("RGB")
    scale = min(1.0, _THUMBNAIL_SIDE / min(upright.size))
    small = upright.resize((max(1, round(upright.width * scale)), max(1, round(upright.height * scale))))
    upright.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
    thumbnail, preview = io.BytesIO(), io.BytesIO()
    small.save(thumbnail, "WEBP")
    upright.save(preview, "JPEG")
    return {"thumbnail": ("image/webp", thumbnail.getvalue()), "preview": ("image/jpeg", preview.getvalue())}
