"""What a rule may ask about a photo or video; nothing of it changes while a rule looks at it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class AssetFacts:
    """A photo or video as Immich tells of it to its owner.

    kind: of source; None for what is neither, such as a sound. uploaded_at: when Immich got it. edit: what tells one
    edited picture from another; empty where nothing was edited. duration_s: None for photos. made_here: it is a clip
    that ImmichVR itself put there, whatever it looks like. carries_depth: None where nobody has looked.
    tags: as Immich writes their whole names, such as `trips/2024`. tags, albums, people: None where they were not
    asked for.
    """

    id: str
    owner: str
    kind: str | None
    visibility: str
    trashed: bool
    checksum: str
    uploaded_at: datetime
    updated_at: datetime
    edit: str = ""
    favourite: bool = False
    duration_s: float | None = None
    name: str = ""
    media_type: str = ""
    camera: str = ""
    projection: str | None = None
    width: int | None = None
    height: int | None = None
    duplicate: bool = False
    made_here: bool = False
    carries_depth: bool | None = None
    tags: frozenset[str] | None = None
    albums: frozenset[str] | None = None
    people: frozenset[str] | None = None

    @property
    def content(self) -> str:
        """The same for the same file of the same asset, whatever else was changed of it."""
        return _short(f"{self.id}\n{self.checksum}")

    @property
    def version(self) -> str:
        """As `content`, and another one where the picture was edited since."""
        return _short(f"{self.id}\n{self.checksum}\n{self.edit}")


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
