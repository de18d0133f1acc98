"""Which photos and videos a folder holds now, newest first, kept in memory."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from immichvr_catalog import PHOTO, VIDEO
from immichvr_common.logs import get_log
from immichvr_common.sources import Source
from immichvr_media import Clip, read_sidecar
from immichvr_media.about import About

from immichvr_gateway.library.errors import LibraryUnavailable, PhotoNotFound
from immichvr_gateway.library.folder.catalogue import FAVORITE_STARS, Catalogue, Entry
from immichvr_gateway.library.folder.header import UNREADABLE, Header, read_header
from immichvr_gateway.library.folder.limits import FolderLimits
from immichvr_gateway.library.folder.opening import open_below
from immichvr_gateway.library.folder.pairing import films_of, namesakes
from immichvr_gateway.library.folder.settling import Settling
from immichvr_gateway.library.folder.towns import place_of
from immichvr_gateway.library.folder.walking import MediaFile, Sidecar, walk
from immichvr_gateway.library.photos import LibraryPhoto, Shot, version_of

# A walk that takes long (a network drive) is repeated less often: it may cost this share of the time, and waits for
# at most so many times the usual pause.
_WALKING_SHARE = 0.1
_MOST_PATIENT = 60
# So much of the time may go into arranging what is known while headers are read.
_ARRANGING_SHARE = 0.1
log = get_log(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND = timedelta(microseconds=1)

# Size and modification time of a file, and its sidecar, when its header was read.
_State = tuple[int, int, Sidecar | None]
_NEVER_READ: tuple[_State, Header] = (-1, -1, None), UNREADABLE


class FolderIndex:
    """The photos and videos of a folder. Every method blocks and may be called from any thread."""

    def __init__(self, root: Path, limits: FolderLimits, left_out: Path | None = None) -> None:
        self._root = root
        self._limits = limits
        self._left_out = left_out
        self._lock = threading.Lock()
        self._walking = threading.Lock()
        self._readers = ThreadPoolExecutor(limits.threads, thread_name_prefix="photo-headers")
        self._files: dict[str, MediaFile] = {}
        self._headers: dict[str, tuple[_State, Header]] = {}
        self._reading: dict[str, Future[None]] = {}
        self._catalogue: Catalogue | None = None
        self._films: dict[str, str] = {}
        self._namesakes: dict[str, list[MediaFile]] | None = None
        self._is_stale = False
        self._next_catalogue = 0.0
        self._next_walk = self._soonest_walk = 0.0
        self._settling = Settling(limits.settle_s)
        self._was_walked = self._owes_walk = False
        self._changed: dict[Source, bool] = {}
        self.overfull = False

    @property
    def waits(self) -> bool:
        """Whether it is worth walking again soon: files are being written, or a walk that was asked for is due."""
        return self._settling.waits or self._owes_walk

    def take_changes(self) -> dict[Source, bool]:
        """What walks found new, different (True) or gone (False) since this was asked last."""
        with self._lock:
            changed, self._changed = self._changed, {}
        return changed

    def refresh(self, *, at_once: bool = False) -> set[str] | None:
        """Walks the folder if the last walk is old enough, and reads new headers for as long as patience lasts.

        at_once: there is a reason to walk; it waits only where walking takes long.

        Returns the ids that are there now; None where no walk was due, or another thread is at it and an earlier
        walk serves meanwhile. Raises LibraryUnavailable.
        """
        self._owes_walk = self._owes_walk or at_once
        if not self._walking.acquire(blocking=not self._files):
            return None
        try:
            if time.monotonic() < (self._soonest_walk if at_once else self._next_walk):
                return None
            self._owes_walk = False
            began = time.monotonic()
            found = self._walk()
            if self._was_walked:  # what was there before anybody looked is whole, or will be seen to change
                found = self._settling.settled(found, self._files)
            took = time.monotonic() - began
            shortest = self._limits.rescan_s
            patience = min(took / _WALKING_SHARE, shortest * _MOST_PATIENT)
            self._next_walk = time.monotonic() + max(shortest, patience)
            self._soonest_walk = time.monotonic() + patience
            pending = self._take(found)
        finally:
            self._walking.release()
        wait(pending, timeout=self._limits.patience_s)
        return set(found)

    def catalogue(self) -> Catalogue:
        """What the folder holds now, as far as headers have been read."""
        with self._lock:
            # While many headers are read, the order is not made anew for each of them.
            too_soon = self._reading and time.monotonic() < self._next_catalogue
            if self._catalogue is None or (self._is_stale and not too_soon):
                began = time.monotonic()
                self._catalogue, self._is_stale = self._arranged(), False
                self._next_catalogue = time.monotonic() + (time.monotonic() - began) / _ARRANGING_SHARE
            return self._catalogue

    def still_of(self, item: Source) -> Source | None:
        """The live photo that a film belongs to, if it does."""
        self.catalogue()
        stills = (photo for photo, film in self._films.items() if film == item.id)
        return next((Source.photo(photo) for photo in stills), None) if item.kind == VIDEO else None

    def described(self, entries: Sequence[Entry]) -> list[LibraryPhoto]:
        """Entries as lists show them, headers read."""
        with self._lock:
            files = [(self._files.get(entry.file.id, entry.file), entry.film) for entry in entries]
            unread = [file for file, _ in files if self._header_of(file) is None]
        for file in unread:
            self._read(file)
        with self._lock:
            return [self._photo(file, film) for file, film in files]

    def item(self, item: Source) -> LibraryPhoto:
        """One photo or video as it is on disk now; as a video, also the film of a live photo. Raises PhotoNotFound."""
        still = self.shown(item)
        file = self.file(still)
        with self._lock:
            known = self._header_of(file) is not None
        if not known:
            self._read(file)
        film = self._film_of(item.id)
        with self._lock:
            photo = self._photo(file, film)
        return photo if still == item else self._moving(photo, item)

    def shown(self, item: Source) -> Source:
        """What is seen of a photo or video: of a live photo's film, which has the photo's id, the photo."""
        with self._lock:
            file = self._files.get(item.id)
        is_still = item.kind == VIDEO and file is not None and file.kind == PHOTO
        return Source.photo(item.id) if is_still else item

    def known(self, items: Collection[Source]) -> set[Source]:
        """Those of many that the last walk has found."""
        return {one for one in items if self._is_known(one)}

    def film(self, item: Source) -> tuple[MediaFile, Clip | None]:
        """What is played of a video, or of a live photo: a file, or a part of it. Raises PhotoNotFound."""
        still = self.shown(item)
        photo = self.item(still)
        if photo.kind != PHOTO:
            return self.file(item), None
        if not photo.live:
            raise PhotoNotFound(item.id)
        if (film := self._film_of(item.id)) is not None:
            return self.file(Source(VIDEO, film)), None
        file = self.file(still)
        with self._lock:
            return file, (self._header_of(file) or UNREADABLE).clip

    def file(self, item: Source) -> MediaFile:
        """Where a photo or video lies, with its size and version on disk now. Raises PhotoNotFound."""
        with self._lock:
            file = self._files.get(item.id)
        if file is None or file.kind != item.kind:
            raise PhotoNotFound(item.id)
        try:
            with open_below(self._root, file.place) as opened:
                facts = os.fstat(opened.fileno())
        except OSError as error:
            raise PhotoNotFound(item.id) from error
        now = replace(file, size=facts.st_size, mtime_ns=facts.st_mtime_ns)
        if now != file:
            with self._lock:
                self._files[item.id] = now
                self._changed[item] = True
                self._is_stale, self._namesakes = True, None
        return now

    def _moving(self, photo: LibraryPhoto, item: Source) -> LibraryPhoto:
        """A live photo's film as a video. Raises PhotoNotFound."""
        file, clip = self.film(item)
        with self._lock:
            header = (self._header_of(file) if clip is None else None) or UNREADABLE
        film = replace(
            photo, name=file.name, media_type=file.media_type, source_version=file.version, size=file.size, kind=VIDEO,
            width=header.width, height=header.height, duration_s=header.duration_s, live=False, shot=None,
            projection=header.projection,
        )  # fmt: skip
        if clip is None:
            return film
        name, version = f"{Path(file.name).stem}.mp4", version_of(file.version, "clip")
        return replace(film, name=name, media_type="video/mp4", source_version=version, size=clip.length)

    def _is_known(self, item: Source) -> bool:
        with self._lock:
            file = self._files.get(item.id)
            if file is None or file.kind == item.kind or item.kind != VIDEO:
                return file is not None and file.kind == item.kind
            is_read = self._header_of(file) is not None
        if not is_read:  # only there it says whether the photo carries a film
            self._read(file)
        if self._film_of(item.id) is not None:
            return True
        with self._lock:
            return (self._header_of(file) or UNREADABLE).clip is not None

    def close(self) -> None:
        """Ends the reading of headers."""
        self._readers.shutdown(wait=True, cancel_futures=True)

    def _walk(self) -> dict[str, MediaFile]:
        found: dict[str, MediaFile] = {}
        overfull = False
        try:
            for file in walk(self._root, self._limits.max_depth, self._left_out):
                overfull = len(found) >= self._limits.max_photos
                if overfull:
                    break
                found[file.id] = file
        except OSError as error:
            raise LibraryUnavailable(
                f"the folder of photos {self._root} cannot be read: {error.strerror}", down="folder"
            ) from error
        self.overfull = overfull
        return found

    def _take(self, found: dict[str, MediaFile]) -> list[Future[None]]:
        """Makes `found` what there is; returns the reading of the headers that are not known yet."""
        with self._lock:
            self._compare(found)
            self._files, self._namesakes = found, None
            self._headers = {key: known for key, known in self._headers.items() if key in found}
            self._catalogue = None
            fresh = [file for file in found.values() if self._header_of(file) is None]
            for file in fresh:
                if file.id not in self._reading:
                    self._reading[file.id] = self._readers.submit(self._read, file)
            return [self._reading[file.id] for file in fresh]

    def _compare(self, found: dict[str, MediaFile]) -> None:
        known, was_walked, self._was_walked = self._files, self._was_walked, True
        if was_walked:
            self._changed.update({_source(file): True for key, file in found.items() if known.get(key) != file})
            self._changed.update({_source(file): False for key, file in known.items() if key not in found})

    def _read(self, file: MediaFile) -> None:
        try:
            with open_below(self._root, file.place) as opened:
                header = read_header(opened, file.size, file.kind)
            if file.sidecar is not None:
                with open_below(self._root, file.sidecar.place) as opened:
                    header = header.beside(read_sidecar(opened))
        except OSError:
            header = UNREADABLE
        except Exception as error:  # one odd file must not cost the whole list
            log.error("the header of a photo cannot be read", exc_info=error)
            header = UNREADABLE
        with self._lock:
            now = self._files.get(file.id, file)
            if _state(now) == _state(file) or self._header_of(now) is None:  # else it was late, and is known anew
                self._headers[file.id] = (_state(file), header)
            self._reading.pop(file.id, None)
            self._is_stale = True

    def _header_of(self, file: MediaFile) -> Header | None:
        state, header = self._headers.get(file.id, _NEVER_READ)
        return header if state == _state(file) else None

    def _taken_at(self, file: MediaFile) -> datetime | None:
        header = self._header_of(file)
        if header is not None and header.taken_at is not None:
            return header.taken_at
        try:
            moment = _EPOCH + file.mtime_ns // 1000 * _MICROSECOND
        except OverflowError:  # a time stamp of the year 10000, which some file systems keep
            return None
        try:
            return moment.astimezone()
        except (OverflowError, ValueError, OSError):  # one that this system's zones do not reach
            return moment

    def _arranged(self) -> Catalogue:
        headers = {key: header for key, (_, header) in self._headers.items()}
        self._films = films_of(self._files.values(), headers)
        films = set(self._films.values())
        entries = [self._entry(file) for file in self._files.values() if file.id not in films]
        return Catalogue(sorted(entries, key=lambda one: one.key))

    def _entry(self, file: MediaFile) -> Entry:
        header = self._header_of(file) or UNREADABLE
        if header.taken_at is None:
            key = -(file.mtime_ns // 1000), file.id
        else:
            key = -((header.taken_at - _EPOCH) // _MICROSECOND), file.id
        return Entry(key, file, header, self._taken_at(file), self._films.get(file.id))

    def _film_of(self, photo_id: str) -> str | None:
        with self._lock:
            is_lagging = bool(self._reading)
        self.catalogue()
        film = self._films.get(photo_id)
        return self._film_beside(photo_id) if film is None and is_lagging else film

    def _film_beside(self, photo_id: str) -> str | None:
        """The film with the name of a photo, though it is not its header's turn yet."""
        with self._lock:
            if self._namesakes is None:
                self._namesakes = namesakes(self._files.values())
            group = self._namesakes.get(photo_id, [])
            unread = [file for file in group if self._header_of(file) is None]
        for file in unread:
            self._read(file)
        with self._lock:
            headers = {file.id: self._header_of(file) or UNREADABLE for file in group}
        return films_of(group, headers).get(photo_id)

    def _photo(self, file: MediaFile, film: str | None) -> LibraryPhoto:
        header = self._header_of(file) or UNREADABLE
        return LibraryPhoto(
            id=file.id,
            name=file.name,
            media_type=file.media_type,
            width=header.width,
            height=header.height,
            taken_at=self._taken_at(file),
            source_version=file.version,
            external_url=None,
            size=file.size,
            projection=header.projection,
            kind=file.kind,
            favorite=header.about.rating == FAVORITE_STARS,
            rating=header.about.rating,
            duration_s=header.duration_s,
            live=film is not None or header.clip is not None,
            place=place_of(header.about),
            shot=_shot(header.about),
            dated_by_file=header.taken_at is None,
        )


def _shot(about: About) -> Shot | None:
    return Shot(about.camera, about.lens) if about.camera or about.lens else None


def _source(file: MediaFile) -> Source:
    return Source(file.kind, file.id)


def _state(file: MediaFile) -> _State:
    return file.size, file.mtime_ns, file.sidecar
