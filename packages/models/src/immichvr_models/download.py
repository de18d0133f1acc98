"""Fetching one file: resumed where it broke off, checked, and put in place as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from immichvr_models.answers import wrong_bytes
from immichvr_models.content import NotTheFile, judge
from immichvr_models.disk import writing
from immichvr_models.partial import Partial
from immichvr_models.settings import CacheSettings
from immichvr_models.transfer import Report, Source, transfer

_BLOCK = 8_000_000


@dataclass(frozen=True)
class Download:
    """One file to fetch.

    target: where it goes, complete and checked; size, sha256: what it must be, where that is known;
    limit: bytes after which a file of unknown size is given up; refusal: what to do where the sha256 is another, for
    one that was only learned.
    """

    url: str
    target: Path
    size: int | None = None
    sha256: str | None = None
    limit: int = 50_000_000_000
    refusal: str | None = None


def fetch(download: Download, client: httpx.Client, settings: CacheSettings, report: Report) -> str:
    """Fetch a file and return its sha256.

    report: called with the bytes received and the file's size (None: unknown); what it raises stops the download,
    which a later call resumes.
    Raises DownloadError (no_network, no_space, not_writable, licence_required, bad_checksum, not_found).
    """
    with writing(download.target.parent):
        download.target.parent.mkdir(parents=True, exist_ok=True)
    partial = Partial.beside(download.target)
    resumed = partial.received > 0
    source = Source(download.url, download.size, download.limit, token_for(download.url, settings))
    transfer(source, partial, client, settings, report)
    digest = _digest(partial.path, report)
    if download.sha256 not in (None, digest) and resumed:
        partial.discard()  # the beginning was from an earlier day: once more, from nothing
        transfer(source, partial, client, settings, report)
        digest = _digest(partial.path, report)
    if download.sha256 not in (None, digest):
        partial.discard()
        expected = str(download.sha256)[:12]
        raise wrong_bytes(download.url, f"its sha256 is {digest[:12]}…, expected {expected}…", download.refusal)
    if download.sha256 is None:
        _judge(download, partial)
    with writing(download.target.parent):
        partial.place(download.target)
    return digest


def _judge(download: Download, partial: Partial) -> None:
    """Believes in a file without a checksum only if its content is plausible."""
    try:
        judge(partial.path, download.target.suffix)
    except NotTheFile as error:
        partial.discard()
        raise wrong_bytes(download.url, str(error)) from error


def token_for(url: str, settings: CacheSettings) -> str | None:
    """The hub's token for an address of the hub itself, encrypted or on this machine; None for any other."""
    there, hub = httpx.URL(url), httpx.URL(settings.endpoint)
    same = (there.scheme, there.host, there.port) == (hub.scheme, hub.host, hub.port)
    private = there.scheme == "https" or there.host in ("localhost", "127.0.0.1", "::1")
    return settings.token.get_secret_value() if settings.token and same and private else None


def _digest(path: Path, report: Callable[[int, int | None], None]) -> str:
    """The file's sha256, telling now and then that it is being read."""
    digest, size = hashlib.sha256(), path.stat().st_size
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            report(size, size)
    return digest.hexdigest()
