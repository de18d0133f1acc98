"""What a folder holds at one moment, newest first, sorted by what can be asked for."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import islice

from immichvr_gateway.library.browsing import Selection
from immichvr_gateway.library.errors import InvalidCursor, PhotoNotFound, SearchUnavailable
from immichvr_gateway.library.folder.header import Header
from immichvr_gateway.library.folder.towns import Town, town_of
from immichvr_gateway.library.folder.walking import MediaFile

CURSOR_PATTERN = r"^-?[0-9]{1,18}\.[a-z0-9-]{1,64}$"
FAVORITE_STARS = 5
"""Whoever gave so many in EXIF or XMP loves the photo: a folder knows no other mark."""
_CURSOR = re.compile(CURSOR_PATTERN)
_ID_DIGITS = 24
_REMEMBERED = 8

# Sorts newest first: the negated time in microseconds, then the id.
Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A photo or video. taken_at: as it is sorted. film: the id of the one beside a live photo."""

    key: Key
    file: MediaFile
    header: Header
    taken_at: datetime | None
    film: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is a photo that moves when played."""
        return self.film is not None or self.header.clip is not None

    @property
    def town(self) -> Town | None:
        """Where it was taken, as far as that can be told without a map."""
        return town_of(self.header.about)


class Catalogue:
    """Photos and videos, newest first; films of live photos are not among them. Never changed."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self._chosen: OrderedDict[Selection, list[Entry]] = OrderedDict()

    @cached_property
    def months(self) -> Mapping[str, list[Entry]]:
        """By `2024-11`, the newest month first; what has no date is in none."""
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            if entry.taken_at is not None:
                found[month_of(entry.taken_at)].append(entry)
        return dict(sorted(found.items(), reverse=True))

    @cached_property
    def folders(self) -> Mapping[str, list[Entry]]:
        """By the id of the folder, the one with the newest photo first."""
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            found[entry.file.folder].append(entry)
        return {id_of("folder", folder): inside for folder, inside in found.items()}

    @cached_property
    def towns(self) -> Mapping[Town, Entry]:
        """By name, with the newest photo of each."""
        found: dict[Town, Entry] = {}
        for entry in self.entries:
            if (town := entry.town) is not None:
                found.setdefault(town, entry)
        return dict(sorted(found.items(), key=lambda one: (one[0].city.casefold(), one[0].country or "")))

    @cached_property
    def tags(self) -> Mapping[str, str]:
        """Their values by id, those above others too, by value."""
        values = {value for entry in self.entries for tag in entry.header.about.tags for value in lineage(tag)}
        return {id_of("tag", value): value for value in sorted(values, key=str.casefold)}

    def on_day(self, day: date) -> Iterator[tuple[int, list[Entry]]]:
        """What was taken on this day of each earlier year, the latest first."""
        for year in range(day.year - 1, 0, -1):
            inside = self.months.get(f"{year:04}-{day.month:02}")
            if inside:
                found = [one for one in inside if one.taken_at is not None and one.taken_at.day == day.day]
                if found:
                    yield year, found
            elif self.months and f"{year:04}" < min(self.months):
                return

    def chosen(self, selection: Selection) -> list[Entry]:
        """What a selection means, remembered for the next pages. Raises PhotoNotFound, SearchUnavailable."""
        known = self._chosen.get(selection)
        if known is None:
            known = self._chosen[selection] = self._choose(selection)
            while len(self._chosen) > _REMEMBERED:
                self._chosen.popitem(last=False)
        return known

    def _choose(self, selection: Selection) -> list[Entry]:
        if selection.archived:
            return []
        wanted: Iterable[Entry] = self.entries
        if selection.person is not None:
            raise PhotoNotFound(selection.person)
        if selection.album is not None:
            inside = self.folders.get(selection.album)
            if inside is None:
                raise PhotoNotFound(selection.album)
            wanted = inside
        tests = list(self._tests(selection))
        return [entry for entry in wanted if all(test(entry) for test in tests)]

    def _tests(self, selection: Selection) -> Iterator[Callable[[Entry], bool]]:
        if selection.kind is not None:
            yield lambda entry: entry.file.kind == selection.kind
        if selection.tag is not None:
            value = self.tags.get(selection.tag)
            if value is None:
                raise PhotoNotFound(selection.tag)
            yield lambda entry: any(value in lineage(tag) for tag in entry.header.about.tags)
        if selection.city is not None:
            yield lambda entry: (town := entry.town) is not None and town.city == selection.city
        if selection.country is not None:
            yield lambda entry: entry.header.about.country == selection.country
        if selection.favorite:
            yield is_favorite
        if selection.words:
            yield _wording(selection)


def page_behind(entries: list[Entry], cursor: str | None, limit: int) -> tuple[list[Entry], str | None]:
    """`limit` entries behind the cursor, and the next one. Raises InvalidCursor."""
    start = 0 if cursor is None else bisect_right(entries, key_from(cursor), key=lambda one: one.key)
    found = list(islice(entries, start, start + limit))
    more = start + limit < len(entries)
    return found, f"{found[-1].key[0]}.{found[-1].key[1]}" if more and found else None


def key_from(cursor: str) -> Key:
    """What a cursor stands for. Raises InvalidCursor."""
    if not _CURSOR.fullmatch(cursor):
        raise InvalidCursor
    taken, _, photo_id = cursor.partition(".")
    return int(taken), photo_id


def is_favorite(entry: Entry) -> bool:
    """Whether somebody gave it five stars."""
    return entry.header.about.rating == FAVORITE_STARS


def month_of(moment: datetime) -> str:
    """The month as clocks showed it there."""
    return f"{moment.year:04}-{moment.month:02}"


def id_of(kind: str, name: str) -> str:
    """An id for something that a folder knows by name only."""
    return hashlib.sha256(f"{kind}\0{name}".encode("utf-8", "surrogateescape")).hexdigest()[:_ID_DIGITS]


def lineage(tag: str) -> list[str]:
    """`trips/2024` and `trips` for `trips/2024`."""
    parts = tag.split("/")
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _wording(selection: Selection) -> Callable[[Entry], bool]:
    """Whether all the words are found, whatever their case."""
    if selection.smart:
        raise SearchUnavailable(
            "smart search is off: it finds what pictures show, which takes Immich; a folder is searched by names, "
            "folders, dates, tags, places and cameras"
        )
    if selection.field == "ocr":
        raise SearchUnavailable("what is written on pictures can be searched in Immich only")
    words = selection.words.casefold().split()
    text = _description if selection.field == "description" else _names

    def matches(entry: Entry) -> bool:
        whole = text(entry)
        return all(word in whole for word in words)

    return matches


def _description(entry: Entry) -> str:
    return entry.header.about.description.casefold()


def _names(entry: Entry) -> str:
    about, town, taken = entry.header.about, entry.town, entry.taken_at
    named = [
        entry.file.name, entry.file.folder, *about.tags, about.camera, about.lens,
        town.city if town else None, about.state, about.country,
        f"{taken:%Y-%m-%d %B}" if taken is not None and taken.year >= 1000 else None,
    ]  # fmt: skip
    return "\n".join(name for name in named if name).casefold()
