"""Fetching one file over HTTP: resumed where it broke off, checked, and put in place as a whole."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from immichvr_models.disk import require_space, writing
from immichvr_models.errors import DownloadError
from immichvr_models.ledger import file_sha256
from immichvr_models.records import read_record, write_record
from immichvr_models.settings import CacheSettings

LONGEST_PAUSE = 10.0
"""Seconds between two attempts, at most, whatever the server asks for."""


class _Interrupted(Exception):
    """The transfer broke off in a way that another attempt may mend."""

    def __init__(self, why: str, pause: float = 0.0) -> None:
        super().__init__(why)
        self.pause = pause


@dataclass(frozen=True)
class Download:
    """One file to fetch.

    target: where it goes, complete and checked; size, sha256: what it must be, where that is known;
    limit: bytes after which a file of unknown size is given up.
    """

    url: str
    target: Path
    size: int | None = None
    sha256: str | None = None
    limit: int = 50_000_000_000

    @property
    def part(self) -> Path:
        """What has arrived so far."""
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def validator(self) -> Path:
        """Which version of the file `part` belongs to."""
        return self.target.with_name(f"{self.target.name}.part.json")

    @property
    def received(self) -> int:
        """Bytes of the file that are here."""
        return self.part.stat().st_size if self.part.exists() else 0

    def discard(self) -> None:
        """Start over."""
        self.part.unlink(missing_ok=True)
        self.validator.unlink(missing_ok=True)


def fetch(
    download: Download,
    client: httpx.Client,
    settings: CacheSettings,
    report: Callable[[int, int | None], None],
) -> str:
    """Fetch a file and return its sha256.

    report: called with the bytes received and the file's size (None: unknown); what it raises stops the download,
    which a later call resumes.
    Raises DownloadError (no_network, no_space, not_writable, licence_required, bad_checksum, not_found).
    """
    with writing(download.target.parent):
        download.target.parent.mkdir(parents=True, exist_ok=True)
        resumed = download.received > 0
    _transfer(download, client, settings, report)
    digest = file_sha256(download.part)
    if download.sha256 not in (None, digest) and resumed:
        download.discard()  # the beginning was from an earlier day: once more, from nothing
        _transfer(download, client, settings, report)
        digest = file_sha256(download.part)
    if download.sha256 not in (None, digest):
        download.discard()
        raise _wrong_bytes(download, f"its sha256 is {digest[:12]}…, expected {str(download.sha256)[:12]}…")
    with writing(download.target.parent):
        download.part.replace(download.target)
        download.validator.unlink(missing_ok=True)
    return digest


def _transfer(
    download: Download,
    client: httpx.Client,
    settings: CacheSettings,
    report: Callable[[int, int | None], None],
) -> None:
    """Bring the part to its full length, in as many attempts as make progress."""
    failures, reached = 0, False
    while True:
        before = download.received
        try:
            with _opened(download, client, settings, first=not reached) as response:
                reached = True
                _receive(download, response, settings, report)
            return
        except _Interrupted as interruption:
            gained = download.received - before
            failures = 0 if gained > max(0, before // 100) else failures + 1
            if not reached or failures > settings.retries:
                raise _no_network(download.url, str(interruption)) from interruption
            backoff = settings.backoff * 2.0 ** max(0, failures - 1)
            time.sleep(min(LONGEST_PAUSE, max(backoff, interruption.pause)))


@contextmanager
def _opened(
    download: Download, client: httpx.Client, settings: CacheSettings, *, first: bool
) -> Iterator[httpx.Response]:
    """Ask for what is missing. The answer's head has arrived, or _Interrupted says why not."""
    headers = {}
    if download.received:
        headers["Range"] = f"bytes={download.received}-"
        if validator := read_record(download.validator).get("validator"):
            headers["If-Range"] = str(validator)
    request = client.build_request("GET", download.url, headers=headers)
    response = _send(client, request, settings.open_timeout if first else settings.read_timeout)
    try:
        if request.url.scheme == "https" and response.url.scheme != "https":
            raise _wrong_bytes(download, "the server sends us on to an address without encryption")
        yield response
    except httpx.HTTPError as error:
        raise _Interrupted(f"the connection broke: {error or type(error).__name__}") from error
    finally:
        response.close()


