"""Bringing a file to its full length: over several connections where the server allows it, else over one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from immichvr_models.answers import Body, Interrupted, asked, body_of, length_of_unsatisfiable, no_network, wrong_bytes
from immichvr_models.disk import require_space, writing
from immichvr_models.errors import DownloadError
from immichvr_models.partial import Partial, Piece, Writer
from immichvr_models.settings import CacheSettings

LONGEST_PAUSE = 10.0
"""Seconds between two attempts, at most, whatever the server asks for."""
NOTE_EVERY = 2.0
"""Seconds of a transfer that a killed process may have to fetch again."""
LOOK_EVERY = 0.1
"""Seconds between two looks at how far the connections are."""
_WORTH = 1_000_000
"""Bytes that an attempt need not exceed to count as progress; else it is a hundredth of what was here before."""
_LOOK_AT_DISK_EVERY = 8_000_000
"""Bytes between two looks at how much the disk has left."""
_LEAVE = 0.2
"""Seconds that a connection which is being abandoned is waited for."""

Report = Callable[[int, int | None], None]


class Unsplittable(Exception):
    """The server does not give this file in parts, or no longer gives this version of it: it has to come as a whole."""


class _Dismissed(Exception):
    """This connection gives up, and others go on."""


@dataclass(frozen=True)
class Source:
    """Where a file comes from. size: what it must be, where known; limit: bytes at which one of unknown size is given
    up; token: for the first host only, None for none."""

    url: str
    size: int | None
    limit: int
    token: str | None = None


def transfer(source: Source, partial: Partial, client: httpx.Client, settings: CacheSettings, report: Report) -> None:
    """Fetch what `partial` lacks.

    report: called with the bytes received and the file's length (None: unknown), in this thread; what it raises stops
    the transfer, which a later call resumes. Raises DownloadError.
    """
    connections, obstacles = settings.connections, 0
    while True:
        try:
            with writing(partial.path.parent), partial.opened() as writer:
                _Run(source, partial, writer, client, settings, connections).drive(report)
            return
        except Unsplittable as obstacle:
            connections, obstacles = 1, obstacles + 1
            partial.discard()
            if obstacles > settings.retries + 1:
                raise no_network(source.url, str(obstacle)) from obstacle
        except DownloadError as error:
            # What has no known end is not worth the space that it took from everybody.
            if error.code == "bad_checksum" or (error.code == "no_space" and partial.total is None):
                partial.discard()
            raise


class _Run:
    """One go at all pieces of a file that are missing, with at most so many connections."""

    def __init__(
        self,
        source: Source,
        partial: Partial,
        writer: Writer,
        client: httpx.Client,
        settings: CacheSettings,
        connections: int,
    ) -> None:
        self._source = source
        self._partial = partial
        self._writer = writer
        self._client = client
        self._settings = settings
        self._connections = connections
        self._lock = threading.Lock()
        self._untaken = [piece for piece in partial.pieces if not piece.done]
        self._workers: list[threading.Thread] = []
        self._alone = True
        self._active = 0
        self._reached = False
        self._served = False
        self._left = threading.Event()
        self._over = threading.Event()
        self._error: BaseException | None = None

    def drive(self, report: Report) -> None:
        """Run the connections and tell how far they are, until all is here or one has failed for good."""
        began = time.monotonic()
        due = began + NOTE_EVERY
        try:
            self._hire()
            while self._error is None and any(worker.is_alive() for worker in self._workers):
                if self._left.wait(LOOK_EVERY):
                    self._left.clear()
                report(self._partial.received, self._partial.total)
                if time.monotonic() - began > self._settings.longest:
                    raise no_network(self._source.url, f"it took longer than {self._settings.longest:g} s")
                if time.monotonic() >= due:
                    self._writer.note()
                    due = time.monotonic() + NOTE_EVERY
        finally:
            self._over.set()
            for worker in self._workers:
                worker.join(_LEAVE)
        if self._error is not None:
            raise self._error
        report(self._partial.received, self._partial.total)

    def _hire(self) -> None:
        worker = threading.Thread(target=self._work, name="immichvr-part", daemon=True)
        with self._lock:
            self._active += 1
        worker.start()
        self._workers.append(worker)

    def _work(self) -> None:
        try:
            while not self._over.is_set() and (piece := self._take()) is not None:
                self._bring(piece)
        except _Dismissed:
            pass
        except BaseException as error:  # noqa: BLE001 - handed to the thread that drives
            with self._lock:
                self._error = self._error or error
        finally:
            self._left.set()

    def _take(self) -> Piece | None:
        with self._lock:
            if self._untaken:
                return self._untaken.pop(0)
            self._active -= 1
            return None

    def _bring(self, piece: Piece) -> None:
        """Bring one piece to its end, in as many attempts as make progress."""
        failures = 0
        while not piece.done and not self._over.is_set():
            before = piece.at
            try:
                seconds = self._settings.read_timeout if self._reached else self._settings.open_timeout
                with asked(self._client, self._source.url, self._headers(piece), seconds) as response:
                    self._reached = True
                    self._receive(piece, response)
            except Interrupted as interruption:
                error, pause = no_network(self._source.url, str(interruption)), interruption.pause
            except DownloadError as refusal:
                if refusal.code != "licence_required" or not self._served:
                    raise
                error, pause = refusal, 0.0  # it gives us another part of this file, so it means: not so many at once
            else:
                continue
            worth = min(_WORTH, (before - piece.start) // 100)
            failures = 0 if piece.at - before > worth else failures + 1
            if not self._reached or failures > self._settings.retries:
                self._give_up(piece, error)
            pause = max(self._settings.backoff * 2.0 ** max(0, failures - 1), pause)
            self._over.wait(min(LONGEST_PAUSE, pause))

    def _give_up(self, piece: Piece, error: DownloadError) -> None:
        """Leave the piece to another connection, if there is one: some servers allow a client only so many."""
        with self._lock:
            if self._active == 1:
                raise error
            self._active -= 1
            self._untaken.append(piece)
        raise _Dismissed

    def _headers(self, piece: Piece) -> dict[str, str]:
        headers = {}
        if self._source.token:
            headers["Authorization"] = f"Bearer {self._source.token}"
        to_the_end = piece.end == self._partial.total
        if piece.at > 0 or not to_the_end:
            headers["Range"] = f"bytes={piece.at}-" + ("" if to_the_end else str((piece.end or 0) - 1))
            if self._partial.validator:
                headers["If-Range"] = self._partial.validator
        return headers

    def _receive(self, piece: Piece, response: httpx.Response) -> None:
        """Write the answer's body into the piece."""
        body = body_of(self._source.url, response)
        if body is None:
            self._runs_short(length_of_unsatisfiable(response))
            return
        self._settle(piece, body)
        if piece.done:
            return
        missing = (self._partial.total or 0) - self._partial.received
        with writing(self._partial.path.parent):
            require_space(self._partial.path.parent, missing, self._settings.keep_free)
        pace = _Pace(self._settings.read_timeout, self._settings.min_rate / self._connections)
        unlooked = 0
        for chunk in response.iter_raw():
            unlooked += len(chunk)
            with writing(self._partial.path.parent):
                if unlooked >= _LOOK_AT_DISK_EVERY:
                    require_space(self._partial.path.parent, len(chunk), self._settings.keep_free)
                    unlooked = 0
                count = self._writer.write(piece, chunk)
            if count is None:
                return
            limit = self._source.limit if piece.end is None else piece.at
            if piece.at > limit or (count < len(chunk) and piece.end == self._partial.total):
                raise wrong_bytes(self._source.url, f"it is longer than {limit} bytes")
            if piece.done:
                return
            pace.check(len(chunk))
        if piece.end is None:
            self._partial.finish()
        else:
            raise Interrupted(f"{piece.at - piece.start} of {piece.end - piece.start} bytes arrived")

    def _settle(self, piece: Piece, body: Body) -> None:
        """Let what is expected and what the server has agree, or raise."""
        if body.total is not None and self._source.size not in (None, body.total):
            raise wrong_bytes(self._source.url, f"the server has {body.total} bytes, expected {self._source.size}")
        if (body.total or 0) > self._source.limit:
            raise wrong_bytes(self._source.url, f"the server has {body.total} bytes, of at most {self._source.limit}")
        total = body.total if body.total is not None else self._source.size
        if body.start == 0 and self._alone and len(self._partial.pieces) == 1:
            self._partial.begin(total, body.validator)
            count = min(self._connections, (total or 0) // self._settings.part_size)
            if count > 1 and body.ranges and body.validator:
                self._partial.split(count)
                self._untaken = self._partial.pieces[1:]
        elif not body.part or body.start != piece.at:
            raise Unsplittable(f"the server sent byte {body.start} instead of {piece.at}")
        elif _differ(self._partial.total, body.total) or _differ(self._partial.validator, body.validator):
            raise Unsplittable("the file has changed on the server")
        elif self._partial.total is None:
            piece.end = self._partial.total = total
        self._served = True
        if self._alone and self._untaken:
            self._alone = False
            for _ in range(min(self._connections - 1, len(self._untaken))):
                self._hire()

    def _runs_short(self, length: int | None) -> None:
        """The server says that there are no bytes where more were expected."""
        if length is None or len(self._partial.pieces) > 1 or length != self._partial.received:
            raise Unsplittable("what was here does not fit the server's file")
        self._partial.finish()


def _differ(here: object, there: object) -> bool:
    return here is not None and there is not None and here != there


class _Pace:
    """Breaks off a connection that trickles: slower than `min_rate` bytes per second over `seconds`."""

    def __init__(self, seconds: float, min_rate: float) -> None:
        self._seconds = seconds
        self._min_rate = min_rate
        self._since = time.monotonic()
        self._bytes = 0

    def check(self, received: int) -> None:
        self._bytes += received
        elapsed = time.monotonic() - self._since
        if elapsed < self._seconds:
            return
        if self._bytes < self._min_rate * elapsed:
            raise Interrupted(f"only {self._bytes} bytes came in {elapsed:.0f} s")
        self._since, self._bytes = time.monotonic(), 0
