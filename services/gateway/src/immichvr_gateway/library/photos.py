"""What a library knows: photos, pages of them, and who is asking."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import SecretStr

_VERSION_DIGITS = 16


@dataclass(frozen=True)
class Credential:
    """What a person shows to the library; never part of a repr or a log.

    kind: `api_key`, `bearer` (a session token), or `none` for a library that asks for nothing.
    """

    kind: Literal["api_key", "bearer", "none"]
    secret: SecretStr = field(default=SecretStr(""), repr=False)

    @property
    def fingerprint(self) -> str:
        """Tells credentials apart without holding the secret."""
        return hashlib.sha256(f"{self.kind}\0{self.secret.get_secret_value()}".encode()).hexdigest()


@dataclass(frozen=True)
class Identity:
    """Who is asking, as the library knows them."""

    user_id: str
    name: str
    credential: Credential = field(repr=False)

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
class LibraryPhoto:
    """A photo as a library lists it.

    id: opaque, `[a-z0-9-]`.
    taken_at: the moment, in the zone of the place where it was taken: its date is the day people saw there.
    width, height: pixels, upright; None where the library does not know them.
    source_version: 16 hex digits that change with the picture a person would see.
    external_url: where the library's own pages show the photo.
    size: bytes of the original.
    projection: what the picture is instead of a flat one, such as `equirectangular`; None where nothing says so.
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


@dataclass(frozen=True)
class Span:
    """Bytes of a file: `length` of them from `start` on."""

    start: int
    length: int


@dataclass(frozen=True)
class Trace:
    """By what a library finds out later whether a photo was deleted for good. owner: the user id of whom to ask as."""

    owner: str
    mark: str


@dataclass(frozen=True)
class PhotoPage:
    """Photos, newest first, and the cursor that gives the next ones."""

    items: list[LibraryPhoto]
    next_cursor: str | None


def version_of(*facts: object) -> str:
    """A source version: the hash of what tells one state of a source from another."""
    return hashlib.sha256("\0".join(str(fact) for fact in facts).encode()).hexdigest()[:_VERSION_DIGITS]
