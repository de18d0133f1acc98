"""What Immich tells somebody of their own photos and videos: more than a gallery shows, as rules ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import RootModel, StringConstraints

from immichvr_gateway.library.errors import LibraryUnavailable, PhotoNotFound
from immichvr_gateway.library.immich.answers import Answer, Asset, Exif, Optional, Readable
from immichvr_gateway.library.immich.client import ImmichClient, Refused
from immichvr_gateway.library.photos import Credential

_FILTERS = {"albums": "albumIds", "people": "personIds", "tag": "tagIds"}
"""Of MetadataSearchDto, what chooses by what a photo is in."""


class _Person(Answer):
    id: str


class Tag(Answer):
    """Of TagResponseDto. value: the whole name, with the tags that it is below."""

    id: str
    value: str


class _Camera(Exif):
    make: Annotated[str | None, Optional] = None
    model: Annotated[str | None, Optional] = None


class OwnedAsset(Asset):
    """Of AssetResponseDto, what rules ask. created_at: when Immich got it; duration: milliseconds; library_id: of an
    external library, None where Immich has the file itself.

    people, tags: None where they were not told of, as in lists.
    """

    created_at: datetime
    updated_at: datetime
    is_favorite: bool = False
    duration: Annotated[int | None, Optional] = None
    duplicate_id: str | None = None
    library_id: Annotated[str | None, Optional] = None
    exif_info: Annotated[_Camera | None, Optional] = None
    people: Annotated[list[_Person] | None, Optional] = None
    tags: Annotated[list[Tag] | None, Optional] = None


class _Page(Answer):
    items: Annotated[list[OwnedAsset], Readable]
    next_page: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}$")] | None


class _Found(Answer):
    assets: _Page


@dataclass(frozen=True)
class Wanted:
    """Which assets are asked for. of: `albums`, `people` or `tag`; name: the id of that; asset: this one alone."""

    updated_after: datetime | None = None
    created_after: datetime | None = None
    favourites: bool = False
    of: str | None = None
    name: str = ""
    asset: str = ""

    def query(self, page: int, size: int) -> dict[str, object]:
        """As MetadataSearchDto."""
        found: dict[str, object] = {"page": page, "size": size, "withExif": True, "withDeleted": False}
        # A list may be cut short, and what is newest in it is what is new; changes are gone through to their end.
        found["order"] = "asc" if self.of is None else "desc"
        if self.updated_after is not None:
            found["updatedAfter"] = _text(self.updated_after)
        if self.created_after is not None:
            found["createdAfter"] = _text(self.created_after)
        if self.favourites:
            found["isFavorite"] = True
        if self.of is not None:
            found[_FILTERS[self.of]] = [self.name]
        if self.asset:
            found["id"] = self.asset
        return found


@dataclass(frozen=True)
class OwnedPage:
    """Assets, and the number of the next page of them; None at the end."""

    items: list[OwnedAsset]
    next_page: int | None


async def search(client: ImmichClient, who: Credential, wanted: Wanted, page: int = 1, size: int = 1000) -> OwnedPage:
    """A page of what is wanted, partners' and hidden ones among it. Raises as the client does, but for Refused."""
    try:
        found = (await client.post(who, "search/metadata", wanted.query(page, size), _Found)).assets
    except Refused as error:
        if wanted.of is not None:  # an album, a person or a tag that is gone, or shared no more, holds nothing
            return OwnedPage([], None)
        raise LibraryUnavailable(f"Immich does not list its photos: {error}", down="immich") from error
    return OwnedPage(found.items, None if found.next_page is None else int(found.next_page))


async def asset(client: ImmichClient, who: Credential, asset_id: str) -> OwnedAsset:
    """One asset with its people and tags. Raises PhotoNotFound, and as the client does."""
    try:
        return await client.get(who, f"assets/{asset_id}", OwnedAsset)
    except Refused as error:
        raise PhotoNotFound(asset_id) from error


async def tags(client: ImmichClient, who: Credential) -> list[Tag]:
    """Every tag of this person. Raises as the client does, but for Refused."""
    try:
        return (await client.get(who, "tags", RootModel[list[Tag]])).root
    except Refused as error:
        raise LibraryUnavailable(f"Immich does not list its tags: {error}", down="immich") from error


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
