"""The models on this machine: what state they are in, fetching them once, finding them again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import httpx
from filelock import FileLock, Timeout
from immichvr_common.proxies import ProxyTransport
from pydantic import BaseModel, ValidationError

from immichvr_models.acceptance import Acceptance, Acceptances
from immichvr_models.disk import require_space, writing
from immichvr_models.download import Download, fetch
from immichvr_models.errors import DownloadError, Offline
from immichvr_models.ledger import Ledger
from immichvr_models.model import Model, ModelFile, Registry, registry
from immichvr_models.partial import Partial
from immichvr_models.progress import Meter, Progress
from immichvr_models.records import FailureMemory, read_record, write_record
from immichvr_models.settings import CacheSettings, default_root, settings_from_env

ModelState = Literal["ready", "downloadable", "downloading", "needs_licence", "unavailable"]
HEARTBEAT = 0.5
"""Seconds between two notes of a running download, for those who wait for it."""
STALE = 30.0
"""Seconds after which a download without a note is taken for dead."""
_HEADERS = {"User-Agent": "immichvr-models", "Accept-Encoding": "identity"}


class Cache:
    """Models under one directory, which any number of processes may share.

    Layout: `<key>/<revision>/…` the files; `.pins/` checksums learned at a first download; `.accepted/` who accepted
    which licence; `.state/` locks, notes of running downloads and of recent failures. A cache is cheap to make and
    holds no open files.
    """

    def __init__(
        self,
        root: Path | None = None,
        settings: CacheSettings | None = None,
        registry: Registry = registry,
    ) -> None:
        self.root = root or default_root({})
        self.settings = settings or CacheSettings()
        self.registry = registry
        self._ledger = Ledger(self.root / ".pins", self.root / ".state" / "verified")
        self._acceptances = Acceptances(self.root / ".accepted")
        self._failures = FailureMemory(self.root / ".state" / "failures", self.settings.failure_memory)

    @classmethod
    def from_env(cls) -> Cache:
        """A cache as the environment describes it: see `settings_from_env` and `default_root`."""
        return cls(default_root(os.environ), settings_from_env(os.environ))

    def path(self, model: Model) -> Path:
        """The directory that holds, or would hold, the model's files."""
        return self._local(model) or self.root / model.key / model.revision

    def state(self, model: Model) -> ModelState:
        """What can be done with the model now. Touches no network."""
        if self._is_ready(model):
            return "ready"
        if self._running(model) is not None:
            return "downloading"
        if not self.is_licensed(model):
            return "needs_licence"
        damaged = self._local(model) is not None
        if damaged or self.settings.offline or self._failures.recall(model.key, self._host(model)):
            return "unavailable"
        return "downloadable"

    def may_run(self, key: str, accepted: Collection[str] = ()) -> bool:
        """Whether a model's weights are here, checked, and its licence asks for nothing or was said yes to.

        accepted: keys of models to whose licences somebody said yes just now.
        """
        if key not in self.registry:
            return False
        model = self.registry[key]
        return self.state(model) == "ready" and (key in accepted or self.is_licensed(model))

    def ensure(
        self,
        model: Model,
        progress: Callable[[Progress], None] | None = None,
        *,
        accepted: bool = False,
        retry: bool = False,
    ) -> Path:
        """The directory with the model's files, checked, after fetching what is missing.

        One download runs however many ask; the others wait for it and are told its progress.
        accepted: somebody said yes to this model's licence and download; retry: forget a recent failure.
        What `progress` raises stops the download; a later call resumes it. Raises DownloadError.
        """
        if self._is_ready(model):
            return self.path(model)
        if (local := self._local(model)) is not None:
            raise _damaged(local)
        self._permit(model, accepted)
        host = self._host(model)
        if retry:
            self._failures.forget(model.key, host)
        elif failure := self._failures.recall(model.key, host):
            raise failure
        report = progress or (lambda _: None)
        with self._alone_with(model, report):
            if self._is_ready(model):
                return self.path(model)
            if failure := self._failures.recall(model.key, host):
                raise failure
            try:
                self._fetch_missing(model, report)
            except DownloadError as error:
                if error.code not in ("no_space", "not_writable"):  # to look again costs nothing
                    self._failures.remember(host if error.code == "no_network" else model.key, error)
                raise
        return self.path(model)

    def accept(self, key: str, who: str) -> Acceptance:
        """Note that `who` accepts the licence of this model, as the registry has it now; a changed one asks anew.

        Raises UnknownModel, and DownloadError (not_writable, no_space).
        """
        return self._acceptances.record(self.registry[key], who)

    def accepted(self) -> dict[str, Acceptance]:
        """The licences that were accepted here and are still the present ones, by model key."""
        found = {model.key: self._acceptances.find(model) for model in self.registry}
        return {key: acceptance for key, acceptance in found.items() if acceptance is not None}

    def remove(self, model: Model) -> int:
        """Delete the model's files, of any revision, and return how many bytes that freed."""
        with self._alone_with(model, lambda _: None):
            directory = self.root / model.key
            freed = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
            shutil.rmtree(directory, ignore_errors=True)
        return freed

    def forget_pins(self, model: Model) -> bool:
        """Forget the checksums that were learned of a model's files; whether there were any.

        What the hub has next is believed, if its content is plausible. Raises DownloadError (not_writable).
        """
        with writing(self.root), self._alone_with(model, lambda _: None):
            return self._ledger.forget(model)

    def _permit(self, model: Model, accepted: bool) -> None:
        """Raise unless this model may be fetched now."""
        agreed = accepted or model.key in self.settings.accepted
        if not agreed and not self.is_licensed(model):
            raise DownloadError(
                "licence_required",
                f"the licence {model.licence.name} has to be accepted first: {model.licence.url}",
                f"read the licence and accept it, on the models page or with `immichvr models accept {model.key}`",
            )
        automatic = self.settings.auto_download and (model.size or self.settings.auto_limit + 1) <= (
            self.settings.auto_limit
        )
        if not automatic and not agreed:
            size = f"{model.size / 1e6:.0f} MB" if model.size else "of unknown size"
            raise DownloadError(
                "consent_required",
                f"the weights ({size}) are not here and are not fetched without being asked for",
                f"fetch it on the models page, or with `immichvr models download {model.key}`",
            )
        if self.settings.offline:
            raise Offline

    def is_licensed(self, model: Model) -> bool:
        """Whether the licence asks nobody, or somebody has accepted it."""
        return (
            model.licence.permissive or model.key in self.settings.accepted or self._acceptances.find(model) is not None
        )

    def _fetch_missing(self, model: Model, report: Callable[[Progress], None]) -> None:
        directory = self.root / model.key / model.revision
        note = self._note(model)
        told = _noting(note, report)
        told(Progress(model.key, model.files[0].path, 0, model.size, 0.0))
        meter = Meter(model.key, model.size, told)
        timeout = httpx.Timeout(self.settings.read_timeout, connect=self.settings.open_timeout)
        try:
            missing = self._missing(model, directory, meter)
            with httpx.Client(transport=ProxyTransport(), timeout=timeout, headers=_HEADERS) as client:
                for file in missing:
                    self._fetch(model, file, directory, client, meter)
        finally:
            note.unlink(missing_ok=True)

    def _missing(self, model: Model, directory: Path, meter: Meter) -> list[ModelFile]:
        """The files that are not here. Raises DownloadError where they would not fit."""
        missing, needed = [], 0
        for file in model.files:
            if self._ledger.holds(directory, model, file, by_hand=False):
                meter.skip((directory / file.path).stat().st_size)
            else:
                missing.append(file)
                needed += max(0, (file.size or 0) - Partial.beside(directory / file.path).received)
        with writing(self.root):
            directory.mkdir(parents=True, exist_ok=True)
            require_space(directory, needed, self.settings.keep_free)
        return missing

    def _fetch(self, model: Model, file: ModelFile, directory: Path, client: httpx.Client, meter: Meter) -> None:
        download = Download(
            url=self._address(model, file),
            target=directory / file.path,
            size=file.size,
            sha256=self._ledger.expected(model, file),
            limit=model.cap(file),
            refusal=None if file.sha256 else _learned(model, self._ledger.pins_of(model)),
        )
        digest = fetch(download, client, self.settings, _of_file(meter, file.path))
        size = download.target.stat().st_size
        with writing(directory):
            self._ledger.enter(directory, model, file, digest)
        meter.at(file.path, size, size, final=True)

    def _is_ready(self, model: Model) -> bool:
        local = self._local(model)
        directory = local or self.path(model)
        return all(self._ledger.holds(directory, model, file, by_hand=local is not None) for file in model.files)

    def _local(self, model: Model) -> Path | None:
        """The directory with the files that somebody put there by hand, if they are all there."""
        local = self.settings.local_directory
        if local is None or model.built_in:
            return None
        names = [f"{model.key}/{model.revision}", model.key] + (
            [model.repo, model.repo.split("/")[1]] if model.repo else []
        )
        for directory in (local / name for name in names):
            if all((directory / file.path).is_file() for file in model.files):
                return directory
        return None

    def _host(self, model: Model) -> str:
        first = self._address(model, model.files[0]) if model.files else self.settings.endpoint
        return f"host-{httpx.URL(first).host}"

    def _address(self, model: Model, file: ModelFile) -> str:
        if self.settings.base_url is not None:
            return f"{self.settings.base_url.rstrip('/')}/{model.key}/{model.revision}/{file.path}"
        return model.url(file, self.settings.endpoint)

    def _note(self, model: Model) -> Path:
        return self.root / ".state" / "running" / f"{model.key}.json"

    def _running(self, model: Model) -> Progress | None:
        """Progress of a download that another process is doing."""
        try:
            note = _Note.model_validate(read_record(self._note(model)))
        except ValidationError:
            return None
        return note.progress if 0.0 <= time.time() - note.at < STALE else None

    @contextmanager
    def _alone_with(self, model: Model, report: Callable[[Progress], None]) -> Iterator[None]:
        """Hold the model's lock; while another process has it, pass on what that one notes."""
        path = self.root / ".state" / "locks" / f"{model.key}.lock"
        with writing(self.root):
            path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        while True:
            with writing(self.root):
                if _acquired(lock):
                    break
            if running := self._running(model):
                report(running)
        try:
            yield
        finally:
            lock.release()


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=HEARTBEAT)
    except Timeout:
        return False
    return True


class _Note(BaseModel):
    at: float
    progress: Progress


def _noting(note: Path, report: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Report, and from time to time leave a note for other processes."""
    due = 0.0

    def both(progress: Progress) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + HEARTBEAT
            with suppress(OSError):
                write_record(note, _Note(at=time.time(), progress=progress).model_dump())
        report(progress)

    return both


def _of_file(meter: Meter, path: str) -> Callable[[int, int | None], None]:
    return lambda received, total: meter.at(path, received, total)


def _learned(model: Model, pins: Path) -> str:
    return (
        "it differs from what was fetched first; a login page, a proxy or a mirror may be in between. If this one is "
        f"right, run `immichvr models forget-pin {model.key}` (or remove {pins}) and fetch it again"
    )


def _damaged(directory: Path) -> DownloadError:
    return DownloadError(
        "bad_checksum",
        f"the files in {directory} are not the expected ones",
        "replace them, or take them away so that they are fetched",
    )
