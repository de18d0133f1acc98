"""Which models there are and what state each is in, with no worker running: a projection of `events.ai.model.*`.

It lies in the bucket `state` under `model.<key>`; accepted licences lie beside it under `licence.<key>`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from immichvr.events.v1.events_pb2 import ModelEvent
from immichvr_common.bus import KeyValueStore
from immichvr_common.errors import Unavailable
from immichvr_common.logs import get_log
from immichvr_common.supervision import spawn
from immichvr_models import Acceptance, Cache, CacheSettings, Model
from pydantic import BaseModel, ValidationError

from immichvr_gateway.jobs.records import JobRecord, State
from immichvr_gateway.models.records import ModelRecord

log = get_log(__name__)

_WRITE_PROGRESS_S = 2.0
_LOCAL_S = 1.0
_SEEN_S = 0.1
"""Many jobs that are asked for at once see the models stand alike."""

ModelState = Literal[
    "needs_licence", "downloadable", "unavailable", "downloading", "failed", "ready", "loading", "loaded"
]
HERE: frozenset[ModelState] = frozenset({"ready", "loading", "loaded"})
"""States in which the weights are there."""


class Accepted(Acceptance):
    """Somebody's yes to a licence; `who` is their id, `name` what they are called."""

    name: str = ""


@dataclass(frozen=True)
class ModelStatus:
    """A model and how it stands now.

    accepted: who said yes to its present licence. since: when its weights came to lie where workers find them.
    """

    model: Model
    record: ModelRecord
    state: ModelState
    accepted: Accepted | None
    held_by: list[str]
    since: datetime | None = None

    @property
    def ready_since(self) -> datetime | None:
        """When its weights came to lie where workers find them, at the earliest; None where they do not."""
        return self.since if self.state in HERE and not self.needs_licence else None

    @property
    def needs_licence(self) -> bool:
        """Whether somebody has to say yes to its licence first."""
        return not self.model.licence.permissive and self.accepted is None


class _Progress(BaseModel):
    """What a model's news say of it, in the words of the API."""

    key: str
    state: ModelState
    done: int
    total: int
    rate: float
    remaining_s: float | None
    error: dict[str, object] | None


