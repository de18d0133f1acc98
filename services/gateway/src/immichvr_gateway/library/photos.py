"""What a library knows: photos and videos, pages of them, and who is asking."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Generic, Literal, TypeVar

from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from pydantic import SecretStr

_VERSION_DIGITS = 16

Item = TypeVar("Item")


@dataclass(frozen=True)
class Credential:
    """What a person shows to the library; never part of a repr or a log.

    kind: `api_key`, `bearer` (a session token), `share_key` or `share_slug` (a link that somebody shared), or `none`
    for a library that asks for nothing. unlocked: with what a link's password is known to have been given.
    """

    kind: Literal["api_key", "bearer", "share_key", "share_slug", "none"]
    secret: SecretStr = field(default=SecretStr(""), repr=False)
    unlocked: SecretStr = field(default=SecretStr(""), repr=False)

    @property
    def is_share(self) -> bool:
        """Whether this is a link that somebody shared, which is nobody's account."""
        return self.kind in ("share_key", "share_slug")

    @cached_property
    def fingerprint(self) -> str:
        """Tells credentials apart without holding the secret."""
        shown = [self.kind, self.secret.get_secret_value()]
        if unlocked := self.unlocked.get_secret_value():
            shown.append(unlocked)
        return hashlib.sha256("\0".join(shown).encode()).hexdigest()


@dataclass(frozen=True)
class Identity:
    """Who is asking, as the library knows them: a person, or a visitor who follows a link that somebody shared.

    user_id: what tells this one from all others, in records; a visitor's is that of no account.
    """

    user_id: str
    name: str
    credential: Credential = field(repr=False)

    @property
    def user(self) -> str | None:
        """The id of the person's account; None of a visitor, who has none."""
        return None if self.is_share else self.user_id

    @property
    def is_share(self) -> bool:
        """Whether this is a visitor with a share link: they see what the library shows with that link, no more."""
        return self.credential.is_share

    @property
    def may_write(self) -> bool:
        """Whether this one may ask for work, or change anything; what exactly, the library says."""
        return not self.is_share

    @classmethod
    def local(cls) -> Identity:
        """The one person in front of a folder."""
        return cls(user_id="local", name="local", credential=Credential("none"))


@dataclass(frozen=True)
class Caller:
    """Where a request came from.

    address: of the client, as far as it can be believed; device: what the client says it is, such as an operating
    system; printable, empty where it says nothing.
    """

    address: str
    device: str = ""


@dataclass(frozen=True)
class Place:
    """Where something was taken; what is not known of it is None. latitude, longitude: degrees, WGS 84."""

    city: str | None = None
    state: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class Shot:
    """With what a photo was taken, and how; what is not known of it is None.

    exposure: seconds as cameras write them, such as `1/250`; f_number: of the aperture; focal_length_mm: of the lens
    itself.
    """

    camera: str | None = None
    lens: str | None = None
    exposure: str | None = None
    f_number: float | None = None
    iso: int | None = None
    focal_length_mm: float | None = None


@dataclass(frozen=True)
class Stack:
    """Photos that lie on one another. id: of the stack; top: of the one that is shown; count: with it."""

    id: str
    top: str
    count: int


@dataclass(frozen=True)
class LibraryPhoto:
    """A photo, or a video, as a library lists it.

    id: opaque, `[a-z0-9-]`.
    taken_at: the moment, in the zone of the place where it was taken: its date is the day people saw there.
    dated_by_file: nothing tells when it was taken; `taken_at` is when the file was last written.
    width, height: pixels, upright; None where the library does not know them.
    source_version: 16 hex digits that change with the picture a person would see; empty where a share link keeps them.
    external_url: where the library's own pages show the photo.
    size: bytes of the original.
    kind: of source, photo or video.
    projection: what the picture is instead of a flat one, such as `equirectangular`; None where nothing says so.
    mine: whether it belongs to the person who asks. favorite: marked by them. archived: put away from the timeline.
    edited: not as it was taken. rating: one to five stars. duration_s: of a video.
    live: a photo that moves when played: it has a clip, which `playback` gives.
    stack: what it lies in; None also where a list does not tell, as of an album. shot: with what, and how.
    """

    id: str
    name: str
    media_type: str
    width: int | None
    height: int | None
    taken_at: datetime | None
    source_version: str
    external_url: str | None
    size: int | None
    projection: str | None = None
    kind: str = PHOTO
    mine: bool = True
    favorite: bool = False
    archived: bool = False
    edited: bool = False
    rating: int | None = None
    duration_s: float | None = None
    live: bool = False
    stack: Stack | None = None
    place: Place | None = None
    shot: Shot | None = None
    dated_by_file: bool = False

    @property
    def source(self) -> Source:
        """The photo or video as a source of work."""
        return Source(self.kind, self.id)


@dataclass(frozen=True)
class Span:
    """Bytes of a file: `length` of them from `start` on, or all to its end; a negative `start` counts from there."""

    start: int
    length: int | None = None

    @property
    def header(self) -> str:
        """As HTTP asks for it."""
        if self.start < 0:
            return f"bytes={self.start}"
        return f"bytes={self.start}-" + ("" if self.length is None else str(self.start + self.length - 1))

    def within(self, size: int) -> Span | None:
        """The same bytes of a file of this size, counted from its beginning; None where it has none of them."""
        if self.start < 0:
            start, length = max(0, size + self.start), min(size, -self.start)
        else:
            start, length = self.start, size - self.start if self.length is None else self.length
        length = min(length, size - start)
        return Span(start, length) if length > 0 else None


@dataclass(frozen=True)
class Trace:
    """By what a library finds out later whether a photo was deleted for good. owner: the user id of whom to ask as."""

    owner: str
    mark: str


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some of a list, and the cursor that gives the next ones; None at its end."""

    items: list[Item]
    next_cursor: str | None


PhotoPage = Page[LibraryPhoto]
"""Photos or videos, newest first."""


def version_of(*facts: object) -> str:
    """A source version: the hash of what tells one state of a source from another."""
    return hashlib.sha256("\0".join(str(fact) for fact in facts).encode()).hexdigest()[:_VERSION_DIGITS]