def _send(client: httpx.Client, request: httpx.Request, seconds: float) -> httpx.Response:
    """Send a request and wait no longer than this for the answer's head, name resolution included.

    Resolving a name has no timeout of its own, so it happens in a thread that may be left behind.
    """
    answer: Future[httpx.Response] = Future()

    def ask() -> None:
        try:
            answer.set_result(client.send(request, stream=True))
        except Exception as error:  # noqa: BLE001 - handed to the waiting thread, which sorts it
            answer.set_exception(error)

    threading.Thread(target=ask, name="immichvr-download", daemon=True).start()
    try:
        return answer.result(timeout=seconds)
    except TimeoutError as error:
        answer.add_done_callback(lambda late: None if late.exception() else late.result().close())
        raise _Interrupted(f"no answer within {seconds:g} s") from error
    except httpx.RequestError as error:
        raise _Interrupted(str(error) or type(error).__name__) from error


def _receive(
    download: Download,
    response: httpx.Response,
    settings: CacheSettings,
    report: Callable[[int, int | None], None],
) -> None:
    """Append the answer's body to the part."""
    start, total = _placement(download, response)
    if total is not None and download.size not in (None, total):
        download.discard()
        raise _wrong_bytes(download, f"the server has {total} bytes, expected {download.size}")
    total = total if total is not None else download.size
    if start == total:
        return
    with writing(download.target.parent):
        require_space(download.target.parent, (total or 0) - download.received, settings.keep_free)
    limit = total if total is not None else download.limit
    pace = _Pace(settings)
    with writing(download.target.parent):
        stream = download.part.open("ab" if start else "wb")
        write_record(download.validator, {"validator": _validator_of(response)})
    with stream:
        for chunk in response.iter_raw():
            start += len(chunk)
            if start > limit:
                download.discard()
                raise _wrong_bytes(download, f"it is longer than {limit} bytes")
            with writing(download.target.parent):
                stream.write(chunk)
            report(start, total)
            pace.check(len(chunk))
        with writing(download.target.parent):
            stream.flush()
            os.fsync(stream.fileno())
    if total is not None and start != total:
        raise _Interrupted(f"{start} of {total} bytes arrived")


def _placement(download: Download, response: httpx.Response) -> tuple[int, int | None]:
    """Where the body belongs in the file, and how long the file is."""
    have, status = download.received, response.status_code
    content_range = response.headers.get("content-range", "")
    if status == httpx.codes.OK:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise _wrong_bytes(download, "the server insists on compressing it")
        return 0, _number(response.headers.get("content-length", ""))
    if status == httpx.codes.PARTIAL_CONTENT:
        match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", content_range)
        if match and int(match[1]) == have:
            return have, _number(match[3])
        download.discard()
        raise _Interrupted(f"the server sent another part than was asked for ({content_range!r})")
    if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
        total = _number(content_range.removeprefix("bytes */"))
        if total is not None and total == have:
            return have, have
        download.discard()
        raise _Interrupted("what was here does not fit the server's file")
    raise _refusal(download.url, response)


def _refusal(url: str, response: httpx.Response) -> DownloadError | _Interrupted:
    status, host = response.status_code, httpx.URL(url).host
    if status in (401, 403):
        return DownloadError(
            "licence_required",
            f"{host} refuses the download (HTTP {status})",
            "accept the model's terms on its page there, or put the files into the local model directory",
        )
    if status in (404, 410):
        return DownloadError(
            "not_found",
            f"{host} has no such file (HTTP {status}): {url}",
            "check the endpoint: a mirror may lack this model or revision",
        )
    return _Interrupted(f"HTTP {status}", pause=float(_number(response.headers.get("retry-after", "")) or 0))


class _Pace:
    """Breaks off a transfer that trickles."""

    def __init__(self, settings: CacheSettings) -> None:
        self._settings = settings
        self._since = time.monotonic()
        self._bytes = 0

    def check(self, received: int) -> None:
        self._bytes += received
        elapsed = time.monotonic() - self._since
        if elapsed < self._settings.read_timeout:
            return
        if self._bytes < self._settings.min_rate * elapsed:
            raise _Interrupted(f"only {self._bytes} bytes came in {elapsed:.0f} s")
        self._since, self._bytes = time.monotonic(), 0


def _validator_of(response: httpx.Response) -> str | None:
    """What If-Range may carry (RFC 9110 section 13.1.5): a strong entity tag, else the date."""
    tag = response.headers.get("etag")
    if tag and not tag.startswith("W/"):
        return str(tag)
    date = response.headers.get("last-modified")
    return str(date) if date else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _no_network(url: str, why: str) -> DownloadError:
    return DownloadError(
        "no_network",
        f"no network ({httpx.URL(url).host}: {why})",
        "connect this machine, name a mirror in HF_ENDPOINT, or put the files into the local model directory",
    )


def _wrong_bytes(download: Download, why: str) -> DownloadError:
    return DownloadError(
        "bad_checksum",
        f"what {httpx.URL(download.url).host} sent for {download.target.name} is not the expected file: {why}",
        "a login page, a proxy or a mirror may be in between; try again elsewhere",
    )
