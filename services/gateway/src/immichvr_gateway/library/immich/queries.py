"""What asks Immich for a selection of photos and videos, and cursors, which are the numbers of its pages."""

from __future__ import annotations

import re
from typing import TypeVar

from immichvr_gateway.library.browsing import Selection
from immichvr_gateway.library.errors import InvalidCursor
from immichvr_gateway.library.immich.answers import TYPES
from immichvr_gateway.library.photos import Page

# MetadataSearchDto: no more per page.
LARGEST_PAGE = 1000
CURSOR_PATTERN = r"^[1-9][0-9]{0,8}x(1000|[1-9][0-9]{0,2})$"
_CURSOR = re.compile(CURSOR_PATTERN)
_FIELDS = {"name": "originalFileName", "description": "description", "ocr": "ocr"}

Item = TypeVar("Item")


def search_for(selection: Selection, page: int, size: int, with_exif: bool = True) -> dict[str, object]:
    """MetadataSearchDto, or SmartSearchDto where it is a smart search. Raises KeyError for a kind Immich has not.

    Albums and what was searched for show what is archived, too, as in Immich; what else they would show and people
    shall not see, such as the clips of live photos, is for whoever reads the answer to leave out.
    """
    asked: dict[str, object] = {"withDeleted": False, "withExif": with_exif, "page": page, "size": size}
    if selection.kind is not None:
        asked["type"] = TYPES[selection.kind]
    if selection.archived:
        asked["visibility"] = "archive"
    elif selection.album is None and not selection.words:
        asked["visibility"] = "timeline"
    for name, one in (("albumIds", selection.album), ("personIds", selection.person), ("tagIds", selection.tag)):
        if one is not None:
            asked[name] = [one]
    for name, one in (("city", selection.city), ("country", selection.country)):
        if one is not None:
            asked[name] = one
    if selection.favorite:
        asked["isFavorite"] = True
    if selection.words and selection.smart:
        return {**asked, "query": selection.words}
    if selection.words:
        asked[_FIELDS[selection.field]] = selection.words
    return {**asked, "order": "desc"}


def timeline_of(selection: Selection) -> dict[str, str]:
    """The parameters of a timeline. An album's shows what its album shows; the others lay stacks together."""
    if selection.album is not None:
        return {"albumId": selection.album}
    asked = {"visibility": "archive" if selection.archived else "timeline", "withStacked": "true"}
    if selection.person is not None:
        asked["personId"] = selection.person
    if selection.tag is not None:
        asked["tagId"] = selection.tag
    if selection.favorite:
        asked["isFavorite"] = "true"
    elif not selection.archived:
        asked["withPartners"] = "true"  # which Immich refuses with favourites and with the archive
    return asked


def cursor_from(page: int, size: int) -> str:
    """The cursor of a page."""
    return f"{page}x{size}"


def page_from(cursor: str | None, limit: int) -> tuple[int, int]:
    """Number and size of the page that is meant; a cursor keeps the size it began with. Raises InvalidCursor."""
    if cursor is None:
        return 1, min(max(limit, 1), LARGEST_PAGE)
    if not _CURSOR.fullmatch(cursor):
        raise InvalidCursor
    page, _, size = cursor.partition("x")
    return int(page), int(size)


def page_of(items: list[Item], cursor: str | None, limit: int) -> Page[Item]:
    """A page of what Immich gives whole. Raises InvalidCursor."""
    page, size = page_from(cursor, limit)
    more = page * size < len(items)
    return Page(items[(page - 1) * size : page * size], cursor_from(page + 1, size) if more else None)
