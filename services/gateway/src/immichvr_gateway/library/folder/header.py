"""What a photo or video of the folder says of itself, from its header and the sidecar beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import BinaryIO

from immichvr_catalog import PHOTO
from immichvr_media import About, Clip, MediaError, SidecarHeader, read_movie_header, read_photo_header

_NOTHING = About()


@dataclass(frozen=True, slots=True)
class Header:
    """width, height: pixels, upright; None where unreadable; taken_at: in the place's own zone, None if not told.

    projection: as the file names it, None for flat pictures. about: what people and the camera say. clip: the film
    that a photo's file carries. content_id: what ties a live photo and its film. duration_s: of a video.
    """

    width: int | None = None
    height: int | None = None
    taken_at: datetime | None = None
    projection: str | None = None
    about: About = _NOTHING
    clip: Clip | None = None
    content_id: str | None = None
    duration_s: float | None = None

    def beside(self, sidecar: SidecarHeader) -> Header:
        """The same, with what a sidecar says before what the file itself says."""
        taken = _moment(sidecar.taken) or self.taken_at
        return replace(self, taken_at=taken, about=sidecar.about.over(self.about))


UNREADABLE = Header()


def read_header(file: BinaryIO, size: int, kind: str = PHOTO) -> Header:
    """What the header of an open file of `size` bytes says; UNREADABLE where it makes no sense."""
    try:
        if kind != PHOTO:
            movie = read_movie_header(file, size)
            return Header(
                movie.width, movie.height, _moment(movie.taken), movie.projection, movie.about,
                content_id=movie.content_id, duration_s=movie.duration_s,
            )  # fmt: skip
        photo = read_photo_header(file, size)
    except (MediaError, OSError):
        return UNREADABLE
    return Header(
        photo.width, photo.height, _moment(photo.taken), photo.projection, photo.about, photo.clip, photo.content_id
    )


def _moment(taken: datetime | None) -> datetime | None:
    """The moment; a photo that names no zone was taken in this machine's."""
    if taken is None or taken.tzinfo is not None:
        return taken
    try:
        moment = taken.astimezone()
        moment.astimezone(UTC)  # one that UTC cannot express is none to sort by
    except (ValueError, OverflowError, OSError):  # before or after what the system knows
        return None
    return moment
