"""Live photos: a photo and the seconds around it as a film beside it, which are one item."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from immichvr_catalog import PHOTO

from immichvr_gateway.library.folder.header import Header
from immichvr_gateway.library.folder.walking import MediaFile

# Cameras number photos and videos alike; what lasts longer is a video of its own.
_LONGEST_S = 10.0
_STILLS = frozenset({"image/heic", "image/heif", "image/jpeg"})
_FILMS = frozenset({"video/quicktime", "video/mp4"})


def films_of(files: Iterable[MediaFile], headers: Mapping[str, Header]) -> dict[str, str]:
    """Ids of photos, and of the film that belongs to each: by Apple's content identifier, else by their name.

    headers: by id, as far as they have been read.
    """
    stills: dict[tuple[str, str], MediaFile] = {}
    by_content: dict[str, MediaFile] = {}
    films = []
    for file in files:
        if file.kind != PHOTO:
            if file.media_type in _FILMS:
                films.append(file)
        elif file.media_type in _STILLS:
            stills.setdefault(_name(file), file)
            if (content := _content(file, headers)) is not None:
                by_content.setdefault(content, file)
    found: dict[str, str] = {}
    for film in films:
        content = _content(film, headers)
        still = by_content.get(content) if content is not None else None
        still = still or stills.get(_name(film))
        if still is not None and _belong_together(still, film, headers):
            found.setdefault(still.id, film.id)
    return found


def namesakes(files: Iterable[MediaFile]) -> dict[str, list[MediaFile]]:
    """By the id of a photo that a film has the name of: both, and all others of that name."""
    named: dict[tuple[str, str], list[MediaFile]] = defaultdict(list)
    for file in files:
        if file.media_type in _STILLS or file.media_type in _FILMS:
            named[_name(file)].append(file)
    groups = (group for group in named.values() if any(one.kind != PHOTO for one in group))
    return {one.id: group for group in groups for one in group if one.kind == PHOTO}


def _belong_together(still: MediaFile, film: MediaFile, headers: Mapping[str, Header]) -> bool:
    mine, other = _content(still, headers), _content(film, headers)
    if mine is not None and other is not None:
        return mine == other
    header = headers.get(film.id)
    return header is not None and header.duration_s is not None and header.duration_s <= _LONGEST_S


def _content(file: MediaFile, headers: Mapping[str, Header]) -> str | None:
    header = headers.get(file.id)
    return None if header is None else header.content_id


def _name(file: MediaFile) -> tuple[str, str]:
    return file.folder, file.name.rpartition(".")[0].casefold()
