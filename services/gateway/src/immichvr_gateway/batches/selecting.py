"""What a batch is made of, in the order of its worth: what people will look at first is made first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from immichvr_gateway.batches.records import BatchFilter
from immichvr_gateway.library import Identity, Library, LibraryPhoto
from immichvr_gateway.library.browsing import Selection

_PAGE = 200
_DAYS = 7
_MOST_PEOPLE = 50


class Stage(StrEnum):
    """What is looked through, one after the other."""

    MEMORIES = "memories due this week"
    FAVOURITES = "favourites"
    PEOPLE = "people"
    NEWEST = "the newest first"


@dataclass(frozen=True)
class Some:
    """Some of what a batch is made of, and where it goes on; None at the end of the stage."""

    items: Sequence[LibraryPhoto]
    next_cursor: str | None


def stages_of(wanted: BatchFilter) -> list[Stage]:
    """The stages of a batch: a filter that narrows to an album, a person or a tag leaves no more to choose first."""
    if wanted.album or wanted.person or wanted.tag:
        return [Stage.FAVOURITES, Stage.NEWEST] if not wanted.favourites else [Stage.NEWEST]
    if wanted.favourites:
        return [Stage.NEWEST]
    return [*Stage]


def selection_of(wanted: BatchFilter) -> Selection:
    """The filter as libraries take it, but for the time."""
    return Selection(
        kind=wanted.media, album=wanted.album, person=wanted.person, tag=wanted.tag, favorite=wanted.favourites
    )


async def look_through(
    library: Library, who: Identity, wanted: BatchFilter, stage: Stage, cursor: str | None, today: date
) -> Some:
    """The next of a stage. Raises library errors."""
    base = selection_of(wanted)
    match stage:
        case Stage.MEMORIES:
            return await _memories(library, who, wanted, cursor, today)
        case Stage.FAVOURITES:
            page = await library.browsing.select(who, replace(base, favorite=True), cursor, _PAGE)
        case Stage.PEOPLE:
            return await _people(library, who, base, wanted, cursor)
        case Stage.NEWEST:
            page = await library.browsing.select(who, base, cursor, _PAGE)
    return Some([one for one in page.items if wanted.takes(one.taken_at)], page.next_cursor)


async def _memories(
    library: Library, who: Identity, wanted: BatchFilter, cursor: str | None, today: date
) -> Some:  # a day at a time
    day = int(cursor or 0)
    memories = await library.browsing.memories(who, today + timedelta(days=day))
    items = [one for memory in memories for one in memory.items]
    fitting = [one for one in items if one.kind == wanted.media and wanted.takes(one.taken_at)]
    return Some(fitting, str(day + 1) if day + 1 < _DAYS else None)


async def _people(
    library: Library, who: Identity, base: Selection, wanted: BatchFilter, cursor: str | None
) -> Some:  # somebody at a time, those with a name
    number, inner = json.loads(cursor) if cursor else (0, None)
    people = [one for one in (await library.browsing.people(who, None, _MOST_PEOPLE)).items if one.name]
    if number >= len(people):
        return Some([], None)
    page = await library.browsing.select(who, replace(base, person=people[number].id), inner, _PAGE)
    after = (number, page.next_cursor) if page.next_cursor is not None else (number + 1, None)
    is_last = page.next_cursor is None and number + 1 >= len(people)
    return Some([one for one in page.items if wanted.takes(one.taken_at)], None if is_last else json.dumps(after))