class ModelCatalog:
    """The registry's models with their states. on_change: told how one
    stands that has changed, and whether it is but progress."""

    def __init__(self, cache: Cache, on_change: Callable[[dict[str, object], bool], None]) -> None:
        self._cache, self._on_change = cache, on_change
        self._records: dict[str, ModelRecord] = {}
        self._accepted: dict[str, Accepted] = {}
        self._kv: KeyValueStore | None = None
        self._unwritten: set[str] = set()
        self._written_at: dict[str, float] = {}
        # What the cache of this machine says, when that was, and who is looking.
        self._here: dict[str, str] = {}
        self._changed: dict[str, datetime] = {}
        self._looked_at = -_LOCAL_S
        self._looking: asyncio.Task[None] | None = None
        # How all of them stood at a moment, until one changes; None where one did.
        self._seen: tuple[float, dict[str, ModelStatus]] | None = None

    @property
    def settings(self) -> CacheSettings:
        """What may be downloaded without being asked for, as far as this gateway knows."""
        return self._cache.settings

    @property
    def all_written(self) -> bool:
        """Whether every record that should lie in KV does."""
        return not self._unwritten

    async def load(self, kv: KeyValueStore) -> None:
        """Reads what is known from the bucket."""
        self._kv = kv
        for key, data in (await _kept(kv, "model", [model.key for model in self._cache.registry])).items():
            try:
                self._records[key] = ModelRecord.model_validate_json(data)
            except ValidationError:
                log.warning("what was known of a model cannot be read", model=key)
        await self._read_licences(kv)

    async def on_event(self, event: ModelEvent) -> None:
        """Takes in what a worker told."""
        if event.key not in self._cache.registry:
            return
        record = self._records.setdefault(event.key, ModelRecord(key=event.key))
        is_more = record.apply(event)
        if is_more:
            # The disk of this machine may be the worker's: what was seen there is not so any more.
            self._here.pop(event.key, None)
            self._looked_at = -_LOCAL_S
        await self._write(record, at_once=is_more)
        self._tell(event.key, is_progress=not is_more)

    async def on_job(self, job: JobRecord) -> None:
        """Takes in the end of a download that its worker did not tell of: a crash, or somebody's cancelling."""
        key = job.id.removeprefix("model-download-")
        record = self._records.get(key)
        if record is not None and record.disk == "downloading" and job.state in (State.FAILED, State.CANCELLED):
            record.fail(job.error)
            await self._write(record, at_once=True)
            self._tell(key)

    async def accepted(self) -> list[str]:
        """The models whose licences have been accepted, as jobs carry them."""
        return sorted(found.model.key for found in await self.all() if found.accepted)

    async def all(self) -> list[ModelStatus]:
        """Every model, in the registry's order."""
        return list((await self.statuses()).values())

    async def statuses(self) -> Mapping[str, ModelStatus]:
        """Every model by its key, in the registry's order, as all of them stand at one moment."""
        await self._refresh()
        now = asyncio.get_running_loop().time()
        if self._seen is None or now - self._seen[0] > _SEEN_S:
            self._seen = now, {model.key: self._view(model) for model in self._cache.registry}
        return self._seen[1]

    async def find(self, key: str) -> ModelStatus:
        """One model. Raises UnknownModel."""
        model = self._cache.registry[key]
        await self._refresh()
        return self._view(model)

    async def write_missing(self) -> None:
        """Writes down what could not be written while NATS was away."""
        for key in list(self._unwritten):
            await self._write(self._records[key], at_once=True)

    async def accept(self, model: Model, who: str, name: str) -> None:
        """Writes down that somebody accepted a licence. Raises Unavailable."""
        yes = Accepted(
            key=model.key, who=who, at=datetime.now(UTC), licence=model.licence.name, url=model.licence.url, name=name
        )
        if self._kv is None:
            raise Unavailable("NATS has not answered yet", down="nats")
        await self._kv.put(f"licence.{model.key}", yes.model_dump_json().encode())
        self._accepted[model.key] = yes
        self._tell(model.key)

    def _tell(self, key: str, is_progress: bool = False) -> None:
        self._seen = None
        self._on_change(self.news(key), is_progress)

    def news(self, key: str) -> dict[str, object]:
        """What is told live about a model."""
        found = self._view(self._cache.registry[key])
        record = found.record
        progress = _Progress(
            key=key, state=found.state, done=record.done, total=record.total, rate=round(record.rate, 1),
            remaining_s=record.remaining_s, error=record.error.model_dump() if record.error else None,
        )  # fmt: skip
        return progress.model_dump(mode="json")

    def _view(self, model: Model) -> ModelStatus:
        record = self._records.get(model.key) or ModelRecord(key=model.key)
        accepted = self._accepted.get(model.key)
        if accepted is not None and not accepted.covers(model):
            accepted = None
        now = datetime.now(UTC)
        held_by = record.workers_that_hold_it(now)
        state = self._state(model, record, accepted is not None, bool(held_by), now)
        return ModelStatus(model, record, state, accepted, held_by, record.since or self._changed.get(model.key))

    def _state(self, model: Model, record: ModelRecord, accepted: bool, is_held: bool, now: datetime) -> ModelState:
        here = self._here.get(model.key)
        if is_held:
            return "loaded"
        if record.is_loading(now):
            return "loading"
        if model.built_in or record.disk == "ready" or here == "ready":
            return "ready"
        if record.is_downloading(now) or here == "downloading":
            return "downloading"
        if not (model.licence.permissive or accepted):
            return "needs_licence"
        if record.error is not None:
            return "failed"
        return "unavailable" if self._cache.settings.offline else "downloadable"

    async def _refresh(self) -> None:
        """Looks at the cache of this machine, which workers here share, and at what other gateways accepted.

        What takes long, as when large files were put there by hand and are read for the first time, is not waited for.
        """
        if self._looking is None and asyncio.get_running_loop().time() - self._looked_at >= _LOCAL_S:
            self._looking = spawn("look at models", self._look())
        if self._looking is not None:
            await asyncio.wait({self._looking}, timeout=_LOCAL_S)

    async def _look(self) -> None:
        self._looked_at = asyncio.get_running_loop().time()
        try:
            if self._kv is not None:
                await self._read_licences(self._kv)
            self._here, self._changed = await asyncio.to_thread(self._on_disk)
            self._seen = None
        except Unavailable as error:
            log.warning("accepted licences cannot be read just now", error=error.message)
        finally:
            self._looking = None

    async def _read_licences(self, kv: KeyValueStore) -> None:
        licensed = [model.key for model in self._cache.registry if not model.licence.permissive]
        for key, data in (await _kept(kv, "licence", licensed)).items():
            try:
                self._accepted[key] = Accepted.model_validate_json(data)
            except ValidationError:
                log.warning("an accepted licence cannot be read", model=key)
        for key, yes in (await asyncio.to_thread(self._cache.accepted)).items():
            known = self._accepted.get(key)
            if known is None or not known.covers(self._cache.registry[key]):
                self._accepted[key] = Accepted(**yes.model_dump(), name=yes.who)

    def _on_disk(self) -> tuple[dict[str, str], dict[str, datetime]]:
        """How far the cache of this machine has each model, and when what it has was changed."""
        states = {model.key: str(self._cache.state(model)) for model in self._cache.registry}
        changed: dict[str, datetime] = {}
        for model in self._cache.registry:
            with contextlib.suppress(OSError):
                if states[model.key] == "ready" and not model.built_in:
                    changed[model.key] = datetime.fromtimestamp(self._cache.path(model).stat().st_mtime, UTC)
        return states, changed

    async def _write(self, record: ModelRecord, at_once: bool) -> None:
        """Writes a record down; progress now and then only. If NATS is away just now, the next change does."""
        self._seen = None
        now = asyncio.get_running_loop().time()
        if not at_once and now - self._written_at.get(record.key, 0) < _WRITE_PROGRESS_S:
            return
        self._unwritten.add(record.key)
        self._written_at[record.key] = now
        if self._kv is None:
            return
        try:
            await self._kv.put(f"model.{record.key}", record.model_dump_json().encode())
        except Unavailable as error:
            log.warning("a model's state was not written", model=record.key, error=error.message)
        else:
            self._unwritten.discard(record.key)


async def _kept(kv: KeyValueStore, what: str, models: list[str]) -> dict[str, bytes]:
    """What the bucket has of models, by their keys: of most of them nothing, which need not be asked one by one."""
    there = await kv.keys(f"{what}.*")
    keys = [key for key in models if f"{what}.{key}" in there]
    found = await asyncio.gather(*(kv.get(f"{what}.{key}") for key in keys))
    return {key: kept.value for key, kept in zip(keys, found, strict=True) if kept.value is not None}
